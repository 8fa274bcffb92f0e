// What a user sees when a disk or a file fails, and whether forecasting goes on: the table of docs/recovery.md, row by row.
import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { type EngineOptions, openEngine } from "../../../src/server/engine.ts";
import { Database } from "../../../src/storage/sqlite/driver.ts";
import { remains, sendWaves, temporaryFolder, undisturbed, wave } from "./fixture.ts";

const folder = temporaryFolder();
const series = { model: "persistence", horizon: 2 };

/** A log that keeps what was said. */
function listening(): { said: string[]; log: NonNullable<EngineOptions["log"]> } {
  const said: string[] = [];
  const say = (level: string) => (message: string) => void said.push(`${level}: ${message}`);
  return { said, log: { info: say("info"), warn: say("warn"), error: say("error") } };
}

test("disk full: intake is refused in words, reading goes on, and intake goes on once there is room", async () => {
  const database = join(folder(), "a.db");
  const { said, log } = listening();
  let engine = await openEngine({ database, series, log, maxBytes: 40 * 8192 });
  let taken = 0;
  const failure = await (async () => {
    for (;;) {
      try {
        await engine.ingest([wave("a", taken)]);
        taken++;
      } catch (error) {
        return error as EddyError;
      }
    }
  })();
  expect(failure.code).toBe("storage");
  expect(failure.message).toContain(
    "got a full disk (SQLITE_FULL) (free some space; intake goes on by itself)",
  );
  expect(said.some((line) => line.startsWith("error: observations were not taken"))).toBe(true);
  expect(engine.failed).toBeUndefined();
  expect(engine.latest("a")?.offset).toBe(taken);
  expect(engine.metrics().commit_failures_total).toBe(1);
  await engine.close();
  // Nothing acknowledged is missing, and the one that was refused can be sent again.
  engine = await openEngine({ database, series });
  expect(engine.offset).toBe(taken);
  expect(await engine.ingest([wave("a", taken)])).toMatchObject({ accepted: 1 });
  await engine.close();
});

test("disk full in the midst of intake, then room again: the same process goes on, exactly", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a"], 60);
  const database = join(folder(), "two.db");
  let full = false;
  const failpoint = (name: string): void => {
    if (full && name === "commit:written") throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
  };
  const engine = await openEngine({ database, series, failpoint });
  await sendWaves(engine, ["a"], 0, 30);
  full = true;
  await expect(engine.ingest([wave("a", 30)])).rejects.toMatchObject({ code: "storage" });
  await expect(engine.ingest([wave("new", 0)])).rejects.toMatchObject({ code: "storage" });
  expect(engine.summary("new")).toBeUndefined();
  full = false;
  await sendWaves(engine, ["a"], 30, 60);
  await engine.close();
  expect(remains(database)).toEqual(expected);
});

test("a failed sync: intake stops until a restart, forecasts can still be read", async () => {
  let broken = false;
  const failpoint = (name: string): void => {
    if (broken && name === "commit:written")
      throw Object.assign(new Error("io"), { code: "SQLITE_IOERR_FSYNC" });
  };
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series, failpoint });
  await sendWaves(engine, ["a"], 0, 10);
  broken = true;
  await expect(engine.ingest([wave("a", 10)])).rejects.toMatchObject({ code: "storage" });
  broken = false;
  await expect(engine.ingest([wave("a", 10)])).rejects.toThrow(/SQLITE_IOERR_FSYNC/);
  expect(engine.failed).toBeInstanceOf(EddyError);
  expect(engine.metrics().storage_failed).toBe(1);
  expect(engine.latest("a")?.offset).toBe(10);
  await engine.close();
  const again = await openEngine({ database, series });
  expect(again.offset).toBe(10);
  await again.close();
});

test("the database is deleted or moved while running: intake stops and says so", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series });
  await sendWaves(engine, ["a"], 0, 5);
  renameSync(database, `${database}.moved`);
  await expect(engine.ingest([wave("a", 5)])).rejects.toThrow(/no file: it was deleted or moved/);
  expect(engine.latest("a")?.targets).toHaveLength(1);
  expect(engine.failed).toBeInstanceOf(EddyError);
  await engine.close();
});

