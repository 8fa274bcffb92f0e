// The doors by which others push: remote-write, InfluxDB, OTLP, by real clients and by hand.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { InfluxDB, Point } from "@influxdata/influxdb-client";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { PbfWriter } from "pbf";
import { compress } from "snappyjs";
import { afterEach, describe, expect, test } from "vitest";
import { openEngine } from "../../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../../src/server/server.ts";
import { CounterNames } from "../../../src/server/sources/counter-names.ts";
import { ScriptedEngine } from "../scripted-engine.ts";
import { freePort } from "./mosquitto.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
const NOW = Date.UTC(2026, 5, 1);

async function start(
  options: Partial<ServerOptions> = {},
): Promise<{ server: Server; engine: ScriptedEngine }> {
  const engine = new ScriptedEngine();
  const server = await startServer({ engine, now: () => NOW, ...options });
  await server.ready;
  closers.push(() => server.close());
  return { server, engine };
}

const post = (
  server: Server,
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
) => fetch(`${server.url}${path}`, { method: "POST", body: Buffer.from(body), headers });
const seen = (engine: ScriptedEngine) =>
  engine.observed.map(({ series, time, values }) => [series, time, { ...values }]);
const report = async (server: Server, name: string) =>
  ((await (await fetch(`${server.url}/v1/sources`)).json()) as Record<string, unknown>[]).find(
    (one) => one.name === name,
  );
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A WriteRequest, encoded by hand. */
function writeRequest(
  series: readonly { labels: Record<string, string>; samples: readonly [number | Uint8Array, number][] }[],
) {
  const writer = new PbfWriter();
  for (const one of series) {
    writer.writeMessage(
      1,
      (_: unknown, part: PbfWriter) => {
        for (const [name, value] of Object.entries(one.labels)) {
          part.writeMessage(
            1,
            (_: unknown, label: PbfWriter) => {
              label.writeStringField(1, name);
              label.writeStringField(2, value);
            },
            null,
          );
        }
        for (const [value, time] of one.samples) {
          part.writeMessage(
            2,
            (_: unknown, sample: PbfWriter) => {
              if (typeof value === "number") sample.writeDoubleField(1, value);
              else {
                sample.writeTag(1, 1);
                for (const byte of value) {
                  sample.realloc(1);
                  sample.buf[sample.pos++] = byte;
                }
              }
              sample.writeVarintField(2, time);
            },
            null,
          );
        }
      },
      null,
    );
  }
  return compress(Buffer.from(writer.finish()));
}
const REMOTE = {
  "content-type": "application/x-protobuf",
  "content-encoding": "snappy",
  "x-prometheus-remote-write-version": "0.1.0",
};
const STALE = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);

