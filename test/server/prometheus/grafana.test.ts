// The requests that Grafana's Prometheus data source sends (its Go client and its front end), as they go over the wire, and what they are answered.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, openEngine } from "../../../src/server/engine.ts";
import { type Server, startServer } from "../../../src/server/server.ts";

const BEGIN = Date.UTC(2026, 0, 1) / 1000;
const STEP = 10;
const COUNT = 60;
const LAST = BEGIN + (COUNT - 1) * STEP;
/** What a variable of Grafana escapes, and more. */
const ODD = 'we"ird\\ {name}.(1)|2';

let folder: string;
let engine: Engine;
let server: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "eddy-grafana-"));
  engine = await openEngine({
    database: join(folder, "eddy.db"),
    series: { model: "persistence", horizon: 6, quantiles: [0.1, 0.9] },
    ahead: Number.POSITIVE_INFINITY,
  });
  server = await startServer({ engine, now: () => LAST * 1000 });
  await server.ready;
  for (let n = 0; n < COUNT; n++) {
    const time = (BEGIN + n * STEP) * 1000;
    await engine.ingest([
      { series: "plant/boiler", time, values: { temperature: n, pressure: n === 30 ? null : -n } },
      { series: ODD, time, values: { value: 2 * n } },
    ]);
  }
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: answers of several kinds
type Told = any;
/** As its Go client sends it. */
const HEADERS = { "user-agent": "Grafana/11.2.0", "x-grafana-org-id": "1", "accept-encoding": "gzip" };
async function post(path: string, form: Record<string, string>): Promise<{ status: number; body: Told }> {
  // The fields in the order of Go's url.Values.
  const body = new URLSearchParams(Object.entries(form).sort(([a], [b]) => (a < b ? -1 : 1))).toString();
  const answer = await fetch(server.url + path, {
    method: "POST",
    headers: { ...HEADERS, "content-type": "application/x-www-form-urlencoded" },
    body,
  });
  return { status: answer.status, body: await answer.json() };
}
async function get(path: string): Promise<{ status: number; body: Told }> {
  const answer = await fetch(server.url + path, { headers: HEADERS });
  return { status: answer.status, body: await answer.json() };
}
const range = (query: string, start: number, end: number, step = String(STEP)) =>
  post("/api/v1/query_range", { query, start: String(start), end: String(end), step });
const points = ({ body }: { body: Told }): [number, number][] =>
  body.data.result[0].values.map(([time, value]: [number, string]) => [time, Number(value)]);
const labels = ({ body }: { body: Told }): Record<string, string>[] =>
  body.data.result.map(({ metric }: { metric: Record<string, string> }) => metric);

describe("save and test", () => {
  test("a sum, as its health check has it", async () => {
    expect(await post("/api/v1/query", { query: "1+1", time: "4" })).toEqual({
      status: 200,
      body: { status: "success", data: { resultType: "scalar", result: [4, "2"] } },
    });
  });

  test("who answers: no features, so it is taken for a plain Prometheus", async () => {
    const { status, body } = await get("/api/v1/status/buildinfo");
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      application: "Eddy",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect(body.data.features).toBeUndefined();
  });
});

