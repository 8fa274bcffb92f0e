import { isProblem } from "./grammar.ts";
import { type Line, MAX_LINE, TextBytes } from "./lines.ts";
import type { FormatOptions, Reading } from "./reading.ts";
import {
  ENOUGH_TEXT,
  LOOK_AHEAD,
  type Recognised,
  type Recognition,
  recognise,
  type TextFormat,
} from "./recognise.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor of a terminal and colours its text
const TERMINAL = /\u001b\[[0-9;?]*[A-Za-z]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, torn
const TORN = /\u001b(?:\[[0-9;?]{0,32})?$/;

/**
 * Reads the bytes of one input: keeps the first lines until it knows what they are, then turns every line into readings. The one
 * way of reading text, for pipes, files and bodies of requests. Holds the lines looked at, then one line, whatever comes.
 */
export class TextReader {
  readonly #format: TextFormat | "auto";
  readonly #options: FormatOptions;
  readonly #bytes = new TextBytes();
  /** The beginning of what moves the cursor, cut off by the end of a chunk. */
  #escape = "";
  #kept = "";
  #keptLines = 0;
  #keptReturns = 0;
  #recognised: Recognised | undefined;
  /** What the grammar remembered when it had read nothing. */
  #fresh: Uint8Array | undefined;
  #oldLineEnds: boolean | undefined;
  #row = 0;

  constructor(format: TextFormat | "auto", options: FormatOptions) {
    this.#format = format;
    this.#options = options;
  }

  /** What was found out, once it has been. */
  get recognition(): Recognition | undefined {
    return this.#recognised?.recognition;
  }

  /** What shapes later readings, of an input whose lines are counted; undefined of any other. */
  save(): Uint8Array | undefined {
    return this.#recognised?.grammar.save?.();
  }

  /** Goes on from `save`, or as if no line had been read. */
  restore(bytes: Uint8Array | undefined = this.#fresh): void {
    if (bytes !== undefined) this.#recognised?.grammar.restore?.(bytes);
  }

  /** What `save` was before the first line. */
  get fresh(): Uint8Array | undefined {
    return this.#fresh;
  }

  /** Whether a line that is read again comes to the same readings: not where it is counted by its arrival. */
  get repeatable(): boolean {
    return this.#recognised?.grammar.timed !== false;
  }

  /** The readings that these bytes complete; none while lines are being kept. */
  push(bytes: Uint8Array): Reading[] {
    return this.#take(this.#bytes.push(bytes));
  }

  /** Recognises the input by what has come, if there is data among it: nobody wants to wait longer. */
  settle(): Reading[] {
    return this.#recognised === undefined ? this.#begin(false) : [];
  }

  /** The last readings: the input has ended. */
  end(): Reading[] {
    const readings = this.#take(this.#bytes.end());
    if (this.#recognised === undefined) readings.push(...this.#begin(true));
    return this.#recognised === undefined
      ? readings
      : [...readings, ...this.#read(this.#recognised.splitter.end())];
  }

  #take(text: string): Reading[] {
    const plain = this.#withoutEscapes(text);
    if (this.#recognised !== undefined)
      return this.#read(this.#recognised.splitter.push(this.#lineEnds(plain)));
    this.#kept += plain;
    this.#keptLines += occurrences(plain, "\n");
    this.#keptReturns += occurrences(plain, "\r");
    const lines = this.#keptLines > 0 ? this.#keptLines : this.#keptReturns;
    const enough =
      lines >= LOOK_AHEAD ||
      (this.#kept.length >= ENOUGH_TEXT && (lines >= 3 || /^\s*[[{]/.test(this.#kept)));
    return enough || this.#kept.length > 2 * MAX_LINE ? this.#begin(false) : [];
  }

  #begin(ended: boolean): Reading[] {
    if (this.#kept === "" && !ended) return [];
    // Lines that end with a carriage return alone, as old programs wrote them.
    this.#oldLineEnds = !this.#kept.includes("\n") && /\r[^\r]/.test(this.#kept);
    const text = this.#lineEnds(this.#kept);
    if (text.trim() === "" && ended) return [];
    const recognised = recognise(text, ended, this.#format, this.#options);
    if (recognised === undefined) return [];
    this.#recognised = recognised;
    this.#fresh = recognised.grammar.save?.();
    this.#kept = "";
    return this.#read(recognised.splitter.push(text));
  }

  #withoutEscapes(text: string): string {
    if (this.#escape === "" && !text.includes("\u001b")) return text;
    const whole = this.#escape + text;
    this.#escape = TORN.exec(whole)?.[0] ?? "";
    return whole.slice(0, whole.length - this.#escape.length).replace(TERMINAL, "");
  }

  #lineEnds(text: string): string {
    return this.#oldLineEnds ? text.replace(/\r/g, "\n") : text;
  }

  #read(lines: readonly Line[]): Reading[] {
    const { grammar, roles, recognition } = this.#recognised as Recognised;
    const readings: Reading[] = [];
    const { logLine } = this.#options;
    if (recognition.format === "log" && logLine !== undefined) {
      for (const line of lines) logLine(line);
      return readings;
    }
    for (const { number, text, tooLong } of lines) {
      if (tooLong) {
        readings.push({
          line: number,
          row: this.#row++,
          reason: "too-long",
          message: `expected at most ${MAX_LINE} characters, got more`,
        });
        continue;
      }
      const parsed = grammar.parse(text);
      if (typeof parsed === "string") continue;
      if (isProblem(parsed)) readings.push({ line: number, row: this.#row++, ...parsed });
      else for (const record of parsed) readings.push(roles.read(record, number, this.#row++));
    }
    return readings;
  }
}

function occurrences(text: string, mark: string): number {
  let n = 0;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) n++;
  return n;
}
