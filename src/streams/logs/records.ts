import type { Problem } from "../formats/grammar.ts";
import { MAX_LINE } from "../formats/lines.ts";
import type { Cell } from "../formats/numbers.ts";
import { pairs } from "../formats/pairs.ts";
import { parseJson } from "../json.ts";
import { LogHeader } from "./header.ts";
import { type Level, levelOfCell } from "./levels.ts";

/** What one line of a log says, taken apart. */
export interface LogRecord {
  /** As it is written; nothing when the line tells none. */
  readonly time: string | undefined;
  readonly level: Level | undefined;
  readonly host: string;
  /** The program, logger or module. */
  readonly component: string;
  readonly message: string;
  /** What is told by name beside the message, in lines of JSON or of pairs. */
  readonly fields: ReadonlyMap<string, Cell> | undefined;
}

/** What a line is: a record, part of the one before it, nothing, or the reason why it cannot be read. */
export type LogParsed = LogRecord | "continued" | "blank" | Problem;

export const isLogRecord = (parsed: LogParsed): parsed is LogRecord =>
  typeof parsed === "object" && "message" in parsed && !("reason" in parsed);

const MESSAGE_KEYS =
  "message msg MESSAGE log event text body textPayload short_message fields.message jsonPayload.message @m @mt".split(
    " ",
  );
const TIME_KEYS =
  "time timestamp ts @timestamp __REALTIME_TIMESTAMP _SOURCE_REALTIME_TIMESTAMP t date datetime asctime eventTime @t".split(
    " ",
  );
const LEVEL_KEYS =
  "level severity lvl log.level PRIORITY levelname loglevel log_level @l syslog.severity".split(" ");
const HOST_KEYS = "hostname host _HOSTNAME host.name kubernetes.host node instance".split(" ");
const COMPONENT_KEYS =
  "logger SYSLOG_IDENTIFIER component module service service.name logger_name name app program unit container_name source".split(
    " ",
  );

/** A line that goes on with the record before it, in the traces of the usual languages. */
const GOES_ON =
  /^(?:\s+\S|at [\w$.<>/]+\(|Caused by: |\.\.\. \d+ more|Traceback \(most recent|During handling of the above|The above exception was|goroutine \d+ \[|[)\]}]+[,;]?$|(?:[\w$]+\.)+[\w$]*(?:Error|Exception|Warning|Interrupt|Exit)\b|[A-Z]\w*(?:Error|Exception): |stack backtrace:|\s*\^+\s*$|-{3,} End of inner)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what colours and moves text on a terminal
const TERMINAL = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const RUBBISH = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffd]/g;
/** Share of the characters of a line that may be none of a text. */
const MAX_RUBBISH = 0.2;
/** Characters of a line by which it is told whether it is a text. */
const TELLING = 1024;
/** Most fields of one line that are kept. */
const MAX_FIELDS = 64;

/**
 * Reads the lines of a log, whatever they are: plain text with or without a header, JSON, logfmt, web requests, lines of a container
 * runtime. Colours are taken off; lines of a trace belong to the record before them; a line of rubbish is refused. It remembers of
 * earlier lines only whether the last record had a header.
 */
export class LogLines {
  readonly #header = new LogHeader();
  /** Whether the last record had a header, and whether there has been one. */
  #headed = false;
  #begun = false;
  #indented = false;
  /** Whether a container runtime cut the last line. */
  #partial = false;

