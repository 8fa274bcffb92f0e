// What an operator can do about a series on a running server: remove it, take readings back.
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Observation } from "../../../src/models/observation.ts";
import { type Engine, openEngine } from "../../../src/server/engine.ts";
import { startServer } from "../../../src/server/server.ts";
import { Database } from "../../../src/storage/sqlite/driver.ts";
import { logged } from "../../issues.ts";
import { remains, sendWaves, temporaryFolder, undisturbed, wave } from "./fixture.ts";

const folder = temporaryFolder();
const series = { model: "ar", horizon: 2 };
const FUTURE = Date.UTC(9999, 11, 31);
const future: Observation = { id: "future", series: "a", time: FUTURE, values: { value: 1e9 } };
const everything = { ahead: Number.POSITIVE_INFINITY };

/** The files as `kill -9` would leave them at this moment. */
function killed(database: string, name: string): string {
  const copy = join(folder(), name);
  for (const end of ["", "-wal"]) if (existsSync(database + end)) copyFileSync(database + end, copy + end);
  return copy;
}

const rowsLeft = (database: string, id: number): number => {
  const db = new Database(database, { readonly: true });
  const tables = ["journal", "ids", "checkpoints", "forecasts", "rollups"];
  const count = (table: string) =>
    db.prepare(`SELECT count(*) FROM ${table} WHERE series = ?`).pluck().get(id) as number;
  const left = tables.reduce((sum, table) => sum + count(table), 0);
  db.close();
  return left;
};

/** Without what says where in the journal they stand, which taking back moves. */
const comparable = (database: string) => {
  const { states, forecasts } = remains(database);
  return { states, forecasts: forecasts.map((forecast) => ({ ...forecast, offset: 0 })) };
};

/** Hourly figures by series; sums of the same numbers in another order differ by their rounding. */
function hourly(database: string): unknown[] {
  const db = new Database(database, { readonly: true });
  const rows = db
    .prepare<[], Record<string, number>>(
      "SELECT name, hour, observations, settled, held, absolute_error FROM rollups JOIN series ON id = series ORDER BY name, hour",
    )
    .all();
  db.close();
  return rows.map((row) => ({ ...row, absolute_error: row.absolute_error.toPrecision(9) }));
}

test("a removed series is gone, at once and after a kill, and the others are what they were", async () => {
  const expected = await undisturbed({ database: join(folder(), "b.db"), series }, ["b"], 60);
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series });
  await sendWaves(engine, ["a", "b"], 0, 30);
  await engine.checkpoint();
  await sendWaves(engine, ["a", "b"], 30, 40);
  expect(rowsLeft(database, 1)).toBeGreaterThan(100);
  expect(await engine.remove("a")).toBe(true);
  expect(await engine.remove("a")).toBe(false);
  const copy = killed(database, "killed.db");
  expect(engine.summary("a")).toBeUndefined();
  expect(engine.latest("a")).toBeUndefined();
  expect(logged(engine)?.some((forecast) => forecast.series === "a")).toBe(false);

  const again = await openEngine({ database: copy, series });
  expect([...again.names()]).toEqual(["b"]);
  expect(logged(again)?.some((forecast) => forecast.series === "a")).toBe(false);
  await again.checkpoint();
  expect(rowsLeft(copy, 1)).toBe(0);
  // One of the same name is another series, and its ids are new.
  expect(await again.ingest([wave("a", 0)])).toMatchObject({ accepted: 1, duplicate: 0 });
  expect(again.summary("a")?.observations).toBe(1);
  await again.close();

  await sendWaves(engine, ["b"], 40, 60);
  await engine.checkpoint();
  expect(rowsLeft(database, 1)).toBe(0);
  await engine.close();
  expect(comparable(database).states).toEqual(expected.states);
});

