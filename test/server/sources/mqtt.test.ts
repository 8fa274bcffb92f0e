// MQTT against Debian's mosquitto: exactly once through ends of either side, and what is told of what is not taken.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, describe, expect, test } from "vitest";
import { startServer } from "../../../src/server/server.ts";
import { mqttMessages } from "../../../src/streams/sources/mqtt.ts";
import { observations, sourceContext } from "../../../src/streams/sources/source.ts";
import { ScriptedEngine } from "../scripted-engine.ts";
import { freePort, hasMosquitto, Mosquitto } from "./mosquitto.ts";
import { mqttKillTest } from "./mqtt-kill.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function broker(): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), "eddy-broker-"));
  const started = new Mosquitto(folder, await freePort());
  await started.start();
  closers.push(async () => {
    await started.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  return started;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe.skipIf(!hasMosquitto)("MQTT", () => {
  test("every message once and in order, though the server is killed twice and the broker restarted", async () => {
    const report = await mqttKillTest(1200, 12);
    expect(report).toMatchObject({
      messages: 1200,
      applied: 1200,
      missing: 0,
      appliedTwice: 0,
      outOfOrder: 0,
      kills: 2,
      brokerRestarts: 1,
    });
  }, 300_000);

  test("payloads of all kinds; what is refused is counted by reason and told with its topic", async () => {
    const { url } = await broker();
    const sender = await connectAsync(url);
    closers.push(() => sender.endAsync());
    await sender.publishAsync("home/old/value", "1", { qos: 1, retain: true });
    await sender.publishAsync("home/known/value", '{"time":"2026-01-02T03:04:05Z","value":2}', {
      qos: 1,
      retain: true,
    });
    const engine = new ScriptedEngine();
    const server = await startServer({
      engine,
      now: () => 1_800_000_000_000,
      sources: [{ name: "house", kind: "mqtt", options: { url, topics: ["home/{room}/{what}", "tele/#"] } }],
    });
    closers.push(() => server.close());
    const sources = async () =>
      (await fetch(`${server.url}/v1/sources`)).json() as Promise<Record<string, unknown>[]>;
    await until(async () => (await sources())[0].received === 2);
    const send = (topic: string, payload: string | Buffer) => sender.publishAsync(topic, payload, { qos: 1 });
    await send("home/hall/temperature", "21.5");
    await send("home/hall/temperature", "21.7 °C");
    await send("home/hall/lamp", "ON");
    await send("home/hall/lamp", "unavailable");
    await send("tele/plug/SENSOR", '{"Time":"2026-01-02T03:04:05","ENERGY":{"Power":5,"Voltage":"230 V"}}');
    await send("tele/__proto__/../x", "3");
    await send("home/hall/note", "hello there");
    await send("home/hall/bytes", Buffer.from([0xff, 0xfe, 0x00]));
    await send("home/hall/torn", '{"value":');
    await send("home/hall/none", "");
    await send("tele/gateway", '{"device":"a","t":1}');
    await send("tele/gateway", '{"device":"b","t":2}');
    await until(async () => (await sources())[0].received === 14);
    const now = 1_800_000_000_000;
    expect(engine.observed.map(({ series, time, values }) => [series, time, { ...values }])).toEqual([
      ["home/known/value", Date.UTC(2026, 0, 2, 3, 4, 5), { value: 2 }],
      ["home/hall/temperature", now, { value: 21.5 }],
      ["home/hall/temperature", now + 1, { value: 21.7 }],
      ["home/hall/lamp", now, { value: 1 }],
      ["home/hall/lamp", now + 1, { value: null }],
      ["tele/plug/SENSOR", Date.UTC(2026, 0, 2, 3, 4, 5), { "ENERGY.Power": 5, "ENERGY.Voltage": 230 }],
      ["tele/__proto__/../x", now, { value: 3 }],
      ["tele/gateway", now, { t: 1 }],
    ]);
    const [report] = await sources();
    expect(report).toMatchObject({
      name: "house",
      kind: "mqtt",
      received: 14,
      taken: 8,
      waiting: 0,
      refused: { retained: 1, "bad-line": 2, "no-numbers": 1, empty: 1, "bad-observation": 1 },
    });
    expect((report.lastError as { message: string }).message).toBe(
      'topic "tele/gateway": device: expected "a" as in the first message of "tele/gateway", got "b" ' +
        '(two things in one series: say "key": ["device"], or "key": [] if it is one)',
    );
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('eddy_source_received_total{source="house"} 14\n');
    expect(metrics).toContain('eddy_source_refused_total{source="house",reason="retained"} 1\n');
  });

  test("a broker that is not there is told, and found once it is; the wait before each attempt is any length up to a bound", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eddy-broker-"));
    const late = new Mosquitto(folder, await freePort());
    closers.push(async () => {
      await late.stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    });
    const waits: number[] = [];
    const told: string[] = [];
    let connected = false;
    const context = await sourceContext({
      random: () => 0.5,
      after(milliseconds, task) {
        waits.push(milliseconds);
        if (waits.length === 4) void late.start().then(task);
        else setTimeout(task, 1);
        return () => {};
      },
      status: {
        connected: () => {
          connected = true;
        },
        disturbed: (message) => told.push(message),
        disconnected() {},
      },
    });
    const subscription = mqttMessages({ url: late.url, topics: ["#"] }, context).subscribe();
    closers.push(() => subscription.unsubscribe());
    await until(() => connected);
    expect(waits).toEqual([250, 500, 1000, 2000]);
    expect(told[0]).toMatch(/^mqtt:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  test("as an operator, without a server: acknowledged once what is downstream has taken it", async () => {
    const { url } = await broker();
    const seen: string[] = [];
    let connected = false;
    const context = await sourceContext({
      now: () => 5,
      status: {
        connected: () => {
          connected = true;
        },
        disturbed() {},
        disconnected() {},
      },
    });
    const subscription = mqttMessages({ url, topics: ["a/{b}"], clientId: "operator" }, context)
      .pipe(observations({ now: context.now }))
      .subscribe(({ series, time, values }) => seen.push(`${series} ${time} ${values.value}`));
    await until(() => connected);
    const sender = await connectAsync(url);
    closers.push(() => sender.endAsync());
    for (let n = 0; n < 50; n++) await sender.publishAsync(`a/${n % 2}`, String(n), { qos: 1 });
    await until(() => seen.length === 50);
    expect(seen.slice(0, 2)).toEqual(["a/0 5 0", "a/1 5 1"]);
    subscription.unsubscribe();
  });
});
