import { randomUUID } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { EddyError, printable } from "../models/errors.ts";
import { moment } from "../models/issue.ts";
import { frameCheckpoint } from "./checkpoint.ts";
import { packIssue } from "./packed-issue.ts";
import { Database } from "./sqlite/driver.ts";
import { storageError } from "./sqlite/errors.ts";
import { realPath, takeLock } from "./sqlite/lock.ts";
import { readOpenRecord } from "./sqlite/open-record.ts";
import { DatabaseReader } from "./sqlite/reader.ts";
import { prepareSchema } from "./sqlite/schema.ts";
import { INSERT_SERIES, seriesParameters } from "./sqlite/series-row.ts";
import type { StoredSeries } from "./store.ts";

export interface SavepointReport {
  readonly series: number;
  /** Observations after the checkpoints, to be replayed by whoever goes on. */
  readonly observations: number;
  readonly forecasts: number;
}

/**
 * Writes everything of some series to one file: newest good checkpoint, the journal after it, ids, forecasts. The file is
 * an Eddy database of its own, of one instant, whatever a server does meanwhile.
 *
 * @throws EddyError `bad-file` when `file` exists, `bad-state` when a series has no good checkpoint and no whole journal
 */
export function writeSavepoint(
  reader: DatabaseReader,
  series: readonly StoredSeries[],
  file: string,
): SavepointReport {
  const path = resolve(file);
  if (existsSync(path)) {
    throw new EddyError("bad-file", file, { expected: "a new file", received: "one that exists" });
  }
  reader.freeze();
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  try {
    const db = new Database(partial);
    let report: SavepointReport;
    try {
      prepareSchema(db, partial, () => String(reader.fact("epoch")));
      report = copy(reader, series, db, { shift: 0, firstId: 1 });
    } finally {
      db.close();
    }
    renameSync(partial, path);
    return report;
  } catch (error) {
    rmSync(partial, { force: true });
    throw storageError(file, error);
  }
}

/**
 * Brings the series of a savepoint into a database that no process has open; made when there is none. Positions are
 * moved behind those it has. A database with a past must have been closed in order: open and close it once before.
 *
 * @throws EddyError `locked`, `bad-argument` when a series of the same name is there
 */
export function restoreSavepoint(file: string, database: string): SavepointReport {
  const reader = new DatabaseReader(file);
  try {
    const path = realPath(resolve(database));
    const lock = takeLock(path);
    const db = new Database(path);
    try {
      if (readOpenRecord(path) !== undefined) {
        throw new EddyError("bad-state", database, {
          expected: "a database that was closed in order",
          received: "one whose process died",
        });
      }
      prepareSchema(db, path, randomUUID);
      const fact = (name: string): number =>
        Number(db.prepare("SELECT value FROM facts WHERE name = ?").pluck().get(name));
      const shift = fact("derivedUpTo");
      const series = reader.series();
      const known = db.prepare("SELECT 1 FROM series WHERE name = ?");
      for (const { name } of series) {
        if (known.get(name) === undefined) continue;
        throw new EddyError("bad-argument", database, {
          expected: "none of the series of the savepoint",
          received: printable(name),
        });
      }
      const position = Number(db.prepare("SELECT max(position) FROM journal").pluck().get() ?? 0);
      if (position > shift) {
        throw new EddyError("bad-state", database, {
          expected: "a database that was closed in order",
          received: `observations up to ${position}, forecasts up to ${shift}`,
        });
      }
      const firstId = Number(db.prepare("SELECT coalesce(max(id), 0) + 1 FROM series").pluck().get());
      return copy(reader, series, db, { shift, firstId });
    } finally {
      db.close();
      lock.release();
    }
  } catch (error) {
    throw storageError(database, error);
  } finally {
    reader.close();
  }
}

/** Where things go: positions move by `shift`, series are numbered from `firstId`. */
interface Placement {
  readonly shift: number;
  readonly firstId: number;
}

