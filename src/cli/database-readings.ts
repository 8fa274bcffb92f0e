import type { DatabaseReader } from "../storage/sqlite/reader.ts";
import type { Reading } from "../streams/formats/reading.ts";
import type { SeriesOptions } from "../streams/series.ts";
import { openFile } from "../streams/sources/open-file.ts";
import type { World } from "./world.ts";

/** Readings handed out together. */
const BATCH = 1024;
const MAGIC = "SQLite format 3\0";

/** Whether a file is a database, by its first bytes. */
export async function isDatabase(fs: World["fs"], path: string): Promise<boolean> {
  const handle = await openFile(fs, path);
  try {
    const head = Buffer.alloc(MAGIC.length);
    await handle.read(head, 0, head.length, 0);
    return head.toString("latin1") === MAGIC;
  } finally {
    await handle.close();
  }
}

/** The observations of a database in the order of its journal; a row is a journal position. */
export async function* databaseReadings(database: DatabaseReader): AsyncGenerator<Reading[]> {
  let batch: Reading[] = [];
  for (const { position, ...observation } of database.observations(database.series())) {
    batch.push({ line: position, row: position, observation, timed: true });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The settings that each series of a database was born with. */
export function databaseSettings(database: DatabaseReader): (series: string) => SeriesOptions {
  const settings = new Map(
    database.series().map(({ name, specification }) => [name, JSON.parse(specification)]),
  );
  return (series) => settings.get(series) ?? {};
}
