import type * as fileSystem from "node:fs";
import { parse } from "node:path";
import type { FormatOptions, Reading } from "../formats/reading.ts";
import type { Recognition, TextFormat } from "../formats/recognise.ts";
import { arrowReadings } from "./arrow.ts";
import { openFile } from "./open-file.ts";
import { parquetReadings } from "./parquet.ts";
import { readings } from "./readings.ts";

/** Bytes of text read ahead. */
const READ_AHEAD = 2 ** 18;

/** What an Arrow file (`ARROW1`) and an Arrow stream (a continuation marker, then the length of a schema) begin with. */
function isArrow(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, 6));
  return text === "ARROW1" || (head.length >= 4 && head.subarray(0, 4).every((byte) => byte === 0xff));
}

const isParquet = (head: Uint8Array): boolean => String.fromCharCode(...head.subarray(0, 4)) === "PAR1";

/** The name of a file without its folder, its kind and what it is packed by: `load` of `data/load.csv.gz`. */
export const baseName = (path: string): string => parse(parse(path).base.replace(/\.(?:gz|zst)$/i, "")).name;

/**
 * A file of observations, Arrow, Parquet or text, packed or not, pulled in batches. By default the series is called like the
 * file, and rows without a time are a second apart from 1970 on. `recognised` is called once with what a text was found to be.
 *
 * @throws EddyError when it cannot be opened, when it cannot be told what it is, or when a column that was asked for is not there
 */
export async function* fileReadings(
  fs: typeof fileSystem,
  path: string,
  given: Partial<FormatOptions> = {},
  format: TextFormat | "auto" = "auto",
  recognised?: (recognition: Recognition) => void,
): AsyncGenerator<Reading[]> {
  const options: FormatOptions = { name: baseName(path), arrival: (row) => row * 1000, ...given };
  const handle = await openFile(fs, path);
  const head = new Uint8Array(8);
  try {
    const { bytesRead } = await handle.read(head, 0, 8, 0);
    if (bytesRead === 0) return;
  } finally {
    await handle.close();
  }
  if (isArrow(head)) yield* arrowReadings(fs, path, options);
  else if (isParquet(head)) yield* parquetReadings(fs, path, options);
  else {
    const chunks = fs.createReadStream(path, { highWaterMark: READ_AHEAD });
    yield* readings(chunks, { ...options, format, ...(recognised === undefined ? {} : { recognised }) });
  }
}
