// What was, over a range: readings as they came, forecasts as they were issued, page by page.
import { afterEach, beforeEach, expect, test } from "vitest";
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
  expect(await told("since=1")).toBe('query: expected only from, to, limit, cursor, got "since"');
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
