// (offset, ordinal) is one order of all forecasts, live and from the log, also where one reading lets go of several others.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { startServer } from "../../src/server/server.ts";
import { Client } from "./client.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

test("readings that come out of order: every forecast has a place of its own, told live as it is told again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-ordinals-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const engine = await openEngine({
    database: join(folder, "a.db"),
    series: { model: "persistence", horizon: 2, lateness: 5000 },
  });
  const server = await startServer({ engine });
  closers.unshift(() => server.close());
  await server.ready;
  const connect = async (): Promise<Client> => {
    const client = await Client.ready(server.url);
    closers.unshift(() => client.close());
    return client;
  };
  const live = await connect();
  live.send({ type: "subscribe", id: "s", series: "late", mode: "stream" });
  await live.settle();
  // In pairs that change places, and now and then a leap of time that lets go of everything that waits.
  for (let n = 0; n < 60; n++) {
    const time = 1_700_000_000_000 + 1000 * ((n ^ 1) + 20 * Math.floor(n / 10));
    await engine.ingest([{ series: "late", time, values: { x: n, y: -n } }]);
  }
  await live.settle();
  const places = (client: Client) => client.of("data").map((frame) => [frame.offset, frame.ordinal]);
  const told = live.of("data").map(({ id, ...frame }) => frame);
  expect(told.length).toBeGreaterThan(80);
  // One reading led to more than the two forecasts of its targets, and some of these are of readings before it.
  expect(Math.max(...places(live).map(([, ordinal]) => Number(ordinal)))).toBeGreaterThan(3);
  expect(
    told.some((frame) => (frame.forecast as unknown as { offset: number }).offset < Number(frame.offset)),
  ).toBe(true);
  const ascending = (places: unknown[][]): boolean =>
    places.every(([offset, ordinal], i) => {
      const [before = -1, ordinalBefore = -1] = (places[i - 1] ?? []) as number[];
      return Number(offset) > before || (offset === before && Number(ordinal) === ordinalBefore + 1);
    });
  expect(ascending(places(live))).toBe(true);
  for (const at of [0, 1, 2, 17, 40, told.length - 2]) {
    const { epoch, offset, ordinal } = told[at];
    const again = await connect();
    again.send({
      type: "subscribe",
      id: "s",
      series: "late",
      mode: "stream",
      since: { epoch, offset, ordinal },
    });
    await again.until(() => again.of("data").length >= told.length - 1 - at);
    await again.settle();
    expect(again.of("data").map(({ id, ...frame }) => frame)).toEqual(told.slice(at + 1));
  }
  // What is known already comes with the place that it had.
  const latest = await connect();
  latest.send({ type: "subscribe", id: "s", pattern: "*" });
  await latest.until(() => latest.of("data").length === 2);
  expect(latest.of("data").map(({ id, ...frame }) => frame)).toEqual(told.slice(-2));
});