test("a read-only file is refused in words", async () => {
  const database = join(folder(), "a.db");
  await undisturbed({ database, series }, ["a"], 5);
  // As the root user may write anything, the file says of itself that it cannot be: a directory in its place.
  const { said, log } = listening();
  rmSync(`${database}-lock`, { force: true });
  await expect(openEngine({ database: folder(), series, log })).rejects.toThrow(
    /expected a database that can be read and written, got one that cannot be opened/,
  );
  expect(said).toEqual([]);
  const failpoint = (): void => {
    throw Object.assign(new Error("ro"), { code: "SQLITE_READONLY" });
  };
  const engine = await openEngine({ database, series, failpoint });
  await expect(engine.ingest([wave("a", 5)])).rejects.toThrow(/may not be written .*check its permissions/);
  expect(engine.failed).toBeUndefined();
  await engine.close();
});

test("one damaged checkpoint: said aloud, the one before and a longer replay take its place", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a", "b"], 90);
  const database = join(folder(), "two.db");
  for (const [from, to] of [
    [0, 30],
    [30, 60],
  ]) {
    const engine = await openEngine({ database, series });
    await sendWaves(engine, ["a", "b"], from, to);
    await engine.close();
  }
  damage(database, "a", 1);
  const { said, log } = listening();
  const engine = await openEngine({ database, series, log });
  expect(said.join("\n")).toMatch(
    /warn: checkpoint \d+ of series a is damaged and not used: checkpoint: expected checksum/,
  );
  expect(engine.metrics()).toMatchObject({ checkpoints_refused_total: 1, replayed_total: 30 });
  await sendWaves(engine, ["a", "b"], 60, 90);
  await engine.close();
  expect(remains(database)).toEqual(expected);
});

test("every checkpoint of a series damaged and the journal gone: refused, unless reset", async () => {
  const database = join(folder(), "a.db");
  const retention = { journalRows: 0 };
  let engine = await openEngine({ database, series, retention });
  await sendWaves(engine, ["a", "b"], 0, 40);
  await engine.checkpoint();
  await engine.checkpoint();
  await engine.close();
  damage(database, "a", 2);
  const failure = await openEngine({ database, series }).catch((error: EddyError) => error);
  expect(failure).toMatchObject({ code: "bad-state" });
  expect((failure as EddyError).message).toMatch(
    /^series a: expected a good checkpoint.*--reset begins this series anew/,
  );
  const { said, log } = listening();
  engine = await openEngine({ database, series, log, reset: true });
  expect(said.join("\n")).toMatch(/warn: series a: .*: reset/);
  expect(engine.summary("a")).toMatchObject({ observations: 0 });
  expect(engine.summary("b")).toMatchObject({ observations: 40 });
  expect(await engine.ingest([wave("a", 40), wave("b", 40)])).toMatchObject({ accepted: 2 });
  await engine.close();
  engine = await openEngine({ database, series });
  expect(engine.summary("a")).toMatchObject({ observations: 1 });
  await engine.close();
});

test("every checkpoint damaged and the journal whole: made again from the first observation", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a"], 50);
  const database = join(folder(), "two.db");
  const engine = await openEngine({ database, series });
  await sendWaves(engine, ["a"], 0, 40);
  await engine.close();
  damage(database, "a", 2);
  const again = await openEngine({ database, series });
  expect(again.metrics().replayed_total).toBe(40);
  await sendWaves(again, ["a"], 40, 50);
  await again.close();
  expect(remains(database)).toEqual(expected);
});

/** The files of a database as they are at this moment, its log cut to `bytes`; the path of the copy. */
function cutCopy(database: string, name: string, bytes: number): string {
  const copy = join(folder(), name);
  for (const ending of ["", "-wal", "-shm"]) copyFileSync(database + ending, copy + ending);
  truncateSync(`${copy}-wal`, bytes);
  return copy;
}

test("the write-ahead log truncated anywhere: a whole prefix of the commits, and exact from there", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a"], 60);
  const database = join(folder(), "two.db");
  const engine = await openEngine({ database, series });
  await sendWaves(engine, ["a"], 0, 10);
  const generator = xoroshiro128plus(3);
  const prefixes = new Set<number>();
  for (let cut = 0; cut < 8; cut++) {
    const bytes = uniformInt(generator, 0, statSync(`${database}-wal`).size);
    const copy = cutCopy(database, `cut-${cut}.db`, bytes);
    const other = await openEngine({ database: copy, series });
    const reached = other.offset;
    prefixes.add(reached);
    await sendWaves(other, ["a"], reached, 60);
    await other.close();
    expect(remains(copy), `cut ${cut}`).toEqual(expected);
  }
  expect(prefixes.size).toBeGreaterThan(3);
  await engine.close();
});

