// Sources of the configuration in a server: counted, waited for, taken once.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Observable } from "rxjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readConfiguration } from "../../../src/server/configuration.ts";
import { openEngine } from "../../../src/server/engine.ts";
import { Intake } from "../../../src/server/intake.ts";
import { type Server, startServer } from "../../../src/server/server.ts";
import { CounterNames } from "../../../src/server/sources/counter-names.ts";
import { SourceCounts } from "../../../src/server/sources/counts.ts";
import { SourceRunner } from "../../../src/server/sources/source-runner.ts";
import type { SourceBatch } from "../../../src/streams/sources/source.ts";
import { ScriptedEngine } from "../scripted-engine.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eddy-sources-"));
});
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
const reportOf = async (server: Server, name: string) =>
  ((await (await fetch(`${server.url}/v1/sources`)).json()) as Record<string, unknown>[]).find(
    (one) => one.name === name,
  ) ?? {};

const reading = (series: string, time: number, value: number) => ({
  line: 1,
  row: 0,
  timed: true,
  observation: { series, time, values: { value } },
});

/** A source that hands out these batches at once. */
function handed(batches: readonly SourceBatch[]): Observable<SourceBatch> {
  return new Observable((subscriber) => {
    for (const batch of batches) subscriber.next(batch);
  });
}

describe("taking in", () => {
  test("what the engine has no room for is handed in again, in order; acknowledged once it is in", async () => {
    const engine = new ScriptedEngine();
    engine.full = true;
    const counts = new SourceCounts("s", "test", () => 0);
    const waits: number[] = [];
    const acknowledged: string[] = [];
    const runner = new SourceRunner(counts, "s#", {
      engine,
      intake: new Intake(engine, () => 0),
      random: () => 1,
      after(milliseconds, task) {
        waits.push(milliseconds);
        if (waits.length === 4) engine.full = false;
        setImmediate(task);
        return () => {};
      },
    });
    runner.run(
      handed([
        {
          readings: [reading("a", 1, 1), { line: 2, row: 1, reason: "bad-line", message: "line 2: torn" }],
          acknowledge: () => acknowledged.push("first"),
        },
        { readings: [], acknowledge: () => acknowledged.push("empty") },
        {
          readings: [reading("a", 2, 2), reading("refused", 3, 3)],
          acknowledge: () => acknowledged.push("last"),
        },
      ]),
    );
    expect(acknowledged).toEqual([]);
    await until(() => acknowledged.length === 3);
    expect(acknowledged).toEqual(["first", "empty", "last"]);
    expect(waits).toEqual([50, 100, 200, 400]);
    expect(engine.observed.map(({ values }) => values.value)).toEqual([1, 2]);
    expect(counts.report).toMatchObject({
      received: 4,
      taken: 2,
      waiting: 0,
      refused: { "bad-line": 1, late: 1 },
      lastError: { message: "line 2: torn" },
    });
    await runner.stop();
  });

  test("columns that a series does not have are told, and counted", async () => {
    const engine = openEngine({
      database: join(folder, "late.db"),
      series: { model: "persistence", horizon: 1 },
    });
    const opened = await engine;
    closers.push(() => opened.close());
    const counts = new SourceCounts("s", "test", () => 0);
    let done = false;
    const runner = new SourceRunner(counts, "s#", {
      engine: opened,
      intake: new Intake(opened, () => 0),
      random: () => 0,
      after: () => () => {},
    });
    const of = (time: number, values: Record<string, number>) => ({
      line: 1,
      row: 0,
      timed: true,
      observation: { series: "room", time, values },
    });
    runner.run(
      handed([
        {
          readings: [
            of(1, { battery: 99 }),
            of(2, { battery: 98, heat: 21 }),
            of(3, { battery: 97, heat: 22 }),
          ],
          acknowledge: () => {
            done = true;
          },
        },
      ]),
    );
    await until(() => done);
    expect(counts.report).toMatchObject({
      taken: 3,
      ignored: 2,
      lastError: {
        message:
          'series "room": "heat" is not among the columns of its first reading ("battery"), and is left out',
      },
    });
    await runner.stop();
  });

  test("10,000 readings at once: in order, each counted by its reason", async () => {
    const engine = new ScriptedEngine();
    const counts = new SourceCounts("s", "test", () => 0);
    let done = false;
    const runner = new SourceRunner(counts, "s#", {
      engine,
      intake: new Intake(engine, () => 0),
      random: () => 0,
      after: () => () => {},
    });
    const readings = Array.from({ length: 10_000 }, (_, n) => reading(n % 10 === 3 ? "refused" : "a", n, n));
    runner.run(
      handed([
        {
          readings,
          acknowledge: () => {
            done = true;
          },
        },
      ]),
    );
    await until(() => done);
    expect(counts.report).toMatchObject({
      received: 10_000,
      taken: 9000,
      refused: { late: 1000 },
      waiting: 0,
    });
    const times = engine.observed.map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    await runner.stop();
  });
});

