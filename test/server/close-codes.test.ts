// Every way a connection of /v1/stream can end, over a real socket.
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Server, ServerOptions } from "../../src/server/server.ts";
import { startServer } from "../../src/server/server.ts";
import { Client } from "./client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const start = async (
  options: Partial<ServerOptions> = {},
  engine = new ScriptedEngine(),
): Promise<Server> => {
  const server = await startServer({ engine, ...options });
  await server.ready;
  closers.push(() => server.close());
  return server;
};
const open = async (...args: ConstructorParameters<typeof Client>): Promise<Client> => {
  const client = new Client(...args);
  closers.unshift(() => client.close());
  await client.opened();
  return client;
};
const ready = async (url: string, token?: string): Promise<Client> => {
  const client = await Client.ready(url, token);
  closers.unshift(() => client.close());
  return client;
};

test("1001: the server goes away, after draining", async () => {
  const engine = new ScriptedEngine();
  const server = await start({ socket: { reconnectAfterMs: 1234 } }, engine);
  const client = await ready(server.url);
  await server.close();
  expect(await client.closed).toMatchObject({ code: 1001 });
  expect(client.frames.at(-1)).toEqual({ type: "draining", reconnectAfterMs: 1234 });
  expect(engine.closed).toBe(true);
});

test("1009: a message larger than the limit", async () => {
  const server = await start();
  const client = await ready(server.url);
  const { messageBytes } = client.frames[0].limits as { messageBytes: number };
  client.send(JSON.stringify({ type: "ping", padding: "x".repeat(messageBytes) }));
  expect(await client.closed).toMatchObject({ code: 1009 });
});

test.each([
  ["no JSON", "{nope", "message: expected JSON"],
  ["an unknown type", '{"type":"dance"}', "type: expected one of"],
  ["a binary frame", Buffer.from("{}"), "expected text"],
])("4400: %s", async (_what, frame, reason) => {
  const server = await start();
  const client = await ready(server.url);
  client.send(frame);
  const closed = await client.closed;
  expect(closed.code).toBe(4400);
  expect(closed.reason).toContain(reason);
});

test("4401: no token, the wrong one, or the wrong one in the upgrade", async () => {
  const { url } = await start({ token: "secret" });
  for (const init of [{ type: "init" }, { type: "init", token: "wrong" }]) {
    const client = await open(url);
    client.send(init);
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect(client.frames).toEqual([]);
  }
  const client = await open(url, { headers: { authorization: "Bearer wrong" } });
  expect(await client.closed).toMatchObject({ code: 4401 });
  await ready(url, "secret");
  const bearer = await open(url, { headers: { authorization: "Bearer secret" } });
  bearer.send({ type: "init" });
  await bearer.until((frames) => frames.length > 0);
  expect(bearer.frames[0].type).toBe("ready");
});

test("4403: a page of another origin, or by a name that is not this machine's", async () => {
  const { url, port } = await start({ origins: ["https://dash.example"] });
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `http://evil.example:${port}`, host: `evil.example:${port}` },
    { host: `127.evil.example:${port}` },
  ]) {
    expect(await (await open(url, { headers })).closed, JSON.stringify(headers)).toMatchObject({
      code: 4403,
    });
  }
  for (const origin of [url, "https://dash.example"]) {
    const client = await open(url, { headers: { origin } });
    client.send({ type: "init" });
    await client.until((frames) => frames.length > 0);
  }
});

test("4406: no subprotocol, or an unknown one; of known ones the first", async () => {
  const { url } = await start();
  for (const protocols of [[], ["other.v9"]]) {
    const client = await open(url, { protocols });
    expect(await client.closed).toEqual({
      code: 4406,
      reason: "subprotocol: expected eddy.v1.json or eddy.v1.arrow",
    });
  }
  for (const protocols of [
    ["eddy.v1.arrow", "eddy.v1.json"],
    ["eddy.v1.json", "eddy.v1.arrow"],
  ]) {
    expect((await open(url, { protocols: ["other.v9", ...protocols] })).ws.protocol).toBe(protocols[0]);
  }
});

