import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Forecast } from "../../../src/models/forecast.ts";
import { words } from "../../../src/models/forecast.ts";
import type { LoggedIssue } from "../../../src/server/engine.ts";
import { openEngine } from "../../../src/server/engine.ts";
import { DatabaseReader, restoreSavepoint, writeSavepoint } from "../../../src/storage/index.ts";
import { logged, published } from "../../issues.ts";
import { remains, sendWaves, temporaryFolder, undisturbed, wave } from "./fixture.ts";

const folder = temporaryFolder();
const series = { model: "auto", horizon: 2 };
const plain = { model: "persistence", horizon: 2 };

test("a batch is answered with what became of each observation", async () => {
  const engine = await openEngine({ database: join(folder(), "a.db"), series: plain });
  const time = 1_700_000_000_000;
  expect(
    await engine.ingest([
      { id: "1", series: "s", time, values: { value: 1 } },
      { id: "2", series: "s", time: time + 2000, values: { value: 2 } },
      { id: "2", series: "s", time: time + 3000, values: { value: 9 } },
      { series: "s", time: time + 1000, values: { value: 3 } },
      { series: "s", time: Number.NaN, values: { value: 3 } },
      { series: "s", time: time + 4000, values: { value: Number.POSITIVE_INFINITY } },
      { series: "s", time: time + 4000, values: { other: 3 } },
      { series: "s", time: time + 4000, values: { other: 3, value: 4 } },
    ]),
  ).toEqual({
    accepted: 3,
    duplicate: 1,
    late: 1,
    refused: [
      { line: 5, code: "bad-time", message: "time: expected ISO 8601 or epoch milliseconds, got NaN" },
      { line: 6, code: "bad-number", message: "value: expected a finite number, got Infinity" },
      { line: 7, code: "unknown-column", message: "values: expected one of value" },
    ],
  });
  expect(engine.offset).toBe(4);
  expect(engine.metrics().ignored_values_total).toBe(1);
  expect(engine.summary("s")).toMatchObject({ observations: 3, offset: 4, targets: ["value"] });
  await engine.close();
  await expect(engine.ingest([wave("s", 0)])).rejects.toThrow(/stopping/);
});

test("an observation without an id is never a duplicate; an id is one per series, also after a restart", async () => {
  const database = join(folder(), "a.db");
  let engine = await openEngine({ database, series: plain });
  const { id: _, ...anonymous } = wave("a", 0);
  await engine.ingest([anonymous]);
  expect(await engine.ingest([anonymous])).toMatchObject({ duplicate: 0 });
  await engine.ingest([{ ...wave("b", 1), id: "x" }]);
  await engine.close();
  engine = await openEngine({ database, series: plain });
  expect(await engine.ingest([{ ...wave("b", 2), id: "x" }])).toMatchObject({ duplicate: 1, accepted: 0 });
  expect(await engine.ingest([{ ...wave("c", 2), id: "x" }])).toMatchObject({ duplicate: 0, accepted: 1 });
  await engine.close();
});

test("forecasts are published in journal order, after their commit, and are found again by offset and by time", async () => {
  const engine = await openEngine({ database: join(folder(), "a.db"), series });
  const seen = published(engine);
  const issues: LoggedIssue[] = [];
  engine.issues$.subscribe((one) => issues.push(one));
  await sendWaves(engine, ["a", "b"], 0, 30);
  expect(seen.map(({ offset }) => offset)).toEqual(seen.map(({ offset }) => offset).sort((x, y) => x - y));
  expect(logged(engine)).toEqual(seen);
  expect(logged(engine, 20, 5)).toEqual(seen.filter(({ offset }) => offset > 20).slice(0, 5));
  const own = issues.filter(({ issue }) => issue.series === "a").map(({ issue }) => issue);
  expect(engine.issuedAsOf("a", own[10].time + 999)).toEqual(own[10]);
  expect(engine.latest("a")).toBe(own.at(-1));
  expect(engine.latest("nobody")).toBeUndefined();
  await engine.close();
});

