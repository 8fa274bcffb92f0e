// What a subscriber is sent, over a real socket.
import { afterEach, beforeEach, expect, test } from "vitest";
import { words } from "../../src/models/forecast.ts";
import type { Issue } from "../../src/models/issue.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { Client, type Frame } from "./client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

let engine: ScriptedEngine;
let server: Server;
const clients: Client[] = [];
beforeEach(async () => {
  engine = new ScriptedEngine();
  server = await startServer({ engine, socket: { limits: { queue: 1000 } } });
  await server.ready;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});
const ready = async (): Promise<Client> => {
  const client = await Client.ready(server.url);
  clients.push(client);
  return client;
};
let clock = 0;
/** Through the server, as HTTP would. */
const observe = async (series: string, value: number, values: Record<string, number> = { value }) =>
  (await server.intake).ingest([{ series, time: ++clock * 1000, values }]);
const offsets = (client: Client) => client.of("data").map(({ offset }) => offset);
const last = (client: Client): Frame => client.frames[client.frames.length - 1];

test("ready tells session, heartbeat and limits", async () => {
  const [frame] = (await ready()).frames;
  expect(frame).toEqual({
    type: "ready",
    session: expect.stringMatching(/^[0-9a-f-]{36}$/),
    pingMs: 20_000,
    limits: {
      messageBytes: 65_536,
      subscriptions: 256,
      messagesPerSecond: 100,
      pendingObservations: 1024,
      queue: 1000,
    },
  });
});

test("subscribed, then each forecast of the series, and of no other", async () => {
  await observe("a", 1);
  const client = await ready();
  client.send({ type: "subscribe", id: "s", series: "a", mode: "stream" });
  await client.settle();
  expect(client.of("subscribed")).toEqual([
    { type: "subscribed", id: "s", epoch: "epoch-1", offset: 1, recovered: false },
  ]);
  for (let value = 2; value <= 5; value++) {
    await observe("a", value);
    await observe("b", value);
  }
  await client.settle();
  expect(offsets(client)).toEqual([2, 4, 6, 8]);
  expect(last(client).type).toBe("pong");
  expect(client.of("data")[3]).toEqual({
    type: "data",
    id: "s",
    epoch: "epoch-1",
    offset: 8,
    ordinal: 0,
    forecast: words(engine.latest("a") as Issue)[0],
  });
});

test("patterns, several subscriptions, unsubscribe", async () => {
  const client = await ready();
  client.send({ type: "subscribe", id: 1, pattern: "mote-?/*", mode: "stream" });
  client.send({ type: "subscribe", id: 2, pattern: "*/air", mode: "stream", horizons: [2] });
  await client.settle();
  await observe("mote-1/air", 1);
  await observe("mote-12/air", 2);
  await observe("mote-1/soil", 3);
  await observe("other", 4);
  await client.settle();
  const seen = (id: number) =>
    client
      .of("data")
      .filter((frame) => frame.id === id)
      .map(({ forecast }) => forecast as { series: string; horizon: { step: number }[] });
  expect(seen(1).map(({ series }) => series)).toEqual(["mote-1/air", "mote-1/soil"]);
  expect(seen(2).map(({ series }) => series)).toEqual(["mote-1/air", "mote-12/air"]);
  expect(seen(2)[0].horizon.map(({ step }) => step)).toEqual([2]);
  client.send({ type: "unsubscribe", id: 1 });
  client.send({ type: "unsubscribe", id: 1 });
  await client.settle();
  expect(client.of("error")).toMatchObject([{ id: 1, code: "bad-message", retryable: false }]);
  await observe("mote-1/air", 5);
  await client.settle();
  expect(seen(1)).toHaveLength(2);
  expect(seen(2)).toHaveLength(3);
});

test("latest begins with what is known", async () => {
  await observe("a", 1, { x: 1, y: 2 });
  await observe("b", 2);
  await observe("c", 3);
  const client = await ready();
  client.send({ type: "subscribe", id: "s", pattern: "?", mode: "latest" });
  await client.until(() => client.of("data").length === 4);
  expect(offsets(client)).toEqual([1, 1, 2, 3]);
});

test("maxRate: a burst comes as its newest", async () => {
  const client = await ready();
  client.send({ type: "subscribe", id: "s", series: "a", mode: "latest", maxRate: 20 });
  await client.settle();
  for (let value = 0; value < 50; value++) await observe("a", value);
  await client.until(() => offsets(client).at(-1) === 50);
  expect(offsets(client).length).toBeLessThan(50);
});