function copy(
  reader: DatabaseReader,
  series: readonly StoredSeries[],
  db: Database,
  { shift, firstId }: Placement,
): SavepointReport {
  const newIds = new Map(series.map(({ id }, i) => [id, firstId + i]));
  const reached = new Map<number, number>();
  let observations = 0;
  let forecasts = 0;
  db.transaction(() => {
    const addSeries = db.prepare(INSERT_SERIES);
    const addCheckpoint = db.prepare("INSERT INTO checkpoints VALUES (?, ?, ?, ?)");
    for (const stored of series) {
      const { id, birth } = stored;
      const checkpoint = reader.checkpoint(id);
      const newId = newIds.get(id)!;
      addSeries.run(...seriesParameters({ ...stored, id: newId, birth: birth + shift }));
      reached.set(id, checkpoint?.position ?? birth);
      if (!checkpoint) continue;
      const position = checkpoint.position + shift;
      addCheckpoint.run(newId, 1, position, frameCheckpoint({ ...checkpoint, series: newId, position }));
    }
    const addRow = db.prepare("INSERT INTO journal VALUES (?, ?, ?, ?, ?)");
    const ids = new Set(newIds.keys());
    const from = Math.min(...reached.values());
    for (const { position, series: id, previous, time, payload } of reader.rows(ids, from)) {
      const last = reached.get(id)!;
      if (position <= last) continue;
      if (previous !== last) {
        throw new EddyError("bad-state", `journal of series ${id}`, {
          expected: `the observation after position ${last}`,
          received: `the one at ${position}`,
        });
      }
      reached.set(id, position);
      addRow.run(position + shift, newIds.get(id), previous + shift, time, payload);
      observations++;
    }
    const addId = db.prepare("INSERT INTO ids VALUES (?, ?, ?)");
    for (const { position, series: id, text } of reader.ids(ids))
      addId.run(position + shift, newIds.get(id), text);
    const addForecast = db.prepare("INSERT INTO forecasts VALUES (?, ?, ?, ?, ?)");
    for (const { position, ordinal, series: id, issue } of reader.issues(series)) {
      const moved = packIssue({ ...issue, offset: issue.offset + shift });
      addForecast.run(position + shift, ordinal, newIds.get(id), moment(issue.time), moved);
      forecasts++;
    }
    copyAlerts(reader, newIds, new Set(series.map(({ name }) => name)), db, shift);
    const derivedUpTo = Number(reader.fact("derivedUpTo")) + shift;
    db.prepare("UPDATE facts SET value = ? WHERE name = 'derivedUpTo'").run(derivedUpTo);
    const kept = Number(reader.fact("forecastsAfter"));
    if (shift === 0) db.prepare("UPDATE facts SET value = ? WHERE name = 'forecastsAfter'").run(kept);
  })();
  return { series: series.length, observations, forecasts };
}

/**
 * Rules that the database does not have, how their alerts of these series stand, and what has been told of them, behind what has
 * been told there.
 */
function copyAlerts(
  reader: DatabaseReader,
  newIds: ReadonlyMap<number, number>,
  names: ReadonlySet<string>,
  db: Database,
  shift: number,
): void {
  const one = (sql: string): number => Number(db.prepare(sql).pluck().get());
  const revision = one("SELECT value FROM facts WHERE name = 'ruleRevision'");
  const addRule = db.prepare("INSERT OR IGNORE INTO rules VALUES (?, ?, ?, ?)");
  for (const { name, from, revision: before, rule } of reader.rules())
    addRule.run(name, from, revision + before, rule);
  const setRevision = db.prepare("UPDATE facts SET value = ? WHERE name = 'ruleRevision'");
  setRevision.run(revision + Number(reader.fact("ruleRevision")));
  const addAlert = db.prepare("INSERT INTO alerts VALUES (?, ?, ?, ?)");
  for (const { rule, series, target, state } of reader.alerts()) {
    const id = newIds.get(series);
    if (id !== undefined) addAlert.run(rule, id, target, state);
  }
  let sequence = one("SELECT coalesce(max(sequence), 0) FROM transitions");
  const add = db.prepare("INSERT OR IGNORE INTO transitions VALUES (?, ?, ?)");
  for (const told of reader.transitions((name) => names.has(name))) {
    const moved = { ...told, sequence: sequence + 1, offset: told.offset + shift };
    sequence += add.run(moved.sequence, moved.id, JSON.stringify(moved)).changes;
  }
}
