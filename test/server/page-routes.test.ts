// What the page asks for: all series at a glance, the past as it is drawn, how right forecasts have been, what a table is.
import { afterEach, expect, test } from "vitest";
import { type Engine, openEngine } from "../../src/server/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { temporaryFolder } from "./engine/fixture.ts";

const folder = temporaryFolder();
let server: Server;
let engine: Engine;
const DAY = 86_400_000;
const BEGIN = Date.UTC(2026, 0, 1);

async function start(options: object = {}, units: Record<string, string> = {}): Promise<void> {
  engine = await openEngine({
    database: `${folder()}/eddy.db`,
    series: { model: "persistence", horizon: 3, ...options },
    ahead: Number.POSITIVE_INFINITY,
  });
  server = await startServer({ engine, units });
  await server.ready;
}
afterEach(() => server.close());

/** Values of one series, a step apart. */
const feed = (series: string, values: readonly (number | null)[], step = 1000, begin = BEGIN) =>
  engine.ingest(values.map((value, n) => ({ series, time: begin + n * step, values: { value } })));
// biome-ignore lint/suspicious/noExplicitAny: answers of several kinds
const get = async (path: string, init?: RequestInit): Promise<{ status: number; body: any }> => {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, body: await response.json() };
};
const rowsOf = ({ columns, rows }: { columns: string[]; rows: unknown[][] }) =>
  rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));

test("overview: a row for each target, and afterwards only what has changed", async () => {
  await start();
  await feed("a", [1, 2, 3]);
  await engine.ingest([{ series: "b", time: BEGIN, values: { x: 5, y: 6 } }]);
  const { body } = await get("/v1/overview");
  expect(body.whole).toBe(true);
  expect(rowsOf(body)).toMatchObject([
    {
      series: "a",
      target: "value",
      value: 3,
      time: BEGIN + 2000,
      horizon: 3,
      step: 1000,
      level: 0.9,
      taken: true,
    },
    { series: "b", target: "x", value: null, time: BEGIN, step: null, skill: null },
    { series: "b", target: "y", value: null },
  ]);
  await feed("a", [4], 1000, BEGIN + 3000);
  const next = (await get(`/v1/overview?after=${body.offset}&rewrites=${body.rewrites}`)).body;
  expect(next.whole).toBe(false);
  expect(rowsOf(next)).toMatchObject([{ series: "a", value: 4 }]);
  // A series that is gone is noticed: all are told again.
  await engine.remove("b");
  const last = (await get(`/v1/overview?after=${next.offset}&rewrites=${next.rewrites}`)).body;
  expect(last.whole).toBe(true);
  expect(rowsOf(last).map(({ series }) => series)).toEqual(["a"]);
});

test("drawing: the last readings, or those of a range, with what had been forecast for them", async () => {
  await start({ quantiles: [0.25, 0.75] });
  await feed("a", [0, 1, 2, null, 4, 5, 6, 7]);
  const { body } = await get("/v1/drawing?series=a&points=4&lead=2");
  expect(body).toMatchObject({ series: "a", target: "value", lead: 2, sampled: false });
  expect(body.times).toEqual([4, 5, 6, 7].map((n) => BEGIN + n * 1000));
  expect(body.values).toEqual([4, 5, 6, 7]);
  expect(body.forecasts.times).toEqual([6, 7, 8, 9].map((n) => BEGIN + n * 1000));
  expect(body.forecasts.mean).toEqual([4, 5, 6, 7]);
  expect(Object.keys(body.forecasts.quantiles)).toEqual(["0.25", "0.75"]);
  const range = (await get(`/v1/drawing?series=a&from=${BEGIN + 2000}&to=${BEGIN + 4000}`)).body;
  expect(range.times).toEqual([2, 3, 4].map((n) => BEGIN + n * 1000));
  expect(range.values).toEqual([2, null, 4]);
});

test("drawing: of more readings than are asked for some stand for all, and no peak is lost", async () => {
  await start();
  const values = Array.from({ length: 700 }, (_, n) => (n === 333 ? 900 : n));
  await feed("a", values, 60_000);
  const { body } = await get("/v1/drawing?series=a&from=all&points=60");
  expect(body.sampled).toBe(false);
  expect(body.times.length).toBeLessThan(200);
  expect(body.values[0]).toBe(1);
  expect(body.values.at(-1)).toBe(699);
  expect(body.values).toContain(900);
  expect(body.times).toEqual([...body.times].sort((a, b) => a - b));
});

test("drawing: of more than can be looked through, moments evenly spread stand for all, and it says so", async () => {
  // Of forecasts of 512 steps 606 are looked through.
  await start({ horizon: 512 });
  await feed(
    "a",
    Array.from({ length: 700 }, (_, n) => n),
    60_000,
  );
  const { body } = await get("/v1/drawing?series=a&from=all&points=50");
  expect(body.sampled).toBe(true);
  expect(body.times.length).toBe(50);
  expect(body.values[0]).toBe(1);
  expect(body.values.at(-1)).toBe(699);
  const gaps = body.values.slice(1).map((value: number, i: number) => value - body.values[i]);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(16);
});

test("drawing: a silence is told by the readings around it, however few readings are drawn", async () => {
  await start();
  await feed(
    "a",
    Array.from({ length: 300 }, (_, n) => n),
  );
  await feed(
    "a",
    Array.from({ length: 300 }, (_, n) => n),
    1000,
    BEGIN + 900_000,
  );
  for (const points of [20, 2000]) {
    const { body } = await get(`/v1/drawing?series=a&from=all&points=${points}`);
    expect(body.gaps).toEqual([{ from: BEGIN + 299_000, to: BEGIN + 900_000 }]);
    expect(body.times).toContain(BEGIN + 900_000);
  }
});

