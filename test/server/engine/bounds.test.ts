// What opening series may cost, and how the log of forecasts is read.
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../../../src/models/kernels/arena.ts";
import type { Observation } from "../../../src/models/observation.ts";
import { seriesMaker } from "../../../src/server/engine/series.ts";
import { type Engine, type LogPlace, openEngine } from "../../../src/server/engine.ts";
import { Backlog } from "../../../src/server/socket/backlog.ts";
import { Dispatch, type Outgoing, View } from "../../../src/server/socket/outgoing.ts";
import { remains, sendWaves, temporaryFolder, undisturbed, wave } from "./fixture.ts";

const folder = temporaryFolder();
const observation = (name: string, columns = 1): Observation => ({
  series: name,
  time: 1_700_000_000_000,
  values: Object.fromEntries(Array.from({ length: columns }, (_, c) => [`c${c}`, c])),
});

test.each([
  ["auto", 1, 12],
  ["auto", 5, 3],
  ["persistence", 40, 24],
  ["lstm", 2, 6],
  ["gru:hidden=8", 1, 2],
])("%s with %i columns: its price is told without opening it, and holds", (model, columns, horizon) => {
  const arena = new Arena();
  const maker = seriesMaker({ model, horizon }, arena);
  const first = observation("a", columns);
  const price = maker.price(maker.plan(first));
  expect(arena.usedBytes).toBe(0);
  const live = maker.open(first);
  expect(price).toBeGreaterThanOrEqual(arena.usedBytes);
  expect(price).toBeLessThan(arena.usedBytes + 100_000);
  live.release();
});

test("a series that would weigh too much is refused by name, and nothing is opened for it", async () => {
  const engine = await openEngine({ database: join(folder(), "a.db"), seriesBytes: 2 ** 20 });
  const { accepted, refused } = await engine.ingest([observation("wide", 256), observation("slim")]);
  expect(accepted).toBe(1);
  expect(refused).toMatchObject([
    {
      line: 1,
      code: "too-large",
      message: expect.stringMatching(/^series "wide": expected at most 1 MiB of state, got \d+ MiB/),
    },
  ]);
  expect([...engine.names()]).toEqual(["slim"]);
  await engine.close();
});

test("more new series than a second may bring are refused as busy; known ones go on", async () => {
  const engine = await openEngine({
    database: join(folder(), "a.db"),
    series: { model: "persistence", horizon: 1 },
    newSeriesPerSecond: 0.001,
  });
  const { accepted, refused } = await engine.ingest(
    ["a", "b", "c", "a"].map((name) => observation(name)).map((o, i) => ({ ...o, time: o.time + i })),
  );
  expect(accepted).toBe(2);
  expect(refused).toMatchObject([
    { line: 2, code: "busy" },
    { line: 3, code: "busy" },
  ]);
  expect(engine.metrics().new_series_refused_total).toBe(2);
  await engine.close();
});

test("the memory bound holds while series are being opened, and their bits are the same", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `s${i}`);
  const series = { model: "ar", horizon: 2 };
  const expected = await undisturbed({ database: join(folder(), "one.db"), series }, names, 12);
  const maker = seriesMaker(series);
  const price = maker.price(maker.plan(wave("a", 0)));
  const database = join(folder(), "two.db");
  const engine = await openEngine({ database, series, memoryBytes: 3 * price });
  let most = 0;
  const sample = () => {
    most = Math.max(most, engine.metrics().state_in_memory_bytes);
  };
  engine.issues$.subscribe(sample);
  for (let n = 0; n < 12; n++) {
    await engine.ingest(names.map((name) => wave(name, n)));
    sample();
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(3 * price);
  await engine.close();
  expect(remains(database).states).toEqual(expected.states);
});

/** Issue time of a forecast, as its frame tells it. */
const issueTime = (outgoing: Outgoing): number =>
  Date.parse(JSON.parse(String(outgoing.message(1, new View(undefined, false)))).forecast.issuedAt);

/** Reads the log to its end in pages of `limit`; every page must lie after the one before. */
function readAll(engine: Engine, since: number, limit: number): number[] {
  const found: number[] = [];
  let place: LogPlace | null = { position: since, ordinal: Number.MAX_SAFE_INTEGER };
  while (place !== null) {
    const page = engine.issuedAfter(place, limit);
    if (page === null) throw new Error("no longer kept");
    for (const { position, ordinal, issue } of page.rows) {
      expect(position > place.position || (position === place.position && ordinal > place.ordinal)).toBe(
        true,
      );
      place = { position, ordinal };
      if (issue !== null) found.push(issue.time);
    }
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    place = page.next;
  }
  return found;
}

test.each([
  ["a silence filled in", { every: 1000 }, [0, 1, 2, 402, 403]],
  ["a long silence", { every: 60_000 }, [0, 60, 120, 36_120, 36_180]],
  [
    "many held back and let go at once",
    { lateness: 60_000 },
    [...Array.from({ length: 500 }, (_, i) => i / 10), 900, 1000],
  ],
])(
  "%s: a position of many issues is read page by page, before and after a restart",
  async (_name, how, seconds) => {
    const options = {
      database: join(folder(), "a.db"),
      series: { model: "persistence", horizon: 1, ...how },
    };
    let engine = await openEngine(options);
    const published: number[] = [];
    engine.issues$.subscribe(({ issue }) => published.push(issue.time));
    for (const second of seconds) {
      await engine.ingest([
        { series: "a", time: 1_700_000_040_000 + 1000 * second, values: { value: second } },
      ]);
    }
    expect(published.length).toBeGreaterThan(300);
    for (const restarted of [false, true]) {
      if (restarted) {
        await engine.close();
        engine = await openEngine(options);
      }
      for (const limit of [1, 7, 64, 5000]) expect(readAll(engine, 0, limit)).toEqual(published);
      const backlog = new Backlog(engine, new Dispatch(engine.epoch));
      const sent: number[] = [];
      for (let place = backlog.start({ offset: 0 }); place !== null; ) {
        const page = backlog.page(place);
        sent.push(...(page?.run.forecasts ?? []).map((one) => issueTime(one)));
        place = page?.next ?? null;
      }
      expect(sent).toEqual(published);
    }
    await engine.close();
  },
);

test("a page of the log is read once, however many come back", async () => {
  const engine = await openEngine({
    database: join(folder(), "a.db"),
    series: { model: "persistence", horizon: 1 },
  });
  await sendWaves(engine, ["a", "b"], 0, 300);
  const backlog = new Backlog(engine, new Dispatch(engine.epoch));
  const offsets = new Set<string>();
  for (let peer = 0; peer < 100; peer++) {
    const since = 100 + peer;
    const sent: number[] = [];
    for (let place = backlog.start({ offset: since }); place !== null; ) {
      const page = backlog.page(place);
      sent.push(
        ...(page?.run.forecasts ?? []).map(({ offset }) => offset).filter((offset) => offset > since),
      );
      place = page?.next ?? null;
    }
    offsets.add(`${sent[0] - since} ${sent.at(-1)} ${sent.length + since}`);
  }
  expect([...offsets]).toEqual(["1 600 600"]);
  // Two places to begin at, and what lies after them.
  expect(backlog.reads).toBeLessThanOrEqual(6);
  await engine.close();
});
