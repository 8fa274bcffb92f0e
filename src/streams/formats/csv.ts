import { parse } from "csv-parse/sync";
import { Columns, columnNames, unnamed } from "./columns.ts";
import { isMissing, readNumber } from "./numbers.ts";
import type { FormatOptions, LineReader, Reading } from "./reading.ts";
import { isMoment } from "./times.ts";

/** The delimiter of a line: the one of comma, semicolon, tab, bar that occurs most outside quotes; comma if none. */
export function delimiterOf(line: string): string {
  const bare = line.replace(/"[^"]*"/g, "");
  let best = ",";
  let most = 0;
  for (const delimiter of [",", ";", "\t", "|"]) {
    const count = bare.split(delimiter).length - 1;
    if (count > most) [best, most] = [delimiter, count];
  }
  return best;
}

/**
 * Comma separated values (also semicolon, tab and bar, found by the first line), quoted as in RFC 4180 but for
 * this: a record is one line. A stray quote then costs its own line and not what follows. The first line is a heading when
 * none of its cells is a number or a moment.
 */
export class CsvReader implements LineReader {
  readonly #options: FormatOptions;
  #delimiter = "";
  #names: string[] | undefined;
  #columns: Columns | undefined;
  #row = 0;

  constructor(options: FormatOptions) {
    this.#options = options;
  }

  read(text: string, line: number): Reading | undefined {
    if (text.trim() === "") return this.refuse(line, "empty-line", "expected a record, got an empty line");
    if (this.#delimiter === "") this.#delimiter = delimiterOf(text);
    const cells = this.#cells(text);
    if (cells === undefined) return this.refuse(line, "bad-line", "expected a closing quote, got none");
    if (this.#names === undefined) {
      const heading = !cells.some((cell) => !Number.isNaN(readNumber(cell)) || isMoment(cell));
      this.#names = heading && !cells.every(isMissing) ? columnNames(cells) : unnamed(cells.length);
      if (heading) return undefined;
    }
    if (this.#columns === undefined && cells.length === this.#names.length) {
      this.#columns = new Columns(this.#names, cells, this.#options);
    }
    if (this.#columns === undefined) {
      return this.refuse(
        line,
        "bad-line",
        `expected ${this.#names.length} fields as in the heading, got ${cells.length}`,
      );
    }
    return this.#columns.read(cells, line, this.#row++);
  }

  refuse(line: number, reason: string, message: string): Reading {
    return { line, row: this.#row++, reason, message };
  }

  #cells(text: string): string[] | undefined {
    if (!text.includes('"')) return text.split(this.#delimiter);
    try {
      const records = parse(text, {
        delimiter: this.#delimiter,
        relax_column_count: true,
        relax_quotes: true,
      }) as string[][];
      return records.length === 1 ? records[0] : undefined;
    } catch {
      return undefined;
    }
  }
}