  /** What was remembered, to be saved with whatever this is part of. */
  get memory(): readonly boolean[] {
    return [this.#headed, this.#begun, this.#indented, this.#partial];
  }

  set memory([headed, begun, indented, partial]: readonly boolean[]) {
    this.#partial = partial === true;
    this.#headed = headed === true;
    this.#begun = begun === true;
    this.#indented = indented === true;
  }

  parse(line: string): LogParsed {
    let text = line;
    if (text.includes("\u001b")) text = text.replace(TERMINAL, "");
    if (text.includes("\r"))
      text = text.slice(text.replace(/\r+$/, "").lastIndexOf("\r") + 1).replace(/\r+$/, "");
    const start = firstOf(text);
    if (start < 0) return "blank";
    const first = text.charCodeAt(start);
    if (hasRubbish(text)) {
      const head = text.slice(0, TELLING);
      if ((head.match(RUBBISH)?.length ?? 0) > MAX_RUBBISH * head.length) {
        return { reason: "binary", message: "expected a line of text, got binary data" };
      }
      text = text.replace(RUBBISH, "");
    }
    if (first === 123) {
      const record = this.#json(text);
      if (record !== undefined) {
        // The line of a trace, wrapped by a container runtime.
        const inner = Math.max(0, firstOf(record.message));
        const wrapped = record.fields?.has("stream") === true && record.level === undefined;
        if (wrapped && this.#begun && GOES_ON.test(record.message)) return "continued";
        return this.#take(record, true, inner > 0);
      }
    }
    const header = this.#header;
    header.read(text);
    const rest = this.#partial;
    this.#partial = header.partial;
    if (rest) return "continued";
    if (header.time !== "" && !header.headed && this.#begun && GOES_ON.test(header.message))
      return "continued";
    if (!header.headed || header.time === "") {
      const goesOn = this.#begun && !(start > 0 && this.#indented) && GOES_ON.test(text);
      // A line without a header among lines with one, or behind one that was not indented.
      if (goesOn && (this.#headed || start > 0)) return "continued";
      const record = this.#logfmt(text);
      if (record !== undefined) return this.#take(record, true, false);
    }
    return this.#take(
      {
        time: header.time === "" ? undefined : header.time,
        level: header.level,
        host: header.host,
        component: header.component,
        message: this.#inner(header.message) ?? header.message,
        fields: undefined,
      },
      header.headed,
      start > 0,
    );
  }

  #take(record: LogRecord, headed: boolean, indented: boolean): LogRecord {
    this.#headed = headed;
    this.#begun = true;
    this.#indented = indented;
    return record;
  }

  /** The message of a JSON object or of pairs behind a plain header. */
  #inner(message: string): string | undefined {
    if (!message.startsWith("{") || !message.trimEnd().endsWith("}")) return undefined;
    return this.#json(message)?.message;
  }

  #json(text: string): LogRecord | undefined {
    let value: unknown;
    try {
      value = parseJson(text, "bad-line", "line");
    } catch {
      return undefined;
    }
    const cells = new Map<string, Cell>();
    flatten(value as object, "", cells);
    const message = take(cells, MESSAGE_KEYS);
    return this.#named(cells, message === undefined ? undefined : bytesAsText(value, message));
  }

  #logfmt(text: string): LogRecord | undefined {
    if (!/^\s*[\w.@-]+=/.test(text)) return undefined;
    const cells = pairs(text);
    return cells === undefined ? undefined : this.#named(cells, take(cells, MESSAGE_KEYS));
  }

  /** A record whose parts have names; without a message it says its other parts. */
  #named(cells: Map<string, Cell>, said: string | undefined): LogRecord {
    const time = take(cells, TIME_KEYS);
    const level = levelOfCell(take(cells, LEVEL_KEYS));
    const host = take(cells, HOST_KEYS) ?? "";
    const component = take(cells, COMPONENT_KEYS) ?? "";
    const text = said ?? [...cells].map(([name, cell]) => `${name}=${spoken(cell)}`).join(" ");
    const lines = text.trimEnd();
    // Of a text of many lines the first says what it is.
    const end = lines.indexOf("\n");
    const message = end < 0 ? lines : lines.slice(0, end);
    if (said !== undefined && (level === undefined || time === undefined)) {
      // The line of a container, as the runtime wraps it.
      const header = this.#header;
      header.read(message);
      if (header.headed) {
        return {
          time: time ?? (header.time === "" ? undefined : header.time),
          level: level ?? header.level,
          host: host || header.host,
          component: component || header.component,
          message: header.message,
          fields: cells,
        };
      }
    }
    return { time, level, host, component, message, fields: cells };
  }
}

/** A cell as one word. */
const spoken = (cell: Cell): string => String(cell).slice(0, 200).replace(/\s+/g, "_");

/** The problem of a line that is longer than any that is read. */
export const TOO_LONG: Problem = {
  reason: "too-long",
  message: `expected at most ${MAX_LINE} characters, got more`,
};

/** Where the first character is that is no blank, or -1. */
function firstOf(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== 32 && (code < 9 || code > 13)) return i;
  }
  return -1;
}

function hasRubbish(text: string): boolean {
  const end = Math.min(text.length, TELLING);
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === 0xfffd || (code < 32 && code !== 9)) return true;
  }
  return false;
}

/** The cells of a JSON value by the names that lead to them. */
function flatten(value: object, prefix: string, into: Map<string, Cell>): void {
  for (const [key, cell] of Object.entries(value)) {
    if (into.size >= MAX_FIELDS) return;
    if (key.length > 120) continue;
    if (typeof cell === "object" && cell !== null) {
      if (!Array.isArray(cell) && prefix.length < 200) flatten(cell, `${prefix}${key}.`, into);
      else if (prefix === "" && key === "MESSAGE") into.set(key, "");
    } else into.set(prefix + key, cell as Cell);
  }
}

/** journald writes a message that is no UTF-8 as an array of bytes. */
function bytesAsText(value: unknown, message: string): string {
  const { MESSAGE: bytes } = value as { MESSAGE?: unknown };
  if (!Array.isArray(bytes) || !bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256))
    return message;
  return new TextDecoder()
    .decode(Uint8Array.from(bytes as number[]))
    .replace(TERMINAL, "")
    .replace(RUBBISH, "");
}

/** Takes the first of these cells that is there out of the others. */
function take(cells: Map<string, Cell>, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const cell = cells.get(key);
    if (cell === undefined || cell === null) continue;
    cells.delete(key);
    return String(cell);
  }
  return undefined;
}
