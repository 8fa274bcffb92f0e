import type * as fileSystem from "node:fs";
import { extname } from "node:path";
import { CsvReader } from "../formats/csv.ts";
import type { FormatOptions, Reading } from "../formats/reading.ts";
import { readings } from "./readings.ts";

/** A file of observations, pulled in batches. */
export function fileReadings(
  fs: typeof fileSystem,
  path: string,
  options: FormatOptions,
): AsyncGenerator<Reading[]> {
  void extname(path);
  return readings(fs.createReadStream(path, { highWaterMark: 2 ** 18 }), () => new CsvReader(options));
}
