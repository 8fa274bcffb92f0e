// The published description of HTTP against a real server: every route is in it, and every answer is as it says.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { PbfWriter } from "pbf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApiPage } from "../../scripts/build/openapi.ts";
import { openApiDocument } from "../../src/protocol/http/openapi.ts";
import { OPERATIONS } from "../../src/protocol/http/operations.ts";
import { type Engine, openEngine } from "../../src/server/engine.ts";
import { openApp } from "../../src/server/http/app.ts";
import { type Server, startServer } from "../../src/server/server.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
type Document = any;
const document: Document = JSON.parse(JSON.stringify(openApiDocument("1.2.3")));
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, validateFormats: true });
formats.default(ajv);
/** Where the named schemas stand for the validator. */
const pointed = (schema: unknown): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"eddy#/$defs/'));
ajv.addSchema({ $id: "eddy", $defs: pointed(document.components.schemas) });

test("it is OpenAPI 3.1, and the page in docs is what the schemas make", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  // node --import tsx scripts/build/openapi.ts writes it.
  expect(readFileSync("docs/openapi.json", "utf8")).toBe(openApiPage());
});

test("every route is described, and nothing else is", async () => {
  // Nothing is asked of it.
  const { app, routes } = openApp({ access: {}, bodyBytes: 1024, live: () => null } as never);
  await app.ready();
  await app.close();
  // HEAD comes with GET; the page's own files are no interface; a series may be written with its slashes.
  const registered = routes
    .filter(
      ({ method, url }) =>
        method !== "HEAD" && url !== "/" && !/^\/page\/|\.js$/.test(url) && !url.includes("*"),
    )
    .map(({ method, url }) => `${method.toLowerCase()} ${url.replaceAll(/:(\w+)/g, "{$1}")}`);
  const described = OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  expect(described.toSorted()).toEqual([...new Set(registered)].toSorted());
  expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
});

/** Which answers have been seen, to tell those that were not. */
const seen = new Set<string>();
const validators = new Map<string, ValidateFunction>();

/** Fails unless an answer is as the document says. */
async function check(method: string, path: string, answer: Response): Promise<unknown> {
  const where = `${method} ${path} ${answer.status}`;
  const operation = document.paths[path]?.[method];
  expect(operation, where).toBeDefined();
  const response = operation.responses[answer.status];
  expect(response, where).toBeDefined();
  seen.add(where);
  const type = (answer.headers.get("content-type") ?? "").replace(/;.*/, "");
  if (response.content === undefined) {
    expect(await answer.text(), where).toBe("");
    return undefined;
  }
  expect(Object.keys(response.content), where).toContain(type);
  const { schema } = response.content[type];
  if (!type.includes("json")) {
    await answer.arrayBuffer();
    return undefined;
  }
  const body = await answer.json();
  if (schema === undefined) return body;
  let validate = validators.get(where);
  if (validate === undefined) {
    validate = ajv.compile(pointed(schema));
    validators.set(where, validate);
  }
  validate(body);
  expect(validate.errors, `${where}: ${JSON.stringify(body).slice(0, 500)}`).toBeNull();
  return body;
}

