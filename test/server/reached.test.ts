// How far a source has been read is durable with each line, however a batch is cut into commits.
import { join } from "node:path";
import { expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { temporaryFolder } from "./engine/fixture.ts";

const folder = temporaryFolder();
const rows = 2500;
const batch = Array.from({ length: rows }, (_, n) => ({ series: "a", time: 1000 + n, values: { value: n } }));
const reached = new Map(batch.map((_, n) => [n + 1, { "file#place": String(n + 1) }]));

test("a commit that fails in the middle of a batch: exactly what is durable is told as read, and survives", async () => {
  const database = join(folder(), "eddy.db");
  let begun = 0;
  const engine = await openEngine({
    database,
    series: { model: "persistence", horizon: 1 },
    ahead: Number.POSITIVE_INFINITY,
    failpoint: (name) => {
      if (name === "commit:begun" && ++begun === 2) throw new Error("no room on the disk");
    },
  });
  await expect(engine.ingest(batch, { reached })).rejects.toThrow();
  expect(engine.sources.get("file#place")).toBe(String(engine.offset));
  expect(engine.offset).toBeGreaterThan(0);
  expect(engine.offset).toBeLessThan(rows);
  const place = engine.offset;
  await engine.close();
  const again = await openEngine({ database, ahead: Number.POSITIVE_INFINITY });
  expect(again.sources.get("file#place")).toBe(String(place));
  const rest = new Map(batch.slice(place).map((_, n) => [n + 1, { "file#place": String(place + n + 1) }]));
  await again.ingest(batch.slice(place), { reached: rest });
  expect(again.sources.get("file#place")).toBe(String(rows));
  expect(again.offset).toBe(rows);
  await again.close();
});

test("after one that is to be sent again nothing more of the batch is told as read", async () => {
  const engine = await openEngine({
    database: join(folder(), "eddy.db"),
    series: { model: "persistence", horizon: 1 },
    ahead: Number.POSITIVE_INFINITY,
    newSeriesPerSecond: 1,
  });
  const many = Array.from({ length: 20 }, (_, n) => ({ series: `s${n}`, time: 1000, values: { value: n } }));
  const places = new Map(many.map((_, n) => [n + 1, { "topics#place": String(n + 1) }]));
  const receipt = await engine.ingest(many, { reached: places });
  const first = receipt.refused.find(({ code }) => code === "busy")?.line ?? 0;
  expect(first).toBeGreaterThan(1);
  expect(engine.sources.get("topics#place")).toBe(String(first - 1));
  const paced = await engine.ingest(many, { reached: places, paced: true });
  expect(paced.refused.filter(({ code }) => code === "busy")).toEqual([]);
  expect(engine.sources.get("topics#place")).toBe("20");
  await engine.close();
});