describe("remote-write", () => {
  test("several series a request; NaN is missing, a marker of the end is counted; long names stay apart", async () => {
    const { server, engine } = await start();
    const long = "x".repeat(400);
    const body = writeRequest([
      {
        labels: { __name__: "up", job: "node", instance: "a" },
        samples: [
          [1, 1000],
          [0, 16_000],
        ],
      },
      {
        labels: { __name__: "up", instance: "b", job: "node" },
        samples: [
          [Number.NaN, 1000],
          [STALE, 2000],
        ],
      },
      { labels: { __name__: "l", path: `${long}1` }, samples: [[5, 1000]] },
      { labels: { __name__: "l", path: `${long}2` }, samples: [[6, -1000]] },
      { labels: { __name__: "__proto__", "../": "é" }, samples: [[Number.POSITIVE_INFINITY, 1000]] },
    ]);
    const answer = await post(server, "/api/v1/write", body, REMOTE);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    const found = seen(engine);
    expect(found.slice(0, 3)).toEqual([
      ["up,instance=a,job=node", 1000, { value: 1 }],
      ["up,instance=a,job=node", 16_000, { value: 0 }],
      ["up,instance=b,job=node", 1000, { value: null }],
    ]);
    const [one, other] = [found[3][0], found[4][0]] as string[];
    expect(one).not.toBe(other);
    expect([one.length, other.length]).toEqual([256, 256]);
    expect(found[4].slice(1)).toEqual([-1000, { value: 6 }]);
    expect(found[5]).toEqual(["__proto__,../=é", 1000, { value: null }]);
    expect(await report(server, "remote-write")).toMatchObject({
      kind: "push",
      received: 7,
      taken: 6,
      waiting: 0,
      refused: { stale: 1 },
    });
  });

  test("what is wrong is told, and the rest is taken; what is no request at all is refused whole", async () => {
    const { server, engine } = await start();
    const wrong = writeRequest([
      { labels: { job: "x" }, samples: [[1, 1000]] },
      { labels: { __name__: "a\u0000b" }, samples: [[1, 1000]] },
      { labels: { __name__: "ok" }, samples: [[1, 1000]] },
      { labels: { __name__: "far" }, samples: [[1, 2 ** 60]] },
      {
        labels: {
          __name__: "many",
          ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`l${i}`, "x"])),
        },
        samples: [[1, 1]],
      },
    ]);
    const answer = await post(server, "/api/v1/write", wrong, REMOTE);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        code: "bad-observation",
        message: '4 of the samples: labels: expected a name (__name__), got {"job":"x"}',
      },
    ]);
    expect(seen(engine)).toEqual([["ok", 1000, { value: 1 }]]);
    const plain = await post(server, "/api/v1/write", "hello", REMOTE);
    expect([plain.status, ((await plain.json()) as { message: string }).message]).toEqual([
      400,
      "body: expected snappy, got other bytes",
    ]);
    const text = await post(server, "/api/v1/write", compress(Buffer.from("\x0a\x7fhello")), REMOTE);
    expect([text.status, ((await text.json()) as { message: string }).message]).toEqual([
      400,
      "body: expected a WriteRequest of Prometheus remote-write 1.0, got other bytes",
    ]);
    const v2 = await post(server, "/api/v1/write", wrong, {
      ...REMOTE,
      "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    });
    expect(v2.status).toBe(415);
    const bomb = compress(Buffer.alloc(64 << 20));
    const refused = await post(server, "/api/v1/write", bomb, REMOTE);
    expect([refused.status, await refused.json()]).toEqual([
      413,
      { code: "too-large", message: "body: expected at most 8388608 bytes unpacked" },
    ]);
  });

  test("one sample twice or too late costs itself alone, and is no reason to send the others again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eddy-remote-"));
    const engine = openEngine({
      database: join(folder, "eddy.db"),
      series: { model: "persistence", horizon: 1 },
    });
    const server = await startServer({ engine });
    await server.ready;
    closers.push(async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const sample = (name: string, ...times: number[]) => ({
      labels: { __name__: name },
      samples: times.map((time) => [1, time] as [number, number]),
    });
    expect(
      (await post(server, "/api/v1/write", writeRequest([sample("a", 5000), sample("b", 5000)]), REMOTE))
        .status,
    ).toBe(204);
    const again = writeRequest([sample("a", 5000), sample("c", 5000), sample("b", 4000, 6000)]);
    expect((await post(server, "/api/v1/write", again, REMOTE)).status).toBe(204);
    expect(await report(server, "remote-write")).toMatchObject({
      received: 6,
      taken: 4,
      refused: { "duplicate-time": 1, late: 1 },
      lastError: null,
    });
  });

  test("no room: 503, for Prometheus to send it again", async () => {
    const { server, engine } = await start();
    engine.full = true;
    const body = writeRequest([{ labels: { __name__: "a" }, samples: [[1, 1000]] }]);
    const answer = await post(server, "/api/v1/write", body, REMOTE);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  test.skipIf(spawnSync("prometheus", ["--version"]).error !== undefined)(
    "by Prometheus itself",
    async () => {
      const { server, engine } = await start({ token: "secret" });
      const target = createServer((_, response) => {
        response.setHeader("content-type", "text/plain; version=0.0.4");
        response.end('# TYPE tank_level gauge\ntank_level{tank="a"} 3.5\ntank_level{tank="b"} 4.5\n');
      });
      await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
      const { port } = target.address() as { port: number };
      const folder = mkdtempSync(join(tmpdir(), "eddy-prometheus-"));
      writeFileSync(
        join(folder, "prometheus.yml"),
        `global: { scrape_interval: 200ms, scrape_timeout: 200ms }
scrape_configs: [{ job_name: tanks, static_configs: [{ targets: ["127.0.0.1:${port}"] }] }]
remote_write: [{ url: "${server.url}/api/v1/write", authorization: { credentials: secret }, queue_config: { batch_send_deadline: 200ms } }]
`,
      );
      const prometheus = spawn(
        "prometheus",
        [
          `--config.file=${join(folder, "prometheus.yml")}`,
          `--storage.tsdb.path=${join(folder, "data")}`,
          `--web.listen-address=127.0.0.1:${await freePort()}`,
        ],
        { stdio: "ignore" },
      );
      closers.push(async () => {
        const ended = new Promise((resolve) => prometheus.once("exit", resolve));
        prometheus.kill("SIGKILL");
        await ended;
        target.close();
        rmSync(folder, { recursive: true, force: true });
      });
      const of = (tank: string) =>
        engine.observed.filter(
          ({ series }) => series === `tank_level,instance=127.0.0.1:${port},job=tanks,tank=${tank}`,
        );
      await until(() => of("a").length >= 3 && of("b").length >= 3);
      const [first, second] = of("a");
      expect(first.values.value).toBe(3.5);
      expect(second.time).toBeGreaterThan(first.time);
      expect(of("b")[0].values.value).toBe(4.5);
    },
    60_000,
  );
});

