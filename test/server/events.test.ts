// Forecasts as Server-Sent Events: what comes, and that whoever comes back misses nothing and sees nothing twice.
import { afterEach, describe, expect, test } from "vitest";
import { type Engine, openEngine } from "../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";
import { Client } from "./client.ts";
import { temporaryFolder } from "./engine/fixture.ts";
import { type Event, EventReader } from "./event-source.ts";

const folder = temporaryFolder();
let engine: Engine;
let server: Server;
const readers: EventReader[] = [];

async function start(options: Partial<ServerOptions> = {}, series: object = {}): Promise<void> {
  engine = await openEngine({
    database: `${folder()}/eddy.db`,
    series: { model: "persistence", horizon: 3, ...series },
    ahead: Number.POSITIVE_INFINITY,
  });
  server = await startServer({ engine, ...options });
  await server.ready;
}
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.response.destroy();
  await server.close();
});
const open = async (query = "", headers: Record<string, string> = {}): Promise<EventReader> => {
  const reader = await EventReader.open(`${server.url}/v1/stream${query}`, headers);
  readers.push(reader);
  return reader;
};
const observe = (series: string, n: number, columns = 1) =>
  engine.ingest([
    {
      series,
      time: 1_700_000_000_000 + n * 1000,
      values: Object.fromEntries(Array.from({ length: columns }, (_, c) => [`c${c}`, n + c / 10])),
    },
  ]);
const place = ({ data }: Event): string => `${data.offset}.${data.ordinal}`;
/** Whether the server says that so many are connected. */
const isConnected = async (count: number): Promise<boolean> =>
  (await (await fetch(`${server.url}/metrics`)).text()).includes(`eddy_socket_connections ${count}\n`);
