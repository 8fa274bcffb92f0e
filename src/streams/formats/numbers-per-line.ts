import { Columns, columnNames, unnamed } from "./columns.ts";
import { looksNumeric, readNumber } from "./numbers.ts";
import type { FormatOptions, LineReader, Reading } from "./reading.ts";
import { isMoment } from "./times.ts";

/** Most heading lines that are remembered. */
const MAX_HEADINGS = 16;

/**
 * Numbers with blanks between, one reading per line: a bare number, or the output of a tool such as `vmstat 1`. Lines of words
 * before the first numbers are headings: the last one with as many words as there are numbers names the columns. A heading
 * that comes again is skipped.
 */
export class NumbersReader implements LineReader {
  readonly #options: FormatOptions;
  readonly #headings = new Set<string>();
  #columns: Columns | undefined;
  #row = 0;

  constructor(options: FormatOptions) {
    this.#options = options;
  }

  read(text: string, line: number): Reading | undefined {
    const trimmed = text.trim();
    if (trimmed === "") return this.refuse(line, "empty-line", "expected a number, got an empty line");
    if (this.#headings.has(trimmed)) return undefined;
    const cells = trimmed.split(/\s+/);
    if (this.#columns === undefined) {
      const isData = cells.some((cell) => looksNumeric(cell) || isMoment(cell));
      if (!isData && this.#headings.size < MAX_HEADINGS) {
        this.#headings.add(trimmed);
        return undefined;
      }
      if (!cells.some((cell) => !Number.isNaN(readNumber(cell)))) {
        return this.refuse(
          line,
          "bad-number",
          `expected a finite number, got ${JSON.stringify(cells[0].slice(0, 60))}`,
        );
      }
      const names = [...this.#headings]
        .reverse()
        .find((heading) => heading.split(/\s+/).length === cells.length);
      this.#columns = new Columns(
        names === undefined ? unnamed(cells.length) : columnNames(names.split(/\s+/)),
        cells,
        this.#options,
      );
    }
    return this.#columns.read(cells, line, this.#row++);
  }

  refuse(line: number, reason: string, message: string): Reading {
    return { line, row: this.#row++, reason, message };
  }
}
