// Rules over HTTP, the alerts they lead to, and who is told: the real engine, server and outbox.

import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type Engine, openEngine } from "../../../src/server/engine.ts";
import { type Server, startServer } from "../../../src/server/server.ts";
import type { AlertRule } from "../../../src/streams/alerts/rule.ts";
import { temporaryFolder } from "../engine/fixture.ts";

const folder = temporaryFolder();
let server: Server;
let engine: Engine;
afterEach(() => server.close());

async function start(rules: readonly AlertRule[] = [], horizon = 4, log: string[] = []): Promise<void> {
  const say = (message: string) => void log.push(message);
  engine = await openEngine({
    database: join(folder(), "a.db"),
    series: { model: "auto", horizon },
    log: { info() {}, warn: say, error: say },
    alerts: { rules, receivers: ["ops"], unit: (series) => (series.startsWith("boiler") ? "°C" : "") },
  });
  server = await startServer({ engine });
  await server.ready;
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into
  readonly body: any;
}

async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : {
          headers: { "content-type": "application/json" },
          body: typeof body === "string" ? body : JSON.stringify(body),
        }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}

const START = Date.UTC(2026, 0, 1);
async function send(
  series: string,
  values: readonly (number | null)[],
  from = 0,
  step = 60_000,
): Promise<void> {
  const batch = values.map((value, i) => ({ series, time: START + step * (from + i), value }));
  const { status } = await ask("POST", "/v1/observations", batch);
  expect(status).toBe(200);
}

/** What is told is written right behind the readings it follows from. */
async function transitions(count: number): Promise<Answer["body"][]> {
  for (;;) {
    const { body } = await ask("GET", "/v1/alerts/transitions");
    if (body.transitions.length >= count) return body.transitions.reverse();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a rule is put, read, put back as it was read, and deleted", async () => {
  await start([{ name: "fixed", series: "pump", when: { reading: "above", limit: 5 } }]);
  await send("boiler/1", [20, 21]);
  const rule = {
    series: "boiler/*",
    when: { reading: "above", limit: 90 },
    labels: { team: "heat" },
    to: ["ops"],
  };
  const put = await ask("PUT", "/v1/alerts/hot", rule);
  expect(put).toEqual({ status: 201, body: { ...rule, name: "hot", from: "http", matches: 1 } });
  const read = await ask("GET", "/v1/alerts/hot");
  expect(read).toEqual({ status: 200, body: { ...put.body, alerts: [] } });
  expect(await ask("PUT", "/v1/alerts/hot", read.body)).toEqual({ status: 200, body: put.body });
  expect(
    (await ask("GET", "/v1/alerts")).body.rules.map(({ name, from }: Answer["body"]) => [name, from]),
  ).toEqual([
    ["fixed", "configuration"],
    ["hot", "http"],
  ]);
  expect((await ask("GET", "/v1/alerts?series=pump")).body.rules).toHaveLength(1);
  expect((await ask("DELETE", "/v1/alerts/hot")).status).toBe(204);
  expect((await ask("DELETE", "/v1/alerts/hot")).status).toBe(404);
  expect((await ask("GET", "/v1/alerts/hot")).status).toBe(404);
});

test("what is wrong is told with its field, and takes nothing", async () => {
  await start([{ name: "fixed", series: "pump", when: { reading: "above", limit: 5 } }]);
  const rule = { series: "*", when: { reading: "above", limit: 90 } };
  const refusals: [string, unknown, number, string][] = [
    ["hot", "{", 400, "rule: expected JSON"],
    ["hot", "[]", 400, "rule: expected an object, got []"],
    ["hot", { ...rule, when: { reading: "above" } }, 400, "rule: when.limit: expected a number"],
    ["hot", { ...rule, to: ["pager"] }, 400, "rule: to.0: expected one of ops"],
    ["hot", { ...rule, to: [{ webhook: "http://169.254.169.254" }] }, 400, "rule: to.0"],
    ["hot", { ...rule, command: ["/bin/sh"] }, 400, "rule: command: expected one of name, series"],
    ["hot", `${" ".repeat(70_000)}{}`, 413, "at most 65536 bytes"],
    ["fixed", rule, 409, 'rule "fixed": expected one that was put over HTTP, got one of the configuration'],
    ["transitions", rule, 400, "rule: name"],
    ["__proto__", rule, 400, "rule: name"],
    ["..%2F..%2Fetc", rule, 400, "rule: name"],
    ["%00", rule, 400, "rule: name"],
    ["x".repeat(4000), rule, 400, "rule: name"],
  ];
  for (const [name, body, status, message] of refusals) {
    const answer = await ask("PUT", `/v1/alerts/${name}`, body);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toContain(message);
  }
  expect((await ask("GET", "/v1/alerts")).body.rules).toHaveLength(1);
  expect((await ask("DELETE", "/v1/alerts/fixed")).status).toBe(409);
  for (const path of [
    "?series=a&series=b",
    "?limit=3",
    "/transitions?limit=0",
    "/transitions?cursor=x",
    "/transitions?from=3",
  ]) {
    expect((await ask("GET", `/v1/alerts${path}`)).status).toBe(400);
  }
});