const refused = async (query: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${server.url}/v1/stream${query}`, { headers });
  return { status: answer.status, ...((await answer.json()) as { code: string; message: string }) };
};

test("what curl -N shows: the messages of the socket, each with its place", async () => {
  await start();
  await observe("tank/level", 0);
  await observe("tank/level", 1);
  const client = await Client.ready(server.url);
  client.send({ type: "subscribe", id: 1, pattern: "tank/*", mode: "stream" });
  // curl takes anything.
  const reader = await open("?pattern=tank/*&mode=stream", { accept: "*/*" });
  const { headers } = reader.response;
  expect(headers["content-type"]).toBe("text/event-stream");
  expect(headers["cache-control"]).toContain("no-transform");
  expect(headers["x-accel-buffering"]).toBe("no");
  expect(headers["content-encoding"]).toBeUndefined();
  await reader.until((events) => events.length === 1);
  expect(reader.lines[0]).toBe("retry: 1000");
  expect(reader.events[0]).toMatchObject({
    event: "subscribed",
    id: `${engine.epoch}:2`,
    data: { type: "subscribed", offset: 2, recovered: false },
  });
  await client.until((frames) => frames.some(({ type }) => type === "subscribed"));
  for (let n = 2; n < 5; n++) await observe("tank/level", n);
  await observe("other", 0);
  await observe("other", 1);
  await observe("tank/level", 5);
  await reader.until(() => reader.of("message").length === 4);
  await client.until(() => client.of("data").length === 4);
  expect(reader.of("message").map(({ data }) => data)).toEqual(client.of("data"));
  expect(reader.of("message").map(({ id }) => id)).toEqual(
    client.of("data").map(({ offset, ordinal }) => `${engine.epoch}:${offset}:${ordinal}`),
  );
  client.close();
});

describe("coming back with Last-Event-ID", () => {
  test("between two targets of one observation: each forecast once, in order", async () => {
    await start();
    await observe("wide", 0, 4);
    const seen: string[] = [];
    let last = "";
    let n = 1;
    // The connection breaks after 1, 2, 3, ... forecasts, wherever that falls.
    for (let round = 1; round <= 9; round++) {
      const reader = await open("?series=wide&mode=stream", last === "" ? {} : { "last-event-id": last });
      await reader.until((events) => events.length > 0);
      if (round > 1) expect(reader.events[0].data.recovered).toBe(true);
      await observe("wide", n++, 4);
      await observe("wide", n++, 4);
      await reader.until(() => reader.of("message").length >= round);
      const taken = reader.of("message").slice(0, round);
      seen.push(...taken.map(place));
      last = taken.at(-1)?.id ?? "";
      reader.response.destroy();
    }
    const rest = await open("?series=wide&mode=stream", { "last-event-id": last });
    await rest.until(() => seen.length + rest.of("message").length >= 4 * (n - 1));
    seen.push(...rest.of("message").map(place));
    const all = Array.from({ length: n - 1 }, (_, i) =>
      [0, 1, 2, 3].map((ordinal) => `${i + 2}.${ordinal}`),
    ).flat();
    expect(seen).toEqual(all);
  });

  test("as since in the address, too, and Last-Event-ID counts more", async () => {
    await start();
    for (let n = 0; n < 6; n++) await observe("a", n);
    const since = `${encodeURIComponent(`${engine.epoch}:2`)}`;
    const first = await open(`?series=a&mode=stream&since=${since}`);
    await first.until(() => first.of("message").length === 4);
    const second = await open(`?series=a&mode=stream&since=${since}`, {
      "last-event-id": `${engine.epoch}:5:0`,
    });
    await second.until(() => second.of("message").length === 1);
    expect(second.of("message").map(place)).toEqual(["6.0"]);
  });

  test("of another life of the database: told, and live from there on", async () => {
    await start();
    await observe("a", 0);
    await observe("a", 1);
    const reader = await open("?series=a&mode=stream", { "last-event-id": "somewhere-else:1:0" });
    await reader.until((events) => events.length === 2);
    expect(reader.events.map(({ event }) => event)).toEqual(["subscribed", "gap"]);
    expect(reader.events[1].data).toMatchObject({ from: 0, to: 2, reason: "another epoch" });
    // From here on it is whole: the next one to come back begins where this one did.
    expect(reader.drop()).toBe(`${engine.epoch}:2`);
    await observe("a", 2);
    const next = await open("?series=a&mode=stream", { "last-event-id": `${engine.epoch}:2` });
    await next.until(() => next.of("message").length === 1);
    expect(next.of("message").map(place)).toEqual(["3.0"]);
  });

  test("latest: a place only where nothing waits behind it", async () => {
    await start();
    for (const name of ["a", "b", "c"]) for (let n = 0; n < 3; n++) await observe(name, n);
    const reader = await open("?pattern=*");
    await reader.until(() => reader.of("message").length === 3);
    const ids = reader.of("message").map(({ id }) => id);
    expect(ids.slice(0, -1)).toEqual([undefined, undefined]);
    expect(ids.at(-1)).toBe(`${engine.epoch}:9:0`);
    const last = reader.drop();
    await observe("b", 3);
    const next = await open("?pattern=*", { "last-event-id": last });
    await next.until(() => next.of("message").length === 1);
    expect(next.of("message").map(({ data }) => data.forecast.series)).toEqual(["b"]);
    await observe("c", 3);
    await next.until(() => next.of("message").length === 2);
    expect(next.of("message").at(-1)?.id).toBe(`${engine.epoch}:11:0`);
  });
});

test("only some steps, the reading beside them, and not too fast", async () => {
  await start();
  await observe("a", 0);
  const reader = await open("?series=a&horizons=1,3&observed=true&mode=stream&maxRate=1000");
  await reader.until((events) => events.length > 0);
  await observe("a", 1);
  await reader.until(() => reader.of("message").length === 1);
  const [{ data }] = reader.of("message");
  expect(data.forecast.horizon.map(({ step }: { step: number }) => step)).toEqual([1, 3]);
  expect(data.observed).toBe(1);
});

test("silence is filled with comments", async () => {
  await start({ socket: { pingMs: 20 } });
  const reader = await open();
  while (reader.lines.filter((line) => line === ":").length < 3)
    await reader.until(() => reader.text.split("\n:\n").length > 3);
  expect(reader.events).toHaveLength(1);
});

test("who takes nothing is ended, and loses nothing by it", async () => {
  await start({ socket: { limits: { queue: 8 }, highWaterBytes: 1 << 14, pingMs: 50 } }, { horizon: 64 });
  await observe("a", 0, 8);
  const reader = await open("?series=a&mode=stream");
  await reader.until((events) => events.length > 0);
  reader.response.pause();
  let n = 1;
  while (await isConnected(1)) await observe("a", n++, 8);
  reader.response.resume();
  await reader.end();
  const seen = reader.of("message").map(place);
  const next = await open("?series=a&mode=stream&horizons=1", { "last-event-id": reader.drop() });
  await next.until(() => seen.length + next.of("message").length >= 8 * (n - 1));
  seen.push(...next.of("message").map(place));
  const all = Array.from({ length: n - 1 }, (_, i) =>
    Array.from({ length: 8 }, (_, d) => `${i + 2}.${d}`),
  ).flat();
  expect(seen).toEqual(all);
});

test("alerts: each beginning and end once, in order, across breaks", async () => {
  await start();
  for (const name of ["high", "higher"]) {
    const put = await fetch(`${server.url}/v1/alerts/${name}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        series: "a",
        when: { reading: "above", limit: name === "high" ? 50 : 70 },
        hold: 1,
        clear: { hold: 1 },
      }),
    });
    expect(put.status).toBe(201);
  }
  const first = await open("?alerts=high*");
  await first.until((events) => events.length === 1);
  expect(first.events[0]).toMatchObject({
    event: "subscribed",
    id: `${engine.epoch}:0`,
    data: { sequence: 0 },
  });
  const value = async (n: number, reading: number) =>
    engine.ingest([{ series: "a", time: 1_700_000_000_000 + n * 1000, values: { value: reading } }]);
  const readings = [1, 1, 60, 80, 60, 1, 80, 1];
  for (const [n, reading] of readings.slice(0, 4).entries()) await value(n, reading);
  await first.until(() => first.of("message").length >= 2);
  const taken = first.of("message").slice(0, 1);
  first.response.destroy();
  for (const [n, reading] of readings.entries()) if (n >= 4) await value(n, reading);
  const told = (await (await fetch(`${server.url}/v1/alerts/transitions`)).json()) as {
    transitions: { sequence: number; rule: string }[];
  };
  const all = told.transitions.toReversed();
  expect(all.length).toBeGreaterThan(4);
  const second = await open("?alerts=high*", { "last-event-id": taken[0].id ?? "" });
  await second.until(() => 1 + second.of("message").length >= all.length);
  expect(second.events[0].data.recovered).toBe(true);
  expect([...taken, ...second.of("message")].map(({ data }) => data.alert)).toEqual(all);
  expect(second.of("message").map(({ id }) => id)).toEqual(
    all.slice(1).map(({ sequence }) => `${engine.epoch}:${sequence}`),
  );
  const only = await open(`?alerts=higher&since=${encodeURIComponent(`${engine.epoch}:0`)}`);
  const wanted = all.filter(({ rule }) => rule === "higher");
  await only.until(() => only.of("message").length >= wanted.length);
  expect(only.of("message").map(({ data }) => data.alert)).toEqual(wanted);
  expect(await refused(`?alerts=high&since=${encodeURIComponent(`${engine.epoch}:1:1`)}`)).toMatchObject({
    status: 400,
  });
  expect(await refused(`?alerts=high&since=${encodeURIComponent(`${engine.epoch}:99`)}`)).toMatchObject({
    status: 409,
  });
  expect(await refused("?alerts=high&mode=stream")).toMatchObject({ status: 400 });
  expect(await refused("?alerts=high&series=a")).toMatchObject({ status: 400 });
  expect(await refused("?alerts=high", { "last-event-id": "x" })).toMatchObject({ status: 400 });
});

