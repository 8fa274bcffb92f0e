// The write-ahead log is copied into the database by a thread beside intake: bounded, and its failures are told.
import { renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MAX_NAME } from "../../../src/protocol/observation.ts";
import { type Engine, openEngine } from "../../../src/server/engine.ts";
import { DatabaseReader } from "../../../src/storage/index.ts";
import { remains, sendWaves, temporaryFolder, undisturbed, wave } from "./fixture.ts";

const folder = temporaryFolder();
const series = { model: "persistence", horizon: 2 };
const MIB = 2 ** 20;

/** Observations of one series whose ids alone fill about 12 KiB of log each. */
const heavy = (n: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ ...wave("a", n + i), id: `${n + i}-`.padEnd(MAX_NAME, "語") }));
const logBytes = (engine: Engine): number => engine.metrics().log_bytes;

test("however fast commits come, the log begins anew and stays bounded", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series });
  let begunAnew = 0;
  let before = 0;
  // How soon it does depends on how busy the machine is.
  for (let n = 0; n < 100_000 && begunAnew < 2; n += 50) {
    await engine.ingest(heavy(n, 50));
    if (logBytes(engine) < before) begunAnew++;
    before = logBytes(engine);
  }
  expect(begunAnew).toBe(2);
  expect(statSync(`${database}-wal`).size).toBeLessThan(80 * MIB);
  expect(engine.metrics().log_copy_failures_total).toBe(0);
  await engine.close();
});

test("a long reader keeps the log from beginning anew, until it ends", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series });
  await engine.ingest(heavy(0, 10));
  const reader = new DatabaseReader(database);
  reader.freeze();
  expect(reader.sizes().rows.journal).toBe(10);
  let n = 10;
  let longest = 0;
  for (; n < 30_000 && longest < 90 * MIB; n += 200) {
    await engine.ingest(heavy(n, 200));
    expect(logBytes(engine)).toBeGreaterThanOrEqual(longest);
    longest = logBytes(engine);
  }
  expect(longest).toBeGreaterThan(80 * MIB);
  expect(reader.sizes().rows.journal).toBe(10);
  reader.close();
  for (let i = 0; i < 200 && logBytes(engine) >= longest; i++, n += 10) {
    longest = logBytes(engine);
    await engine.ingest(heavy(n, 10));
  }
  expect(logBytes(engine)).toBeLessThan(longest);
  // What it had grown by is given back.
  expect(statSync(`${database}-wal`).size).toBeLessThan(66 * MIB);
  await engine.close();
});

test("a full disk while the log is copied: said and counted, intake goes on, same bits", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a"], 60);
  const database = join(folder(), "two.db");
  const said: string[] = [];
  const log = { info() {}, warn() {}, error: (message: string) => void said.push(message) };
  const failpoint = (name: string): void => {
    if (name === "copy:asked") throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
  };
  const engine = await openEngine({ database, series, log, failpoint });
  await sendWaves(engine, ["a"], 0, 60);
  expect(said[0]).toMatch(/^the log was not copied into the database: .* got a full disk \(SQLITE_FULL\)/);
  expect(engine.metrics().log_copy_failures_total).toBe(said.length);
  expect(engine.failed).toBeUndefined();
  await engine.close();
  expect(remains(database)).toEqual(expected);
});

test("a failed sync while the log is copied: intake stops until a restart, as after one in a commit", async () => {
  const database = join(folder(), "a.db");
  const failpoint = (name: string): void => {
    if (name === "copy:done") throw Object.assign(new Error("io"), { code: "SQLITE_IOERR_FSYNC" });
  };
  let engine = await openEngine({ database, series, failpoint });
  let taken = 0;
  await expect(
    (async () => {
      for (; taken < 1000; taken++) await engine.ingest([wave("a", taken)]);
    })(),
  ).rejects.toThrow(/SQLITE_IOERR_FSYNC/);
  expect(engine.metrics().storage_failed).toBe(1);
  expect(engine.latest("a")?.offset).toBe(taken);
  await engine.close();
  engine = await openEngine({ database, series });
  expect(engine.offset).toBe(taken);
  await engine.close();
});

test("a thread that cannot even open the database: said and counted, nothing hangs", async () => {
  const database = join(folder(), "a.db");
  // Starting the thread takes a while: that forecasts could not be written either may be said first.
  let tell = (_message: string): void => {};
  const told = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const error = (message: string): void => {
    if (/^the log was not copied/.test(message)) tell(message);
  };
  let moving = false;
  const failpoint = (name: string): void => {
    if (moving && name === "commit:written") renameSync(database, `${database}.moved`);
  };
  const engine = await openEngine({ database, series, failpoint, log: { info() {}, warn() {}, error } });
  await engine.ingest([wave("a", 0)]);
  moving = true;
  // One commit long enough for a copying, moved away within it.
  expect(await engine.ingest(heavy(1, 800))).toMatchObject({ accepted: 800 });
  expect(await told).toMatch(/^the log was not copied into the database: .* cannot be opened/);
  expect(engine.metrics().log_copy_failures_total).toBe(1);
  moving = false;
  await expect(engine.ingest([wave("a", 900)])).rejects.toThrow(/no file: it was deleted or moved/);
  await engine.close();
});
