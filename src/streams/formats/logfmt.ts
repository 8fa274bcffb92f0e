import { type Field, Fields } from "./fields.ts";
import type { FormatOptions, LineReader, Reading } from "./reading.ts";

const PAIR = /([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)/y;

/** The pairs of a logfmt line, or nothing when it is none. */
export function pairs(text: string): Map<string, Field> | undefined {
  const fields = new Map<string, Field>();
  let at = 0;
  while (at < text.length) {
    if (text[at] === " " || text[at] === "\t") {
      at++;
      continue;
    }
    PAIR.lastIndex = at;
    const match = PAIR.exec(text);
    if (match === null) return undefined;
    fields.set(match[1], match[2] !== undefined ? match[2].replace(/\\(.)/g, "$1") : match[3]);
    at = PAIR.lastIndex;
  }
  return fields.size > 0 ? fields : undefined;
}

/** `name=value` pairs with blanks between: `ts=2024-05-01T12:00:00Z host=a load=0.7 message="all well"`. */
export class LogfmtReader implements LineReader {
  readonly #fields: Fields;
  #row = 0;

  constructor(options: FormatOptions) {
    this.#fields = new Fields(options);
  }

  read(text: string, line: number): Reading {
    const fields = pairs(text);
    if (fields !== undefined) return this.#fields.read(fields, line, this.#row++);
    return text.trim() === ""
      ? this.refuse(line, "empty-line", "expected name=value pairs, got an empty line")
      : this.refuse(line, "bad-line", `expected name=value pairs, got ${JSON.stringify(text.slice(0, 60))}`);
  }

  refuse(line: number, reason: string, message: string): Reading {
    return { line, row: this.#row++, reason, message };
  }
}