test("the server says when it goes away", async () => {
  await start({ socket: { reconnectAfterMs: 77 } });
  const reader = await open();
  await reader.until((events) => events.length > 0);
  await server.close();
  await reader.end();
  expect(reader.lines[0]).toBe("retry: 77");
  expect(reader.events.at(-1)).toMatchObject({ event: "draining", data: { reconnectAfterMs: 77 } });
});

test("as many as sockets, together with them", async () => {
  await start({ socket: { connections: 2 } });
  const client = await Client.ready(server.url);
  await open();
  expect(await refused("")).toMatchObject({ status: 429, code: "busy" });
  // To a browser, that would be the end for ever.
  const told = await open();
  await told.end();
  expect(told.response.statusCode).toBe(200);
  expect(told.lines[0]).toBe("retry: 1000");
  expect(told.events).toMatchObject([{ event: "failure", data: { code: "busy", retryable: true } }]);
  client.close();
  await client.closed;
  while (await isConnected(2));
  const reader = await open();
  expect(reader.response.statusCode).toBe(200);
});

test("while the server starts, a browser is told to come back, and everybody else by the status", async () => {
  let recovered = (_: Promise<Engine>) => {};
  server = await startServer({ engine: new Promise((resolve) => (recovered = resolve)) });
  expect(await refused("")).toMatchObject({ status: 503, code: "not-ready" });
  expect(await refused("", { accept: "*/*" })).toMatchObject({ status: 503, code: "not-ready" });
  for (const accept of ["text/event-stream", "application/json;q=.1, Text/Event-Stream;q=.9"]) {
    const reader = await open("", { accept });
    await reader.end();
    expect(reader.response.headers["content-type"]).toBe("text/event-stream");
    expect(reader.events).toMatchObject([{ event: "failure", data: { type: "error", code: "not-ready" } }]);
  }
  recovered(openEngine({ database: `${folder()}/eddy.db`, series: { model: "persistence", horizon: 3 } }));
  await server.ready;
  expect((await open()).response.headers["content-type"]).toBe("text/event-stream");
});

