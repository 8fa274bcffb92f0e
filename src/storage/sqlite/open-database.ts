import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { EddyError } from "../../models/errors.ts";
import type { Generation, Opened } from "../store.ts";
import type { AlertLog } from "./alert-log.ts";
import { Database } from "./driver.ts";
import { checkLog } from "./log-check.ts";
import { type OpenRecordContent, readOpenRecord } from "./open-record.ts";
import type { Removal } from "./removal.ts";
import { prepareSchema } from "./schema.ts";
import { SELECT_SERIES, type SeriesRow, storedSeries } from "./series-row.ts";

/** Of a database made here. */
const PAGE_BYTES = 8192;

/** A database that has just been opened, and what the process before has left of it. */
export interface OpenDatabase {
  readonly db: Database;
  readonly pageBytes: number;
  /** The record of a process that did not close it in order. */
  readonly left: OpenRecordContent | undefined;
  /** Length of the log before. */
  readonly logBytes: number;
  /** What is to be told of a log that was cut. */
  readonly cut: string | undefined;
}

/** Opens the file for writing, or makes it; throws `storage` when it is not one of this version, or its log is damaged. */
export function openDatabase(path: string, reset: boolean, maxBytes: number | undefined): OpenDatabase {
  const left = readOpenRecord(path);
  const cut = checkLog(path, left !== undefined && left.reached > 0, reset);
  const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const db = new Database(path);
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`);
    prepareSchema(db, path, randomUUID);
    if (db.pragma("journal_mode = WAL", { simple: true }) !== "wal") {
      throw new EddyError("storage", path, { expected: "a file system that can hold a write-ahead log" });
    }
    const pageBytes = Number(db.pragma("page_size", { simple: true }));
    if (maxBytes !== undefined) {
      db.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
    }
    return { db, pageBytes, left, logBytes, cut };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What an engine is told of a database that it opens. */
export function readOpened(db: Database, position: number, removal: Removal, alerts: AlertLog): Opened {
  const fact = db.prepare<[string]>("SELECT value FROM facts WHERE name = ?").pluck();
  const generations = "SELECT series, generation, position FROM checkpoints ORDER BY series, generation";
  const sources = db.prepare<[], { name: string; reached: string }>("SELECT name, reached FROM sources");
  return {
    epoch: String(fact.get("epoch")),
    position,
    derivedUpTo: Number(fact.get("derivedUpTo")),
    checkpointedUpTo: Number(fact.get("checkpointedUpTo")),
    series: db.prepare<[], SeriesRow>(`${SELECT_SERIES} ORDER BY id`).all().map(storedSeries),
    generations: db.prepare<[], Generation>(generations).all(),
    sources: new Map(sources.all().map(({ name, reached }) => [name, reached])),
    ...removal.underWay(),
    alerts: alerts.opened(),
  };
}
