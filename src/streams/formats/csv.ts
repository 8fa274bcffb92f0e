import { parse } from "csv-parse/sync";
import { EddyError } from "../../models/errors.ts";
import { Columns, columnNames, MAX_TABLE_COLUMNS, unnamed } from "./columns.ts";
import { isMissing, readNumber } from "./numbers.ts";
import type { FormatOptions, LineReader, Reading } from "./reading.ts";
import { isMoment } from "./times.ts";

/** Characters of a line that its delimiter is looked for in. */
const DELIMITER_LOOK = 64 * 1024;

/** The delimiter of a line: the one of comma, semicolon, tab, bar that occurs most outside quotes; comma if none. */
export function delimiterOf(line: string): string {
  const bare = line.slice(0, DELIMITER_LOOK).replace(/"[^"]*"/g, "");
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
    if (cells.length > MAX_TABLE_COLUMNS) {
      if (this.#names !== undefined)
        return this.refuse(
          line,
          "too-large",
          `expected ${this.#names.length} fields, got more than ${MAX_TABLE_COLUMNS}`,
        );
      throw new EddyError("too-large", "heading", {
        expected: `at most ${MAX_TABLE_COLUMNS} columns`,
        received: "more",
      });
    }
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

  /** The cells, or one more than a table may have; undefined when a quote is not closed. */
  #cells(text: string): string[] | undefined {
    const cells = text.split(this.#delimiter, MAX_TABLE_COLUMNS + 1);
    if (!text.includes('"') || cells.length > MAX_TABLE_COLUMNS) return cells;
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