test("observed: the value beside the forecast, for who asks", async () => {
  const client = await ready();
  client.send({ type: "subscribe", id: "with", series: "a", mode: "stream", observed: true });
  client.send({ type: "subscribe", id: "without", series: "a", mode: "stream" });
  await client.settle();
  await observe("a", 0, { x: 7.5, y: -1 });
  await client.settle();
  expect(client.of("data").map(({ id, observed }) => [id, observed])).toEqual([
    ["with", 7.5],
    ["with", -1],
    ["without", undefined],
    ["without", undefined],
  ]);
});

test("resume: what was missed, in order, then live, nothing twice", async () => {
  for (let value = 1; value <= 1500; value++)
    await observe(value % 3 === 0 ? "b" : "a", value, { x: value, y: 0 });
  const client = await ready();
  const since = { epoch: engine.epoch, offset: 40 };
  client.send({ type: "subscribe", id: "s", series: "a", mode: "stream", since });
  // Live ones meanwhile.
  for (let value = 1501; value <= 1600; value++) await observe("a", value, { x: value, y: 0 });
  await client.until(() => offsets(client).at(-1) === 1600);
  await client.settle();
  expect(client.of("subscribed")[0]).toMatchObject({ recovered: true });
  const wanted = engine.log
    .filter(({ position, issue }) => issue.series === "a" && position > 40)
    .flatMap(({ issue }) => words(issue));
  expect(client.of("data").map(({ forecast }) => forecast)).toEqual(wanted);
});

test("resume in the middle of what one observation led to: from any place, the rest and nothing twice", async () => {
  for (let value = 1; value <= 130; value++) await observe("a", value, { x: value, y: 0, z: 1 });
  const whole = engine.log.flatMap(({ position, issue }) => issue.targets.map((_, d) => [position, d]));
  for (const [offset, ordinal] of [
    [1, 0],
    [64, 2],
    [128, 0],
    [128, 1],
    [128, 2],
    [129, 1],
    [130, 2],
  ] as const) {
    const client = await ready();
    const since = { epoch: engine.epoch, offset, ordinal };
    client.send({ type: "subscribe", id: "s", series: "a", mode: "stream", since });
    const rest = whole.filter(([p = 0, d = 0]) => p > offset || (p === offset && d > ordinal));
    await client.until(() => client.of("data").length >= rest.length);
    await client.settle();
    expect(
      client.of("data").map((frame) => [frame.offset, frame.ordinal]),
      `${offset}.${ordinal}`,
    ).toEqual(rest);
    expect(client.of("subscribed")).toMatchObject([{ recovered: true }]);
    const latest = await ready();
    latest.send({ type: "subscribe", id: "l", series: "a", since });
    const newest = rest.filter(([p]) => p === 130);
    await latest.until(() => latest.of("data").length >= newest.length);
    await latest.settle();
    expect(latest.of("data").map((frame) => [frame.offset, frame.ordinal])).toEqual(newest);
  }
});

test("resume of a quiet series in a long log, and of an observation that led to more than a page", async () => {
  await observe("quiet", 1);
  for (let value = 1; value <= 3000; value++) await observe("busy", value);
  const many = Object.fromEntries(Array.from({ length: 1300 }, (_, i) => [`t${i}`, i]));
  await observe("wide", 0, many);
  await observe("quiet", 2);
  const client = await ready();
  const since = { epoch: engine.epoch, offset: 0 };
  client.send({ type: "subscribe", id: "q", series: "quiet", mode: "stream", since });
  client.send({ type: "subscribe", id: "w", series: "wide", mode: "stream", since });
  await client.until(() => client.of("data").length === 1302);
  await observe("quiet", 3);
  await client.until(() => client.of("data").length === 1303);
  const of = (id: string) => client.of("data").filter((frame) => frame.id === id);
  expect(of("q").map(({ offset }) => offset)).toEqual([1, 3003, 3004]);
  expect(of("w").map(({ forecast }) => (forecast as { target: string }).target)).toEqual(Object.keys(many));
});

test("resume of latest: only what changed since", async () => {
  await observe("a", 1);
  await observe("b", 2);
  const client = await ready();
  client.send({
    type: "subscribe",
    id: "s",
    pattern: "*",
    mode: "latest",
    since: { epoch: engine.epoch, offset: 1 },
  });
  await client.settle();
  expect(client.of("subscribed")[0]).toMatchObject({ recovered: true });
  await client.until(() => client.of("data").length === 1);
  expect(offsets(client)).toEqual([2]);
});

