// A database of the version before is refused by name, with what to do, by whatever would read it; nothing in it is changed.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { DatabaseReader, packValues, restoreSavepoint } from "../../src/storage/index.ts";
import { Database } from "../../src/storage/sqlite/driver.ts";
import { invoke } from "../cli/invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-old-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes what version 2 wrote: the same tables, with forecasts as bytes of format 3. */
function versionTwo(path: string): void {
  const db = new Database(path);
  db.pragma("page_size = 8192");
  db.exec(`
    CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, part INTEGER NOT NULL, specification TEXT NOT NULL,
      columns TEXT NOT NULL, birth INTEGER NOT NULL, checksum INTEGER NOT NULL);
    CREATE TABLE journal (position INTEGER PRIMARY KEY, series INTEGER NOT NULL, previous INTEGER NOT NULL, time REAL NOT NULL,
      payload BLOB NOT NULL);
    CREATE TABLE ids (position INTEGER PRIMARY KEY, series INTEGER NOT NULL, id TEXT NOT NULL, UNIQUE (series, id));
    CREATE TABLE checkpoints (series INTEGER NOT NULL, generation INTEGER NOT NULL, position INTEGER NOT NULL, framed BLOB NOT NULL,
      PRIMARY KEY (series, generation));
    CREATE TABLE forecasts (position INTEGER NOT NULL, ordinal INTEGER NOT NULL, series INTEGER NOT NULL, issued REAL NOT NULL,
      payload BLOB NOT NULL, PRIMARY KEY (position, ordinal)) WITHOUT ROWID;
    CREATE INDEX forecasts_of_series ON forecasts (series, issued);
    CREATE TABLE rollups (hour INTEGER NOT NULL, series INTEGER NOT NULL, observations INTEGER NOT NULL, settled INTEGER NOT NULL,
      absolute_error REAL NOT NULL, held INTEGER NOT NULL, PRIMARY KEY (hour, series)) WITHOUT ROWID;
    CREATE TABLE sources (name TEXT PRIMARY KEY, reached TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE minutes (minute INTEGER PRIMARY KEY, position INTEGER NOT NULL, clock REAL NOT NULL);
    INSERT INTO facts VALUES ('epoch', 'an-epoch'), ('derivedUpTo', 3), ('checkpointedUpTo', 0), ('forecastsAfter', 0), ('open', 0);
    INSERT INTO series VALUES (1, 'tank', 7, '{"model":"persistence"}', '["value"]', 0, 1234);
  `);
  const row = db.prepare("INSERT INTO journal VALUES (?, 1, ?, ?, ?)");
  const forecast = db.prepare("INSERT INTO forecasts VALUES (?, 0, 1, ?, ?)");
  for (let n = 1; n <= 3; n++) {
    row.run(
      n,
      n - 1,
      1000 * n,
      packValues({ series: "tank", time: 1000 * n, values: { value: n } }, ["value"]),
    );
    if (n > 1) forecast.run(n, 1000 * n, Uint8Array.of(3, 1, 1, 0, 1, 0));
  }
  db.pragma("journal_mode = WAL");
  db.pragma("application_id = 0x45444459");
  db.pragma("user_version = 2");
  db.close();
}

const old = join(folder, "old.db");
versionTwo(old);
const hash = (): string => createHash("sha256").update(readFileSync(old)).digest("hex");
const before = hash();
const refusal =
  `${old}: expected database version 4, got version 2 (made by an older Eddy: with that one, eddy export --db ${old} > ` +
  "readings.ndjson; with this one, eddy serve on a new file and eddy replay readings.ndjson --into its URL)";

test("an engine, a reader and a savepoint restored from it or into it", async () => {
  await expect(openEngine({ database: old })).rejects.toMatchObject({ code: "storage", message: refusal });
  await expect(openEngine({ database: old, reset: true })).rejects.toThrow(refusal);
  expect(() => new DatabaseReader(old)).toThrow(refusal);
  expect(() => restoreSavepoint(old, join(folder, "new.db"))).toThrow(refusal);
  expect(hash()).toBe(before);
  expect(existsSync(join(folder, "new.db"))).toBe(false);
});

test.each([
  ["serve", ["serve", "--db", old, "--port", "0"]],
  ["inspect", ["inspect", "--db", old]],
  ["export", ["export", "--db", old]],
  ["savepoint", ["savepoint", join(folder, "saved.db"), "--db", old]],
  ["replay", ["replay", old]],
])("eddy %s: one line, exit 1, the file as it was", async (_name, typed) => {
  const { code, stdout, stderr } = await invoke(typed);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(refusal);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(hash()).toBe(before);
});