test("a file read to its end, then as it grows, by one server after the other: every line once", async () => {
  const path = join(folder, "readings.csv");
  const line = (n: number) =>
    `2026-01-01T00:00:${String(n % 60).padStart(2, "0")}.${String(n).padStart(3, "0")}Z,${n}\n`;
  writeFileSync(path, `time,value\n${Array.from({ length: 50 }, (_, n) => line(n)).join("")}`);
  const start = async () => {
    const engine = openEngine({
      database: join(folder, "eddy.db"),
      series: { model: "persistence", horizon: 1 },
      ahead: Number.POSITIVE_INFINITY,
    });
    const server = await startServer({
      engine,
      sources: [{ name: "log", kind: "file", options: { path, every: "10ms" } }],
    });
    closers.push(() => server.close());
    await server.ready;
    return { server, engine: await engine };
  };
  const first = await start();
  await until(async () => (await reportOf(first.server, "log")).taken === 50);
  await first.server.close();
  appendFileSync(path, [50, 51, 52].map(line).join(""));
  const second = await start();
  await until(async () => (await reportOf(second.server, "log")).taken === 3);
  appendFileSync(path, line(53));
  await until(async () => (await reportOf(second.server, "log")).taken === 4);
  expect(second.engine.recent("readings", 100).map(({ values }) => values.value)).toEqual(
    Array.from({ length: 54 }, (_, n) => n),
  );
});

test("a target that is scraped: again and again, by name; one that goes away is told", async () => {
  let answers = 0;
  let broken = false;
  const target = createServer((request, response) => {
    if (request.headers.authorization !== "Bearer word") response.statusCode = 401;
    else if (broken) response.statusCode = 500;
    answers++;
    response.end(
      `# HELP up Whether\n# TYPE up gauge\nup 1\n# TYPE load counter\nload{cpu="1"} ${answers}\nload{cpu="0"} NaN\nother 7\nnonsense line\n`,
    );
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  closers.push(() => target.close());
  const url = `http://127.0.0.1:${(target.address() as { port: number }).port}/metrics`;
  const counters = new CounterNames();
  const engine = new ScriptedEngine();
  const server = await startServer({
    engine,
    counters,
    sources: [
      {
        name: "node",
        kind: "scrape",
        options: { url, every: "100ms", keep: ["up", "load*"], token: "word" },
      },
      { name: "closed", kind: "scrape", options: { url, every: "100ms" } },
    ],
  });
  closers.push(() => server.close());
  await until(() => engine.observed.length >= 6);
  expect(engine.observed.slice(0, 3).map(({ series, values }) => [series, values.value])).toEqual([
    ["up", 1],
    ["load,cpu=1", expect.any(Number)],
    ["load,cpu=0", null],
  ]);
  expect(["up", "load,cpu=1", "load,cpu=0"].filter((series) => counters.has(series))).toEqual([
    "load,cpu=1",
    "load,cpu=0",
  ]);
  expect(engine.observed[3].time).toBeGreaterThan(engine.observed[0].time);
  const report = await reportOf(server, "node");
  expect(report.refused).toEqual({ "bad-line": expect.any(Number) });
  expect(report.connectedSince).not.toBeNull();
  expect(await reportOf(server, "closed")).toMatchObject({
    received: 0,
    connectedSince: null,
    lastError: { message: `${url}: expected metrics, got status 401` },
  });
  broken = true;
  await until(async () => (await reportOf(server, "node")).connectedSince === null);
});

test("this machine, as a source", async () => {
  const engine = new ScriptedEngine();
  const server = await startServer({
    engine,
    sources: [{ name: "machine", kind: "machine", options: { every: "10ms" } }],
  });
  closers.push(() => server.close());
  await until(() => engine.observed.length > 12);
  const names = new Set(engine.observed.map(({ series }) => series));
  for (const name of ["processor", "load", "memory", "disk", "network-in", "network-out"])
    expect(names).toContain(`machine/${name}`);
  for (const { values } of engine.observed) expect(values.value).toBeGreaterThanOrEqual(0);
});

describe("the configuration", () => {
  const refusal = (sources: unknown): string => {
    try {
      readConfiguration(JSON.stringify({ sources }), "eddy.config.json");
    } catch (error) {
      return (error as Error).message;
    }
    return "taken";
  };
  const machine = { name: "m", kind: "machine", options: {} };

  test.each([
    [[machine], "taken"],
    [
      [machine, machine],
      'eddy.config.json: sources.1.name: expected a name that no other source has, got "m"',
    ],
    [
      [{ ...machine, name: "a#b" }],
      'eddy.config.json: sources.0.name: expected a name of 1 to 64 letters, digits and . _ -, got "a#b"',
    ],
    [
      [{ name: "m", kind: "machine" }],
      "eddy.config.json: sources.0.options: expected an object, got nothing",
    ],
    [
      [{ ...machine, kind: "kafka" }],
      'eddy.config.json: sources.0.kind: expected one of mqtt, file, machine, scrape, got "kafka"',
    ],
    [
      [{ ...machine, options: { every: "soon" } }],
      'eddy.config.json: sources.0.options: every: expected a span of time such as "90s", "12h" or "1d", got "soon"',
    ],
    [
      [{ name: "s", kind: "scrape", options: { url: "http://x", every: "1ms" } }],
      'eddy.config.json: sources.0.options: every: expected at least 100ms, got "1ms"',
    ],
    [
      [{ name: "f", kind: "file", options: {} }],
      "eddy.config.json: sources.0.options: path: expected the path of a file, got nothing",
    ],
    [
      [{ name: "q", kind: "mqtt", options: { url: "mqtt://h", topics: ["a/#/b"] } }],
      'eddy.config.json: sources.0.options: topics.0: expected levels that are words, {name}, + or, at the end, #, got "a/#/b"',
    ],
    [{}, 'eddy.config.json: sources: expected a list of { "name", "kind", "options" }, got {}'],
  ])("%j", (sources, message) => expect(refusal(sources)).toBe(message));
});