/** Thirty readings, one of the year 9999, thirty more that are late because of it. */
async function closedByTheFuture(database: string): Promise<Engine> {
  const engine = await openEngine({ database, series, ...everything });
  await sendWaves(engine, ["a", "b"], 0, 30);
  await engine.checkpoint();
  expect(await engine.ingest([future])).toMatchObject({ accepted: 1 });
  for (let n = 30; n < 60; n++)
    expect(await engine.ingest([wave("a", n), wave("b", n)])).toMatchObject({ accepted: 1, late: 1 });
  await engine.checkpoint();
  return engine;
}

test("a reading taken back leaves the series as if it had never come, and what was late is taken", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a", "b"], 70);
  const one = comparable(join(folder(), "one.db"));
  const database = join(folder(), "two.db");
  const engine = await closedByTheFuture(database);
  expect(await engine.takeBack("a", FUTURE + 1, Number.POSITIVE_INFINITY)).toMatchObject({ takenBack: 0 });
  const { takenBack, series: after } = await engine.takeBack("a", FUTURE, FUTURE);
  expect(takenBack).toBe(1);
  expect(after).toMatchObject({ observations: 60, lastTime: new Date(wave("a", 59).time).toISOString() });
  expect(engine.recent("a", 100).map(({ time }) => time)).not.toContain(FUTURE);
  await sendWaves(engine, ["a", "b"], 60, 70);
  await engine.close();
  expect(remains(database).states).toEqual(expected.states);
  expect(hourly(join(folder(), "one.db")).length).toBeGreaterThan(1);
  expect(hourly(database)).toEqual(hourly(join(folder(), "one.db")));
  const byTime = (those: typeof one.forecasts) => those.map((forecast) => JSON.stringify(forecast)).sort();
  expect(byTime(comparable(database).forecasts)).toEqual(byTime(one.forecasts));
});

test("killed while it is being made anew: recovery makes it anew", async () => {
  await undisturbed({ database: join(folder(), "one.db"), series }, ["a", "b"], 60);
  const one = comparable(join(folder(), "one.db"));
  const database = join(folder(), "two.db");
  const engine = await closedByTheFuture(database);
  const work = engine.takeBack("a", FUTURE, FUTURE);
  while (engine.rewrites === 0) await new Promise((resolve) => setImmediate(resolve));
  const copy = killed(database, "killed.db");
  await work;
  await engine.close();
  const again = await openEngine({ database: copy, series });
  expect(again.summary("a")).toMatchObject({ observations: 60 });
  await again.close();
  const sorted = (those: typeof one.forecasts) => those.map((forecast) => JSON.stringify(forecast)).sort();
  expect(comparable(copy).states).toEqual(one.states);
  expect(sorted(comparable(copy).forecasts)).toEqual(sorted(one.forecasts));
  // And once it has been, an ordinary start finds it so.
  const third = await openEngine({ database: copy, series });
  expect(third.summary("a")).toMatchObject({ observations: 60 });
  await third.close();
  expect(comparable(copy).states).toEqual(one.states);
  expect(hourly(copy)).toEqual(hourly(join(folder(), "one.db")));
});

test("while readings are taken back the series takes none, and the others do", async () => {
  const engine = await closedByTheFuture(join(folder(), "a.db"));
  const work = engine.takeBack("a", FUTURE, FUTURE);
  const receipt = await engine.ingest([wave("a", 60), wave("b", 60)]);
  expect(receipt.accepted).toBe(1);
  expect(receipt.refused).toMatchObject([{ line: 1, code: "busy" }]);
  await expect(engine.remove("a")).rejects.toMatchObject({ code: "busy" });
  await work;
  expect(await engine.ingest([wave("a", 60)])).toMatchObject({ accepted: 1 });
  await engine.close();
});

test("an id taken back may come again, corrected", async () => {
  const engine = await closedByTheFuture(join(folder(), "a.db"));
  await engine.takeBack("a", FUTURE, FUTURE);
  const corrected = { ...future, time: wave("a", 60).time };
  expect(await engine.ingest([corrected])).toMatchObject({ accepted: 1, duplicate: 0 });
  await engine.close();
});

