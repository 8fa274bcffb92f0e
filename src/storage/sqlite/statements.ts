import type { JournalRow } from "../store.ts";
import type { Database } from "./driver.ts";
import { INSERT_SERIES, type seriesParameters } from "./series-row.ts";

/** A row of the log of forecasts. */
export interface ForecastRow {
  position: number;
  ordinal: number;
  series: number;
  payload: Uint8Array;
}

/** A statement that takes the values `A` and finds rows `R`; of one that is plucked, the first column alone. */
interface Prepared<A extends unknown[], R = unknown> {
  run(...values: A): { readonly changes: number };
  get(...values: A): R | undefined;
  all(...values: A): R[];
}

/** Everything that the live path asks of its database. */
export function prepareStatements(db: Database) {
  const prepared = <A extends unknown[] = [], R = unknown>(sql: string): Prepared<A, R> =>
    db.prepare<A, R>(sql) as Prepared<A, R>;
  const plucked = <A extends unknown[] = []>(sql: string): Prepared<A> =>
    db.prepare<A>(sql).pluck() as Prepared<A>;
  return {
    addSeries: prepared<ReturnType<typeof seriesParameters>>(INSERT_SERIES),
    addRow: prepared<[number, number, number, number, Uint8Array]>(
      "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
    ),
    addId: prepared<[number, number, string]>("INSERT OR IGNORE INTO ids VALUES (?, ?, ?)"),
    setSource: prepared<[string, string]>(
      "INSERT INTO sources VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET reached = excluded.reached",
    ),
    addForecast: prepared<[number, number, number, number, Uint8Array]>(
      "INSERT OR REPLACE INTO forecasts VALUES (?, ?, ?, ?, ?)",
    ),
    addRollUp: prepared<[number, number, number, number, number, number]>(
      `INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hour, series) DO UPDATE SET
           observations = observations + excluded.observations, settled = settled + excluded.settled,
           absolute_error = absolute_error + excluded.absolute_error, held = held + excluded.held`,
    ),
    setFact: prepared<[number, string]>("UPDATE facts SET value = ? WHERE name = ?"),
    newestMinute: plucked("SELECT max(minute) FROM minutes"),
    getFact: plucked<[string]>("SELECT value FROM facts WHERE name = ?"),
    setMinute: prepared<[number, number, number]>(
      `INSERT INTO minutes VALUES (?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
           position = excluded.position, clock = min(clock, excluded.clock)`,
    ),
    clockSince: plucked<[number]>("SELECT min(clock) FROM minutes WHERE minute > ?"),
    minuteBefore: plucked<[number]>("SELECT 1 FROM minutes WHERE minute <= ? LIMIT 1"),
    addCheckpoint: prepared<[number, number, number, Uint8Array]>(
      "INSERT INTO checkpoints VALUES (?, ?, ?, ?)",
    ),
    // What is too old, and refused ones that bear the number of the new one or a later one.
    dropCheckpoints: prepared<[number, number, number]>(
      "DELETE FROM checkpoints WHERE series = ? AND (generation <= ? OR generation >= ?)",
    ),
    getCheckpoint: plucked<[number, number]>(
      "SELECT framed FROM checkpoints WHERE series = ? AND generation = ?",
    ),
    rows: prepared<[number, number, number], JournalRow>(
      "SELECT position, series, previous, time, payload FROM journal WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
    ),
    rowsOf: prepared<[number, number, number, number], JournalRow>(
      `SELECT position, series, previous, time, payload FROM journal
         WHERE position > ? AND position <= ? AND series = ? ORDER BY position LIMIT ?`,
    ),
    oldestRow: plucked("SELECT min(position) FROM journal"),
    newestRow: plucked("SELECT max(position) FROM journal"),
    issuedSince: prepared<[number, number, number], ForecastRow>(
      `SELECT position, ordinal, series, payload FROM forecasts WHERE (position, ordinal) > (?, ?)
         ORDER BY position, ordinal LIMIT ?`,
    ),
    issuedAsOf: prepared<[number, number], ForecastRow>(
      `SELECT position, ordinal, series, payload FROM forecasts WHERE series = ? AND issued <= ?
         ORDER BY issued DESC, position DESC, ordinal DESC LIMIT 1`,
    ),
    issuedOf: prepared<[number, number, number, number, number, number, number], ForecastRow>(
      `SELECT position, ordinal, series, payload FROM forecasts
         WHERE series = ? AND issued >= ? AND issued <= ? AND (issued, position, ordinal) < (?, ?, ?)
         ORDER BY issued DESC, position DESC, ordinal DESC LIMIT ?`,
    ),
    positionAtMinute: plucked<[number]>("SELECT max(position) FROM minutes WHERE minute <= ?"),
    oldestForecast: plucked("SELECT min(position) FROM forecasts"),
    trimRows: prepared<[number, number]>("DELETE FROM journal WHERE position <= ? AND position < ?"),
    trimForecasts: prepared<[number, number]>("DELETE FROM forecasts WHERE position <= ? AND position < ?"),
    oldestId: plucked("SELECT min(position) FROM ids"),
    trimIds: prepared<[number, number]>("DELETE FROM ids WHERE position <= ? AND position < ?"),
    trimMinutes: prepared<[number]>(
      // The newest one tells how long the database has been open.
      "DELETE FROM minutes WHERE minute < ? AND minute < (SELECT max(minute) FROM minutes)",
    ),
    trimRollUps: prepared<[number, number]>(
      "DELETE FROM rollups WHERE (hour, series) IN (SELECT hour, series FROM rollups WHERE hour < ? LIMIT ?)",
    ),
    countForecasts: plucked("SELECT count(*) FROM forecasts"),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;
