// What the page draws at once: the last observations of a series, from the journal.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Observation } from "../../src/models/observation.ts";
import { openEngine } from "../../src/server/engine.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-recent-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const open = (database: string) =>
  openEngine({ database: join(folder, database), series: { model: "persistence", horizon: 1 } });

test("the last of one series, of all that are mixed in the journal, before and after a restart", async () => {
  const observation = (series: string, t: number): Observation => ({
    series,
    time: 1000 * t,
    values: { x: t, y: t % 3 === 0 ? null : -t },
  });
  const first = await open("a.db");
  for (let t = 1; t <= 50; t++) await first.ingest([observation("a", t), observation("b", t)]);
  const wanted = Array.from({ length: 20 }, (_, i) => observation("a", 31 + i));
  expect(first.recent("a", 20)).toEqual(wanted);
  expect(first.recent("none", 20)).toEqual([]);
  expect(first.recent("b", 1000)).toHaveLength(50);
  await first.close();
  const second = await open("a.db");
  expect(second.recent("a", 20)).toEqual(wanted);
  await second.ingest([observation("a", 51)]);
  expect(second.recent("a", 2)).toEqual([observation("a", 50), observation("a", 51)]);
  await second.close();
});

test("a column called __proto__ is in the journal like any other", async () => {
  const values = JSON.parse('{ "__proto__": 7, "x": 1 }');
  const engine = await open("b.db");
  expect(await engine.ingest([{ series: "__proto__", time: 1, values }])).toMatchObject({ accepted: 1 });
  const [read] = engine.recent("__proto__", 1);
  expect(Object.entries(read.values).sort()).toEqual([
    ["__proto__", 7],
    ["x", 1],
  ]);
  await engine.close();
});