test("4408: no init in time", async () => {
  const { url } = await start({ socket: { initMs: 20 } });
  expect(await (await open(url)).closed).toMatchObject({ code: 4408 });
});

test("4409: a subscription id twice", async () => {
  const client = await ready((await start()).url);
  client.send({ type: "subscribe", id: "a", pattern: "*", mode: "latest" });
  client.send({ type: "subscribe", id: "a", pattern: "*", mode: "latest" });
  expect(await client.closed).toMatchObject({ code: 4409 });
});

test("4429: too many subscriptions, messages, connections", async () => {
  const { url } = await start({
    socket: { connections: 2, limits: { subscriptions: 3, messagesPerSecond: 5 } },
  });
  const subscriber = await ready(url);
  const pinger = await ready(url);
  expect(await (await open(url)).closed).toMatchObject({
    code: 4429,
    reason: "expected at most 2 connections",
  });
  for (let id = 0; id < 4; id++) subscriber.send({ type: "subscribe", id, series: "a", mode: "latest" });
  expect(await subscriber.closed).toMatchObject({ code: 4429, reason: "expected at most 3 subscriptions" });
  for (let i = 0; i < 50; i++) pinger.send({ type: "ping" });
  expect(await pinger.closed).toMatchObject({ code: 4429, reason: "expected at most 5 messages a second" });
});

test("4500: something goes wrong inside", async () => {
  const engine = new ScriptedEngine();
  engine.names = () => {
    throw new Error("unexpected");
  };
  const errors: unknown[] = [];
  const { url } = await start({ onError: (error) => errors.push(error) }, engine);
  const client = await ready(url);
  client.send({ type: "subscribe", id: "a", pattern: "*", mode: "latest" });
  expect(await client.closed).toEqual({ code: 4500, reason: "internal error" });
  expect(errors).toHaveLength(1);
});

