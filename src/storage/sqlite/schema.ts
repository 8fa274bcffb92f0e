import { EddyError } from "../../models/errors.ts";
import type { Database } from "./driver.ts";

/** "EDDY", in the header of the database file. */
const APPLICATION_ID = 0x45444459;
/** Version of the tables below and of the bytes within them: states of series, issues. */
const SCHEMA_VERSION = 4;

const TABLES = `
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  part INTEGER NOT NULL,
  specification TEXT NOT NULL,
  columns TEXT NOT NULL,
  birth INTEGER NOT NULL,
  checksum INTEGER NOT NULL
);
CREATE TABLE journal (
  position INTEGER PRIMARY KEY,
  series INTEGER NOT NULL,
  previous INTEGER NOT NULL,
  time REAL NOT NULL,
  payload BLOB NOT NULL
);
CREATE TABLE ids (position INTEGER PRIMARY KEY, series INTEGER NOT NULL, id TEXT NOT NULL, UNIQUE (series, id));
CREATE TABLE checkpoints (
  series INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  position INTEGER NOT NULL,
  framed BLOB NOT NULL,
  PRIMARY KEY (series, generation)
);
CREATE TABLE forecasts (
  position INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  series INTEGER NOT NULL,
  issued REAL NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (position, ordinal)
) WITHOUT ROWID;
CREATE INDEX forecasts_of_series ON forecasts (series, issued);
CREATE TABLE rollups (
  hour INTEGER NOT NULL,
  series INTEGER NOT NULL,
  observations INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  absolute_error REAL NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (hour, series)
) WITHOUT ROWID;
CREATE TABLE sources (name TEXT PRIMARY KEY, reached TEXT NOT NULL) WITHOUT ROWID;
-- Rules for alerts as JSON; how each alert that is not fine stands; and what has been told of them, in its order.
CREATE TABLE rules (name TEXT PRIMARY KEY, source TEXT NOT NULL, revision INTEGER NOT NULL, rule TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alerts (
  rule TEXT NOT NULL,
  series INTEGER NOT NULL,
  target TEXT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (rule, series, target)
) WITHOUT ROWID;
CREATE TABLE transitions (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, told TEXT NOT NULL);
-- How long ago a position was written: one row per minute of intake. Minutes are those that the database has been open,
-- so that no clock can jump; the least that the wall clock said meanwhile stands beside them, in milliseconds.
CREATE TABLE minutes (minute INTEGER PRIMARY KEY, position INTEGER NOT NULL, clock REAL NOT NULL);
-- What receivers of alerts have still to be told. Lane: what may go in one message. State: 0 waiting, 1 told and to be reminded, 2 dead. Those of one message bear
-- the id of its first. Minute: how long the database had been open when that began.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  receiver TEXT NOT NULL,
  lane TEXT NOT NULL,
  subject TEXT NOT NULL,
  firing INTEGER NOT NULL,
  text TEXT NOT NULL,
  state INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  message INTEGER,
  error TEXT
);
CREATE INDEX deliveries_of_receiver ON deliveries (receiver, state, lane, id);
CREATE INDEX deliveries_of_subject ON deliveries (subject);
`;

/**
 * Makes the tables of a new database, or checks that those of an old one are of this version; throws `storage` naming
 * the file's own version otherwise.
 */
export function prepareSchema(db: Database, path: string, epoch: () => string): void {
  checkSchema(db, path, () => {
    db.transaction(() => {
      db.exec(TABLES);
      const fact = db.prepare("INSERT INTO facts VALUES (?, ?)");
      fact.run("epoch", epoch());
      for (const name of ["derivedUpTo", "checkpointedUpTo", "forecastsAfter", "open", "ruleRevision"])
        fact.run(name, 0);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    }).immediate();
  });
}

/** Refuses, by name, whatever is not an Eddy database of this version; `whenEmpty` is called for a file without tables. */
export function checkSchema(db: Database, path: string, whenEmpty: () => void): void {
  const application = db.pragma("application_id", { simple: true });
  const version = db.pragma("user_version", { simple: true });
  const tables = db.prepare("SELECT count(*) FROM sqlite_master").pluck().get();
  if (application === 0 && version === 0 && tables === 0) {
    whenEmpty();
    return;
  }
  if (application !== APPLICATION_ID) {
    throw new EddyError("storage", path, {
      expected: "an Eddy database",
      received: "the database of another program",
    });
  }
  if (version !== SCHEMA_VERSION) {
    throw new EddyError("storage", path, {
      expected: `database version ${SCHEMA_VERSION}`,
      received: `version ${version}`,
      hint:
        Number(version) > SCHEMA_VERSION
          ? "made by a newer Eddy: use that one"
          : `made by an older Eddy: with that one, eddy export --db ${path} > readings.ndjson; with this one, ` +
            "eddy serve on a new file and eddy replay readings.ndjson --into its URL",
    });
  }
}