test("closed and opened again, it goes on with the same bits", async () => {
  const names = ["a", "b", "c"];
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, names, 60);
  const database = join(folder(), "two.db");
  for (const [from, to] of [
    [0, 1],
    [1, 20],
    [20, 21],
    [21, 60],
  ]) {
    const engine = await openEngine({ database, series });
    const before = engine.series();
    await sendWaves(engine, names, from, to);
    await engine.close();
    const again = await openEngine({ database, series });
    if (from > 0) expect(before.map(({ observations }) => observations)).toEqual(names.map(() => from));
    expect(again.summary("a")).toMatchObject({ observations: to });
    await again.close();
  }
  expect(remains(database)).toEqual(expected);
});

test("series beyond the memory bound go to disk and come back exact", async () => {
  const names = Array.from({ length: 5 }, (_, i) => `s${i}`);
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, names, 15);
  const database = join(folder(), "two.db");
  const engine = await openEngine({ database, series, memoryBytes: 1 });
  for (let n = 0; n < 15; n++) for (const name of names) await engine.ingest([wave(name, n)]);
  expect(engine.metrics().evictions_total).toBeGreaterThan(60);
  expect(engine.metrics().series_in_memory).toBe(1);
  await engine.close();
  expect(remains(database)).toEqual(expected);
});

test("two requests wait together and more than the bound is refused as busy", async () => {
  const engine = await openEngine({ database: join(folder(), "a.db"), series: plain, queueLimit: 3 });
  const first = engine.ingest([wave("a", 0), wave("a", 1)]);
  await expect(engine.ingest([wave("a", 2), wave("a", 3)])).rejects.toMatchObject({ code: "busy" });
  const second = engine.ingest([wave("a", 4)]);
  expect([await first, await second].map(({ accepted }) => accepted)).toEqual([2, 1]);
  expect(engine.metrics().commits_total).toBe(1);
  await engine.close();
});

test("how far a source was read is committed with its observations", async () => {
  const database = join(folder(), "a.db");
  let engine = await openEngine({ database, series: plain });
  await engine.ingest([wave("a", 0)], { sources: { "mqtt/plant": "17" } });
  await engine.ingest([wave("a", 1)], { sources: { "mqtt/plant": "18", file: "3" } });
  await engine.close();
  engine = await openEngine({ database, series: plain });
  expect(Object.fromEntries(engine.sources)).toEqual({ "mqtt/plant": "18", file: "3" });
  await engine.close();
});

test("journal and forecasts are trimmed to what retention asks for, and recovery stays exact", async () => {
  const names = ["a", "b"];
  const expected = await undisturbed({ database: join(folder(), "one.db"), series: plain }, names, 200);
  const database = join(folder(), "two.db");
  const retention = { journalRows: 10, forecastRows: 50, idRows: 20 };
  let engine = await openEngine({ database, series: plain, retention });
  await sendWaves(engine, names, 0, 100);
  await engine.checkpoint();
  await engine.checkpoint();
  const { journal_rows, forecast_rows, id_rows } = engine.metrics();
  expect([journal_rows, forecast_rows, id_rows]).toEqual([10, 50, 20]);
  expect(logged(engine, 100, 10)).toBeNull();
  expect(logged(engine, 150)).toHaveLength(50);
  await engine.close();
  engine = await openEngine({ database, series: plain, retention });
  await sendWaves(engine, names, 100, 200);
  await engine.close();
  expect(remains(database).states).toEqual(expected.states);
  expect(remains(database).forecasts).toEqual(expected.forecasts.slice(-remains(database).forecasts.length));
});

test("a round of checkpoints and deleting come to an end although observations keep coming", async () => {
  const retention = { journalRows: 5, forecastRows: 5, idRows: 5 };
  const engine = await openEngine({ database: join(folder(), "a.db"), series: plain, retention });
  await sendWaves(engine, ["a"], 0, 50);
  let done = false;
  engine.checkpoint().then(() => {
    done = true;
  });
  // Should it never end, the time limit of the test says so.
  let n = 50;
  while (!done) await sendWaves(engine, ["a"], n, ++n);
  expect(engine.metrics().checkpoint_rounds_total).toBeGreaterThan(0);
  await engine.close();
});