test("the log truncated before pages that are in the database already: refused; after them: exact", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a"], 90);
  const database = join(folder(), "two.db");
  let passed: (name: string) => unknown = () => {};
  const copied = new Promise<void>((resolve) => {
    passed = (name) => name === "copy:done" && resolve();
  });
  const engine = await openEngine({ database, series, failpoint: (name) => passed(name) });
  let sent = 0;
  // Until a copying has been asked for, and no further: that log is in the database, and not begun anew.
  while (engine.metrics().log_bytes < 128 * 8192) await sendWaves(engine, ["a"], sent, ++sent);
  await copied;
  const { size } = statSync(`${database}-wal`);
  const refused = cutCopy(database, "refused.db", size >> 5);
  await expect(openEngine({ database: refused, series })).rejects.toThrow(
    /expected a write-ahead log of at least \d+ pages, .* got one cut after \d+/,
  );
  const whole = cutCopy(database, "whole.db", size);
  const other = await openEngine({ database: whole, series });
  expect(other.offset).toBe(sent);
  await sendWaves(other, ["a"], sent, 90);
  await other.close();
  expect(remains(whole)).toEqual(expected);
  await engine.close();
});

test("bytes altered anywhere in the file: the same bits, or refused in words; never other ones", async () => {
  const database = join(folder(), "a.db");
  const names = ["a", "b"];
  const expected = await undisturbed({ database: join(folder(), "whole.db"), series }, names, 50);
  const engine = await openEngine({ database, series });
  await sendWaves(engine, names, 0, 30);
  await engine.checkpoint();
  await sendWaves(engine, names, 30, 40);
  await engine.close();
  const whole = readFileSync(database);
  const generator = xoroshiro128plus(8);
  const outcomes = { refused: 0, exact: 0, forecastsLeftOut: 0 };
  for (let flip = 0; flip < 50; flip++) {
    const copy = join(folder(), "flip.db");
    for (const ending of ["", "-wal", "-shm", "-lock", "-open"]) rmSync(copy + ending, { force: true });
    const bytes = Uint8Array.from(whole);
    const at = uniformInt(generator, 100, bytes.length - 1);
    bytes[at] ^= 1 << uniformInt(generator, 0, 7);
    writeFileSync(copy, bytes);
    try {
      const other = await openEngine({ database: copy, series });
      try {
        await sendWaves(other, names, 40, 50);
      } finally {
        await other.close();
      }
      const got = remains(copy);
      expect(got.states, `byte ${at}`).toEqual(expected.states);
      const known = new Set(expected.forecasts.map((forecast) => JSON.stringify(forecast)));
      expect(got.forecasts.every((forecast) => known.has(JSON.stringify(forecast)))).toBe(true);
      outcomes.exact++;
      if (got.forecasts.length < expected.forecasts.length) outcomes.forecastsLeftOut++;
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      outcomes.refused++;
    }
  }
  console.log(JSON.stringify({ flippedBits: 50, ...outcomes, wrong: 0 }));
  expect(outcomes.exact).toBeGreaterThan(10);
});

test("not a database, another program's, or another version's: refused by name", async () => {
  const text = join(folder(), "text.db");
  writeFileSync(text, "time,value\n1,2\n".repeat(100));
  await expect(openEngine({ database: text, series })).rejects.toThrow(/damaged pages \(SQLITE_NOTADB\)/);
  const foreign = join(folder(), "foreign.db");
  new Database(foreign).exec("CREATE TABLE t (x)").close();
  await expect(openEngine({ database: foreign, series })).rejects.toThrow(/the database of another program/);
  const newer = join(folder(), "newer.db");
  await undisturbed({ database: newer, series }, ["a"], 3);
  const db = new Database(newer);
  db.pragma("user_version = 99");
  db.close();
  await expect(openEngine({ database: newer, series })).rejects.toThrow(
    /expected database version 4, got version 99 \(made by a newer Eddy: use that one\)/,
  );
  expect(existsSync(`${newer}-wal`)).toBe(false);
});

/** Flips a bit in the newest `count` checkpoints of a series. */
function damage(database: string, name: string, count: number): void {
  const db = new Database(database);
  const rows = db
    .prepare<[string, number], { rowid: number; framed: Buffer }>(
      `SELECT checkpoints.rowid, framed FROM checkpoints JOIN series ON series.id = checkpoints.series
       WHERE name = ? ORDER BY generation DESC LIMIT ?`,
    )
    .all(name, count);
  expect(rows.length).toBeGreaterThan(0);
  for (const { rowid, framed } of rows) {
    framed[framed.length >> 1] ^= 16;
    db.prepare("UPDATE checkpoints SET framed = ? WHERE rowid = ?").run(framed, rowid);
  }
  db.close();
}