test("drawing: a reading that cannot be is told with how rare it is", async () => {
  await start();
  await feed(
    "a",
    Array.from({ length: 80 }, (_, n) => (n === 60 ? 1e6 : n % 5)),
  );
  const { body } = await get("/v1/drawing?series=a");
  expect(body.marks).toContainEqual({
    time: BEGIN + 60_000,
    value: 1e6,
    kind: "held",
    surprise: expect.any(Number),
  });
});

test("record: errors by step as they were, beside the last value and the day before; nothing that was not measured", async () => {
  await start();
  // Two readings a day, the second ten times the first, growing by one a day.
  const values = Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? 10 : 100) + Math.floor(n / 2));
  await feed("a", values, DAY / 2);
  const { body } = await get("/v1/record?series=a");
  expect(body.readings).toBe(59);
  expect(body.level).toBe(0.9);
  const [first, second, third] = body.steps;
  // Of the forecasts from the second reading on, by hand: the last value is off by 90 or 89 at one step, by 1 at two.
  const off = (h: number) => {
    const errors = values.slice(1 + h).map((value, i) => Math.abs(value - values[1 + i]));
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  };
  expect(first.count).toBe(58);
  expect(first.persistence).toBeCloseTo(off(1), 9);
  expect(second.persistence).toBeCloseTo(1, 9);
  expect(first.error).toBeCloseTo(first.persistence, 9);
  // A step of half a day has no day before it that could be read off twice within a day.
  expect(first.dayBefore).toBe(1);
  // Known when it was made: three steps ahead it is the day before that day.
  expect(third.dayBefore).toBe(2);
  expect(first.held).toBeGreaterThan(0.5);
  expect(body.weights).toBeNull();
});

test("record: weights where forecasts tell them", async () => {
  await start({ model: "auto:without=recurrent", detail: true });
  await feed(
    "a",
    Array.from({ length: 40 }, (_, n) => Math.sin(n)),
  );
  const { body } = await get("/v1/record?series=a");
  expect(body.weights.times.length).toBeGreaterThan(10);
  const sum = body.weights.experts.reduce(
    (total: number, { weights }: { weights: number[] }) => total + (weights.at(-1) as number),
    0,
  );
  expect(sum).toBeCloseTo(1, 2);
});

test("record: what was not taken of a series, and why; forgotten with the series", async () => {
  await start();
  await feed("a", [1, 2, 3, 4], DAY);
  const send = async (...lines: object[]) => {
    const body = lines.map((line) => `${JSON.stringify({ series: "a", ...line })}\n`).join("");
    await get("/v1/observations", {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
  };
  const refused = async () => (await get("/v1/record?series=a")).body.refused;
  expect(await refused()).toEqual({});
  await send({ time: 0, value: 9 }, { time: 1, value: 9 });
  await send({ time: 2, id: "one", value: 9 }, { values: { other: 9 } });
  await send({ time: 2, id: "one", value: 9 });
  expect(await refused()).toEqual({ late: 3, "unknown-column": 1, duplicate: 1 });
  await fetch(`${server.url}/v1/series/a`, { method: "DELETE" });
  await feed("a", [1, 2], DAY);
  expect(await refused()).toEqual({});
});

test("units: as the server was told, else as a table has told them, else none", async () => {
  await start({}, { "*/temp": "°C", pressure: "hPa" });
  const body =
    "time,series,temp,pressure,speed\n2026-01-01 00:00,hall,1,2,3 rpm\n2026-01-01 01:00,hall,1,2,4 rpm\n";
  await get("/v1/observations", { method: "POST", headers: { "content-type": "text/csv" }, body });
  await feed("hall/temp", [1, 2]);
  const rows = rowsOf((await get("/v1/overview")).body);
  const unit = (series: string, target: string) =>
    rows.find((row) => row.series === series && String(row.target).startsWith(target))?.unit;
  expect(unit("hall/temp", "value")).toBe("°C");
  expect(unit("hall", "pressure")).toBe("hPa");
  expect(unit("hall", "temp")).toBe("");
  expect(unit("hall", "speed")).toBe("rpm");
});

test("recognise: what a table is, and that another text is none", async () => {
  await start();
  const post = (body: string) =>
    get("/v1/recognise?series=hall", { method: "POST", headers: { "content-type": "text/csv" }, body });
  const { body } = await post("when;degrees;note\n2026-01-01 00:00;1,5;x\n2026-01-01 01:00;2,5;y\n");
  expect(body).toMatchObject({
    separator: ";",
    decimal: ",",
    time: { columns: ["when"] },
    columns: [{ name: "degrees" }],
    leftOut: { columns: ["note"] },
    refused: 0,
  });
  expect(body.sample[0]).toMatchObject({ series: "hall", values: { degrees: 1.5 } });
  expect(engine.series()).toEqual([]);
  expect((await post("")).status).toBe(400);
});

test.each([
  ["/v1/drawing?series=none", 404, "none"],
  ["/v1/drawing", 404, "series"],
  ["/v1/drawing?series=a&target=other", 400, "?target"],
  ["/v1/drawing?series=a&points=1", 400, "?points"],
  ["/v1/drawing?series=a&lead=4", 400, "?lead"],
  ["/v1/drawing?series=a&from=soon", 400, "from"],
  ["/v1/drawing?series=a&until=1", 400, "until"],
  ["/v1/record?series=a&readings=0", 400, "?readings"],
  ["/v1/overview?after=-1", 400, "?after"],
])("%s: %i, told by its field", async (path, status, told) => {
  await start();
  await feed("a", [1, 2, 3]);
  const answer = await get(path);
  expect(answer.status).toBe(status);
  expect(answer.body.message).toContain(told);
});