describe("what there is", () => {
  const times = `start=${BEGIN}&end=${LAST}`;

  test("names of metrics", async () => {
    const { body } = await get(`/api/v1/label/__name__/values?limit=40000&${times}`);
    expect(body).toEqual({
      status: "success",
      data: ["eddy_coverage", "eddy_forecast", "eddy_reading", "eddy_skill", "eddy_surprise"],
    });
  });

  test("names of labels, with and without a selector", async () => {
    const all = { status: "success", data: ["__name__", "bound", "lead", "series", "target"] };
    expect(
      (await post("/api/v1/labels", { limit: "40000", start: String(BEGIN), end: String(LAST) })).body,
    ).toEqual(all);
    expect(
      (await get(`/api/v1/labels?limit=40000&${times}&match%5B%5D=%7B__name__%3D~%22.%2B%22%2C%7D`)).body,
    ).toEqual(all);
    expect((await get(`/api/v1/labels?match%5B%5D=eddy_reading&${times}`)).body.data).toEqual([
      "__name__",
      "series",
      "target",
    ]);
  });

  test.each([
    ["series", "eddy_reading", [ODD, "plant/boiler"].sort()],
    ["target", 'eddy_reading{series="plant/boiler"}', ["pressure", "temperature"]],
    ["bound", "eddy_forecast", ["0.1", "0.9", "lower", "mean", "upper"]],
    ["lead", "eddy_forecast", ["1", "2", "3", "4", "5", "6"]],
    ["lead", "eddy_reading", []],
    ["series", 'eddy_reading{series="none"}', []],
    ["job", "eddy_reading", []],
    ["__proto__", "eddy_reading", []],
  ])("values of %s among %s", async (label, match, values) => {
    const { body } = await get(
      `/api/v1/label/${label}/values?match%5B%5D=${encodeURIComponent(match)}&${times}`,
    );
    expect(body).toEqual({ status: "success", data: values });
  });

  test("time series, for clients that cannot ask for labels", async () => {
    const { body } = await post("/api/v1/series", {
      "match[]": '{__name__!=""}',
      limit: "40000",
      start: String(BEGIN),
      end: String(LAST),
    });
    // Three targets: four figures and a forecast of five bounds of each.
    expect(body.data).toHaveLength(3 * (4 + 5));
    expect(body.data).toContainEqual({ __name__: "eddy_reading", series: ODD, target: "value" });
    const few = await post("/api/v1/series", { "match[]": '{__name__!=""}', limit: "4" });
    expect(few.body.data).toHaveLength(4);
    expect(few.body.warnings).toEqual(["results truncated due to limit"]);
  });

  test("what each metric is", async () => {
    const { body } = await get("/api/v1/metadata?limit=40000");
    expect(body.data.eddy_reading).toEqual([{ type: "gauge", help: expect.any(String), unit: "" }]);
  });
});

