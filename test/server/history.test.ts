// What was, over a range: readings as they came, forecasts as they were issued, page by page.

import { tableFromIPC } from "apache-arrow";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Forecast, words } from "../../src/models/forecast.ts";
import { type Engine, openEngine } from "../../src/server/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { temporaryFolder } from "./engine/fixture.ts";

const folder = temporaryFolder();
let engine: Engine;
let server: Server;
const at = (n: number): number => Date.UTC(2026, 0, 1) + 1000 * n;
const iso = (n: number): string => new Date(at(n)).toISOString();
const issued: Forecast[] = [];

beforeEach(async () => {
  engine = await openEngine({
    database: `${folder()}/eddy.db`,
    series: { model: "persistence", horizon: 2 },
    ahead: Number.POSITIVE_INFINITY,
  });
  issued.length = 0;
  engine.issues$.subscribe(({ issue }) => issued.push(...words(issue)));
  server = await startServer({ engine });
  await server.ready;
  for (let n = 0; n < 30; n++) {
    await engine.ingest([
      { series: "tank/level", time: at(n), values: { value: n } },
      { series: "other", time: at(n), values: { value: -n } },
    ]);
  }
});
afterEach(() => server.close());

interface Page {
  readonly observations: readonly { time: string; values: { value: number } }[];
  readonly forecasts: readonly Forecast[];
  readonly next: string | null;
  readonly message: string;
}
const get = async (path: string): Promise<Page> =>
  (await (await fetch(`${server.url}/v1/series/${path}`)).json()) as Page;

async function pages(path: string, query: string): Promise<Page[]> {
  const found: Page[] = [];
  for (let cursor: string | null = ""; cursor !== null; cursor = found.at(-1)?.next ?? null)
    found.push(await get(`${path}?${query}${cursor === "" ? "" : `&cursor=${cursor}`}`));
  return found;
}

test.each(["tank%2Flevel", "tank/level"])(
  "readings of %s: every one once, the last first, within the range",
  async (name) => {
    const all = await pages(`${name}/observations`, "limit=7");
    expect(all.flatMap(({ observations }) => observations.map(({ values }) => values.value))).toEqual(
      Array.from({ length: 30 }, (_, n) => 29 - n),
    );
    expect(all.slice(0, -1).every(({ observations }) => observations.length === 7)).toBe(true);
    const some = await pages(`${name}/observations`, `limit=3&from=${iso(5)}&to=${at(11)}`);
    expect(some.flatMap(({ observations }) => observations)).toEqual(
      [11, 10, 9, 8, 7, 6, 5].map((n) => ({ series: "tank/level", time: iso(n), values: { value: n } })),
    );
  },
);

test("forecasts as they were issued, those not yet on the disk among them, and the same after a restart", async () => {
  const own = issued.filter(({ series }) => series === "tank/level").reverse();
  const within = own.filter(({ issuedAt }) => issuedAt >= iso(4) && issuedAt <= iso(27));
  const read = async () =>
    (await pages("tank%2Flevel/forecasts", `limit=5&from=${iso(4)}&to=${iso(27)}`)).flatMap(
      ({ forecasts }) => forecasts,
    );
  expect(within).toHaveLength(24);
  expect(await read()).toEqual(within);
  expect((await get("tank/level/forecasts?limit=1")).forecasts).toEqual(own.slice(0, 1));
  await server.close();
  engine = await openEngine({ database: `${folder()}/eddy.db`, ahead: Number.POSITIVE_INFINITY });
  server = await startServer({ engine });
  await server.ready;
  expect(await read()).toEqual(within);
});

test("what is wrong with a query is told", async () => {
  const told = async (query: string, what = "observations") => (await get(`other/${what}?${query}`)).message;
  expect(await told("limit=0")).toBe('?limit: expected a whole number from 1 to 1000, got "0"');
  expect(await told("limit=1e3")).toBe('?limit: expected a whole number from 1 to 1000, got "1e3"');
  expect(await told("from=yesterday")).toBe('from: expected ISO 8601 or epoch milliseconds, got "yesterday"');
  expect(await told("since=1")).toBe('query: expected only from, to, asOf, limit, cursor, got "since"');
  expect(await told("asOf=soon")).toBe('asOf: expected ISO 8601 or epoch milliseconds, got "soon"');
  for (const cursor of ["x", "1.2", "1".repeat(100), "99999999999999999"]) {
    expect(await told(`cursor=${cursor}`)).toMatch(
      /^\?cursor: expected the next of a page of this series, got "/,
    );
    expect(await told(`cursor=${cursor}`, "forecasts")).toMatch(/^\?cursor: /);
  }
  const { next } = await get("tank%2Flevel/observations?limit=1");
  expect(await told(`cursor=${next}`)).toMatch(/^\?cursor: expected the next of a page of this series/);
  expect((await fetch(`${server.url}/v1/series/none/forecasts`)).status).toBe(404);
});