test("a resume that cannot be: recovered false, and the gap", async () => {
  for (let value = 1; value <= 9; value++) await observe("a", value);
  engine.trimmed = 5;
  const client = await ready();
  client.send({
    type: "subscribe",
    id: 1,
    series: "a",
    mode: "stream",
    since: { epoch: engine.epoch, offset: 4 },
  });
  client.send({
    type: "subscribe",
    id: 2,
    series: "a",
    mode: "stream",
    since: { epoch: "other", offset: 4 },
  });
  await client.settle();
  await observe("a", 10);
  await client.until(() => client.of("data").length === 2);
  expect(client.of("subscribed").map(({ recovered }) => recovered)).toEqual([false, false]);
  expect(client.of("gap")).toEqual([
    { type: "gap", id: 1, from: 4, to: 9, reason: "no longer kept" },
    { type: "gap", id: 2, from: 0, to: 9, reason: "another epoch" },
  ]);
  expect(offsets(client)).toEqual([10, 10]);
});

test("observe: acknowledged once durable, refused by name, repeated without harm", async () => {
  const client = await ready();
  client.send({ type: "observe", id: "1", series: "a", time: "2024-01-01T00:00:00Z", value: 1 });
  client.send({ type: "observe", series: "a", time: 1_704_067_201_000, values: { value: 2 } });
  client.send({ type: "observe", id: "1", series: "a", time: "2024-01-01T00:00:00Z", value: 1 });
  client.send({ type: "observe", id: 4, series: "a", value: "four" });
  client.send({ type: "observe", id: "5", series: "refused", value: 5 });
  await client.until(() => client.frames.length === 6);
  expect(client.of("ack")).toEqual([
    { type: "ack", id: "1", status: "accepted", offset: expect.any(Number) },
    { type: "ack", status: "accepted", offset: 2 },
    { type: "ack", id: "1", status: "duplicate", offset: 2 },
  ]);
  expect(client.of("error")).toEqual([
    {
      type: "error",
      id: 4,
      code: "bad-number",
      message: 'observe 4: value: expected a finite number, got "four"',
      retryable: false,
    },
    { type: "error", id: "5", code: "late", message: "observe 5: set aside", retryable: false },
  ]);
  expect(engine.observed.map(({ time }) => time)).toEqual([1_704_067_200_000, 1_704_067_201_000]);
  engine.full = true;
  client.send({ type: "observe", id: "6", series: "a", value: 6 });
  await client.until(() => client.of("error").length === 3);
  expect(last(client)).toMatchObject({ id: "6", code: "busy", retryable: true });
});

test("observations are answered in the order in which they were sent, refused ones among them", async () => {
  const client = await ready();
  let letGo = (): void => {};
  engine.held = new Promise((resolve) => {
    letGo = resolve;
  });
  client.send({ type: "observe", series: "a", value: 1 });
  client.send({ type: "observe", series: "a", value: "x" });
  client.send({ type: "observe", series: "a", value: 3 });
  await client.settle();
  expect(client.frames.map(({ type }) => type)).toEqual(["ready", "pong"]);
  letGo();
  await client.until((frames) => frames.length === 5);
  expect(client.frames.slice(2).map(({ type }) => type)).toEqual(["ack", "error", "ack"]);
});

test("a flood of observations is held back, not dropped", async () => {
  let release: () => void = () => {};
  engine.held = new Promise((resolve) => {
    release = resolve;
  });
  const client = await ready();
  for (let i = 0; i < 5000; i++) client.send({ type: "observe", series: "a", time: i, value: i });
  while (engine.asked < 1024) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 50));
  // The library hands out what it had read already, a few messages at most.
  expect(engine.asked).toBeLessThan(3000);
  release();
  await client.until(() => client.of("ack").length === 5000);
  expect(engine.observed.map(({ time }) => time)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
});

test("ack holds a stream to the pace of its reader", async () => {
  const client = await ready();
  client.send({ type: "subscribe", id: "s", series: "a", mode: "stream" });
  client.send({ type: "ack", id: "s", offset: 0 });
  await client.settle();
  for (let value = 1; value <= 1100; value++) {
    await observe("a", value);
    if (value % 100 === 0 && value < 1000) await client.settle();
  }
  expect((await client.closed).code).toBe(4008);
});

test("many subscribers of one series all get all of it", async () => {
  const many = await Promise.all(Array.from({ length: 40 }, ready));
  for (const [i, client] of many.entries()) {
    client.send({ type: "subscribe", id: i % 2, pattern: "*", mode: "stream" });
  }
  await Promise.all(many.map((client) => client.settle()));
  for (let value = 1; value <= 100; value++) await observe("a", value);
  await Promise.all(many.map((client) => client.until(() => client.of("data").length === 100)));
  for (const client of many) expect(offsets(client)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  const { forecast } = many[0].of("data")[99];
  for (const client of many) expect(client.of("data")[99].forecast).toEqual(forecast);
});
