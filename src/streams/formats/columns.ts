import { EddyError, printable } from "../../models/errors.ts";
import { type Observation, VALUE } from "../../models/observation.ts";
import { checkSeriesName, MAX_COLUMN_NAME } from "../observation-schema.ts";
import { isMissing, looksNumeric, readNumber } from "./numbers.ts";
import type { FormatOptions, Reading } from "./reading.ts";
import { isMoment, looksLikeTime, type TimeReader, timeReader } from "./times.ts";

/** Most columns of a table; a line with more is no table of readings. */
export const MAX_TABLE_COLUMNS = 4096;

/** Names for a table without a heading: `value`, or `column1`, `column2`, ... */
export const unnamed = (count: number): string[] =>
  count === 1 ? [VALUE] : Array.from({ length: count }, (_, i) => `column${i + 1}`);

/** Column names as they are used: printable, bounded, each one once (`x`, `x_2`). */
export function columnNames(cells: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return cells.map((cell, i) => {
    const name =
      cell
        .replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, "")
        .trim()
        .slice(0, MAX_COLUMN_NAME - 8) || `column${i + 1}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}_${times}`;
  });
}

/** In a table of several series an empty cell says that the series has no such column, unless the row has nothing at all. */
export function leaveOutMissing(values: Record<string, number | null>): void {
  const names = Object.keys(values);
  const missing = names.filter((name) => values[name] === null);
  if (missing.length === names.length) return;
  for (const name of missing) delete values[name];
}

/**
 * Knows what the columns of a table are: which one is the time, which one names the series, which ones are values;
 * and turns the cells of a row into an observation. Decided once, by the names and the first row.
 */
export class Columns {
  readonly names: readonly string[];
  readonly #options: FormatOptions;
  readonly #time: number;
  readonly #series: number;
  readonly #values: readonly number[];
  readonly #readTime: TimeReader;

  constructor(names: readonly string[], first: readonly string[], options: FormatOptions) {
    this.names = names;
    this.#options = options;
    if (names.length > MAX_TABLE_COLUMNS) {
      throw new EddyError("too-large", "heading", {
        expected: `at most ${MAX_TABLE_COLUMNS} columns`,
        received: String(names.length),
      });
    }
    const cell = (i: number) => first[i] ?? "";
    this.#time =
      options.time !== undefined
        ? this.#find(options.time, "--time")
        : names.findIndex((name, i) => looksLikeTime(name, cell(i)));
    if (this.#time < 0 && isMoment(cell(0)) && Number.isNaN(readNumber(cell(0)))) this.#time = 0;
    this.#series =
      options.series !== undefined ? this.#find(options.series, "--series") : names.indexOf("series");
    this.#values =
      options.values !== undefined && options.values.length > 0
        ? options.values.map((name) => this.#find(name, "--value"))
        : names
            .map((_, i) => i)
            .filter((i) => i !== this.#time && i !== this.#series && looksNumeric(cell(i)));
    if (this.#values.length === 0) {
      throw new EddyError("bad-column", "value", {
        expected: "a column of numbers",
        received: printable(names.join(",")),
      });
    }
    this.#readTime = timeReader(names[this.#time] ?? "time");
  }

  /** Names of the value columns. */
  get values(): readonly string[] {
    return this.#values.map((i) => this.names[i]);
  }

  /** Reads the cells of a row. */
  read(cells: readonly string[], line: number, row: number): Reading {
    if (cells.length !== this.names.length) {
      return {
        line,
        row,
        reason: "bad-line",
        message: `expected ${this.names.length} fields, got ${cells.length}`,
      };
    }
    try {
      const values: Record<string, number | null> = Object.create(null);
      for (const i of this.#values) {
        const cell = cells[i];
        if (isMissing(cell)) values[this.names[i]] = null;
        else {
          const value = readNumber(cell);
          if (Number.isNaN(value)) {
            throw new EddyError("bad-number", this.names[i], {
              expected: "a finite number",
              received: printable(cell),
            });
          }
          values[this.names[i]] = value;
        }
      }
      if (this.#series >= 0) leaveOutMissing(values);
      const series = this.#series < 0 ? this.#options.name : cells[this.#series].trim();
      if (this.#series >= 0) checkSeriesName(series, this.names[this.#series]);
      const observation: Observation = {
        series,
        time: this.#time < 0 ? this.#options.arrival(row) : this.#readTime(cells[this.#time]),
        values,
      };
      return { line, row, observation, timed: this.#time >= 0 };
    } catch (error) {
      if (error instanceof EddyError) return { line, row, reason: error.code, message: error.message };
      throw error;
    }
  }

  #find(name: string, flag: string): number {
    const i = this.names.indexOf(name);
    if (i >= 0) return i;
    throw new EddyError("bad-argument", flag, {
      expected: `one of the columns ${printable(this.names.join(", "), 200)}`,
      received: printable(name),
    });
  }
}
