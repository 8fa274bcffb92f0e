import { EddyError, printable } from "../../models/errors.ts";
import {
  checkSeriesName,
  MAX_COLUMN_NAME,
  MAX_OBSERVATION_COLUMNS,
  readTime,
} from "../observation-schema.ts";
import { isMissing, readNumber } from "./numbers.ts";
import type { FormatOptions, Reading } from "./reading.ts";
import { looksLikeTime, type TimeReader, timeReader } from "./times.ts";

/** What stands under one name of a record. Anything that is no number, text or null is not read. */
export type Field = string | number | null;

/** Reads records of named fields, such as flat JSON objects and logfmt lines; a field may be absent from some of them. */
export class Fields {
  readonly #options: FormatOptions;
  #time: string | undefined;
  #readTime: TimeReader | undefined;
  #first = true;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#time = options.time;
  }

  read(fields: ReadonlyMap<string, Field>, line: number, row: number): Reading {
    try {
      return this.#observe(fields, line, row);
    } catch (error) {
      if (error instanceof EddyError) return { line, row, reason: error.code, message: error.message };
      throw error;
    }
  }

  #observe(fields: ReadonlyMap<string, Field>, line: number, row: number): Reading {
    if (this.#first && this.#time === undefined) {
      for (const [name, field] of fields) {
        if (field === null || !looksLikeTime(name, String(field))) continue;
        this.#time = name;
        break;
      }
    }
    this.#first = false;
    const seriesName = this.#options.series ?? "series";
    const values: Record<string, number | null> = Object.create(null);
    let count = 0;
    for (const [name, field] of this.#chosen(fields)) {
      if (name === this.#time || name === seriesName) continue;
      const value = this.#value(name, field);
      if (value === undefined) continue;
      if (++count > MAX_OBSERVATION_COLUMNS) {
        throw new EddyError("too-large", "record", {
          expected: `at most ${MAX_OBSERVATION_COLUMNS} numbers`,
          received: "more",
        });
      }
      values[name] = value;
    }
    if (count === 0) {
      throw new EddyError("bad-column", this.#options.values?.join(",") ?? "value", {
        expected: "a number",
        received: printable([...fields.keys()].join(",")),
      });
    }
    const series = fields.get(seriesName);
    if (this.#options.series !== undefined && (series === undefined || series === null)) {
      throw new EddyError("bad-observation", seriesName, { expected: "a name", received: "nothing" });
    }
    const name = series === undefined || series === null ? this.#options.name : String(series);
    checkSeriesName(name, seriesName);
    return {
      line,
      row,
      observation: {
        series: name,
        time: this.#time === undefined ? this.#options.arrival(row) : this.#when(fields, this.#time),
        values,
      },
      timed: this.#time !== undefined,
    };
  }

  #chosen(fields: ReadonlyMap<string, Field>): Iterable<readonly [string, Field]> {
    const names = this.#options.values;
    if (names === undefined || names.length === 0) return fields;
    return names.filter((name) => fields.has(name)).map((name) => [name, fields.get(name) ?? null] as const);
  }

  /** The number of a field; nothing when the field is text. */
  #value(name: string, field: Field): number | null | undefined {
    const asked = this.#options.values?.includes(name) ?? false;
    if (name.length > MAX_COLUMN_NAME || /\p{Cc}/u.test(name)) return undefined;
    if (field === null) return null;
    const value = typeof field === "number" ? field : readNumber(field);
    if (Number.isFinite(value)) return value;
    if (typeof field === "string" && isMissing(field)) return null;
    if (!asked && typeof field === "string" && !/^[+-]?(?:nan|inf(?:inity)?)$/i.test(field)) return undefined;
    throw new EddyError("bad-number", name, { expected: "a finite number", received: printable(field) });
  }

  #when(fields: ReadonlyMap<string, Field>, name: string): number {
    const field = fields.get(name);
    if (field === undefined || field === null) return readTime(undefined, name);
    this.#readTime ??= timeReader(name);
    return this.#readTime(String(field));
  }
}
