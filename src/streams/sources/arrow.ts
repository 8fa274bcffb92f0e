import type * as fileSystem from "node:fs";
import { DataType, RecordBatchReader, type Schema, type Vector } from "apache-arrow";
import { EddyError, printable } from "../../models/errors.ts";
import { leaveOutMissing } from "../formats/missing.ts";
import type { FormatOptions, Reading } from "../formats/reading.ts";
import { joinNames } from "../formats/series-names.ts";
import { isTimeName, timeReader } from "../formats/times.ts";
import { checkSeriesName } from "../observation-schema.ts";
import "./arrow-codecs.ts";

/** Readings per batch handed out. */
const BATCH = 4096;

/** What the columns of an Arrow schema are. */
interface Plan {
  readonly time: string | undefined;
  readonly series: readonly string[];
  readonly values: readonly string[];
}

const isNumeric = (type: DataType): boolean =>
  DataType.isInt(type) || DataType.isFloat(type) || DataType.isDecimal(type);
const isText = (type: DataType): boolean =>
  DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isDictionary(type);

function plan(schema: Schema, options: FormatOptions): Plan {
  const names = schema.fields.map(({ name }) => name);
  const find = (name: string, flag: string): string => {
    if (names.includes(name)) return name;
    throw new EddyError("bad-argument", flag, {
      expected: `one of the columns ${printable(names.join(", "), 200)}`,
      received: printable(name),
    });
  };
  const moment = schema.fields.find(({ type }) => DataType.isTimestamp(type) || DataType.isDate(type));
  const time =
    options.time === undefined
      ? (moment?.name ?? names.find((name) => isTimeName(name)))
      : find(options.time, "--time");
  const named = schema.fields.find(({ name, type }) => name === "series" && isText(type));
  const series =
    options.series === undefined
      ? named === undefined
        ? []
        : [named.name]
      : [options.series].flat().map((name) => find(name, "--series"));
  const values =
    options.values !== undefined && options.values.length > 0
      ? options.values.map((name) => find(name, "--value"))
      : schema.fields
          .filter(({ name, type }) => name !== time && !series.includes(name) && isNumeric(type))
          .map(({ name }) => name);
  if (values.length > 0) return { time, series, values };
  throw new EddyError("bad-column", "value", {
    expected: "a column of numbers",
    received: printable(names.join(",")),
  });
}

/**
 * An Arrow file or stream of observations: one row each, a column of times, if any a column `series`, columns of numbers. Read
 * one record batch at a time. A stream that ends in the middle of a batch gives all batches before it, then one refusal.
 */
export async function* arrowReadings(
  fs: typeof fileSystem,
  path: string,
  options: FormatOptions,
): AsyncGenerator<Reading[]> {
  const handle = await fs.promises.open(path);
  try {
    const reader = await RecordBatchReader.from(handle);
    await reader.open();
    const { time, series, values } = plan(reader.schema, options);
    const read = timeReader(time ?? "time", undefined, {
      ...(options.timeFormat === undefined ? {} : { format: options.timeFormat }),
      ...(options.timeZone === undefined ? {} : { zone: options.timeZone }),
      now: options.arrival(0),
    });
    let row = 0;
    const columnOf = (vector: Vector | null) => vector as Vector;
    try {
      for await (const batch of reader) {
        const times = time === undefined ? undefined : columnOf(batch.getChild(time));
        const keys = series.map((name) => columnOf(batch.getChild(name)));
        const columns = values.map((name) => [name, columnOf(batch.getChild(name))] as const);
        for (let from = 0; from < batch.numRows; from += BATCH) {
          const to = Math.min(batch.numRows, from + BATCH);
          const readings: Reading[] = [];
          for (let i = from; i < to; i++)
            readings.push(readRow(i, row++, times, keys, columns, read, options));
          yield readings;
        }
      }
    } catch (error) {
      if (error instanceof EddyError) throw error;
      yield [
        {
          line: row + 1,
          row,
          reason: "torn-file",
          message: `expected a whole record batch, got ${printable((error as Error).message)}`,
        },
      ];
    }
  } finally {
    await handle.close();
  }
}

function readRow(
  i: number,
  row: number,
  times: Vector | undefined,
  keys: readonly Vector[],
  columns: readonly (readonly [string, Vector])[],
  read: (cell: string) => number,
  options: FormatOptions,
): Reading {
  const line = row + 1;
  try {
    const values: Record<string, number | null> = Object.create(null);
    for (const [name, vector] of columns) {
      const cell = vector.get(i);
      const value = cell === null ? null : Number(cell);
      if (value !== null && !Number.isFinite(value)) {
        throw new EddyError("bad-number", name, { expected: "a finite number", received: String(value) });
      }
      values[name] = value;
    }
    if (keys.length > 0) leaveOutMissing(values);
    const name = keys.length === 0 ? options.name : joinNames(keys.map((key) => String(key.get(i) ?? "")));
    checkSeriesName(name);
    const cell = times?.get(i);
    const time = times === undefined ? options.arrival(row) : momentOf(cell, times.type, read);
    return { line, row, observation: { series: name, time, values }, timed: times !== undefined };
  } catch (error) {
    if (error instanceof EddyError) return { line, row, reason: error.code, message: error.message };
    throw error;
  }
}

/** Arrow hands timestamps and dates out in milliseconds; a column of text or numbers is read like a cell of CSV. */
function momentOf(cell: unknown, type: DataType, read: (cell: string) => number): number {
  if (cell === null || cell === undefined) return read("");
  return DataType.isTimestamp(type) || DataType.isDate(type) ? Number(cell) : read(String(cell));
}
