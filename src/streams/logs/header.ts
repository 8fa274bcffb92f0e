import { type Level, levelOf, levelOfLetter, levelOfSeverity } from "./levels.ts";

const MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";
const WEEKDAY = "(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?";
const CLOCK = String.raw`\d{1,2}[:.]\d{2}[:.]\d{2}(?:[.,:]\d{1,9})?`;
const ZONE = String.raw`(?: ?(?:Z|UTC|GMT|CES?T|[ECMP][SD]T)\b| ?[+-]\d{2}:?\d{2}\b)?`;
/** What a time with a clock looks like, wherever it begins. */
const TIME = new RegExp(
  [
    String.raw`\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T_, -]|, )${CLOCK}${ZONE}`,
    String.raw`\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?:[T_, -]|, )${CLOCK}(?: ?[AP]M)?${ZONE}`,
    String.raw`\d{1,2}[-/.]\d{1,2} ${CLOCK}`,
    `${WEEKDAY}${MONTH} {1,2}\\d{1,2},?(?: \\d{4})?,? ${CLOCK}(?: ?[AP]M)?(?:${ZONE} \\d{4}\\b)?${ZONE}`,
    `${WEEKDAY}\\d{1,2}[ /-]${MONTH}[ /-]\\d{4}[ :]${CLOCK}${ZONE}`,
    String.raw`(?:19|20)\d{6}[T_ -]?\d{2}:?\d{2}:?\d{2}(?:[.,:]\d{1,9})?${ZONE}`,
    String.raw`\d{6} \d{6}(?= )`,
    CLOCK.replace("[:.]", ":").replace("[:.]", ":"),
  ].join("|"),
  "y",
);
/** Seconds or milliseconds since 1970, as one token. */
const EPOCH = /\d{10}(?:\.\d{1,9})?(?![\d.:-])|\d{13}(?!\d)/y;
/** Seconds since the machine was started, as the kernel prints them. */
const UPTIME = /^\[ *(\d{1,9}\.\d{3,6})\] /;
/** A line of Google's logging library: `I1125 16:00:01.123456 12345 file.go:12] `. */
const GLOG = /^([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d{1,6})\s+(\d+) ([^\s\]]{1,200}:\d+)\] /;
/** A request in the common or combined form of web servers. */
const ACCESS =
  /^(?:\S+ )?(\S+) \S+ (?:\S+|"[^"]*") \[([^\]]{10,40})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(.*)$/;
const PRIORITY = /^<(\d{1,3})>(?:1 )?/;
/** The source of a container's line, and the marks of the container runtime. */
const COMPOSE = /^[\w.-]{1,63}\s*\| /;
const RUNTIME = /(?:stdout|stderr) ([FP]) /y;
/** A program with its process, as syslog names it, maybe with what it ran as. */
const TAG =
  /(?![[\s])((?:[^\s:[\]]|:(?! ))[^:[\]]{0,60}?|[^\s:[\]]{1,60})(?:\[(\d+)\])?(?: \([^)\s]*\))?: ?/y;