test("when nothing kept reaches back far enough it is refused by name, and nothing changes", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series, retention: { journalRows: 5 } });
  for (const n of [0, 30, 60, 90]) {
    await sendWaves(engine, ["a"], n, n + 30);
    await engine.checkpoint();
  }
  await expect(engine.takeBack("a", wave("a", 70).time, FUTURE)).rejects.toMatchObject({
    code: "bad-state",
    message: expect.stringContaining("retention has deleted it"),
  });
  expect(engine.summary("a")).toMatchObject({ observations: 120 });
  expect(await engine.ingest([wave("a", 120)])).toMatchObject({ accepted: 1 });
  await engine.close();
});

test("by HTTP: the future is taken back, a series is removed, names may hold slashes", async () => {
  const engine = await closedByTheFuture(join(folder(), "a.db"));
  await engine.ingest([{ series: "tank/a", time: 1000, values: { value: 1 } }]);
  const server = await startServer({ engine });
  await server.ready;
  const ask = async (path: string, method = "DELETE") => {
    const response = await fetch(`${server.url}/v1/series/${path}`, { method });
    const text = await response.text();
    return { status: response.status, answer: text === "" ? null : JSON.parse(text) };
  };
  try {
    expect(await ask("a/observations")).toMatchObject({ status: 400, answer: { code: "bad-argument" } });
    expect(await ask("a/observations?from=soon")).toMatchObject({
      status: 400,
      answer: { code: "bad-time" },
    });
    expect(await ask("a/observations?from=1&until=2")).toMatchObject({ status: 400 });
    expect(await ask("none/observations?from=0")).toMatchObject({ status: 404 });
    expect(await ask("a/observations?from=2100-01-01")).toMatchObject({
      status: 200,
      answer: { takenBack: 1, series: { series: "a", observations: 60 } },
    });
    expect(await ask(`a/observations?from=${FUTURE}`)).toMatchObject({ answer: { takenBack: 0 } });
    expect(await ask("none")).toMatchObject({ status: 404, answer: { code: "not-found" } });
    expect(await ask("tank/a")).toEqual({ status: 204, answer: null });
    expect(await ask("b")).toEqual({ status: 204, answer: null });
    expect(await ask("b", "GET")).toMatchObject({ status: 404 });
    expect((await ask("", "GET")).answer ?? []).not.toContain("b");
    expect([...engine.names()]).toEqual(["a"]);
  } finally {
    await server.close();
  }
});

test("a reading too far beyond the clock is refused and moves no time", async () => {
  const engine = await openEngine({ database: join(folder(), "a.db"), series, ahead: 60_000 });
  const now = Date.now();
  const at = (time: number) => ({ series: "a", time, values: { value: 1 } });
  const { accepted, refused } = await engine.ingest([at(now), at(now + 3_600_000), at(now + 30_000)]);
  expect(accepted).toBe(2);
  expect(refused).toMatchObject([
    { line: 2, code: "ahead", message: expect.stringMatching(/^time: expected /) },
  ]);
  expect(engine.lastTime("a")).toBe(now + 30_000);
  await engine.close();
});

test("a round of checkpoints while a series is looked through for readings to take back: a kill after it loses nothing", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series });
  await engine.ingest([wave("a", 0), wave("b", 0)]);
  await engine.checkpoint();
  await engine.ingest(Array.from({ length: 5000 }, (_, n) => wave("a", n)));
  // Nothing to take back: the series goes on as it was, and what it was given is in no checkpoint yet.
  const work = engine.takeBack("a", 1, 2);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const round = engine.checkpoint();
  await expect(engine.remove("a")).rejects.toMatchObject({ code: "busy" });
  await round;
  expect(await work).toMatchObject({ takenBack: 0 });
  const copy = killed(database, "killed.db");
  await engine.close();
  const again = await openEngine({ database: copy, series });
  expect(again.summary("a")?.observations).toBe(5000);
  expect(await again.ingest([wave("a", 5000)])).toMatchObject({ accepted: 1 });
  await again.close();
});
