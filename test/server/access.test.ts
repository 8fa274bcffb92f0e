// Who may do what: tokens and their scopes at every door, limits, and what is told of refusals.
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { afterEach, describe, expect, test } from "vitest";
import { Caller } from "../../src/server/access/caller.ts";
import { Peers, peerOf } from "../../src/server/access/peer.ts";
import { covers } from "../../src/server/access/scopes.ts";
import { newToken, type TokenSettings, tokenHash } from "../../src/server/access/tokens.ts";
import { Access } from "../../src/server/access.ts";
import { Deliveries } from "../../src/server/alerts/delivery/deliveries.ts";
import { deliveryWorld } from "../../src/server/alerts/delivery/world.ts";
import { ADMISSION_DEFAULTS, Admission } from "../../src/server/http/admission.ts";
import { openApp } from "../../src/server/http/app.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";
import { Sources } from "../../src/server/sources/sources.ts";
import { Turns } from "../../src/server/turns.ts";
import { Units } from "../../src/server/units.ts";
import { matchesPattern } from "../../src/streams/pattern.ts";
import { sourceContext } from "../../src/streams/sources/source.ts";
import { Client } from "./client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const A = newToken();
const B = newToken();
const READER = newToken();
const settings = (name: string, token: string, more: Partial<TokenSettings>): TokenSettings => ({
  name,
  sha256: tokenHash(token),
  ...more,
});
/** May do everything, with its own series. */
const all = (pattern: string) => ({ read: [pattern], write: [pattern], alerts: [pattern], admin: [pattern] });
const TOKENS = [
  settings("a", A, all("a/*")),
  settings("b", B, all("b/*")),
  settings("reader", READER, { read: ["*"] }),
];

interface Line {
  readonly reason?: string;
  readonly more?: number;
  readonly token?: string | null;
}

async function start(options: Partial<ServerOptions> = {}) {
  const engine = new ScriptedEngine();
  const told: Line[] = [];
  const log = { info: () => {}, error: () => {}, warn: (fields: object) => void told.push(fields) };
  const server = await startServer({ engine, tokens: TOKENS, log, ...options });
  await server.ready;
  closers.push(() => server.close());
  await engine.ingest([
    { series: "a/one", time: 1000, values: { value: 1 } },
    { series: "b/secret", time: 1000, values: { value: 42_424_242 } },
  ]);
  return { server, engine, told };
}

const ask = (server: Server, path: string, token?: string, init: RequestInit = {}) =>
  fetch(server.url + path, {
    ...init,
    headers: { ...init.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });

/** The body of an answer; of a stream that goes on, what it begins with. */
async function told(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "text/event-stream") return response.text();
  const stream = response.body as ReadableStream<Uint8Array>;
  const { value } = await stream.getReader().read();
  return Buffer.from(value ?? []).toString();
}

async function routes() {
  const clock = { monotonic: () => 0, soon: () => {}, after: () => () => {} };
  return openApp({
    access: new Access({ tokens: TOKENS }),
    bodyBytes: 1024,
    live: () => null,
    metrics: () => ({}),
    admission: new Admission({ ...ADMISSION_DEFAULTS, full: () => false }, clock),
    turns: new Turns(clock),
    units: new Units(),
    now: () => 0,
    deliveries: new Deliveries({}, deliveryWorld(), { info() {}, warn() {}, error() {} }),
    sources: new Sources(await sourceContext()),
    onError: () => {},
    answered: () => {},
  });
}