/** A program or logger with a colon behind it. */
const NAMED = /([A-Za-z_$][\w$./@#*-]*)(?:\[(\w+)\]|\(([\w -]+)\))?\s*:(?:\s+|$)/y;
/** A logger whose name has dots, with nothing behind it. */
const DOTTED = /([A-Za-z_$][\w$-]*(?:[.][\w$-]+)+|[\w-]+(?:::[\w-]+)+)(?=\s)/y;
/** A word in a column of its own. */
const ALIGNED = /([A-Z][\w.-]{0,30})\s{2,}/y;
const TOKEN = /\S+/y;
/** Tokens before the time, and between it and the level. */
const MAX_BEFORE = 6;
const MAX_BETWEEN = 8;
/** Stands before a number that is a name, such as the status of a request; it is left out of patterns. */
export const FIXED = "\ue000";

/**
 * Reads what a line says before its message: time, level, host, program. It is told by the forms of these and by nothing learned,
 * so that every line is read for itself. The fields are those of the line last read.
 */
export class LogHeader {
  /** The time as it is written; empty when there is none. */
  time = "";
  level: Level | undefined;
  host = "";
  /** The program, logger or module. */
  component = "";
  /** The message, with what stands before it cut off. */
  message = "";
  /** Whether the line begins as lines of logs do. */
  headed = false;
  /** Whether a container runtime cut the line here: the rest of it comes next. */
  partial = false;

  read(line: string): void {
    this.time = "";
    this.level = undefined;
    this.host = "";
    this.component = "";
    this.message = line;
    this.headed = false;
    this.partial = false;
    let at = 0;
    const first = line.charCodeAt(0);
    if (first === 60) {
      const priority = PRIORITY.exec(line);
      if (priority !== null) {
        at = priority[0].length;
        this.level = levelOfSeverity(Number(priority[1]) & 7);
        // A machine without a clock writes a hyphen for the time.
        const modern = /^- (\S+) (\S+) \S+ \S+ (?:-|\[.*?\](?!\[)) ?/.exec(line.slice(at, at + 512));
        if (modern !== null) {
          this.host = modern[1];
          this.component = modern[2];
          this.#end(line, at + modern[0].length);
          return;
        }
      }
    } else if (first === 91) {
      const uptime = UPTIME.exec(line);
      if (uptime !== null) {
        this.time = uptime[1];
        this.headed = true;
        this.message = line.slice(uptime[0].length);
        return;
      }
    }
    const glog = first >= 69 && first <= 87 ? GLOG.exec(line) : null;
    if (glog !== null) {
      this.level = levelOfLetter(glog[1]);
      this.time = glog[2];
      this.component = glog[4].replace(/:\d+$/, "");
      this.#end(line, glog[0].length);
      return;
    }
    const access = line.includes('] "') ? ACCESS.exec(line) : null;
    if (access !== null) {
      this.#access(access);
      return;
    }
    const source = COMPOSE.exec(line);
    if (source !== null && source[0].indexOf("|") < source[0].length) {
      this.host = source[0].slice(0, source[0].indexOf("|")).trim();
      at = source[0].length;
    }
    const time = this.#findTime(line, at);
    if (time < 0) this.#withoutTime(line, at);
    else this.#afterTime(line, time);
  }

  /** Finds the first time with a clock near the beginning, or a lone epoch; returns where it ends, or -1. */
  #findTime(line: string, from: number): number {
    let at = from;
    let epoch = -1;
    let epochText = "";
    const limit = Math.min(line.length, from + 160);
    for (let i = 0; i <= MAX_BEFORE && at < limit; i++) {
      while (at < limit && (line.charCodeAt(at) <= 32 || line[at] === "[" || line[at] === "(")) at++;
      const code = line.charCodeAt(at);
      const digit = code >= 48 && code <= 57;
      if (digit || (code >= 65 && code <= 87)) {
        TIME.lastIndex = at;
        const time = TIME.exec(line);
        if (time !== null) {
          this.time = time[0];
          let end = at + time[0].length;
          if (line[end] === "]" || line[end] === ")") end++;
          return end;
        }
        if (digit && epoch < 0) {
          EPOCH.lastIndex = at;
          const number = EPOCH.exec(line);
          if (number !== null) {
            epochText = number[0];
            epoch = at + epochText.length;
            if (line[epoch] === "]" || line[epoch] === ")") epoch++;
          }
        }
      }
      // Words of a sentence are no header; what stands before a time are names, numbers and marks.
      TOKEN.lastIndex = at;
      const token = TOKEN.exec(line);
      if (token === null) break;
      if (/^[\p{L}'"]*\p{Ll}{2}[\p{L}'"]*[:,.]?$/u.test(token[0])) break;
      at += token[0].length;
    }
    this.time = epochText;
    return epoch;
  }

  #withoutTime(line: string, from: number): void {
    // `[INFO] message`, `INFO: message`, `INFO:root:message`
    const leading =
      /^\s*(?:\[\s*([A-Za-z]+)\s*\]:?\s+|([A-Za-z]+)(?::\s|\s*[|-]\s|\s{2,})|([A-Z]+)[:\s])/.exec(
        line.slice(from, from + 64),
      );
    const word = leading?.[1] ?? leading?.[2] ?? leading?.[3];
    const level = word === undefined ? undefined : levelOf(word);
    if (leading === null || level === undefined) {
      this.message = from === 0 ? line : line.slice(from);
      this.headed = this.level !== undefined;
      return;
    }
    this.level = level;
    const python = /^[A-Z]+:([\w.-]+):/.exec(line.slice(from, from + 200));
    if (python !== null) {
      this.component = python[1];
      this.#end(line, from + python[0].length);
      return;
    }
    this.#afterLevel(line, from + leading[0].length, leading[1] !== undefined);
  }

  #afterTime(line: string, from: number): void {
    this.headed = true;
    let at = skip(line, from);
    if (line.charCodeAt(from) === 124 || line[at - 1] === "|") {
      if (this.#bars(line, at)) return;
    }
    RUNTIME.lastIndex = at;
    const runtime = RUNTIME.exec(line);
    if (runtime !== null) {
      at = RUNTIME.lastIndex;
      this.partial = runtime[1] === "P";
      const own = new LogHeader();
      own.read(line.slice(at));
      const { time, host } = this;
      this.level = own.level;
      this.component = own.component;
      this.message = own.message;
      // What it says without a header of its own may belong to the line before.
      this.headed = own.headed;
      this.time = time;
      this.host = own.host || host;
      return;
    }
    const found = this.#findLevel(line, at);
    const early = found === undefined ? /^\[?([A-Z]{3,11})\]?:?\s/.exec(line) : null;
    const before = early === null || this.time === "" ? undefined : levelOf(early[1]);
    if (before !== undefined) {
      // `ERROR 2025-01-01 12:00:00 [main] com.shop.Cart message`
      this.level = before;
      this.#afterLevel(line, at, false);
      return;
    }
    if (found !== undefined) {
      this.level = found.level;
      this.#names(line.slice(at, found.start));
      this.#afterLevel(line, found.end, found.bracketed);
      return;
    }
    this.#program(line, at, from);
  }

  /** What is told without a level: the host and program of syslog, or a thread. */
  #program(line: string, start: number, timeEnd: number): void {
    let at = start;
    const epoch = /^\d+(?:\.\d+)?$/.test(this.time);
    // A flag of one number behind an epoch.
    const flag = epoch ? /^\d{1,6}\s+/.exec(line.slice(at, at + 8)) : null;
    if (flag !== null) at += flag[0].length;
    const syslog = /^[A-Z][a-z]{2} /.test(this.time) || (/T/.test(this.time) && line[timeEnd] === " ");
    const bracket = /^(?:\[[^\]]{1,80}\]\s*)+/.exec(line.slice(at, at + 200));
    if (bracket !== null && !syslog) {
      this.component = bracket[0].slice(1, bracket[0].indexOf("]"));
      this.#end(line, skip(line, at + bracket[0].length));
      return;
    }
    const host = syslog ? /^([\w.:@/-]{1,255})\s+/.exec(line.slice(at, at + 260)) : null;
    if (host !== null && !host[1].endsWith(":")) {
      TAG.lastIndex = at + host[0].length;
      const tag = TAG.exec(line);
      const written = /^[A-Z]/.test(this.time);
      if (tag !== null || written) {
        this.host = host[1];
        at += host[0].length;
        if (tag === null) this.#end(line, at);
        else this.#program5424(line, TAG.lastIndex, tag[1]);
        return;
      }
      // RFC 5424: host program process message-id data
      const modern = /^(\S+) (\S+) (\S+) (\S+) (?:-|\[.*?\](?!\[)) ?/.exec(line.slice(at));
      if (modern !== null && this.level !== undefined) {
        this.host = modern[1];
        this.component = modern[2];
        this.#end(line, at + modern[0].length);
        return;
      }
    }
    // A program with a colon or a hyphen behind it.
    const dash = /^([\w.]+(?: \*\d+)?) - /.exec(line.slice(at, at + 80));
    if (dash !== null) {
      this.component = dash[1];
      this.#end(line, at + dash[0].length);
      return;
    }
    NAMED.lastIndex = at;
    const named = NAMED.exec(line);
    if (named !== null && isLogger(named[1]) && NAMED.lastIndex < line.length) {
      this.component = named[1];
      this.#end(line, NAMED.lastIndex);
      return;
    }
    this.#end(line, at);
  }

  #program5424(line: string, at: number, program: string): void {
    this.component = program;
    this.#end(line, at);
  }

  /** Finds a level among the names and numbers behind the time. */
  #findLevel(
    line: string,
    from: number,
  ): { level: Level; start: number; end: number; bracketed: boolean } | undefined {
    let at = from;
    let words = 0;
    for (let i = 0; i < MAX_BETWEEN; i++) {
      at = skip(line, at);
      if (at >= line.length) return undefined;
      const start = at;
      if (line[at] === "[") {
        const close = closing(line, at);
        if (close < 0) return undefined;
        const inside = line.slice(at + 1, close).trim();
        const level = levelOf(inside.replace(/^\w+:/, "")) ?? levelOf(inside.split(/\s/)[0] ?? "");
        if (level !== undefined) return { level, start, end: close + 1, bracketed: true };
        at = close + 1;
        continue;
      }
      TOKEN.lastIndex = at;
      const token = TOKEN.exec(line)?.[0] ?? "";
      const end = at + token.length;
      const bare = token.replace(/[:,|)>]+$/, "").replace(/^[(<|]+/, "");
      const upper = bare === bare.toUpperCase();
      const level = bare.length === 1 ? levelOfLetter(bare) : levelOf(bare);
      if (level !== undefined) {
        const marked =
          bare.length < token.length || /^\s{2,}|^\s+[-|:[]|^\s*$/.test(line.slice(end, end + 3));
        const numbered = bare.length > 1 || (i > 0 && i <= 3);
        const quiet = i === 0 || words === 0 || marked;
        if (numbered && quiet && (upper || marked)) {
          return { level, start, end: start + token.search(/\w/) + bare.length, bracketed: false };
        }
      }
      // The message has begun when a plain word or one with a colon comes that is no level.
      if (token.endsWith(":") && !/^[\d#]+:$/.test(token)) return undefined;
      if (!/[\d._/@$|-]/.test(token) && !upper) {
        const dashed = /^\s+[-|]\s/.test(line.slice(end, end + 4));
        if (!dashed && ++words > 1) return undefined;
      }
      at = end;
    }
    return undefined;
  }

  /** A host or program among what stands between the time and the level. */
  #names(between: string): void {
    // What stands in brackets is a thread.
    for (const token of between.replace(/\[.*\]/, " ").split(/[\s|]+/)) {
      if (!/^[A-Za-z]/.test(token) || token.length > 120) continue;
      if (this.component === "" && /\./.test(token)) this.component = token;
      else if (this.host === "" && /\d|-/.test(token) && !/^[a-z]+-\d+$/.test(token)) this.host = token;
      else if (this.component === "" && token.length > 2) this.component = token;
    }
  }

  #afterLevel(line: string, from: number, bracketed: boolean): void {
    let at = skip(line, from);
    const aligned = line.slice(from, at);
    // Process numbers of Spring and nginx: `123 ---`, `1234#0:`, and MySQL's brackets.
    const process = /^(?:\d+ ---\s*|\d+#\d+:\s*|\(\d+\):?\s+|\d+\s+(?=\[))/.exec(line.slice(at, at + 24));
    if (process !== null) at += process[0].length;
    for (let i = 0; i < 4 && line[at] === "["; i++) {
      const close = closing(line, at);
      if (close < 0) break;
      const inside = line.slice(at + 1, close);
      if (bracketed && !/^(?:pid |tid |MY-|\d+$|[A-Z]\w+$)/.test(inside)) break;
      if (close + 1 < line.length && !/[\s:\]-]/.test(line[close + 1])) break;
      // An empty or spoken text in brackets is the message's own.
      if (line.slice(close + 1).trim() === "") break;
      if (this.component === "" && /^[A-Za-z]/.test(inside)) this.component = inside.slice(0, 120);
      at = skip(line, close + 1);
    }
    const dotted = execAt(DOTTED, line, at);
    if (dotted !== null) {
      const end = at + dotted[1].length;
      const after = line.slice(end, end + 4);
      if (/^\s+[-:|[]|^\s{2,}/.test(after) || (dotted[1].match(/\.|::/g)?.length ?? 0) >= 2) {
        this.component = dotted[1];
        at = skip(line, end);
        while (line[at] === "[" && closing(line, at) > 0 && !bracketed) {
          const close = closing(line, at);
          const inside = line.slice(at + 1, close);
          if (!/^(?:req-|[\w-]*thread|main|-|\s)/.test(inside)) break;
          at = skip(line, close + 1);
        }
        this.#end(line, at);
        return;
      }
    }
    const named = execAt(NAMED, line, at);
    if (
      named !== null &&
      (isLogger(named[1]) || /^\s[A-Z]$/.test(line.slice(from - 2, from))) &&
      NAMED.lastIndex < line.length
    ) {
      this.component = named[1];
      this.#end(line, NAMED.lastIndex);
      return;
    }
    if (/\s{2,}/.test(aligned)) {
      const column = execAt(ALIGNED, line, at);
      if (column !== null) {
        this.component = column[1];
        at += column[0].length;
      }
    }
    this.#end(line, at);
  }

  /** A line whose parts are parted by bars; the last one is the message. */
  #bars(line: string, from: number): boolean {
    const parts = line.slice(from).split("|");
    if (parts.length < 2) return false;
    const fields = parts
      .slice(0, -1)
      .filter((part) => part.length <= 120 && !/\s\S+\s\S+\s/.test(part.trim()));
    if (fields.length < parts.length - 1) return false;
    for (const field of fields) {
      const text = field.trim();
      const level = levelOf(text);
      if (level !== undefined) this.level = level;
      else if (this.component === "" && /^[A-Za-z]/.test(text)) this.component = text;
    }
    this.message = parts[parts.length - 1].trim();
    return true;
  }

  #access([, host, time, request, status, bytes]: RegExpExecArray): void {
    this.headed = true;
    this.time = time;
    this.host = "";
    this.component = host;
    const code = Number(status);
    this.level = code >= 500 ? "error" : code >= 400 ? "warning" : "info";
    this.message = `"${request}" ${FIXED}${status} ${bytes}`;
  }

  #end(line: string, at: number): void {
    this.headed = true;
    this.message = line.slice(at);
  }
}