test("an alert is listed with its words, told in order page by page, and waits for its receiver", async () => {
  await start();
  await ask("PUT", "/v1/alerts/hot", {
    series: "boiler/*",
    when: { reading: "above", limit: 90 },
    hold: 1,
    severity: "critical",
    to: ["ops"],
  });
  await send("boiler/1", [80, 85, 95.25]);
  const [firing] = await transitions(1);
  expect(firing).toMatchObject({
    sequence: 1,
    rule: "hot",
    state: "firing",
    time: "2026-01-01T00:02:00.000Z",
    offset: 3,
    value: 95.25,
    limit: 90,
    severity: "critical",
    summary: "boiler/1 is 95.25 °C, above 90 °C",
    to: ["ops"],
  });
  expect((await ask("GET", "/v1/alerts")).body.alerts).toEqual([
    {
      rule: "hot",
      alert: firing.id,
      series: "boiler/1",
      target: "value",
      state: "firing",
      since: "2026-01-01T00:02:00.000Z",
      value: 95.25,
      limit: 90,
      probability: null,
      crosses: null,
      severity: "critical",
      summary: firing.summary,
    },
  ]);
  // Its receiver is changed: whoever heard of the beginning hears of the end.
  await ask("PUT", "/v1/alerts/hot", { series: "boiler/*", when: { reading: "above", limit: 90 }, hold: 1 });
  await send("boiler/1", [80, 80, 80], 3);
  const [, resolved] = await transitions(2);
  expect(resolved).toMatchObject({ state: "resolved", alert: firing.alert, to: ["ops"] });
  const told = engine.outbox.message("ops", "hot", 10).map(({ text }) => JSON.parse(text));
  expect(told).toEqual([firing, resolved]);
  const page = await ask("GET", "/v1/alerts/transitions?limit=1");
  expect(page.body).toEqual({ transitions: [resolved], next: "2" });
  expect((await ask("GET", "/v1/alerts/transitions?limit=1&cursor=2")).body).toEqual({
    transitions: [firing],
    next: null,
  });
});

test("many alerts of one rule wait in one lane, or each by itself where the rule says so", async () => {
  const rule = { series: "disk/*", when: { reading: "above", limit: 90 }, hold: 1, to: ["ops"] };
  await start([
    { ...rule, name: "together", when: { reading: "above", limit: 90 } },
    { ...rule, name: "alone", when: { reading: "above", limit: 90 }, group: "none" },
  ]);
  await ask(
    "POST",
    "/v1/observations",
    Array.from({ length: 30 }, (_, i) => ({ series: `disk/${i}`, time: START, value: 95 })),
  );
  await transitions(60);
  const lanes = engine.outbox.lanesOf("ops");
  expect(lanes).toHaveLength(31);
  expect(engine.outbox.message("ops", "together", 100)).toHaveLength(30);
});

test("a disk that fills is told of before it is full, with a date, and one that does not is not", async () => {
  const when = { reaches: "above", limit: 100, within: "40m" } as const;
  await start(
    [
      { name: "full", series: "disk/*", when, summary: "{series} is full {crosses}" },
      { name: "likely", series: "disk/*", when: { forecast: "above", limit: 100, within: "30m" } },
    ],
    48,
  );
  const noise = (i: number): number => Math.sin(i * 12.9898) * 0.4;
  for (let from = 0; from < 300; from += 100) {
    const n = Array.from({ length: 100 }, (_, i) => from + i);
    await send(
      "disk/fills",
      n.map((i) => 20 + 0.25 * i + noise(i)),
      from,
    );
    await send(
      "disk/stays",
      n.map((i) => 60 + 3 * noise(i)),
      from,
    );
  }
  const told = await transitions(2);
  expect(told.map(({ rule, series, state }) => `${rule} ${series} ${state}`)).toEqual([
    "full disk/fills firing",
    "likely disk/fills firing",
  ]);
  const [full, likely] = told;
  // It reaches 100 at reading 320.
  const limitAt = START + 320 * 60_000;
  expect(limitAt - Date.parse(full.time)).toBeGreaterThan(25 * 60_000);
  expect(Math.abs(Date.parse(full.crosses.at) - limitAt)).toBeLessThan(10 * 60_000);
  expect(full.summary).toMatch(/^disk\/fills is full about Thu 2026-01-01 05:\d\d UTC \(likely/);
  expect(likely.probability).toBeGreaterThanOrEqual(0.8);
}, 60_000);

test("a rule that looks further than forecasts reach is told once", async () => {
  const log: string[] = [];
  await start([{ name: "far", series: "*", when: { reaches: "above", limit: 100, within: "60d" } }], 4, log);
  await send("disk", [1, 2, 3, 4, 5]);
  expect(
    log.filter((line) => line.includes("rule far: 60d are more than 65536 readings of series disk")),
  ).toHaveLength(1);
});