describe("InfluxDB", () => {
  const lines =
    'w,place=a temp=21.5,ok=true,note="x y" 1700000000\nw,place=b temp=3i 1700000001\n\n# comment\n';

  test.each(["/write?db=x&precision=s", "/api/v2/write?org=o&bucket=b&precision=s"])("%s", async (path) => {
    const { server, engine } = await start();
    for (const [body, headers] of [
      [lines, {}],
      [gzipSync(lines), { "content-encoding": "gzip" }],
      [deflateSync(lines), { "content-encoding": "deflate" }],
      [deflateRawSync(lines), { "content-encoding": "deflate" }],
      [lines.replaceAll("\n", "\r\n"), {}],
    ] as const) {
      engine.observed.length = 0;
      const answer = await post(server, path, body, {
        "content-type": "text/plain; charset=utf-8",
        ...headers,
      });
      expect([answer.status, await answer.text()]).toEqual([204, ""]);
      expect(seen(engine)).toEqual([
        ["w,place=a", 1_700_000_000_000, { temp: 21.5, ok: 1 }],
        ["w,place=b", 1_700_000_001_000, { temp: 3 }],
      ]);
    }
    const bomb = await post(server, path, gzipSync(Buffer.alloc(64 << 20, "a=1\n")), {
      "content-encoding": "gzip",
    });
    expect(bomb.status).toBe(413);
    const other = await post(server, path, lines, { "content-encoding": "br" });
    expect(other.status).toBe(415);
  });

  test("a partial write is answered as InfluxDB does, and the good lines are taken", async () => {
    const { server, engine } = await start();
    const body = 'w temp=1 1\nnonsense\nw temp=x 2\nw text="only" 3\nw temp=2 4\n';
    const first = await post(server, "/write", body);
    expect([first.status, await first.json()]).toEqual([
      400,
      {
        error: 'partial write: line 2: expected a line as name,tag=x field=1.5, got "nonsense" dropped=2',
      },
    ]);
    const second = await post(server, "/api/v2/write", "nonsense");
    expect([second.status, await second.json()]).toEqual([
      400,
      {
        code: "invalid",
        message: 'unable to parse: line 1: expected a line as name,tag=x field=1.5, got "nonsense"',
      },
    ]);
    expect(seen(engine)).toEqual([
      ["w", 0, { temp: 1 }],
      ["w", 0, { temp: 2 }],
    ]);
    expect(await report(server, "influx")).toMatchObject({
      received: 6,
      taken: 2,
      refused: { "bad-line": 3, "no-numbers": 1 },
    });
    const precision = await post(server, "/write?precision=days", "w temp=1 1");
    expect([precision.status, await precision.json()]).toEqual([
      400,
      { error: '?precision: expected one of ns, us, ms, s, m, h, got "days"' },
    ]);
  });

  test("by InfluxData's own client, with its token", async () => {
    const { server, engine } = await start({ token: "secret" });
    const client = new InfluxDB({ url: server.url, token: "secret" }).getWriteApi("org", "bucket", "ms");
    client.writePoint(
      new Point("boiler").tag("room", "a b").floatField("temp", 71.3).timestamp(1_700_000_000_123),
    );
    client.writePoint(new Point("boiler").tag("room", "c,d=e").intField("n", 7).timestamp(1_700_000_000_124));
    await client.close();
    expect(seen(engine)).toEqual([
      ["boiler,room=a b", 1_700_000_000_123, { temp: 71.3 }],
      ["boiler,room=c,d=e", 1_700_000_000_124, { n: 7 }],
    ]);
    const basic = await post(server, "/write", "a b=1 1", {
      authorization: `Basic ${Buffer.from("anyone:secret").toString("base64")}`,
    });
    expect(basic.status).toBe(204);
    const wrong = await post(server, "/write", "a b=1 1", { authorization: "Token other" });
    expect(wrong.status).toBe(401);
    const elsewhere = await fetch(`${server.url}/v1/series`, { headers: { authorization: "Token secret" } });
    expect(elsewhere.status).toBe(401);
  });
});