/** Whether a name before a colon is that of a logger rather than the first word of a message. */
const isLogger = (name: string): boolean =>
  /[A-Z].*[a-z]|[a-z].*[A-Z]|[._$/@]|\d/.test(name) &&
  !/^(?:Error|Exception|Warning|Failed|Note)$/.test(name);

function execAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Where the first character is that is no blank and no mark between fields. */
function skip(line: string, from: number): number {
  let at = from;
  for (;;) {
    const code = line.charCodeAt(at);
    // Blanks, bars, commas, colons; hyphens only with blanks about them.
    if (code <= 32 || code === 124 || code === 44 || code === 58) at++;
    else if (code === 45 && (at === from || line.charCodeAt(at - 1) <= 32 || line[at - 1] === "-")) {
      let end = at;
      while (line.charCodeAt(end) === 45) end++;
      if (!(line.charCodeAt(end) <= 32)) return at;
      at = end;
    } else return at;
  }
}

/** Where the bracket closes that opens at `from`; brackets inside it count. */
function closing(line: string, from: number): number {
  let depth = 0;
  const end = Math.min(line.length, from + 400);
  for (let i = from; i < end; i++) {
    const code = line.charCodeAt(i);
    if (code === 91) depth++;
    else if (code === 93 && --depth === 0) return i;
  }
  return -1;
}

const header = new LogHeader();
/** The message of a line. */
export function messageOf(line: string): string {
  header.read(line);
  return header.message;
}
