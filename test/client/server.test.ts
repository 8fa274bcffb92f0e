// The client and a real server in one process: what only both together show.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { from, lastValueFrom, take, toArray } from "rxjs";
import { afterAll, afterEach, expect, test } from "vitest";
import { type Client, type ClientOptions, connect } from "../../src/client/node.ts";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-client-server-"));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let databases = 0;
const open = async (options: Partial<ServerOptions> = {}): Promise<Server> => {
  const series = { horizon: 2, model: "persistence" };
  const engine = openEngine({ database: join(folder, `${databases++}.db`), series });
  const server = await startServer({ port: 0, engine, ...options });
  await server.ready;
  closers.unshift(() => server.close());
  return server;
};
const client = (server: Server, options: ClientOptions = {}): Client => {
  const made = connect(server.url, options);
  closers.unshift(() => made.close());
  return made;
};
const readings = (count: number) =>
  Array.from({ length: count }, (_, t) => ({ series: "tank", time: t * 1000, values: { a: t, b: -t } }));

test("a loop slower than the server gets everything, once and in order, and is never cut off", async () => {
  const server = await open();
  const one = client(server);
  const states: string[] = [];
  one.statuses().subscribe(({ state }) => states.push(state));
  const loop = one.forecasts("*", { mode: "stream" })[Symbol.asyncIterator]();
  const first = loop.next();
  expect((await one.observeAll(readings(4000))).accepted).toBe(4000);
  // All of them have been made before the second one is asked for.
  const seen = [(await first).value];
  while (seen.length < 7998) seen.push((await loop.next()).value);
  const places = seen.map((message) => 10 * (message?.offset ?? 0) + (message?.ordinal ?? 0));
  expect(places).toEqual(Array.from({ length: 7998 }, (_, i) => 10 * (2 + Math.floor(i / 2)) + (i % 2)));
  expect(states).toEqual(["connecting", "live"]);
});

test("within the limits that the server tells, however tight: many subscriptions, many readings", async () => {
  const server = await open({
    socket: {
      limits: {
        messageBytes: 2048,
        subscriptions: 30,
        messagesPerSecond: 20,
        pendingObservations: 3,
        queue: 1024,
      },
    },
  });
  const one = client(server);
  const names = Array.from({ length: 30 }, (_, i) => `s/${i}`);
  const told = Promise.all(
    names.map((series) => lastValueFrom(from(one.forecasts({ series })).pipe(take(1), toArray()))),
  );
  const wide = {
    series: "wide",
    values: Object.fromEntries(Array.from({ length: 200 }, (_, d) => [`column-${d}`, d])),
  };
  await expect(one.observe(wide)).rejects.toMatchObject({ code: "too-large" });
  const all = names.flatMap((series) => [1, 2].map((t) => ({ series, time: t * 1000, value: t })));
  expect(await one.observeAll(all)).toEqual({ accepted: 60, duplicate: 0, late: 0, refused: 0 });
  expect(
    (await told)
      .flat()
      .map(({ forecast }) => forecast.series)
      .sort(),
  ).toEqual([...names].sort());
  expect(one.status).toEqual({ state: "live" });
});

test("a token by a function, over HTTP and the socket; without it the reason is told", async () => {
  const server = await open({ token: "secret" });
  const one = client(server, { token: async () => "secret" });
  expect((await one.observe({ series: "a", value: 1 })).status).toBe("accepted");
  expect((await one.series()).map(({ series }) => series)).toEqual(["a"]);
  await expect(one.forecast("nothing/here")).rejects.toMatchObject({ code: "not-found", retryable: false });
  const other = client(server);
  await expect(other.series()).rejects.toMatchObject({ code: "unauthorised" });
  await expect(other.observe({ series: "a", value: 1 })).rejects.toMatchObject({ code: "unauthorised" });
  expect(other.status).toMatchObject({ state: "ended", error: { code: "unauthorised" } });
});

test("a server that is not there is told, over HTTP at once", async () => {
  const server = await open();
  await server.close();
  const one = client(server);
  await expect(one.series()).rejects.toMatchObject({ code: "unreachable", retryable: true });
  for await (const status of one.statuses()) {
    if (status.state !== "waiting") continue;
    expect(status.reason).toContain("ECONNREFUSED");
    break;
  }
});

test("one id under way twice, and ids that are numbers: each answer finds its own", async () => {
  const one = client(await open());
  const answers = await Promise.all([
    one.observe({ series: "a", time: 1000, value: 1, id: 1 }),
    one.observe({ series: "b", time: 1000, value: 1, id: 1 }),
    one.observe({ series: "a", time: 2000, value: 1, id: "1" }),
    one.observe({ series: "a", time: 3000, value: 1, id: 2 }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(["accepted", "accepted", "duplicate", "accepted"]);
});

test("alerts as they begin and end, each once, also for who was away", async () => {
  const database = join(folder, "alerts.db");
  const series = { horizon: 2, model: "persistence" };
  const begin = async (port = 0): Promise<Server> => {
    const server = await startServer({
      port,
      engine: openEngine({ database, series }),
      socket: { reconnectAfterMs: 20 },
    });
    await server.ready;
    closers.unshift(() => server.close());
    return server;
  };
  const first = await begin();
  const rule = await fetch(`${first.url}/v1/alerts/hot`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ series: "boiler", when: { reading: "above", limit: 90 }, clear: { hold: 1 } }),
  });
  expect(rule.ok).toBe(true);
  const one = client(first, { longestWait: 100 });
  const loop = one.alerts("h*")[Symbol.asyncIterator]();
  const told = async () => {
    const { value } = await loop.next();
    return [value?.alert.state, value?.alert.value];
  };
  let t = 0;
  const observe = async (...values: number[]) => {
    for (const value of values) await one.observe({ series: "boiler", time: 1000 * ++t, value });
  };
  await observe(80, 95);
  expect(await told()).toEqual(["firing", 95]);
  await first.close();
  const second = await begin(first.port);
  // Perhaps before the subscriber is back.
  await (await second.intake).ingest([{ series: "boiler", time: 1000 * ++t, values: { value: 70 } }]);
  expect(await told()).toEqual(["resolved", 70]);
  await observe(60, 99);
  expect(await told()).toEqual(["firing", 99]);
});