describe("OTLP", () => {
  test.each([
    ["JSON", JsonExporter],
    ["protobuf", ProtoExporter],
  ])("by the exporter of OpenTelemetry, as %s", async (_, Exporter) => {
    const counters = new CounterNames();
    const { server, engine } = await start({ token: "secret", counters });
    const exporter = new Exporter({
      url: `${server.url}/v1/metrics`,
      headers: { authorization: "Bearer secret" },
    });
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({
      readers: [reader],
      resource: resourceFromAttributes({
        "service.name": "press",
        "service.version": "1.2",
        "host.name": "h",
      }),
    });
    const meter = provider.getMeter("test");
    meter.createCounter("parts").add(3, { line: "a" });
    meter.createGauge("heat").record(71.5);
    meter.createHistogram("wait").record(0.25);
    meter.createUpDownCounter("queue").add(-2);
    await provider.forceFlush();
    await provider.shutdown();
    const labels = "host.name=h,service.name=press";
    const found = new Map(engine.observed.map(({ series, values }) => [series, { ...values }]));
    expect(Object.fromEntries(found)).toEqual({
      "parts,host.name=h,line=a,service.name=press": { value: 3 },
      [`heat,${labels}`]: { value: 71.5 },
      [`wait,${labels}`]: { count: 1, sum: 0.25 },
      [`queue,${labels}`]: { value: -2 },
    });
    const told = [...found.keys()]
      .filter((series) => counters.has(series))
      .map((series) => series.split(",")[0]);
    expect(told.sort()).toEqual(["parts", "wait"]);
    expect(engine.observed.every(({ time }) => Math.abs(time - Date.now()) < 60_000)).toBe(true);
  });

  test("what is wrong is told as a partial success, in the form of the request", async () => {
    const { server, engine } = await start();
    const metric = (name: string, point: object) => ({ name, gauge: { dataPoints: [point] } });
    const body = {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                metric("good", { timeUnixNano: "1700000000000000000", asInt: "9007199254740993" }),
                metric("bad", { timeUnixNano: "1700000000000000000", asDouble: "many" }),
                metric("ended", { timeUnixNano: "1700000000000000000", flags: 1 }),
                metric("far", { timeUnixNano: "soon", asDouble: 1 }),
                metric("infinite", { timeUnixNano: "1700000000000000000", asDouble: "Infinity" }),
              ],
            },
          ],
        },
      ],
    };
    const json = (sent: unknown) =>
      post(server, "/v1/metrics", JSON.stringify(sent), { "content-type": "application/json" });
    const answer = await json(body);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        partialSuccess: {
          rejectedDataPoints: "2",
          errorMessage: 'bad: value: expected a finite number, got "many"',
        },
      },
    ]);
    expect(seen(engine)).toEqual([
      ["good", 1_700_000_000_000, { value: 9007199254740992 }],
      ["infinite", 1_700_000_000_000, { value: null }],
    ]);
    expect((await json({ resourceLogs: [] })).status).toBe(400);
    const nothing = await json({});
    expect([nothing.status, await nothing.json()]).toEqual([200, {}]);
    const torn = await post(server, "/v1/metrics", Buffer.from([0x0a, 0xff, 0x01]), {
      "content-type": "application/x-protobuf",
    });
    expect(torn.status).toBe(400);
    expect((await post(server, "/v1/metrics", "x", { "content-type": "text/plain" })).status).toBe(415);
  });
});