/** Forecasts of 512 steps, some 50 kB each, until the server has no room left to put them. */
const flood = async (engine: ScriptedEngine, forecasts: number) => {
  for (let i = 0; i < forecasts; i++) {
    await engine.ingest([{ series: "a", time: i * 1000, values: { value: i } }]);
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
};

test("4008: a stream that is not read is told, not kept for ever", async () => {
  const engine = new ScriptedEngine(512);
  const { url } = await start(
    { socket: { limits: { queue: 20 }, highWaterBytes: 1 << 16, closeMs: 10_000 } },
    engine,
  );
  const client = await ready(url);
  client.send({ type: "subscribe", id: "a", series: "a", mode: "stream" });
  await client.settle();
  client.ws.pause();
  await flood(engine, 400);
  client.ws.resume();
  const closed = await client.closed;
  expect(closed).toEqual({ code: 4008, reason: 'subscription "a": more than 20 messages waiting' });
  const offsets = client.of("data").map(({ offset }) => offset);
  expect(offsets).toEqual(offsets.map((_, i) => i + 1));
  expect(offsets.length).toBeLessThan(400);
  const [slow, ...again] = client.of("slow");
  expect(slow).toEqual({ type: "slow", id: "a", waiting: expect.any(Number), limit: 20, skipped: 0 });
  expect(slow.waiting).toBeGreaterThanOrEqual(10);
  expect(slow.waiting).toBeLessThan(20);
  expect(again).toEqual([]);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain("\neddy_socket_too_slow_total 1\n");
});

test("much at once is no reason to end a stream that is read", async () => {
  const engine = new ScriptedEngine();
  const { url } = await start({ socket: { limits: { queue: 20 } } }, engine);
  const client = await ready(url);
  client.send({ type: "subscribe", id: "a", pattern: "*", mode: "stream" });
  client.send({ type: "subscribe", id: "b", series: "s1", mode: "stream" });
  await client.settle();
  // More than twenty in one turn of the event loop.
  await engine.ingest(
    Array.from({ length: 900 }, (_, n) => ({ series: `s${n % 2}`, time: n, values: { x: n, y: n } })),
  );
  await client.until(() => client.of("data").length === 2700);
  expect(client.of("data").filter(({ id }) => id === "b")).toHaveLength(900);
  expect(client.of("slow")).toEqual([]);
});

test("4008: a peer that never reads is terminated", async () => {
  const engine = new ScriptedEngine(512);
  const server = await start(
    { socket: { limits: { queue: 20 }, highWaterBytes: 1 << 16, closeMs: 50 } },
    engine,
  );
  const client = await ready(server.url);
  client.send({ type: "subscribe", id: "a", series: "a", mode: "stream" });
  await client.settle();
  client.ws.pause();
  await flood(engine, 400);
  const connections = async () =>
    /eddy_socket_connections (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1];
  while ((await connections()) !== "0") await new Promise((resolve) => setTimeout(resolve, 10));
});

test("latest goes on for a peer that reads slowly: fewer, and the newest at the end", async () => {
  const engine = new ScriptedEngine(512);
  const { url } = await start({ socket: { highWaterBytes: 1 << 16 } }, engine);
  const client = await ready(url);
  client.send({ type: "subscribe", id: "a", pattern: "*", mode: "latest" });
  await client.settle();
  client.ws.pause();
  // Half a megabyte each: more than the system takes for a peer that does not read.
  for (let n = 1; n <= 100; n++) {
    const values = Object.fromEntries(Array.from({ length: 10 }, (_, d) => [`t${d}`, n]));
    await engine.ingest([{ series: "a", time: n * 1000, values }]);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  client.ws.resume();
  await client.until((frames) => frames.filter(({ offset }) => offset === 100).length === 10);
  expect(client.of("data").length).toBeLessThan(1000);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const conflated = Number(/eddy_socket_conflated_total (\d+)/.exec(metrics)?.[1]);
  expect(conflated + client.of("data").length).toBe(1000);
  const skipped = client.of("slow").reduce((sum, frame) => sum + Number(frame.skipped), 0);
  expect(skipped).toBeGreaterThan(0);
  expect(skipped).toBeLessThanOrEqual(conflated);
});

test("4010: an offset this journal has not reached, or a log that moved on meanwhile", async () => {
  const engine = new ScriptedEngine();
  const { url } = await start({}, engine);
  await flood(engine, 3);
  const since = { epoch: engine.epoch, offset: 4 };
  const ahead = await ready(url);
  ahead.send({ type: "subscribe", id: "a", series: "a", mode: "stream", since });
  expect(await ahead.closed).toEqual({
    code: 4010,
    reason: "since: expected an offset up to 3, got 4; subscribe without since",
  });
  const slow = await ready(url);
  const issuedAfter = engine.issuedAfter.bind(engine);
  engine.issuedAfter = (place, limit) => (limit === 1 ? issuedAfter(place, limit) : null);
  slow.send({ type: "subscribe", id: "a", series: "a", mode: "stream", since: { ...since, offset: 1 } });
  expect(await slow.closed).toMatchObject({ code: 4010 });
});

test("a peer that does not answer pings is terminated", async () => {
  const { port, url } = await start({ socket: { pingMs: 300 } });
  const socket = connect(port, "127.0.0.1");
  closers.unshift(() => socket.destroy());
  const headers = [
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
  ];
  const more = ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: eddy.v1.json"];
  socket.write(`GET /v1/stream HTTP/1.1\r\n${[...headers, ...more].join("\r\n")}\r\n\r\n`);
  const ended = new Promise((resolve) => {
    socket.once("close", resolve);
    socket.on("error", () => {});
    socket.resume();
  });
  const answering = await ready(url);
  await ended;
  await answering.settle();
});