test("a second process is refused with the first one's number, and not once that was killed", async () => {
  const database = join(folder(), "a.db");
  const code = `import { openEngine } from "./src/server/engine.ts";
    openEngine({ database: ${JSON.stringify(database)} }).then(
      () => { if (process.argv.includes("die")) process.kill(process.pid, "SIGKILL"); process.exit(0); },
      (error) => { console.error(error.code, error.message); process.exit(1); });`;
  const other = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code, "--", ...args], {
      encoding: "utf8",
    });
  expect(other("die").signal).toBe("SIGKILL");
  const engine = await openEngine({ database, series: plain });
  const { status, stderr } = other();
  expect([status, stderr]).toEqual([1, expect.stringContaining(`locked ${database}: expected`)]);
  expect(stderr).toContain(`process ${process.pid}`);
  await engine.close();
  expect(other().status).toBe(0);
});

test("quantiles as issued are stored and found again, and a copy of a running database makes the same ones", async () => {
  const asked = { model: "auto", horizon: 2, quantiles: [0.1, 0.5, 0.9] };
  const expected = await undisturbed({ database: join(folder(), "one.db"), series: asked }, ["a", "b"], 60);
  const database = join(folder(), "two.db");
  const copy = join(folder(), "copy.db");
  const engine = await openEngine({ database, series: asked });
  const seen = published(engine);
  await sendWaves(engine, ["a", "b"], 0, 20);
  await engine.checkpoint();
  await sendWaves(engine, ["a", "b"], 20, 40);
  // What a crash would leave: the file and its log as they are.
  for (const part of ["", "-wal"]) copyFileSync(database + part, copy + part);
  await engine.close();
  const again = await openEngine({ database: copy, series: plain });
  expect(logged(again)).toEqual(seen);
  const latest = again.latest("a");
  expect(latest && words(latest)[0].horizon[1].quantiles).toEqual(seen.at(-2)?.horizon[1].quantiles);
  await sendWaves(again, ["a", "b"], 40, 60);
  await again.close();
  expect(remains(copy)).toEqual(expected);
  const levels = expected.forecasts.flatMap(({ horizon }) =>
    horizon.map(({ quantiles }) => Object.keys(quantiles ?? {})),
  );
  expect(new Set(levels.map(String))).toEqual(new Set(["0.1,0.5,0.9"]));
});

test("a savepoint goes on elsewhere with the same bits, also in a database with a past", async () => {
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, ["a", "b"], 60);
  const from = join(folder(), "from.db");
  const engine = await openEngine({ database: from, series });
  await sendWaves(engine, ["a", "b"], 0, 20);
  await engine.checkpoint();
  await sendWaves(engine, ["a", "b"], 20, 40);
  // While the server runs.
  const reader = new DatabaseReader(from);
  const file = join(folder(), "b.eddy");
  const report = writeSavepoint(
    reader,
    reader.series((name) => name === "b"),
    file,
  );
  expect(report).toMatchObject({ series: 1, observations: 20 });
  expect(() => writeSavepoint(reader, reader.series(), file)).toThrow(/expected a new file/);
  reader.close();
  await engine.close();

  const past = join(folder(), "past.db");
  await undisturbed({ database: past, series }, ["c"], 10);
  for (const [database, shift] of [
    [join(folder(), "new.db"), 0],
    [past, 10],
  ] as const) {
    restoreSavepoint(file, database);
    expect(() => restoreSavepoint(file, database)).toThrow(/none of the series/);
    const other = await openEngine({ database, series });
    expect(other.offset).toBe(80 + shift);
    expect(await other.ingest([wave("b", 39)])).toMatchObject({ duplicate: 1 });
    await sendWaves(other, ["b"], 40, 60);
    await other.close();
    const { states, forecasts } = remains(database);
    expect(states.b).toBe(expected.states.b);
    const withoutOffset = (all: readonly Forecast[]) =>
      all.filter((f) => f.series === "b").map((f) => ({ ...f, offset: 0 }));
    expect(withoutOffset(forecasts)).toEqual(withoutOffset(expected.forecasts));
  }
});