describe("a panel", () => {
  test("readings, at the steps asked for", async () => {
    const answer = await range(
      'eddy_reading{series="plant/boiler",target="temperature"}',
      BEGIN + 100,
      BEGIN + 200,
    );
    expect(answer.body.data.resultType).toBe("matrix");
    expect(labels(answer)).toEqual([
      { __name__: "eddy_reading", series: "plant/boiler", target: "temperature" },
    ]);
    expect(points(answer)).toEqual(Array.from({ length: 11 }, (_, i) => [BEGIN + 100 + i * STEP, 10 + i]));
  });

  test("between two readings the one before stands; a missing one is a gap and no zero", async () => {
    const between = await range('eddy_reading{target="temperature"}', BEGIN + 103.5, BEGIN + 113.5, "5");
    expect(points(between)).toEqual([
      [BEGIN + 103.5, 10],
      [BEGIN + 108.5, 10],
      [BEGIN + 113.5, 11],
    ]);
    const missing = await range('eddy_reading{target="pressure"}', BEGIN + 290, BEGIN + 310);
    expect(points(missing)).toEqual([
      [BEGIN + 290, -29],
      [BEGIN + 310, -31],
    ]);
  });

  test("the forecast goes on beyond the last reading, to its horizon and no further", async () => {
    const answer = await range('eddy_forecast{target="temperature",bound="mean"}', LAST - 20, LAST + 200);
    const known = points(answer);
    // Made before each moment: one step before it as long as there are readings, then the last one.
    expect(known.slice(0, 3)).toEqual([
      [LAST - 20, COUNT - 4],
      [LAST - 10, COUNT - 3],
      [LAST, COUNT - 2],
    ]);
    expect(known.slice(3, 9)).toEqual(
      Array.from({ length: 6 }, (_, i) => [LAST + (i + 1) * STEP, COUNT - 1]),
    );
    // It stands for as long as a silence is none.
    expect(known.at(-1)?.[0]).toBeLessThan(LAST + 6 * STEP + 3.5 * STEP);
  });

  test("made so many steps before, and its bounds as they were", async () => {
    const answer = await range(
      'eddy_forecast{target="temperature",lead="6",bound=~"lower|mean|upper"}',
      BEGIN + 300,
      BEGIN + 300,
    );
    const told = Object.fromEntries(
      answer.body.data.result.map(({ metric, values }: Told) => [metric.bound, Number(values[0][1])]),
    );
    const history: Told = await (
      await fetch(
        `${server.url}/v1/series/plant%2Fboiler/forecasts?from=${(BEGIN + 240) * 1000}&to=${(BEGIN + 240) * 1000}`,
      )
    ).json();
    const made = history.forecasts.find(({ target }: Told) => target === "temperature").horizon[5];
    expect(Date.parse(made.time)).toBe((BEGIN + 300) * 1000);
    expect(told).toEqual({ mean: made.mean, lower: made.lower, upper: made.upper });
    expect(told.mean).toBe(24);
  });

  test("a variable of several values, escaped as Grafana escapes it", async () => {
    const escaped = ODD.replaceAll("\\", "\\\\\\\\")
      .replaceAll(/[$^*{}[\]+?.()|]/g, "\\\\$&")
      .replaceAll('"', '\\"');
    const answer = await range(`eddy_reading{series=~"(${escaped}|plant/boiler)"}`, LAST, LAST);
    expect(new Set(labels(answer).map(({ series }) => series))).toEqual(new Set([ODD, "plant/boiler"]));
    const exact = ODD.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
    expect(labels(await range(`eddy_reading{series="${exact}"}`, LAST, LAST))).toHaveLength(1);
  });

  test("nothing fits: an empty answer, not an error", async () => {
    expect((await range('eddy_reading{series="none"}', BEGIN, LAST)).body.data).toEqual({
      resultType: "matrix",
      result: [],
    });
    expect((await range("node_load1", BEGIN, LAST)).body.data).toEqual({ resultType: "matrix", result: [] });
    expect(
      (await range('eddy_reading{series="plant/boiler"}', BEGIN - 9000, BEGIN - 8000)).body.data.result,
    ).toEqual([]);
  });

  test("by GET, with parameters of other products beside it", async () => {
    const query = encodeURIComponent('eddy_reading{target="value"}');
    const { status, body } = await get(
      `/api/v1/query_range?query=${query}&start=${LAST}&end=${LAST}&step=15&timeout=60s&dedup=true&stats=all`,
    );
    expect(status).toBe(200);
    expect(body.data.result[0].values).toEqual([[LAST, String(2 * (COUNT - 1))]]);
  });

  test("an instant, now when no time is given, as a table or an alert asks for it", async () => {
    const { body } = await post("/api/v1/query", {
      query: 'eddy_reading{target="value"}',
      time: `${LAST}.123`,
    });
    expect(body.data).toEqual({
      resultType: "vector",
      result: [
        {
          metric: { __name__: "eddy_reading", series: ODD, target: "value" },
          value: [LAST + 0.123, String(2 * (COUNT - 1))],
        },
      ],
    });
    // What is forecast for 30 s from now.
    const ahead = await post("/api/v1/query", {
      query: 'eddy_forecast{target="value",bound="mean"} offset -30s',
    });
    expect(ahead.body.data.result[0].value).toEqual([LAST, String(2 * (COUNT - 1))]);
  });

  test("exemplars, which it asks for with every query: none", async () => {
    expect(
      await post("/api/v1/query_exemplars", {
        query: "eddy_reading",
        start: String(BEGIN),
        end: String(LAST),
      }),
    ).toEqual({ status: 200, body: { status: "success", data: [] } });
  });
});

test("every query of the dashboard in docs is answered with something to draw", async () => {
  const dashboard: Told = JSON.parse(readFileSync("docs/grafana.json", "utf8"));
  const fill = (text: string): string =>
    text.replaceAll("$series", "plant/boiler").replaceAll("$target", "temperature").replaceAll("$lead", "3");
  const expressions: string[] = dashboard.panels.flatMap(({ targets }: Told) =>
    targets.map(({ expr }: Told) => expr),
  );
  expect(expressions.length).toBeGreaterThan(4);
  for (const expression of expressions) {
    const answer = await range(fill(expression), BEGIN, LAST + 60);
    // Skill and coverage are not known after so few readings.
    if (/skill|coverage/.test(expression)) expect(answer.status).toBe(200);
    else expect(answer.body.data.result.length, expression).toBeGreaterThan(0);
  }
  for (const { definition } of dashboard.templating.list) {
    const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
    const { body } = await get(`/api/v1/label/${label}/values?match[]=${encodeURIComponent(fill(selector))}`);
    expect(body.data.length, definition).toBeGreaterThan(0);
  }
});

