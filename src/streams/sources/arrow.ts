import type * as fileSystem from "node:fs";
import { DataType, RecordBatchReader, type Schema, type Vector } from "apache-arrow";
import { EddyError, printable } from "../../models/errors.ts";
import { VALUE } from "../../models/observation.ts";
import { finiteOrMissing, fittedName } from "../checked-observation.ts";
import { MAX_TABLE_COLUMNS } from "../formats/grammar.ts";
import { leaveOutMissing } from "../formats/missing.ts";
import { checkedReading, type FormatOptions, type Reading } from "../formats/reading.ts";
import { joinNames } from "../formats/series-names.ts";
import { isTimeName, timeReader } from "../formats/times.ts";
import { ArrowFlaw, arrowCell, checkedArrowMessages, footerBytes, TAIL_BYTES } from "./arrow-check.ts";
import { openFile, readAt } from "./open-file.ts";

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
 * one record batch at a time, and checked before it is believed: whatever a batch declares has to be there. A stream that ends in
 * the middle of a batch, or has one that does not hold together, gives all batches before it, then one refusal.
 *
 * @throws EddyError `bad-file` when not even its schema can be read
 */
export async function* arrowReadings(
  fs: typeof fileSystem,
  path: string,
  options: FormatOptions,
): AsyncGenerator<Reading[]> {
  const handle = await openFile(fs, path);
  try {
    const { size } = await handle.stat();
    let position = 0;
    const at = (from: number, bytes: number): Promise<Uint8Array> => readAt(handle, from, bytes);
    const next = async (bytes: number): Promise<Uint8Array> => {
      const read = await at(position, bytes);
      position += read.byteLength;
      return read;
    };
    const end = Math.max(0, size - TAIL_BYTES);
    const footer = footerBytes(await at(end, size - end), size);
    const messages = checkedArrowMessages(next, size, await at(end - footer, footer));
    const reader = await opened(path, messages);
    const { time, series, values } = plan(reader.schema, options);
    const moment = timeReader(time ?? "time", undefined, {
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
            readings.push(readRow(i, row++, times, keys, columns, moment, options));
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

async function opened(path: string, messages: AsyncIterable<Uint8Array>) {
  try {
    const reader = await RecordBatchReader.from(messages);
    return await reader.open();
  } catch (cause) {
    if (!(cause instanceof ArrowFlaw)) throw cause;
    throw new EddyError("bad-file", path, { expected: "Arrow", received: cause.message, cause });
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
      const cell = arrowCell(vector, i, name);
      values[fittedName(name) || VALUE] = cell === null ? null : finiteOrMissing(Number(cell));
    }
    if (keys.length > 0) leaveOutMissing(values);
    const name =
      keys.length === 0
        ? options.name
        : joinNames(keys.map((key) => String(arrowCell(key, i, "series") ?? "")));
    const cell = times && arrowCell(times, i, "time");
    const time = times === undefined ? options.arrival(row) : momentOf(cell, times.type, read);
    const reading = { line, row, observation: { series: name, time, values }, timed: times !== undefined };
    return checkedReading(reading, MAX_TABLE_COLUMNS);
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
