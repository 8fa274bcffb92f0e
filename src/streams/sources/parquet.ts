import type * as fileSystem from "node:fs";
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { EddyError, printable } from "../../models/errors.ts";
import { finiteOrMissing } from "../checked-observation.ts";
import { columnNames, type LineRecord } from "../formats/grammar.ts";
import type { Cell } from "../formats/numbers.ts";
import type { FormatOptions, Reading } from "../formats/reading.ts";
import { LOOK_AHEAD } from "../formats/recognise.ts";
import { Roles } from "../formats/roles.ts";
import { openFile, readAt } from "./open-file.ts";

/** Readings handed out together. */
const BATCH = 4096;

/**
 * A Parquet file of observations, one row each, read one group of rows at a time. What its columns are is decided as for
 * any other table, by their names and the first rows.
 *
 * @throws EddyError `bad-file` when it is damaged
 */
export async function* parquetReadings(
  fs: typeof fileSystem,
  path: string,
  options: FormatOptions,
): AsyncGenerator<Reading[]> {
  const handle = await openFile(fs, path);
  try {
    const { size } = await handle.stat();
    const file = {
      byteLength: size,
      slice: async (start: number, end = size): Promise<ArrayBuffer> => {
        const bytes = Math.max(0, Math.min(size, end) - start);
        return (await readAt(handle, start, bytes)).buffer;
      },
    };
    const broken = (cause: unknown) =>
      new EddyError("bad-file", path, {
        expected: "a whole Parquet file",
        received: printable(cause instanceof Error ? cause.message : cause),
        cause,
      });
    let metadata: FileMetaData;
    try {
      metadata = await parquetMetadataAsync(file);
    } catch (cause) {
      throw broken(cause);
    }
    let roles: Roles | undefined;
    let names: readonly string[] = [];
    let fitted: readonly string[] = [];
    let row = 0;
    // A group of rows is packed as one, so that less of it costs as much.
    for (const group of metadata.row_groups) {
      const rows = Number(group.num_rows);
      let objects: Record<string, unknown>[];
      try {
        objects = await parquetReadObjects({
          file,
          metadata,
          compressors,
          rowStart: row,
          rowEnd: row + rows,
        });
      } catch (cause) {
        throw broken(cause);
      }
      if (row === 0) {
        names = Object.keys(objects[0] ?? {});
        fitted = columnNames(names);
      }
      for (let from = 0; from < objects.length; from += BATCH) {
        const records: LineRecord[] = objects
          .slice(from, from + BATCH)
          .map((object) => ({ names: fitted, cells: names.map((name) => plain(object[name])) }));
        roles ??= new Roles(records.slice(0, LOOK_AHEAD), options, {
          table: true,
          headed: true,
          sentences: false,
          labelled: false,
          separator: undefined,
        });
        const readings: Reading[] = [];
        for (const record of records) {
          readings.push(roles.read(record, row + 1, row));
          row++;
        }
        yield readings;
      }
    }
  } finally {
    await handle.close();
  }
}

/** A cell of Parquet as one of text. */
function plain(cell: unknown): Cell {
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? null : cell.toISOString();
  if (typeof cell === "bigint") return Number(cell);
  if (typeof cell === "number") return finiteOrMissing(cell);
  return typeof cell === "string" || typeof cell === "boolean" ? cell : null;
}