describe("scopes", () => {
  test("a route that does not say what it asks is not registered", async () => {
    const { app } = await routes();
    expect(() => app.get("/forgotten", async () => "secret")).toThrow(/config\.access/);
    expect(() => app.get("/open", { config: { access: "open" } }, async () => "all may")).not.toThrow();
  });

  test("no route tells or changes anything of a series that the token is not for", async () => {
    const { server, engine } = await start();
    const { routes: list } = await routes();
    const names = ["b%2Fsecret", "b/secret", "%62/secret", "a%2F..%2Fb%2Fsecret"];
    let tried = 0;
    for (const { method, url, access } of list) {
      if (access === "open") continue;
      const targets = new Set<string>();
      for (const name of names) {
        for (const tail of url.includes("*") ? ["", "/forecast", "/forecasts", "/observations"] : [""]) {
          const path = url.replace(":id", name).replace("*", `${name}${tail}`);
          targets.add(path).add(`${path}?series=${name}`).add(`${path}?from=2000-01-01`);
        }
        const parameters = `series=${name}&query=b/secret&match[]=b/secret&pattern=b/*&from=all&metric=b/secret`;
        targets.add(`${url.replace(":id", name).replace("*", name)}?${parameters}`);
      }
      const body = method === "POST" || method === "PUT" ? '{"series":"b/secret","value":7}' : undefined;
      const sent = body === undefined ? {} : { body, headers: { "content-type": "application/json" } };
      const answers = [...targets].map(async (target) => {
        const response = await ask(server, target, A, { method, ...sent });
        const text = await told(response);
        expect(text, `${method} ${target}`).not.toContain("42424242");
        // A refusal may say the name that was asked for, and nothing else.
        if (response.status < 300) expect(text, `${method} ${target}`).not.toContain('b/secret","');
        tried++;
      });
      await Promise.all(answers);
    }
    expect(tried).toBeGreaterThan(300);
    expect(engine.summary("b/secret")?.observations).toBe(1);
    expect(engine.observed).toHaveLength(2);
  }, 180_000);

  test("lists hold what may be read, each token its own", async () => {
    const { server } = await start();
    const names = async (token: string) =>
      ((await (await ask(server, "/v1/series", token)).json()) as { series: string }[]).map(
        ({ series }) => series,
      );
    expect(await names(A)).toEqual(["a/one"]);
    expect(await names(B)).toEqual(["b/secret"]);
    expect(await names(READER)).toEqual(["a/one", "b/secret"]);
    const overview = (await (await ask(server, "/v1/overview", A)).json()) as { rows: unknown[][] };
    expect(overview.rows.map(([name]) => name)).toEqual(["a/one"]);
  });

  test("reading is not writing, and neither is deleting", async () => {
    const { server, engine } = await start();
    const body = '{"series":"a/one","value":2}';
    const post = (token: string) =>
      ask(server, "/v1/observations", token, {
        method: "POST",
        body,
        headers: { "content-type": "application/x-ndjson" },
      });
    expect((await post(READER)).status).toBe(403);
    expect((await post(A)).status).toBe(200);
    expect((await ask(server, "/v1/series/a%2Fone", READER, { method: "DELETE" })).status).toBe(403);
    expect(engine.summary("a/one")).toBeDefined();
    expect((await ask(server, "/v1/series/a/one", A, { method: "DELETE" })).status).toBe(204);
    expect(engine.summary("a/one")).toBeUndefined();
    expect((await ask(server, "/v1/sources", A)).status).toBe(403);
    expect((await ask(server, "/v1/sources", READER)).status).toBe(200);
    expect((await ask(server, "/metrics", A)).status).toBe(200);
  });

  test("of a body the lines that may be written are taken, the others refused by their number", async () => {
    const { server, engine, told } = await start();
    const response = await ask(server, "/v1/observations", A, {
      method: "POST",
      body: ["a/x", "b/x", "a/y", "ab", "b/y"]
        .map((series) => JSON.stringify({ series, value: 1 }))
        .join("\n"),
      headers: { "content-type": "application/x-ndjson" },
    });
    expect(response.status).toBe(207);
    expect(await response.json()).toMatchObject({
      accepted: 2,
      refused: [
        { line: 2, code: "forbidden", message: 'series "b/x": token a has no scope write for it' },
        { line: 4, code: "forbidden" },
        { line: 5, code: "forbidden" },
      ],
    });
    expect(engine.observed.slice(2).map(({ series }) => series)).toEqual(["a/x", "a/y"]);
    expect(told).toMatchObject([{ event: "refused", reason: "scope", token: "a", times: 3 }]);
  });

  test("the doors of InfluxDB and OTLP write what the token may, and nothing else", async () => {
    const { server, engine } = await start({
      tokens: [settings("a", A, { write: ["cpu*"] }), settings("b", B, { write: ["none"] })],
    });
    const line = "cpu value=1\nsecret value=1\n";
    const influx = await ask(server, "/write", A, { method: "POST", body: line });
    expect(influx.status).toBe(400);
    expect(await influx.json()).toEqual({ error: expect.stringContaining("has no scope write") });
    const basic = await fetch(`${server.url}/write`, {
      method: "POST",
      body: "cpu value=2\n",
      headers: { authorization: `Basic ${btoa(`anyone:${A}`)}` },
    });
    expect(basic.status).toBe(204);
    const point = (name: string) => ({
      name,
      gauge: { dataPoints: [{ timeUnixNano: "1700000000000000000", asDouble: 1 }] },
    });
    const otlp = await ask(server, "/v1/metrics", B, {
      method: "POST",
      body: JSON.stringify({
        resourceMetrics: [{ scopeMetrics: [{ metrics: [point("none"), point("secret")] }] }],
      }),
      headers: { "content-type": "application/json" },
    });
    expect(await otlp.json()).toMatchObject({ partialSuccess: { rejectedDataPoints: "1" } });
    const written = new Set(engine.observed.slice(2).map(({ series }) => series));
    expect([...written].some((name) => name.includes("secret"))).toBe(false);
    expect(written.size).toBe(2);
  });

  test("a subscription shows only what may be read, and observes only what may be written", async () => {
    const { server, engine, told } = await start();
    const client = await Client.ready(server.url, A);
    closers.push(() => client.close());
    client.send({ type: "subscribe", id: 1, pattern: "*" });
    client.send({ type: "subscribe", id: 2, series: "b/secret" });
    client.send({
      type: "subscribe",
      id: 3,
      pattern: "*",
      mode: "stream",
      since: { epoch: engine.epoch, offset: 0 },
    });
    await client.settle();
    await engine.ingest([
      { series: "b/secret", time: 2000, values: { value: 42_424_242 } },
      { series: "a/one", time: 2000, values: { value: 3 } },
    ]);
    client.send({ type: "observe", id: "x", series: "b/secret", value: 1 });
    client.send({ type: "observe", id: "y", series: "a/one", value: 4 });
    await client.until((frames) => frames.filter(({ type, id }) => type === "data" && id === 3).length === 3);
    await client.settle();
    expect(JSON.stringify(client.frames)).not.toContain("42424242");
    expect(
      client.of("data").every(({ forecast }) => (forecast as { series: string }).series === "a/one"),
    ).toBe(true);
    expect(client.of("error")).toMatchObject([
      { id: 2, code: "forbidden", retryable: false },
      { id: "x", code: "forbidden", retryable: false },
    ]);
    expect(client.of("ack")).toHaveLength(1);
    // The id of what was refused is free.
    client.send({ type: "subscribe", id: 2, series: "a/one" });
    await client.until((frames) => frames.some(({ type, id }) => type === "subscribed" && id === 2));
    expect(told.map(({ reason }) => reason)).toEqual(["scope", "scope"]);
    expect(engine.observed.filter(({ series }) => series === "b/secret")).toHaveLength(2);
  });

  test("Grafana's queries tell what may be read, and a binary frame writes what may be written", async () => {
    const { server, engine } = await start();
    const asked = async (path: string) => (await ask(server, path, A)).text();
    expect(await asked("/api/v1/label/series/values")).toBe('{"status":"success","data":["a/one"]}');
    for (const path of [
      "query?query=%7B__name__%3D~%22.%2B%22%7D&time=3",
      "series?match%5B%5D=%7Bseries%3D%22b%2Fsecret%22%7D",
      "query_range?query=%7Bseries%3D%22b%2Fsecret%22%7D&start=1&end=5&step=1",
    ]) {
      const text = await asked(`/api/v1/${path}`);
      expect(text).toMatch(/^\{"status":"success"/);
      expect(text).not.toContain("secret");
    }
    const client = new Client(server.url, {
      protocols: ["eddy.v1.arrow"],
      headers: { authorization: `Bearer ${A}` },
    });
    closers.push(() => client.close());
    await client.opened();
    client.send({ type: "init" });
    const names = ["a/x", "b/x", "a/y"];
    client.send(Buffer.from(tableToIPC(tableFromArrays({ series: names, value: new Float64Array(3) }))));
    await client.until((frames) => frames.some(({ type }) => type === "receipt"));
    expect(client.of("receipt")).toMatchObject([{ accepted: 2, refused: [{ line: 2, code: "forbidden" }] }]);
    expect(engine.observed.slice(2).map(({ series }) => series)).toEqual(["a/x", "a/y"]);
  });

  test("rules are about no more than the token's series, and alerts are told of those that it may read", async () => {
    const { server, engine } = await start();
    const put = async (token: string, series: string) =>
      (
        await ask(server, "/v1/alerts/x", token, {
          method: "PUT",
          body: JSON.stringify({ series, when: { reading: "above", limit: 1 } }),
          headers: { "content-type": "application/json" },
        })
      ).status;
    for (const pattern of ["b/*", "*", "a*", "?/one"]) expect(await put(A, pattern), pattern).toBe(403);
    expect(await put(READER, "a/*")).toBe(403);
    // Let through: this engine has no room for rules.
    for (const pattern of ["a/*", "a/one", "a/?"]) expect(await put(A, pattern), pattern).toBe(429);
    const transition = {
      id: "1",
      alert: "x",
      rule: "x",
      target: "value",
      state: "firing",
      time: 1000,
      offset: 1,
      value: 1,
      limit: 1,
      probability: null,
      crosses: null,
      severity: "warning",
      labels: {},
      summary: "",
      to: [],
    } as const;
    const client = await Client.ready(server.url, A);
    closers.push(() => client.close());
    client.send({ type: "subscribe", id: 1, alerts: "*" });
    await client.until((frames) => frames.some(({ type }) => type === "subscribed"));
    engine.alerts.tell({ ...transition, sequence: 1, series: "b/secret" });
    engine.alerts.tell({ ...transition, sequence: 2, series: "a/one" });
    const { transitions } = (await (await ask(server, "/v1/alerts/transitions", A)).json()) as {
      transitions: { series: string }[];
    };
    expect(transitions.map(({ series }) => series)).toEqual(["a/one"]);
    await client.until((frames) => frames.some(({ type }) => type === "data"));
    await client.settle();
    expect(client.of("data").map(({ alert }) => (alert as { series: string }).series)).toEqual(["a/one"]);
    expect((await ask(server, "/v1/alerts/receivers", A)).status).toBe(403);
  });

  test("a stream of events tells what may be read, and ends with its token", async () => {
    const { server, engine } = await start();
    const events = (query: string) =>
      ask(server, `/v1/stream?${query}`, A, { headers: { accept: "text/event-stream" } });
    expect((await events("series=b/secret")).status).toBe(403);
    const response = await events("pattern=*&mode=stream");
    expect(response.status).toBe(200);
    let text = "";
    const ended = (async () => {
      for await (const bytes of response.body as AsyncIterable<Uint8Array>) text += Buffer.from(bytes);
    })().then(
      () => "whole",
      () => "cut",
    );
    await engine.ingest([{ series: "b/secret", time: 2000, values: { value: 42_424_242 } }]);
    await engine.ingest([{ series: "a/one", time: 2000, values: { value: 3 } }]);
    while (!text.includes('"a/one"')) await new Promise((resume) => setTimeout(resume, 20));
    server.reload(() => ({ tokens: [] }));
    expect(await ended).toBe("cut");
    expect(text).not.toContain("42424242");
  });

  test("a pattern covers another when every name of that one fits it", () => {
    const names = ["", "a", "b", "ab", "aa", "abc", "a/b", "b/a", "aab", "*", "?", "a*", "a?b"];
    const patterns = ["*", "a", "?", "a*", "*b", "a?", "??", "a*b", "?*", "a/*", "**", "a?*"];
    for (const outer of patterns) {
      for (const inner of patterns) {
        if (!covers(outer, inner)) continue;
        for (const name of names)
          if (matchesPattern(inner, name))
            expect(matchesPattern(outer, name), `${outer} ${inner} ${name}`).toBe(true);
      }
    }
    expect(covers("plant/*", "plant/?/pressure")).toBe(true);
    expect(covers("plant/?", "plant/*")).toBe(false);
    expect(covers("a*c*", "a*b*c*")).toBe(true);
    expect(covers("a*b", "a*b*")).toBe(false);
    expect(covers("*", "*")).toBe(true);
  });
});

describe("tokens that end", () => {
  test("one that is taken away is cut off everywhere, the others stay", async () => {
    const { server } = await start();
    const [a, b] = [await Client.ready(server.url, A), await Client.ready(server.url, B)];
    closers.push(() => b.close());
    expect(server.reload(() => ({ tokens: TOKENS.filter(({ name }) => name !== "a") }))).toBe(true);
    expect(await a.closed).toEqual({ code: 4401, reason: "the token was revoked" });
    await b.settle();
    expect((await ask(server, "/v1/series", A)).status).toBe(401);
    expect((await ask(server, "/v1/series", B)).status).toBe(200);
    // None left is not none needed.
    server.reload(() => ({ tokens: [] }));
    expect((await ask(server, "/v1/series", B)).status).toBe(401);
    expect((await ask(server, "/v1/series")).status).toBe(401);
  });

  test("one that may do something else now is cut off, so that it begins anew", async () => {
    const { server } = await start();
    const client = await Client.ready(server.url, A);
    server.reload(() => ({ tokens: [settings("a", A, { read: ["a/two"] })] }));
    expect((await client.closed).code).toBe(1001);
    const again = await Client.ready(server.url, A);
    closers.push(() => again.close());
    again.send({ type: "subscribe", id: 1, series: "a/one" });
    await again.until((frames) => frames.some(({ code }) => code === "forbidden"));
  });

  test("one that expires ends then, by the wall clock, and is refused as expired", async () => {
    let now = Date.UTC(2026, 0, 1);
    const soon = new Date(now + 200).toISOString();
    const { server, told } = await start({
      tokens: [settings("short", A, { read: ["*"], expires: soon })],
      now: () => now,
    });
    const client = await Client.ready(server.url, A);
    now += 1000;
    expect(await client.closed).toEqual({ code: 4401, reason: "the token expired" });
    expect((await ask(server, "/v1/series", A)).status).toBe(401);
    expect(told.map(({ reason }) => reason)).toEqual(["revoked-token", "expired-token"]);
  });
});

describe("limits", () => {
  const clock = () => {
    const at = { now: 0 };
    return {
      at,
      clock: { now: () => at.now, monotonic: () => at.now, after: () => () => {}, soon: () => {} },
    };
  };

  test("after ten wrong tokens none of the peer is looked at for a while, but one it has come with before", () => {
    const { at, clock: c } = clock();
    const access = new Access({ tokens: TOKENS, clock: c });
    expect(access.login(A, "10.0.0.1")).toBeInstanceOf(Caller);
    for (let i = 0; i < 10; i++)
      expect(access.login("guess", "10.0.0.1")).toMatchObject({ status: 401, reason: "wrong-token" });
    expect(access.login("guess", "10.0.0.1")).toMatchObject({ status: 429, reason: "logins", retryAfter: 5 });
    // Right or wrong cannot be told apart any more.
    expect(access.login(B, "10.0.0.1")).toMatchObject({ status: 429, reason: "logins" });
    expect(access.login(A, "10.0.0.1")).toBeInstanceOf(Caller);
    expect(access.login(B, "10.0.0.2")).toBeInstanceOf(Caller);
    at.now += 5000;
    expect(access.login(B, "10.0.0.1")).toBeInstanceOf(Caller);
  });

  test("requests of one token, and of one peer, are held to a rate", async () => {
    const { server, told } = await start({
      tokens: [...TOKENS, settings("slow", "slow-token", { read: ["*"], requestsPerSecond: 1 })],
    });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await ask(server, "/v1/series", "slow-token"));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.headers.get("retry-after")).toBe("1");
    expect((await ask(server, "/v1/series", A)).status).toBe(200);
    expect(told.at(-1)).toMatchObject({ reason: "requests", token: "slow" });
  });

  test("what is remembered of peers is bounded", () => {
    const { clock: c } = clock();
    const access = new Access({ tokens: TOKENS, clock: c });
    for (let i = 0; i < 50_000; i++) access.pace(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(access.metrics.eddy_peers_remembered).toBe(10_000);
  });

  test("who a limit is about", () => {
    expect(peerOf("192.0.2.7")).toBe("192.0.2.7");
    expect(peerOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
    expect(peerOf("2001:db8::6")).toBe("2001:db8:0:0::/64");
    expect(peerOf("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
    expect(peerOf("::1")).toBe("::1");
    const request = (remoteAddress: string, forwarded?: string) =>
      ({
        socket: { remoteAddress },
        headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
      }) as never;
    const none = new Peers([]);
    expect(none.of(request("::ffff:127.0.0.1", "192.0.2.1"))).toBe("127.0.0.1");
    const peers = new Peers(["127.0.0.1", "10.0.0.0/8"]);
    expect(peers.of(request("192.0.2.9", "192.0.2.1"))).toBe("192.0.2.9");
    // What stands before the last address that a proxy added was written by whoever asked.
    expect(peers.of(request("127.0.0.1", "198.51.100.1, 192.0.2.1"))).toBe("192.0.2.1");
    expect(peers.of(request("::ffff:127.0.0.1", "192.0.2.1, 10.1.2.3"))).toBe("192.0.2.1");
    expect(peers.of(request("127.0.0.1", "192.0.2.1, not an address"))).toBe("127.0.0.1");
    expect(() => new Peers(["somewhere"])).toThrow(/proxies\.0/);
    expect(() => new Peers(["10.0.0.0/33"])).toThrow(/proxies\.0/);
  });
});

describe("the audit", () => {
  test("a flood of refusals is counted whole and told in part, with how many more", async () => {
    const { server, told } = await start();
    const wrong = newToken();
    await ask(server, "/v1/series", READER);
    for (let i = 0; i < 60; i++) await ask(server, `/v1/series?token=${wrong}&p=${A}`, wrong);
    expect(told.length).toBeLessThan(40);
    const text = await (await ask(server, "/metrics", READER)).text();
    const count = (reason: string) => Number(new RegExp(`reason="${reason}"} (\\d+)`).exec(text)?.[1]);
    expect(count("wrong-token") + count("logins")).toBe(60);
    expect(count("wrong-token")).toBeGreaterThanOrEqual(10);
    await server.close();
    expect(told.reduce((sum, { more = 0, reason }) => sum + more + (reason === undefined ? 0 : 1), 0)).toBe(
      60,
    );
    // What was shown, and what stood in the query, is nowhere.
    for (const secret of [wrong, A, tokenHash(wrong), "token="])
      expect(JSON.stringify(told)).not.toContain(secret);
  });
});
