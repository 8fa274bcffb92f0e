// Who gets in, and what may be brought: every route in every spelling, and what no client may do to the server.
import { connect } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Access, checkToken } from "../../src/server/access.ts";
import { Deliveries } from "../../src/server/alerts/delivery/deliveries.ts";
import { deliveryWorld } from "../../src/server/alerts/delivery/world.ts";
import { ADMISSION_DEFAULTS, Admission } from "../../src/server/http/admission.ts";
import { openApp } from "../../src/server/http/app.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";
import { Sources } from "../../src/server/sources/sources.ts";
import { Turns } from "../../src/server/turns.ts";
import { Units } from "../../src/server/units.ts";
import { systemClock } from "../../src/storage/clock.ts";
import { sourceContext } from "../../src/streams/sources/source.ts";
import { Client } from "./client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
async function start(
  options: Partial<ServerOptions> = {},
): Promise<{ server: Server; engine: ScriptedEngine }> {
  const engine = new ScriptedEngine();
  const server = await startServer({ engine, ...options });
  await server.ready;
  closers.push(() => server.close());
  return { server, engine };
}

/** Sends bytes as they are; resolves with the whole answer. */
const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8").on("data", (data) => {
      answer += data;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", () => resolve(answer));
    socket.write(text);
  });
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
const bodyOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));

const encoded = (character: string): string => `%${character.charCodeAt(0).toString(16)}`;
/** Ways to write one path: each character percent-encoded, in both cases, absolute, doubled slashes, dots. */
function* spellings(path: string, port: number): Generator<string> {
  yield path;
  yield `${path}?a=b`;
  for (let i = 1; i < path.length; i++) {
    yield `${path.slice(0, i)}${encoded(path[i])}${path.slice(i + 1)}`;
  }
  yield [...path].map((c, i) => (i === 0 ? c : encoded(c))).join("");
  yield [...path].map((c, i) => (i === 0 ? c : encoded(c).toUpperCase())).join("");
  yield `http://127.0.0.1:${port}${path}`;
  yield `http://user:word@127.0.0.1:${port}${path}`;
  yield `HTTP://elsewhere.example${path}`;
  yield `/${path}`;
  yield `/.${path}`;
  yield `/x/..${path}`;
  yield path.toUpperCase();
  yield `${path}/`;
  yield `${path};a=b`;
  yield `${path}#a`;
}