test("a forecast is told later with the bytes that were told live", async () => {
  const ws = new WebSocket(`${server.url.replace("http", "ws")}/v1/stream`, ["eddy.v1.json"]);
  const frames: string[] = [];
  await new Promise((resolve) => ws.once("open", resolve));
  ws.send('{"type":"init"}');
  ws.send('{"type":"subscribe","id":1,"series":"other","mode":"stream"}');
  const done = new Promise<void>((resolve) => {
    ws.on("message", (data) => {
      frames.push(String(data));
      if (frames.filter((frame) => frame.startsWith('{"type":"data"')).length === 5) resolve();
      if (frames.length !== 2) return;
      engine.ingest(
        Array.from({ length: 5 }, (_, n) => ({
          series: "other",
          time: at(30 + n),
          values: { value: n / 3 },
        })),
      );
    });
  });
  await done;
  ws.close();
  const text = await (await fetch(`${server.url}/v1/series/other/forecasts?from=${at(30)}`)).text();
  for (const frame of frames.slice(2)) {
    const told = /"forecast":(.*)}$/.exec(frame)?.[1] ?? "none";
    expect(text).toContain(told);
    const { issuedAt } = JSON.parse(told);
    const then = await fetch(`${server.url}/v1/series/other/forecast?asOf=${issuedAt}`);
    expect(await then.text()).toBe(`[${told}]`);
  }
});

test("as of an instant: the forecast that stood then, and nothing that came later", async () => {
  const own = issued.filter(({ series }) => series === "tank/level");
  const forecast = async (asOf: string | number) =>
    (await fetch(`${server.url}/v1/series/tank%2Flevel/forecast?asOf=${asOf}`)).json();
  expect(await forecast(at(7) + 999)).toEqual([own.find(({ issuedAt }) => issuedAt === iso(7))]);
  expect(await forecast(iso(7))).toEqual([own.find(({ issuedAt }) => issuedAt === iso(7))]);
  expect(await forecast(at(1000))).toEqual([own.at(-1)]);
  // The first forecast follows the second reading.
  expect(await forecast(at(0))).toMatchObject({ code: "not-found" });
  expect(await forecast("soon")).toMatchObject({ code: "bad-time" });
  const capped = await pages("tank%2Flevel/forecasts", `limit=5&asOf=${iso(9)}`);
  expect(capped.flatMap(({ forecasts }) => forecasts.map(({ issuedAt }) => issuedAt))).toEqual(
    [9, 8, 7, 6, 5, 4, 3, 2, 1].map(iso),
  );
  const known = async (asOf: string, more = "") =>
    (await pages("tank%2Flevel/observations", `limit=3&asOf=${asOf}${more}`)).flatMap(({ observations }) =>
      observations.map(({ values }) => values.value),
    );
  expect(await known(iso(4))).toEqual([4, 3, 2, 1, 0]);
  expect(await known(iso(4), `&from=${iso(3)}&to=${iso(20)}`)).toEqual([4, 3]);
  // One that was late: it came after the forecast of its time had been made.
  await engine.ingest([{ series: "tank/level", time: at(2) + 500, values: { value: 2.5 } }]);
  expect(await known(iso(4))).toEqual([4, 3, 2, 1, 0]);
  expect(await known(iso(29))).toHaveLength(30);
  expect((await get("tank%2Flevel/observations?limit=1")).observations).toMatchObject([
    { values: { value: 2.5 } },
  ]);
  expect(await known(iso(0))).toEqual([]);
});

test("Arrow for who asks for it, page by page", async () => {
  const ask = (path: string, accept = "application/vnd.apache.arrow.stream") =>
    fetch(`${server.url}/v1/series/${path}`, { headers: { accept } });
  const first = await ask("tank%2Flevel/observations?limit=20");
  expect(first.headers.get("content-type")).toBe("application/vnd.apache.arrow.stream");
  const rows = tableFromIPC(new Uint8Array(await first.arrayBuffer()))
    .toArray()
    .map((row) => row.toJSON());
  expect(rows.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, n) => 29 - n));
  expect(rows[0]).toMatchObject({ series: "tank/level", time: at(29) });
  const next = /<\?(.*)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1];
  const second = tableFromIPC(
    new Uint8Array(await (await ask(`tank/level/observations?${next}`)).arrayBuffer()),
  );
  expect(second.numRows).toBe(10);
  const forecasts = tableFromIPC(
    new Uint8Array(await (await ask("tank/level/forecasts?limit=3")).arrayBuffer()),
  );
  const own = issued
    .filter(({ series }) => series === "tank/level")
    .reverse()
    .slice(0, 3);
  expect(forecasts.toArray().map((row) => [row.step, row.mean, row.lower, row.upper])).toEqual(
    own.flatMap(({ horizon }) => horizon.map(({ step, mean, lower, upper }) => [step, mean, lower, upper])),
  );
  // The last readings, too.
  expect(tableFromIPC(new Uint8Array(await (await ask("other/observations")).arrayBuffer())).numRows).toBe(
    30,
  );
  const json = await ask(
    "other/observations?limit=1",
    "text/html, application/json;q=0.9, application/vnd.apache.arrow.stream;q=0.1",
  );
  expect(json.headers.get("content-type")).toContain("application/json");
  expect((await ask("other/observations?limit=1", "*/*")).headers.get("content-type")).toContain(
    "application/json",
  );
  const refused = await ask("other/forecasts", "text/csv");
  expect(refused.status).toBe(406);
  expect(await refused.json()).toEqual({
    code: "unsupported",
    message: 'Accept: expected one of application/json, application/vnd.apache.arrow.stream, got "text/csv"',
  });
});