describe("every answer of a real server is as described", () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-openapi-"));
  let engine: Engine;
  let server: Server;
  let guarded: Server;
  let starting: Server;
  let opened: (engine: Engine) => void;
  const TIME = Date.UTC(2026, 0, 1);

  beforeAll(async () => {
    engine = await openEngine({
      database: join(folder, "a.db"),
      series: (name) =>
        name.startsWith("detailed")
          ? { model: "auto:without=recurrent", horizon: 3, detail: true, quantiles: [0.1, 0.9] }
          : { model: "persistence", horizon: 3 },
      ahead: Number.POSITIVE_INFINITY,
    });
    server = await startServer({ engine, bodyBytes: 4096 });
    guarded = await startServer({
      engine: openEngine({ database: join(folder, "b.db") }),
      token: "secret",
    });
    starting = await startServer({ engine: new Promise<Engine>((resolve) => (opened = resolve)) });
    await Promise.all([server.ready, guarded.ready]);
    for (const series of ["tank/level", "detailed", "gone", "back"]) {
      await engine.ingest(
        Array.from({ length: 12 }, (_, n) => ({
          series,
          time: TIME + n * 1000,
          values: { value: n === 7 ? null : n % 5 },
        })),
      );
    }
  });
  afterAll(async () => {
    opened(await openEngine({ database: join(folder, "c.db") }));
    await Promise.all([server.close(), guarded.close(), starting.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const ARROW = "application/vnd.apache.arrow.stream";
  const form = "application/x-www-form-urlencoded";
  const RULE = JSON.stringify({
    series: "alarmed*",
    when: { reading: "above", limit: 90 },
    clear: { limit: 80, hold: 2 },
    labels: { team: "ops" },
    summary: "{series} is at {value}",
  });
  /** Method, path of the document, path asked for, status, and what goes with it. */
  type Case = readonly [method: string, path: string, asked: string, status: number, more?: RequestInit];
  const CASES: readonly Case[] = [
    ["get", "/v1/series", "/v1/series", 200],
    ["get", "/v1/series/{id}", "/v1/series/tank%2Flevel", 200],
    ["get", "/v1/series/{id}", "/v1/series/tank/level", 200],
    ["get", "/v1/series/{id}", "/v1/series/none", 404],
    ["delete", "/v1/series/{id}", "/v1/series/gone", 204],
    ["delete", "/v1/series/{id}", "/v1/series/none", 404],
    ["get", "/v1/series/{id}/forecast", "/v1/series/tank%2Flevel/forecast", 200],
    ["get", "/v1/series/{id}/forecast", "/v1/series/detailed/forecast", 200],
    ["get", "/v1/series/{id}/forecast", `/v1/series/detailed/forecast?asOf=${TIME + 5000}`, 200],
    ["get", "/v1/series/{id}/forecast", `/v1/series/detailed/forecast?asOf=${TIME - 1}`, 404],
    ["get", "/v1/series/{id}/forecast", "/v1/series/detailed/forecast?asOf=soon", 400],
    ["get", "/v1/series/{id}/forecasts", "/v1/series/detailed/forecasts?limit=3", 200],
    ["get", "/v1/series/{id}/forecasts", "/v1/series/detailed/forecasts?limit=0", 400],
    [
      "get",
      "/v1/series/{id}/forecasts",
      "/v1/series/detailed/forecasts",
      200,
      { headers: { accept: ARROW } },
    ],
    [
      "get",
      "/v1/series/{id}/forecasts",
      "/v1/series/detailed/forecasts",
      406,
      { headers: { accept: "text/csv" } },
    ],
    ["get", "/v1/series/{id}/forecasts", "/v1/series/none/forecasts", 404],
    ["get", "/v1/series/{id}/observations", "/v1/series/tank%2Flevel/observations", 200],
    ["get", "/v1/series/{id}/observations", "/v1/series/tank%2Flevel/observations?limit=3", 200],
    [
      "get",
      "/v1/series/{id}/observations",
      "/v1/series/detailed/observations",
      200,
      { headers: { accept: ARROW } },
    ],
    ["get", "/v1/series/{id}/observations", "/v1/series/detailed/observations?cursor=x", 400],
    ["get", "/v1/series/{id}/observations", "/v1/series/none/observations", 404],
    [
      "get",
      "/v1/series/{id}/observations",
      "/v1/series/detailed/observations",
      406,
      { headers: { accept: "text/csv" } },
    ],
    ["delete", "/v1/series/{id}/observations", `/v1/series/back/observations?from=${TIME + 9000}`, 200],
    ["delete", "/v1/series/{id}/observations", "/v1/series/back/observations", 400],
    ["delete", "/v1/series/{id}/observations", "/v1/series/none/observations?from=1", 404],
    ["get", "/v1/stream", "/v1/stream", 406, { headers: { accept: "text/csv" } }],
    ["get", "/v1/stream", "/v1/stream?mode=x", 400],
    ["get", "/v1/stream", "/v1/stream", 409, { headers: { "last-event-id": "EPOCH:999999:0" } }],
    [
      "post",
      "/v1/observations",
      "/v1/observations",
      200,
      body("application/x-ndjson", '{"series":"new","value":1}'),
    ],
    [
      "post",
      "/v1/observations",
      "/v1/observations",
      207,
      body("application/json", '[{"series":"new","value":2},{}]'),
    ],
    ["post", "/v1/observations", "/v1/observations", 400, body("application/json", "{")],
    ["post", "/v1/observations", "/v1/observations", 413, body("application/json", " ".repeat(5000))],
    ["post", "/v1/observations", "/v1/observations", 415, body("text/html", "x")],
    [
      "post",
      "/api/v1/write",
      "/api/v1/write",
      204,
      body("application/x-protobuf", new Uint8Array([0]), { "content-encoding": "snappy" }),
    ],
    [
      "post",
      "/api/v1/write",
      "/api/v1/write",
      400,
      body("application/x-protobuf", new Uint8Array([3, 8, 255, 255, 255]), { "content-encoding": "snappy" }),
    ],
    ["post", "/api/v1/write", "/api/v1/write", 413, body("application/x-protobuf", new Uint8Array(5000))],
    ["post", "/api/v1/write", "/api/v1/write", 415, body("text/plain", "x")],
    ["post", "/write", "/write?db=x", 204, body("text/plain", "cpu value=1")],
    ["post", "/write", "/write", 400, body("text/plain", "cpu")],
    ["post", "/write", "/write", 413, body("text/plain", "x".repeat(5000))],
    ["post", "/write", "/write", 415, body("text/plain", "x", { "content-encoding": "br" })],
    ["post", "/api/v2/write", "/api/v2/write?precision=s", 204, body("text/plain", "cpu value=1")],
    ["post", "/api/v2/write", "/api/v2/write?precision=y", 400, body("text/plain", "cpu value=1")],
    ["get", "/ping", "/ping", 204],
    ["post", "/v1/metrics", "/v1/metrics", 200, body("application/json", '{"resourceMetrics":[]}')],
    [
      "post",
      "/v1/metrics",
      "/v1/metrics",
      200,
      body("application/x-protobuf", Buffer.from(new PbfWriter().finish())),
    ],
    ["post", "/v1/metrics", "/v1/metrics", 400, body("application/json", "{")],
    ["post", "/v1/metrics", "/v1/metrics", 415, body("text/plain", "x")],
    ["get", "/v1/sources", "/v1/sources", 200],
    [
      "post",
      "/v1/recognise",
      "/v1/recognise",
      200,
      body("text/csv", "time,value\n2026-01-01,1\n2026-01-02,2\n"),
    ],
    ["post", "/v1/recognise", "/v1/recognise", 400, body("text/csv", "")],
    ["post", "/v1/recognise", "/v1/recognise", 415, body("text/html", "x")],
    ["get", "/v1/overview", "/v1/overview", 200],
    ["get", "/v1/overview", "/v1/overview?after=x", 400],
    ["get", "/v1/drawing", "/v1/drawing?series=detailed", 200],
    ["get", "/v1/drawing", "/v1/drawing?series=detailed&points=1", 400],
    ["get", "/v1/drawing", "/v1/drawing?series=none", 404],
    ["get", "/v1/record", "/v1/record?series=detailed", 200],
    ["get", "/v1/record", "/v1/record?series=detailed&readings=0", 400],
    ["get", "/v1/record", "/v1/record?series=none", 404],
    ["get", "/v1/pipelines", "/v1/pipelines", 200],
    ["get", "/api/v1/query", "/api/v1/query?query=1%2B1", 200],
    ["get", "/api/v1/query", `/api/v1/query?query=eddy_reading&time=${TIME / 1000 + 11}`, 200],
    ["get", "/api/v1/query", "/api/v1/query", 400],
    ["post", "/api/v1/query", "/api/v1/query", 200, body(form, "query=eddy_skill")],
    ["post", "/api/v1/query", "/api/v1/query", 413, body(form, `query=${"x".repeat(70_000)}`)],
    ["post", "/api/v1/query", "/api/v1/query", 415, body("text/plain", "query=1")],
    [
      "get",
      "/api/v1/query_range",
      `/api/v1/query_range?query=eddy_forecast&start=${TIME / 1000}&end=${TIME / 1000 + 20}&step=1`,
      200,
    ],
    [
      "get",
      "/api/v1/query_range",
      "/api/v1/query_range?query=eddy_forecast{lead!=''}&start=1&end=10000&step=1",
      422,
    ],
    [
      "post",
      "/api/v1/query_range",
      "/api/v1/query_range",
      400,
      body(form, "query=rate(x[5m])&start=1&end=2&step=1"),
    ],
    ["get", "/api/v1/series", "/api/v1/series?match[]=eddy_reading", 200],
    ["post", "/api/v1/series", "/api/v1/series", 400, body(form, "")],
    ["get", "/api/v1/labels", "/api/v1/labels", 200],
    ["post", "/api/v1/labels", "/api/v1/labels", 200, body(form, "match[]=eddy_forecast")],
    ["get", "/api/v1/label/{name}/values", "/api/v1/label/series/values?limit=1", 200],
    ["get", "/api/v1/label/{name}/values", "/api/v1/label/series/values?start=x", 400],
    ["get", "/api/v1/metadata", "/api/v1/metadata", 200],
    ["get", "/api/v1/status/buildinfo", "/api/v1/status/buildinfo", 200],
    ["get", "/api/v1/query_exemplars", "/api/v1/query_exemplars?query=eddy_reading", 200],
    ["post", "/api/v1/query_exemplars", "/api/v1/query_exemplars", 200, body(form, "query=eddy_reading")],
    ["put", "/v1/alerts/{name}", "/v1/alerts/high", 201, body("application/json", RULE)],
    ["put", "/v1/alerts/{name}", "/v1/alerts/high", 200, body("application/json", RULE)],
    ["put", "/v1/alerts/{name}", "/v1/alerts/high", 400, body("application/json", '{"when":{}}')],
    ["put", "/v1/alerts/{name}", "/v1/alerts/high", 413, body("application/json", " ".repeat(70_000))],
    ["get", "/v1/alerts/{name}", "/v1/alerts/high", 200],
    ["get", "/v1/alerts/{name}", "/v1/alerts/none", 404],
    [
      "post",
      "/v1/observations",
      "/v1/observations",
      200,
      body("application/json", JSON.stringify({ series: "alarmed", time: TIME, value: 99 })),
    ],
    ["get", "/v1/alerts", "/v1/alerts", 200],
    ["get", "/v1/alerts", "/v1/alerts?serie=x", 400],
    ["get", "/v1/alerts/transitions", "/v1/alerts/transitions", 200],
    ["get", "/v1/alerts/transitions", "/v1/alerts/transitions?limit=0", 400],
    ["delete", "/v1/alerts/{name}", "/v1/alerts/high", 204],
    ["delete", "/v1/alerts/{name}", "/v1/alerts/high", 404],
    ["get", "/v1/alerts/receivers", "/v1/alerts/receivers", 200],
    ["get", "/v1/alerts/deliveries", "/v1/alerts/deliveries", 200],
    ["get", "/v1/alerts/deliveries", "/v1/alerts/deliveries?state=x", 400],
    ["post", "/v1/alerts/deliveries/retry", "/v1/alerts/deliveries/retry", 200, { method: "POST" }],
    ["post", "/v1/alerts/deliveries/{id}/retry", "/v1/alerts/deliveries/1/retry", 404],
    ["delete", "/v1/alerts/deliveries/{id}", "/v1/alerts/deliveries/1", 404],
    ["get", "/healthz", "/healthz", 200],
    ["get", "/readyz", "/readyz", 200],
    ["get", "/metrics", "/metrics", 200],
    ["get", "/v1/schema", "/v1/schema", 200],
    ["get", "/v1/openapi.json", "/v1/openapi.json", 200],
  ];

  function body(type: string, text: string | Uint8Array, headers: Record<string, string> = {}): RequestInit {
    return { body: text as never, headers: { "content-type": type, ...headers } };
  }

  test.each(CASES as Case[])("%s %s: %s, %i", async (...given) => {
    const [method, path, asked, status, more = {}] = given as unknown as Case;
    const headers = Object.fromEntries(
      Object.entries((more.headers ?? {}) as Record<string, string>).map(([name, value]) => [
        name,
        value.replace("EPOCH", engine.epoch),
      ]),
    );
    const answer = await fetch(server.url + asked, { ...more, method: method.toUpperCase(), headers });
    expect(answer.status).toBe(status);
    await check(method, path, answer);
  });

  test("a stream of events", async () => {
    const stop = new AbortController();
    const answer = await fetch(`${server.url}/v1/stream`, { signal: stop.signal });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(document.paths["/v1/stream"].get.responses[200].content).toHaveProperty(["text/event-stream"]);
    stop.abort();
  });

  const filled = (path: string): string => path.replace("{id}", "1").replace("{name}", "series");
  test.each(OPERATIONS)(
    "$method $path without the token, and while it starts",
    async ({ method, path, open }) => {
      const ask = (url: string) => fetch(url + filled(path), { method: method.toUpperCase() });
      const unknown = await ask(guarded.url);
      expect(unknown.status).toBe(open ? 200 : 401);
      await check(method, path, unknown);
      const early = await ask(starting.url);
      expect([200, 204, 400, 415, 503]).toContain(early.status);
      await check(method, path, early);
    },
  );

  test("no route was left out", () => {
    const missing = OPERATIONS.filter(
      ({ method, path }) => ![...seen].some((one) => one.startsWith(`${method} ${path} `)),
    );
    expect(missing).toEqual([]);
  });
});

test("the types of the browser come from it, and bring no schema into the page", () => {
  const bundled = spawnSync(
    process.execPath,
    [
      "--import",
      "tsx",
      "-e",
      'import("./src/server/browser-files.ts").then(({ readBrowserFiles }) => process.stdout.write(String(readBrowserFiles().get("page.js"))))',
    ],
    { encoding: "utf8", maxBuffer: 1 << 26 },
  );
  expect(bundled.stdout.length).toBeGreaterThan(10_000);
  expect(bundled.stdout).not.toContain("TypeBox");
});
