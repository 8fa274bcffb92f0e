// The HTTP contract, over a real socket.
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { words } from "../../src/models/forecast.ts";
import type { Issue } from "../../src/models/issue.ts";
import type { Engine } from "../../src/server/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { Client } from "./client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

let engine: ScriptedEngine;
let server: Server;
const ARRIVAL = Date.UTC(2024, 0, 1);
beforeEach(async () => {
  engine = new ScriptedEngine();
  server = await startServer({ engine, bodyBytes: 10_000, now: () => ARRIVAL });
  await server.ready;
});
afterEach(() => server.close());

interface Answer {
  readonly code: string;
  readonly message: string;
  readonly accepted: number;
  readonly refused: readonly { line: number; code: string; message: string }[];
}

const post = async (
  body: string | Uint8Array,
  type: string | null,
  query = "",
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`${server.url}/v1/observations${query}`, {
    method: "POST",
    body: Buffer.from(body),
    headers: { ...(type === null ? {} : { "content-type": type }), ...headers },
  });
  return { status: response.status, headers: response.headers, answer: (await response.json()) as Answer };
};
const ndjson = (...lines: string[]) => post(lines.join("\n"), "application/x-ndjson");
const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${server.url}${path}`, { headers });
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json");
  return { status: response.status, headers: response.headers, text, answer: json ? JSON.parse(text) : null };
};
const received = () =>
  engine.observed.map(({ series, time, values }) => ({ series, time, values: { ...values } }));

describe("POST /v1/observations", () => {
  test("NDJSON: taken, a repeat is harmless, empty lines are nothing", async () => {
    const { status, answer } = await ndjson(
      '{"id":"1","series":"a","time":"2024-01-01T00:00:01Z","value":1}',
      "",
      '{"id":"1","series":"a","time":"2024-01-01T00:00:01Z","value":1}',
      '{"series":"b","values":{"x":1,"y":null}}',
      "",
    );
    expect(answer).toEqual({ accepted: 2, duplicate: 1, late: 0, refused: [] });
    expect(status).toBe(200);
    expect(received()).toEqual([
      { series: "a", time: ARRIVAL + 1000, values: { value: 1 } },
      { series: "b", time: ARRIVAL, values: { x: 1, y: null } },
    ]);
  });

  test("readings of one series without a time keep their order, a millisecond apart, in a body and across bodies", async () => {
    await ndjson(...[1, 2, 3].map((value) => JSON.stringify({ series: "a", value })));
    await ndjson('{"series":"a","value":4}', '{"series":"b","value":5}');
    expect(received().map(({ series, time, values }) => [series, time - ARRIVAL, values.value])).toEqual([
      ["a", 0, 1],
      ["a", 1, 2],
      ["a", 2, 3],
      ["a", 3, 4],
      ["b", 0, 5],
    ]);
  });

  test("what is wrong is refused by line, the rest is taken", async () => {
    const { status, answer } = await ndjson(
      '{"series":"a","value":1}',
      '{"series":"a","value":"1"}',
      "",
      '{"series":"refused by the engine","value":1}',
      "{torn",
      '{"series":"a","time":"yesterday","value":2}',
      '{"series":"a","vaule":2}',
      '{"series":"a","value":1e999}',
    );
    expect(status).toBe(207);
    expect(answer).toMatchObject({ accepted: 1, duplicate: 0, late: 0 });
    expect(answer.refused).toEqual([
      { line: 2, code: "bad-number", message: 'value: expected a finite number, got "1"' },
      { line: 4, code: "late", message: "set aside" },
      { line: 5, code: "bad-line", message: 'line: expected JSON, got "{torn"' },
      {
        line: 6,
        code: "bad-time",
        message: 'time: expected ISO 8601 or epoch milliseconds, got "yesterday"',
      },
      {
        line: 7,
        code: "bad-observation",
        message: 'field "vaule": expected only id, series, time, value, values, got 2',
      },
      { line: 8, code: "bad-number", message: "value: expected a finite number, got Infinity" },
    ]);
  });

  test("a JSON array, or one object", async () => {
    const array = await post('[{"series":"a","value":1},{"value":2}]', "application/json; charset=utf-8");
    expect(array.status).toBe(207);
    expect(array.answer.refused).toMatchObject([{ line: 2, code: "bad-observation" }]);
    const one = await post('{"series":"a","value":1}', "application/json");
    expect(one).toMatchObject({ status: 200, answer: { accepted: 1 } });
  });

  test("CSV, with its series in a column or in the query", async () => {
    const table = await post(
      "time,series,x,y\n2024-01-01,a,1,2\n2024-01-02,b,3,4\n2024-01-03,b,oops,1\n",
      "text/csv",
    );
    expect(table.status).toBe(207);
    expect(table.answer.refused).toMatchObject([{ line: 4, code: "bad-number" }]);
    expect(received()).toEqual([
      { series: "a", time: ARRIVAL, values: { x: 1, y: 2 } },
      { series: "b", time: ARRIVAL + 86_400_000, values: { x: 3, y: 4 } },
      // The cell is lost, not the row.
      { series: "b", time: ARRIVAL + 2 * 86_400_000, values: { x: null, y: 1 } },
    ]);
    expect(await post("x,y\n7,\n8,9\n", "text/csv", "?series=c")).toMatchObject({
      status: 200,
      answer: { accepted: 2 },
    });
    expect(received()[3]).toEqual({ series: "c", time: ARRIVAL, values: { x: 7, y: null } });
    const nameless = await post("value\n7\n", "text/csv");
    expect(nameless.answer.refused).toEqual([
      {
        line: 2,
        code: "bad-observation",
        message: "series: expected a column series, or ?series=NAME, got neither",
      },
    ]);
  });

  test("an Arrow stream", async () => {
    const table = tableFromArrays({
      series: ["a", "b"],
      time: new Float64Array([1000, 2000]),
      x: new Float64Array([1.5, 2.5]),
    });
    const { status, answer } = await post(tableToIPC(table, "stream"), "application/vnd.apache.arrow.stream");
    expect(answer).toEqual({ accepted: 2, duplicate: 0, late: 0, refused: [] });
    expect(status).toBe(200);
    expect(received()[1]).toEqual({ series: "b", time: 2000, values: { x: 2.5 } });
    const bad = await post("no arrow", "application/vnd.apache.arrow.stream");
    expect(bad).toMatchObject({ status: 400, answer: { code: "bad-message" } });
  });

  test.each([
    ["{nope", "application/json", 400, "bad-message"],
    ["", "application/x-ndjson", 400, "bad-message"],
    ["[]", "application/json", 400, "bad-message"],
    ["\n\n", "application/x-ndjson", 400, "bad-message"],
    ["a,b\n1,2\n", "text/html", 415, "unsupported"],
    ["a,b\n1,2\n", null, 415, "unsupported"],
    [`"${"x".repeat(20_000)}"`, "application/json", 413, "too-large"],
  ])("%j as %s: %i", async (body, type, status, code) => {
    const response = await post(body, type);
    expect(response).toMatchObject({ status, answer: { code } });
    expect(response.answer.message).toMatch(/^[^\n]*expected[^\n]*$/);
  });

  test("a packed body is unpacked, up to the size that a body may have", async () => {
    const body = '{"series":"a","value":1}';
    for (const [coding, packed] of [
      ["gzip", gzipSync(body)],
      ["x-gzip", gzipSync(body)],
      ["deflate", deflateSync(body)],
      ["deflate", deflateRawSync(body)],
      ["identity", Buffer.from(body)],
    ] as const) {
      const taken = await post(packed, "application/json", "", { "content-encoding": coding });
      expect(taken).toMatchObject({ status: 200, answer: { accepted: 1 } });
    }
    const refused = async (packed: Uint8Array | string, coding: string) => {
      const { status, answer } = await post(packed, "application/json", "", { "content-encoding": coding });
      return [status, answer.message];
    };
    expect(await refused(gzipSync(Buffer.alloc(1 << 24, " ")).subarray(0, 9000), "gzip")).toEqual([
      413,
      "body: expected at most 10000 bytes unpacked",
    ]);
    expect(await refused(deflateSync(Buffer.alloc(1 << 22, " ")), "deflate")).toEqual([
      413,
      "body: expected at most 10000 bytes unpacked",
    ]);
    expect(await refused("x", "gzip")).toEqual([400, "body: expected gzip, got other bytes"]);
    expect(await refused(gzipSync(body).subarray(0, 20), "gzip")).toEqual([
      400,
      "body: expected gzip, got other bytes",
    ]);
    expect(await refused("x", "br")).toEqual([
      415,
      'Content-Encoding: expected one of gzip, deflate, got "br"',
    ]);
    expect(await refused("x", "gzip, gzip")).toEqual([
      415,
      'Content-Encoding: expected one of gzip, deflate, got "gzip, gzip"',
    ]);
  });

  test("full: 429, and when to try again", async () => {
    engine.full = true;
    const { status, headers, answer } = await ndjson('{"series":"a","value":1}');
    expect(status).toBe(429);
    expect(headers.get("retry-after")).toBe("1");
    expect(answer).toEqual({ code: "busy", message: "journal: expected room, got none" });
  });

  test("a failure inside says nothing of the inside", async () => {
    engine.failing = true;
    expect(await ndjson('{"series":"a","value":1}')).toMatchObject({
      status: 500,
      answer: { code: "internal", message: "internal error" },
    });
  });

  test("names that could hurt do not", async () => {
    const body = '{"series":"__proto__","values":{"__proto__":1,"constructor":2}}';
    expect(await ndjson(body)).toMatchObject({ status: 200, answer: { accepted: 1 } });
    expect(
      (await get("/v1/series/__proto__/forecast")).answer.map(({ target }: { target: string }) => target),
    ).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>).value).toBeUndefined();
    const long = "é".repeat(256);
    expect((await ndjson(JSON.stringify({ series: long, value: 1 }))).status).toBe(200);
    expect((await get(`/v1/series/${encodeURIComponent(long)}`)).answer.series).toBe(long);
    expect((await ndjson(JSON.stringify({ series: `${long}x`, value: 1 }))).status).toBe(207);
    expect((await ndjson(JSON.stringify({ series: "a\u0000b", value: 1 }))).status).toBe(207);
  });
});

describe("GET", () => {
  test("series, and the latest forecast of each target", async () => {
    await ndjson(
      '{"series":"mote-1/air","time":0,"values":{"x":1,"y":2}}',
      '{"series":"b","time":0,"value":3}',
    );
    expect((await get("/v1/series")).answer.map(({ series }: { series: string }) => series)).toEqual([
      "mote-1/air",
      "b",
    ]);
    for (const path of ["/v1/series/mote-1%2Fair", "/v1/series/mote-1/air"]) {
      expect((await get(path)).answer).toMatchObject({
        series: "mote-1/air",
        targets: ["x", "y"],
        horizon: 3,
      });
      const { answer } = await get(`${path}/forecast`);
      expect(answer).toEqual(words(engine.latest("mote-1/air") as Issue));
      const readings = await get(`${path}/observations`);
      expect(readings.answer).toEqual([
        { series: "mote-1/air", time: "1970-01-01T00:00:00.000Z", values: { x: 1, y: 2 } },
      ]);
    }
  });

  test("what is not there is 404, in one line", async () => {
    for (const path of [
      "/v1/series/none",
      "/v1/series/none/forecast",
      "/v1/series/a/b/c",
      "/v2",
      "/page/../server.ts",
    ]) {
      const { status, answer } = await get(path);
      expect(status, path).toBe(404);
      expect(answer.code).toBe("not-found");
      expect(answer.message).not.toContain("\n");
    }
    await ndjson('{"series":"young","value":1}');
    engine.latest = () => undefined;
    expect((await get("/v1/series/young/forecast")).answer.message).toContain("no forecast yet");
  });

  test("metrics: Prometheus text without a series in it", async () => {
    await ndjson('{"series":"secret-name","value":1}');
    const { text, headers } = await get("/metrics");
    expect(headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(text).toMatch(/^# TYPE eddy_observations_total counter\neddy_observations_total 1$/m);
    expect(text).not.toContain("secret-name");
    for (const line of text.trim().split("\n"))
      expect(line).toMatch(/^(# (TYPE|HELP) \w+ .+|\w+(\{\w+="[\w.-]+"(,\w+="[\w.-]+")*\})? -?[\d.eE+-]+)$/);
  });

  test("the page allows nothing but its own files", async () => {
    const page = await get("/");
    expect(page.text).toContain("<title>Eddy</title>");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await get(path)).status, path).toBe(200);
    }
    expect(page.text).not.toMatch(/<script(?![^>]* src=)|style="|onclick/);
  });
});

describe("who may ask", () => {
  test("an address beyond this machine needs a token", async () => {
    await expect(startServer({ engine, host: "0.0.0.0" })).rejects.toMatchObject({ code: "bad-argument" });
    const open = await startServer({ engine: new ScriptedEngine(), host: "0.0.0.0", token: "t" });
    await open.close();
  });

  test("with a token, everything but health and page asks for it", async () => {
    const guarded = await startServer({ engine: new ScriptedEngine(), token: "secret" });
    try {
      const status = async (path: string, authorization?: string) =>
        (await fetch(guarded.url + path, authorization === undefined ? {} : { headers: { authorization } }))
          .status;
      for (const path of ["/v1/series", "/v1/observations", "/metrics", "/v1/series/a/forecast"]) {
        expect(await status(path), path).toBe(401);
        expect(await status(path, "Bearer wrong"), path).toBe(401);
      }
      expect(await status("/v1/series", "Bearer secret")).toBe(200);
      for (const path of ["/", "/healthz", "/page/page.js"]) expect(await status(path), path).toBe(200);
    } finally {
      await guarded.close();
    }
  });

  test("a foreign page is refused", async () => {
    expect((await get("/v1/series", { origin: "https://evil.example" })).status).toBe(403);
    expect((await get("/v1/series", { origin: server.url })).status).toBe(200);
  });

  test("a taken port is told", async () => {
    await expect(startServer({ engine, port: server.port })).rejects.toMatchObject({
      code: "port-taken",
      message: `--port: expected a free port, or 0 for any, got ${server.port}, which another program listens on`,
    });
  });
});

describe("coming and going", () => {
  test("alive but not ready while the engine recovers", async () => {
    let recovered: (engine: Engine) => void = () => {};
    const recovering = await startServer({
      engine: new Promise<Engine>((resolve) => {
        recovered = resolve;
      }),
    });
    const status = async (path: string) => (await fetch(recovering.url + path)).status;
    expect(await status("/healthz")).toBe(200);
    expect(await status("/readyz")).toBe(503);
    expect(await status("/v1/series")).toBe(503);
    await expect(new Client(recovering.url).opened()).rejects.toThrow("503");
    recovered(new ScriptedEngine());
    await recovering.ready;
    expect(await status("/readyz")).toBe(200);
    await recovering.close();
  });

  test("an engine that cannot be opened is told, and the server can be closed", async () => {
    const broken = await startServer({ engine: Promise.reject(new Error("no disk")) });
    await expect(broken.ready).rejects.toThrow("no disk");
    await broken.close();
  });

  test("a failed database is not ready", async () => {
    engine.failed = new Error("disk is full");
    expect(await get("/readyz")).toMatchObject({
      status: 503,
      answer: { code: "storage", message: "disk is full" },
    });
  });

  test("shutting down: what was taken is answered, more is not taken, then the engine closes", async () => {
    let release: () => void = () => {};
    engine.held = new Promise((resolve) => {
      release = resolve;
    });
    const client = await Client.ready(server.url);
    const answer = ndjson('{"series":"a","value":1}');
    while (engine.asked === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = server.close();
    expect((await get("/readyz")).status).toBe(503);
    expect((await ndjson('{"series":"a","value":2}')).status).toBe(503);
    client.send({ type: "observe", id: "x", series: "a", value: 3 });
    await client.until((frames) => frames.at(-1)?.type === "error");
    expect(client.frames.at(-1)).toMatchObject({ id: "x", code: "busy", retryable: true });
    expect(engine.closed).toBe(false);
    release();
    expect(await answer).toMatchObject({ status: 200, answer: { accepted: 1 } });
    await closed;
    expect(engine.closed).toBe(true);
    expect((await client.closed).code).toBe(1001);
    expect(received()).toHaveLength(1);
  });
});
