import { EddyError } from "../../models/errors.ts";
import { crc32 } from "../checksum.ts";
import { partitionOf } from "../partition.ts";
import type { StoredSeries } from "../store.ts";

/** A row of the table `series`. */
export interface SeriesRow {
  readonly id: number;
  readonly name: string;
  readonly specification: string;
  readonly columns: string;
  readonly birth: number;
  readonly checksum: number;
}

export const INSERT_SERIES = "INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?)";
export const SELECT_SERIES = "SELECT id, name, specification, columns, birth, checksum FROM series";

const checksum = (id: number, name: string, specification: string, columns: string, birth: number): number =>
  crc32(new TextEncoder().encode(JSON.stringify([id, name, specification, columns, birth])));

/** The parameters of `INSERT_SERIES`. */
export function seriesParameters(
  stored: StoredSeries,
): [number, string, number, string, string, number, number] {
  const { id, name, specification, birth } = stored;
  const columns = JSON.stringify(stored.columns);
  const sum = checksum(id, name, specification, columns, birth);
  return [id, name, partitionOf(name), specification, columns, birth, sum];
}

/** Reads a row; throws `bad-state` when it was altered on the disk. */
export function storedSeries(row: SeriesRow): StoredSeries {
  const { id, name, specification, columns, birth } = row;
  if (row.checksum !== checksum(id, name, specification, columns, birth)) {
    throw new EddyError("bad-state", `series ${id}`, {
      expected: "its name and specification as they were written",
      received: "altered bytes",
      hint: "restore a savepoint or another copy",
    });
  }
  return { id, name, specification, columns: JSON.parse(columns), birth };
}