describe("the token", () => {
  test("every route but the open ones asks for it, however its path is spelt", async () => {
    const { server, engine } = await start({ token: "secret" });
    await engine.ingest([{ series: "in", time: 1000, values: { value: 42_424_242 } }]);
    const access = new Access({ token: "secret" });
    const clock = { monotonic: () => 0, soon: () => {}, after: () => () => {} };
    const { app, routes } = openApp({
      access,
      bodyBytes: 1024,
      live: () => null,
      metrics: () => ({}),
      admission: new Admission({ ...ADMISSION_DEFAULTS, full: () => false }, clock),
      turns: new Turns(clock),
      units: new Units(),
      now: () => 0,
      sources: new Sources(await sourceContext()),
      deliveries: new Deliveries({}, deliveryWorld(), { info() {}, warn() {}, error() {} }),
      onError: () => {},
      answered: () => {},
    });
    await app.ready();
    await app.close();
    const open = routes.filter(({ access }) => access === "open").map(({ url }) => url);
    expect([...new Set(open)].filter((url) => !url.startsWith("/page/")).sort()).toEqual([
      "/",
      "/client.js",
      "/healthz",
      "/readyz",
    ]);
    const guarded = routes.filter(({ access }) => access !== "open");
    expect(guarded.length).toBeGreaterThan(10);
    let tried = 0;
    for (const { method, url } of guarded) {
      const path = url.replace(":id", "in").replace("*", "in/forecast");
      for (const target of spellings(path, server.port)) {
        const body = method === "POST" ? '{"series":"thief","value":1}' : "";
        const answer = await raw(
          server.port,
          `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n` +
            (body === ""
              ? "\r\n"
              : `Content-Type: application/x-ndjson\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
        );
        expect([400, 401, 403], `${method} ${target}`).toContain(statusOf(answer));
        expect(answer, `${method} ${target}`).not.toContain("42424242");
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(200);
    expect(engine.observed.map(({ series }) => series)).toEqual(["in"]);
    expect([...engine.names()]).toEqual(["in"]);
  }, 180_000);

  test("an upgrade is answered at /v1/stream only, and the stream asks for the token itself", async () => {
    const { server } = await start({ token: "secret" });
    const upgrade = (target: string) =>
      raw(
        server.port,
        `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      );
    for (const target of ["/v1/series", "/metrics", "/v1/strea%6d", "//v1/stream", "/"]) {
      const answer = await upgrade(target);
      expect(statusOf(answer), target).toBe(404);
      expect(bodyOf(answer)).toMatchObject({ code: "not-found" });
    }
    const client = new Client(server.url);
    await client.opened();
    client.send({ type: "init" });
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  test.each(["two words", "schlüssel", "", "tab\t", "a\nb", 'quo"te', "x".repeat(5000)])(
    "%j could never be shown, so it is refused at the start",
    async (token) => {
      await expect(startServer({ engine: new ScriptedEngine(), token })).rejects.toMatchObject({
        code: "bad-argument",
        message: expect.stringMatching(/^token: expected /),
      });
    },
  );

  test("what base64, hex and uuid tools make can be shown", () => {
    for (const token of [
      "aGVsbG8gd29ybGQ=",
      "9f86d081",
      "0e37df36-f698-11e6-8dd4-cb9ced3df976",
      "a.b_c~d+e/f",
    ])
      expect(() => checkToken(token)).not.toThrow();
  });
});

describe("every error is { code, message }", () => {
  test.each([
    ["no request", "NONSENSE\r\n\r\n", 400],
    ["headers without end", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["no host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    [
      "a path that is no UTF-8",
      "GET /v1/series/%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      400,
    ],
    ["a broken escape", "GET /v1/series/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400],
    [
      "an unknown method",
      "PROPFIND /v1/series HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      404,
    ],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      400,
    ],
  ])("%s", async (_name, request, status) => {
    const { server } = await start();
    const answer = await raw(server.port, request);
    expect(statusOf(answer)).toBe(status);
    expect(Object.keys(bodyOf(answer))).toEqual(["code", "message"]);
    expect(bodyOf(answer).message).not.toContain("\n");
  });
});

interface Answer {
  readonly accepted: number;
  readonly refused: readonly { readonly line: number; readonly code: string }[];
  readonly moreRefused: number;
}

describe("what may be brought", () => {
  const post = async (server: Server, body: string | Uint8Array, type = "application/x-ndjson") => {
    const response = await fetch(`${server.url}/v1/observations`, {
      method: "POST",
      body: Buffer.from(body),
      headers: { "content-type": type },
    });
    return { status: response.status, headers: response.headers, answer: (await response.json()) as Answer };
  };

  test.each(["[", '{"a":', '[{"a":'])("%j nested a hundred thousand deep harms nobody", async (open) => {
    const { server } = await start({ socket: { limits: { messageBytes: 1 << 20 } } });
    const deep = open.repeat(100_000);
    for (const text of [deep, `{"series":"a","value":${deep}`, `{"type":${deep}`]) {
      expect((await post(server, text, "application/json")).status).toBe(400);
      expect(await post(server, `${text}\n{"series":"a","value":1}`)).toMatchObject({
        status: 207,
        answer: { accepted: 1, refused: [{ line: 1, code: "bad-line" }] },
      });
      const client = new Client(server.url);
      await client.opened();
      client.send(text);
      expect(await client.closed).toMatchObject({ code: 4400 });
    }
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test("a hundred refusals are told, all are counted", async () => {
    const { server } = await start();
    const lines = Array.from({ length: 5000 }, (_, i) => (i === 4000 ? '{"series":"a","value":1}' : "0"));
    const { status, answer } = await post(server, lines.join("\n"));
    expect(status).toBe(207);
    expect(answer).toMatchObject({ accepted: 1, moreRefused: 4899 });
    expect(answer.refused.map(({ line }: { line: number }) => line)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  });

  test("names that are no UTF-8 do not become one name", async () => {
    const { server, engine } = await start();
    const name = (byte: number) =>
      Buffer.concat([Buffer.from('{"series":"x'), Buffer.of(byte), Buffer.from('","value":1}\n')]);
    const { answer } = await post(server, Buffer.concat([name(0xff), name(0x41), name(0xfe)]));
    expect(answer).toMatchObject({ accepted: 1, refused: [{ line: 1 }, { line: 3 }] });
    expect([...engine.names()]).toEqual(["xA"]);
    const array = Buffer.concat([Buffer.from("["), name(0xff), Buffer.from("]")]);
    expect(await post(server, array, "application/json")).toMatchObject({ status: 400 });
    const query = await fetch(`${server.url}/v1/observations?series=%ff`, {
      method: "POST",
      body: "value\n1\n",
      headers: { "content-type": "text/csv" },
    });
    expect(query.status).toBe(400);
  });

  test("a body is refused before it is read while the journal is full", async () => {
    const { server, engine } = await start({ admission: { patience: 20 } });
    engine.room = 0;
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.port, "127.0.0.1");
      socket.once("data", (data) => {
        socket.destroy();
        resolve(String(data));
      });
      // The body never comes.
      socket.write(
        "POST /v1/observations HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 9999\r\n\r\n",
      );
    });
    expect(statusOf(answer)).toBe(429);
    expect(answer).toMatch(/retry-after: 1/i);
    expect(engine.asked).toBe(0);
    engine.room = 1000;
    expect((await post(server, '{"series":"a","value":1}')).status).toBe(200);
  });

  test("what comes after the first part of a large body is told, not lost, when it cannot be taken", async () => {
    const { server, engine } = await start();
    const take = engine.ingest.bind(engine);
    engine.ingest = async (batch) => {
      const receipt = await take(batch);
      engine.full = true;
      return receipt;
    };
    const lines = Array.from({ length: 5000 }, (_, i) => JSON.stringify({ series: "a", time: i, value: i }));
    const { status, answer } = await post(server, lines.join("\n"));
    expect(status).toBe(207);
    expect(answer.accepted + answer.refused.length + answer.moreRefused).toBe(5000);
    expect(answer.refused[0]).toMatchObject({ line: answer.accepted + 1, code: "busy" });
  });
});

test("a peer that does not take its answers is not read from, and closed with 4008", async () => {
  const { server, engine } = await start({
    socket: { pingMs: 1000, highWaterBytes: 1 << 14, limits: { messagesPerSecond: 1e9 } },
  });
  const client = await Client.ready(server.url);
  closers.unshift(() => client.close());
  client.ws.pause();
  const bad = JSON.stringify({ type: "observe", series: "x".repeat(4000), value: 1 });
  const metric = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/eddy_socket_connections (\d+)/.exec(text)?.[1]);
  };
  while ((await metric()) === 1) {
    for (let i = 0; i < 200 && client.ws.bufferedAmount < 1 << 20; i++) client.send(bad);
  }
  client.ws.resume();
  expect(await client.closed).toMatchObject({ code: expect.toBeOneOf([4008, 1006]) });
  expect(engine.observed).toEqual([]);
});

test("a pace of one message in thirty years does not make a timer run wild", async () => {
  const { server } = await start();
  const client = await Client.ready(server.url);
  closers.unshift(() => client.close());
  const timers = vi.spyOn(globalThis, "setTimeout");
  client.send({ type: "subscribe", id: "s", series: "a", maxRate: 1e-9 });
  await client.settle();
  const intake = await server.intake;
  const observe = (i: number) => intake.ingest([{ series: "a", time: i * 1000, values: { value: i } }]);
  await observe(0);
  await client.until(() => client.of("data").length > 0);
  await observe(1);
  const waits = () => timers.mock.calls.map(([, milliseconds = 0]) => milliseconds);
  // A timer that is asked for more goes off after a millisecond.
  await vi.waitUntil(() => waits().some((milliseconds) => milliseconds >= 2 ** 31 - 1), { timeout: 20_000 });
  await client.settle();
  const longest = Math.max(...waits());
  timers.mockRestore();
  expect(client.of("data")).toHaveLength(1);
  expect(longest).toBe(2 ** 31 - 1);
});

test("admission: first come, first in; the pace decides", async () => {
  let now = 0;
  const timers: { at: number; task: () => void }[] = [];
  const clock = {
    monotonic: () => now,
    after: (milliseconds: number, task: () => void) => {
      const timer = { at: now + milliseconds, task };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const admission = new Admission(
    { bytes: 1000, working: 100, delay: 5000, patience: 1000, waiting: 2, full: () => false },
    clock,
  );
  await admission.enter();
  admission.hold(600);
  const order: string[] = [];
  const one = admission.enter().then(() => order.push("one"));
  const two = admission.enter().then(() => order.push("two"));
  // No more may wait than that.
  await expect(admission.enter()).rejects.toMatchObject({ code: "busy" });
  expect(() => admission.hold(500)).toThrow(/room for a body/);
  admission.release(600);
  admission.release(0);
  await Promise.all([one, two]);
  expect(order).toEqual(["one", "two"]);
  admission.hold(600);
  const third = admission.enter();
  now = 1000;
  for (const { task } of timers.splice(0)) task();
  await expect(third).rejects.toMatchObject({ code: "busy" });
  // One body may always be worked on, others while they fit beside it, in order.
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const work = (name: string, bytes: number) =>
    admission.work(bytes, () => {
      begun.push(name);
      return new Promise<void>((resolve) => void ends.push(resolve));
    });
  const all = [work("large", 500), work("small", 10), work("tiny", 1)];
  expect(begun).toEqual(["large"]);
  ends[0]();
  await all[0];
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(["large", "small", "tiny"]);
  for (const end of ends) end();
  await Promise.all(all);
});

test("turns: a small piece of work does not wait for the end of a large one", async () => {
  const turns = new Turns(systemClock);
  const done: string[] = [];
  function* steps(n: number): Generator<void, number> {
    for (let i = 0; i < n; i++) {
      const until = performance.now() + 0.2;
      while (performance.now() < until);
      yield;
    }
    return n;
  }
  const large = turns.run(steps(400)).then((n) => done.push(`large ${n}`));
  const small = turns.run(steps(5)).then((n) => done.push(`small ${n}`));
  await Promise.all([large, small]);
  expect(done).toEqual(["small 5", "large 400"]);
  const wrong = (function* (): Generator<void, void> {
    yield;
    throw new Error("inside");
  })();
  await expect(turns.run(wrong)).rejects.toThrow("inside");
});