test("the token, the origin and the name of the host are asked for as everywhere", async () => {
  await start({ token: "secret", origins: ["https://dash.example"] });
  expect(await refused("")).toMatchObject({ status: 401 });
  expect(await refused("", { authorization: "Bearer wrong" })).toMatchObject({ status: 401 });
  const right = { authorization: "Bearer secret" };
  expect(await refused("", { ...right, origin: "https://evil.example" })).toMatchObject({ status: 403 });
  const reader = await open("", { ...right, origin: "https://dash.example" });
  expect(reader.response.headers["access-control-allow-origin"]).toBe("https://dash.example");
});

describe("what is wrong is told before anything is sent", () => {
  test.each([
    ["?series=a&pattern=b", 400, "expected either series or pattern, got both"],
    ["?mode=fast", 400, '?mode: expected "latest" or "stream", got "fast"'],
    ["?horizons=0", 400, "?horizons"],
    ["?horizons=1,x", 400, "?horizons"],
    [`?horizons=${Array.from({ length: 600 }, () => 1).join()}`, 400, "?horizons"],
    ["?maxRate=-1", 400, "?maxRate: expected messages per second"],
    ["?maxRate=0", 400, "?maxRate"],
    ["?observed=yes", 400, "?observed: expected true or false"],
    [`?pattern=${"x".repeat(300)}`, 400, "?pattern: expected a pattern of 1 to 256"],
    ["?series=", 400, "?series"],
    ["?series=a&series=b", 400, "?series: expected one"],
    [
      "?sinse=1",
      400,
      'query: expected only series, pattern, alerts, mode, horizons, maxRate, observed, since, got "sinse"',
    ],
    ["?since=yesterday", 400, "?since: expected the id of an event"],
    ["?since=%25:1", 400, "?since: expected the id of an event"],
    ["?__proto__=1", 400, "query: expected only"],
  ])("%s", async (query, status, words) => {
    await start();
    const answer = await refused(query);
    expect(answer.message).toContain(words);
    expect(answer.status).toBe(status);
  });

  test("Last-Event-ID, and what Accept asks for", async () => {
    await start();
    for (const id of ["x", "a:b:c", "a:1:2:3", "1".repeat(1000), "%zz:1"]) {
      expect(await refused("", { "last-event-id": id })).toMatchObject({
        status: 400,
        message: expect.stringContaining("Last-Event-ID: expected the id of an event"),
      });
    }
    expect(await refused("", { accept: "application/json" })).toMatchObject({ status: 406 });
    expect(await refused("", { "last-event-id": `${engine.epoch}:99:0` })).toMatchObject({
      status: 409,
      code: "bad-state",
      message: expect.stringContaining("expected an offset up to 0, got 99"),
    });
    expect((await fetch(`${server.url}/v1/stream`, { method: "HEAD" })).status).toBe(404);
  });
});
