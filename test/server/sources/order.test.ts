// A file in order, and a copy of it that is shuffled, has lines twice, and some far too late: the same forecasts, exact counts.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { afterAll, expect, test } from "vitest";
import { words } from "../../../src/models/forecast.ts";
import { openEngine } from "../../../src/server/engine.ts";
import { startServer } from "../../../src/server/server.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-order-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const STEP = 60_000;
const LATENESS = 10 * STEP;
const ROWS = 240;
const generator = xoroshiro128plus(17);
const draw = (low: number, high: number): number => uniformInt(generator, low, high);

const time = (n: number): number => Date.UTC(2026, 0, 1) + n * STEP;
const row = (series: string, at: number, value: number): string =>
  `${new Date(at).toISOString()},${series},${value}`;
const value = (series: string, n: number): number =>
  Number((20 + 5 * Math.sin(n / 9 + series.length) + ((n * 7919) % 13) / 10).toFixed(3));

/** Reads a file as a source of the configuration; the forecasts of each series in order, and the report of the source. */
async function read(name: string, lines: readonly string[]) {
  const path = join(folder, `${name}.csv`);
  writeFileSync(path, `time,sensor,value\n${lines.join("\n")}\n`);
  const engine = await openEngine({
    database: join(folder, `${name}.db`),
    series: { horizon: 4, lateness: LATENESS, quantiles: [0.1, 0.9] },
    ahead: Number.POSITIVE_INFINITY,
  });
  const forecasts = new Map<string, string[]>();
  engine.issues$.subscribe(({ issue }) => {
    const list = forecasts.get(issue.series) ?? [];
    forecasts.set(issue.series, list);
    for (const { offset: _, ...forecast } of words(issue)) list.push(JSON.stringify(forecast));
  });
  const server = await startServer({
    engine,
    sources: [{ name: "file", kind: "file", options: { path, every: "10ms", series: ["sensor"] } }],
  });
  let report: Record<string, number> = {};
  while (report.received !== lines.length || report.waiting !== 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    [report] = (await (await fetch(`${server.url}/v1/sources`)).json()) as Record<string, number>[];
  }
  await server.close();
  return { forecasts, report };
}

test("shuffled within the bound, doubled and partly late: bit for bit the forecasts of the file in order", async () => {
  const inOrder: { at: number; line: string }[] = [];
  for (let n = 0; n < ROWS; n++)
    for (const series of ["a", "other"])
      inOrder.push({ at: time(n), line: row(series, time(n), value(series, n)) });
  // No line moves further than half of the bound, in event time.
  const shuffled = inOrder
    .map((one) => ({ ...one, key: one.at + draw(0, LATENESS / 2) }))
    .sort((a, b) => a.key - b.key);
  const copy: string[] = [];
  let [doubled, late] = [0, 0];
  let newest = Number.NEGATIVE_INFINITY;
  for (const { at, line } of shuffled) {
    copy.push(line);
    newest = Math.max(newest, at);
    // Twice, while it is still held back.
    if (draw(0, 9) === 0 && at > newest - LATENESS / 2) {
      copy.push(line);
      doubled++;
    }
    // Of a time that nothing else has, before all that is still held back.
    if (draw(0, 19) === 0 && newest - 2 * LATENESS > time(0)) {
      copy.push(row("a", newest - 2 * LATENESS + 7, 99));
      late++;
    }
  }
  expect(doubled).toBeGreaterThan(20);
  expect(late).toBeGreaterThan(10);
  const right = await read(
    "right",
    inOrder.map(({ line }) => line),
  );
  const other = await read("other", copy);
  expect(right.report).toMatchObject({ taken: 2 * ROWS, refused: {} });
  expect(right.forecasts.get("a")?.length).toBeGreaterThan(200);
  expect(Object.fromEntries(other.forecasts)).toEqual(Object.fromEntries(right.forecasts));
  expect(other.report).toMatchObject({
    received: 2 * ROWS + doubled + late,
    taken: 2 * ROWS,
    refused: { "duplicate-time": doubled, late },
  });
}, 60_000);
