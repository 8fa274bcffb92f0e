import { type Line, MAX_LINE, type Splitter, TextLines } from "./lines.ts";

/** Lines that one record may go over. */
const MAX_LINES = 64;

/**
 * Cuts a table into records: a cell that begins with a quote goes on over the ends of lines until its quote is closed (RFC 4180). A
 * stray quote costs its own line and not what follows: when the next line is a row by itself, or no end comes soon, the lines
 * are what they are.
 */
export class QuotedLines implements Splitter {
  readonly #lines = new TextLines();
  readonly #separator: string;
  readonly #isRow: (text: string) => boolean;
  #open: Line[] = [];
  #text = "";

  /** `isRow`: whether a line is surely a row of the table. */
  constructor(separator: string, isRow: (text: string) => boolean) {
    this.#separator = separator;
    this.#isRow = isRow;
  }

  push(text: string): Line[] {
    return this.join(this.#lines.push(text));
  }

  end(): Line[] {
    const found = this.join(this.#lines.end());
    for (;;) {
      const [first, ...rest] = this.#open;
      if (first === undefined) break;
      this.#open = [];
      found.push(first, ...this.join(rest));
    }
    return found;
  }

  /** The records of these lines, as far as they are whole. */
  join(lines: readonly Line[]): Line[] {
    const found: Line[] = [];
    const queue = [...lines].reverse();
    for (let line = queue.pop(); line !== undefined; line = queue.pop()) {
      const [first] = this.#open;
      if (first === undefined) {
        if (!line.tooLong && line.text.includes('"') && isOpen(line.text, this.#separator)) {
          this.#open = [line];
          this.#text = line.text;
        } else found.push(line);
        continue;
      }
      const stray =
        line.tooLong ||
        this.#open.length >= MAX_LINES ||
        this.#text.length + line.text.length > MAX_LINE ||
        this.#isRow(line.text);
      if (stray) {
        // The first line as it is; those after it are looked at again by themselves.
        const rest = this.#open.slice(1);
        this.#open = [];
        found.push(first);
        queue.push(line, ...rest.reverse());
        continue;
      }
      this.#open.push(line);
      this.#text += `\n${line.text}`;
      if (isOpen(this.#text, this.#separator)) continue;
      found.push({ number: first.number, text: this.#text, tooLong: false });
      this.#open = [];
    }
    return found;
  }
}

/** Whether a text ends within a cell that began with a quote. */
function isOpen(text: string, separator: string): boolean {
  let from = 0;
  for (;;) {
    if (text[from] === '"') {
      let close = text.indexOf('"', from + 1);
      while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
      if (close < 0) return true;
      from = close + 1;
    }
    const next = text.indexOf(separator, from);
    if (next < 0) return false;
    from = next + separator.length;
  }
}
