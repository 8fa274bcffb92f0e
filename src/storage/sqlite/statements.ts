import type { Database } from "better-sqlite3";
import type { JournalRow } from "../store.ts";
import { INSERT_SERIES, type seriesParameters } from "./series-row.ts";

/** A row of the log of forecasts. */
export interface ForecastRow {
  position: number;
  ordinal: number;
  series: number;
  payload: Uint8Array;
}

/** Everything that the live path asks of its database. */
export function prepareStatements(db: Database) {
  return {
    addSeries: db.prepare<ReturnType<typeof seriesParameters>>(INSERT_SERIES),
    addRow: db.prepare<[number, number, number, number, Uint8Array]>(
      "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
    ),
    addId: db.prepare<[number, number, string]>("INSERT OR IGNORE INTO ids VALUES (?, ?, ?)"),
    setSource: db.prepare<[string, string]>(
      "INSERT INTO sources VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET reached = excluded.reached",
    ),
    addForecast: db.prepare<[number, number, number, number, Uint8Array]>(
      "INSERT OR REPLACE INTO forecasts VALUES (?, ?, ?, ?, ?)",
    ),
    addRollUp: db.prepare<[number, number, number, number, number, number]>(
      `INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hour, series) DO UPDATE SET
           observations = observations + excluded.observations, settled = settled + excluded.settled,
           absolute_error = absolute_error + excluded.absolute_error, held = held + excluded.held`,
    ),
    setFact: db.prepare<[number, string]>("UPDATE facts SET value = ? WHERE name = ?"),
    newestMinute: db.prepare("SELECT max(minute) FROM minutes").pluck(),
    getFact: db.prepare<[string]>("SELECT value FROM facts WHERE name = ?").pluck(),
    setMinute: db.prepare<[number, number, number]>(
      `INSERT INTO minutes VALUES (?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
           position = excluded.position, clock = min(clock, excluded.clock)`,
    ),
    clockSince: db.prepare<[number]>("SELECT min(clock) FROM minutes WHERE minute > ?").pluck(),
    minuteBefore: db.prepare<[number]>("SELECT 1 FROM minutes WHERE minute <= ? LIMIT 1").pluck(),
    addCheckpoint: db.prepare<[number, number, number, Uint8Array]>(
      "INSERT INTO checkpoints VALUES (?, ?, ?, ?)",
    ),
    // What is too old, and refused ones that bear the number of the new one or a later one.
    dropCheckpoints: db.prepare<[number, number, number]>(
      "DELETE FROM checkpoints WHERE series = ? AND (generation <= ? OR generation >= ?)",
    ),
    getCheckpoint: db
      .prepare<[number, number]>("SELECT framed FROM checkpoints WHERE series = ? AND generation = ?")
      .pluck(),
    rows: db.prepare<[number, number, number], JournalRow>(
      "SELECT position, series, previous, time, payload FROM journal WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
    ),
    rowsOf: db.prepare<[number, number, number, number], JournalRow>(
      `SELECT position, series, previous, time, payload FROM journal
         WHERE position > ? AND position <= ? AND series = ? ORDER BY position LIMIT ?`,
    ),
    oldestRow: db.prepare("SELECT min(position) FROM journal").pluck(),
    newestRow: db.prepare("SELECT max(position) FROM journal").pluck(),
    issuedSince: db.prepare<[number, number, number], ForecastRow>(
      `SELECT position, ordinal, series, payload FROM forecasts WHERE (position, ordinal) > (?, ?)
         ORDER BY position, ordinal LIMIT ?`,
    ),
    issuedAsOf: db.prepare<[number, number], ForecastRow>(
      `SELECT position, ordinal, series, payload FROM forecasts WHERE series = ? AND issued <= ?
         ORDER BY issued DESC, position DESC, ordinal DESC LIMIT 1`,
    ),
    issuedOf: db.prepare<[number, number, number, number, number, number, number], ForecastRow>(
      `SELECT position, ordinal, series, payload FROM forecasts
         WHERE series = ? AND issued >= ? AND issued <= ? AND (issued, position, ordinal) < (?, ?, ?)
         ORDER BY issued DESC, position DESC, ordinal DESC LIMIT ?`,
    ),
    positionAtMinute: db.prepare<[number]>("SELECT max(position) FROM minutes WHERE minute <= ?").pluck(),
    oldestForecast: db.prepare("SELECT min(position) FROM forecasts").pluck(),
    trimRows: db.prepare<[number, number]>("DELETE FROM journal WHERE position <= ? AND position < ?"),
    trimForecasts: db.prepare<[number, number]>("DELETE FROM forecasts WHERE position <= ? AND position < ?"),
    oldestId: db.prepare("SELECT min(position) FROM ids").pluck(),
    trimIds: db.prepare<[number, number]>("DELETE FROM ids WHERE position <= ? AND position < ?"),
    trimMinutes: db.prepare<[number]>(
      // The newest one tells how long the database has been open.
      "DELETE FROM minutes WHERE minute < ? AND minute < (SELECT max(minute) FROM minutes)",
    ),
    trimRollUps: db.prepare<[number, number]>(
      "DELETE FROM rollups WHERE (hour, series) IN (SELECT hour, series FROM rollups WHERE hour < ? LIMIT ?)",
    ),
    countForecasts: db.prepare("SELECT count(*) FROM forecasts").pluck(),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;
