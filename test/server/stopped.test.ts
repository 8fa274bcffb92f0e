// A hosted pipeline that has stopped: the rest goes on, and nothing of it is lost or hidden.
import { cpSync } from "node:fs";
import { map, type Observable } from "rxjs";
import { describe, expect, test } from "vitest";
import type { Observation } from "../../src/models/observation.ts";
import { type EngineOptions, openEngine } from "../../src/server/engine.ts";
import { DatabaseReader } from "../../src/storage/index.ts";
import { leakyAverages, pipeline } from "../../src/streams/index.ts";
import { sendWaves, temporaryFolder, wave } from "./engine/fixture.ts";

const folder = temporaryFolder();

/** Stops at the first value beyond a bound. */
const upTo = (bound: number) =>
  pipeline({
    name: "odd",
    series: "a",
    build: (readings$: Observable<Observation>) =>
      readings$.pipe(
        map(({ values }) => {
          if ((values.value ?? 0) > bound) throw new RangeError(`${values.value} is beyond ${bound}`);
          return values.value ?? 0;
        }),
        leakyAverages([5]),
      ),
  });

const open = (bound: number, more: Partial<EngineOptions> = {}) =>
  openEngine({
    database: `${folder()}/eddy.db`,
    series: { horizon: 2, model: "persistence" },
    pipelines: [upTo(bound)],
    ...more,
  });

function outputs(): unknown[] {
  const reader = new DatabaseReader(`${folder()}/eddy.db`);
  const found = [...reader.issues(reader.series((one) => one === "odd"))].map(({ issue }) =>
    JSON.parse(issue.output ?? "null"),
  );
  reader.close();
  return found;
}

const peak = Math.max(...Array.from({ length: 10 }, (_, n) => wave("a", n).values.value ?? 0));

describe("a pipeline that has stopped", () => {
  test("goes on from its last checkpoint once it was mended, whatever checkpoints others had since", async () => {
    const retention = { journalRows: 5 };
    const engine = await open(peak, { retention });
    await sendWaves(engine, ["a", "b"], 0, 10);
    await engine.checkpoint();
    await engine.ingest([{ series: "a", time: wave("a", 10).time, values: { value: peak + 1 } }]);
    await sendWaves(engine, ["a", "b"], 11, 20);
    expect(engine.pipelines()[0]?.stopped).toMatch(/is beyond/);
    await engine.checkpoint();
    await engine.checkpoint();
    await engine.close();
    expect(outputs()).toHaveLength(10);
    const again = await open(Number.POSITIVE_INFINITY, { retention });
    await sendWaves(again, ["a"], 20, 21);
    expect(again.pipelines()[0]).toMatchObject({ stopped: null, readings: 21 });
    await again.close();
    expect(outputs()).toHaveLength(21);
  });

  test("goes on from there too when it was left out of a start after a crash", async () => {
    const engine = await open(Number.POSITIVE_INFINITY);
    await sendWaves(engine, ["a", "b"], 0, 10);
    await engine.checkpoint();
    await sendWaves(engine, ["a", "b"], 10, 15);
    const crashed = `${folder()}/crashed.db`;
    for (const end of ["", "-wal"]) cpSync(`${folder()}/eddy.db${end}`, `${crashed}${end}`);
    await engine.close();
    const without = await open(0, { database: crashed, pipelines: [] });
    await sendWaves(without, ["b"], 15, 20);
    await without.checkpoint();
    await without.close();
    const again = await open(Number.POSITIVE_INFINITY, { database: crashed });
    await sendWaves(again, ["a"], 15, 16);
    expect(again.pipelines()[0]).toMatchObject({ stopped: null, readings: 16 });
    await again.close();
  });

  test("goes on at once when the reading that stopped it is taken back", async () => {
    const engine = await open(peak);
    await sendWaves(engine, ["a"], 0, 5);
    const bad = { series: "a", time: wave("a", 5).time, values: { value: peak + 1 } };
    await engine.ingest([bad]);
    await sendWaves(engine, ["a"], 6, 9);
    expect(engine.pipelines()[0]?.stopped).toMatch(/is beyond/);
    await engine.takeBack("a", bad.time, bad.time);
    expect(engine.pipelines()[0]).toMatchObject({ stopped: null, readings: 8, outputs: 8 });
    await sendWaves(engine, ["a"], 9, 10);
    await engine.close();
    expect(outputs()).toHaveLength(9);
    const again = await open(peak);
    expect(again.pipelines()[0]).toMatchObject({ stopped: null, readings: 9 });
    await again.close();
  });

  test("holds nothing else in memory", async () => {
    const said: string[] = [];
    const log = { info() {}, warn() {}, error: (message: string) => void said.push(message) };
    const engine = await open(-10, { memoryBytes: 300_000, log, series: { horizon: 2, model: "lstm" } });
    await sendWaves(engine, ["a"], 0, 2);
    for (let n = 0; n < 60; n++) await sendWaves(engine, [`s${n}`], 0, 1);
    expect(engine.metrics().evictions_total).toBeGreaterThan(20);
    expect(said.filter((message) => /odd/.test(message))).toHaveLength(1);
    await engine.close();
    expect(said.filter((message) => /odd/.test(message))).toHaveLength(1);
  });
});