describe("what is refused, as Grafana shows it", () => {
  test.each([
    [
      "/api/v1/query_range",
      { query: "rate(eddy_reading[5m])", start: "1", end: "2", step: "1" },
      400,
      "nothing is computed here",
    ],
    [
      "/api/v1/query_range",
      { query: "eddy_reading", start: "0", end: "11000", step: "1" },
      400,
      "at most 11000 points",
    ],
    [
      "/api/v1/query_range",
      { query: "eddy_reading", start: "2", end: "1", step: "1" },
      400,
      "end: expected a time not before start",
    ],
    [
      "/api/v1/query_range",
      { query: "eddy_reading", start: "1", end: "2", step: "0" },
      400,
      "step: expected",
    ],
    [
      "/api/v1/query_range",
      { query: "eddy_reading", start: "1", end: "2", step: "-5s" },
      400,
      "step: expected",
    ],
    [
      "/api/v1/query_range",
      { query: "eddy_reading", start: "yesterday", end: "2", step: "1" },
      400,
      "start: expected",
    ],
    [
      "/api/v1/query_range",
      { query: "eddy_reading", start: "1e99", end: "2", step: "1" },
      400,
      "start: expected",
    ],
    [
      "/api/v1/query_range",
      { start: "1", end: "2", step: "1" },
      400,
      "query: expected something, got nothing",
    ],
    ["/api/v1/query", { query: "eddy_reading", time: "now" }, 400, "time: expected"],
    ["/api/v1/query", { query: "eddy_reading", limit: "many" }, 400, "limit: expected"],
    ["/api/v1/query", { query: '{series=~"("}' }, 400, "RE2"],
    ["/api/v1/series", {}, 400, "match[]: expected a selector, got none"],
    ["/api/v1/series", { "match[]": "1+1" }, 400, "expected a selector"],
    ["/api/v1/labels", { "match[]": "{}" }, 400, "match[]: expected a matcher"],
    // 180 curves of 9000 points.
    [
      "/api/v1/query_range",
      { query: '{__name__=~".+",lead=~".*"}', start: "0", end: "90000", step: "1" },
      400,
      "11000",
    ],
    [
      "/api/v1/query_range",
      { query: '{__name__=~".+",lead!=""}', start: "0", end: "10998", step: "1" },
      422,
      "at most 500000 samples",
    ],
  ] as const)("%s %j", async (path, form, status, words) => {
    const answer = await post(path, form as unknown as Record<string, string>);
    expect(answer.body).toEqual({
      status: "error",
      errorType: status === 422 ? "execution" : "bad_data",
      error: expect.stringContaining(words),
    });
    expect(answer.status).toBe(status);
  });

  test("a form that is too long, and a body that is none", async () => {
    expect((await post("/api/v1/query", { query: "x".repeat(70_000) })).status).toBe(413);
    const answer = await fetch(`${server.url}/api/v1/query`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(415);
    expect(((await answer.json()) as Told).error).toContain("application/x-www-form-urlencoded");
  });
});

// A client that reads answers as Prometheus writes them, and nothing else.
const promtool = spawnSync("promtool", ["--version"]).error === undefined;
test.runIf(promtool)(
  "promtool reads what is answered",
  async () => {
    const { execFile } = await import("node:child_process");
    const run = (args: string[]) =>
      new Promise<string>((resolve) =>
        execFile("promtool", args, (_error, stdout, stderr) => resolve(stdout + stderr)),
      );
    expect(
      await run(["query", "instant", `--time=${LAST}`, server.url, 'eddy_reading{target="temperature"}']),
    ).toBe(`eddy_reading{series="plant/boiler", target="temperature"} => ${COUNT - 1} @[${LAST}]\n`);
    expect(
      await run([
        "query",
        "range",
        `--start=${LAST}`,
        `--end=${LAST + 10}`,
        "--step=10s",
        server.url,
        'eddy_forecast{target="temperature",bound="mean"}',
      ]),
    ).toContain(`${COUNT - 1} @[${LAST + 10}]`);
    expect(await run(["query", "labels", server.url, "target"])).toBe("pressure\ntemperature\nvalue\n");
    expect(await run(["query", "instant", server.url, "rate(eddy_reading[5m])"])).toContain(
      "bad_data: query: expected a selector",
    );
  },
  120_000,
);
