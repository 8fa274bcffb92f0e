// The connection of a client: when it is made, given up, and made again. Time and network are the test's.
import { describe, expect, test } from "vitest";
import type { ClientError } from "../../src/client/errors.ts";
import { connect } from "../../src/client/index.ts";
import { dialling, FakeWorld, live, settled, statesOf } from "./fake-world.ts";

describe("an address", () => {
  test.each([
    ["http://127.0.0.1:8787", "ws://127.0.0.1:8787/v1/stream"],
    ["https://eddy.example/", "wss://eddy.example/v1/stream"],
    ["wss://eddy.example/under/here/", "wss://eddy.example/under/here/v1/stream"],
    ["http://[::1]:80", "ws://[::1]/v1/stream"],
  ])("%s is dialled at %s", async (given, dialled) => {
    const world = new FakeWorld();
    connect(given, {}, world);
    await settled();
    expect(world.socket.url).toBe(dialled);
  });

  test.each(["", "eddy", "127.0.0.1:8787", "ftp://eddy", "http://name:secret@eddy", "mailto:ws"])(
    "%j is refused in one line",
    (given) => {
      expect(() => connect(given, {}, new FakeWorld())).toThrow(/^server: expected a URL [^\n]*$/);
    },
  );
});

test("it greets with the token, is live once it is greeted, and ends when it is closed", async () => {
  const { world, client } = await dialling({ token: async () => "secret" });
  const states = statesOf(client);
  world.socket.open();
  expect(world.socket.sent).toEqual([{ type: "init", token: "secret" }]);
  world.socket.greet();
  expect(client.status).toEqual({ state: "live" });
  client.close();
  client.close();
  expect(states).toEqual(["connecting", "live", "ended"]);
  expect(client.status).toEqual({ state: "ended", error: null });
  expect(world.socket.closedWith).toBe(1000);
  await world.pass(60_000);
  expect(world.sockets).toHaveLength(1);
  expect(world.timers.size).toBe(0);
});

test("a token is asked for with each attempt, and one that cannot be had is a failed attempt", async () => {
  let asked = 0;
  const { world, client } = await dialling({
    token: () => {
      if (++asked === 1) throw new Error("vault closed");
      return `t${asked}`;
    },
  });
  expect(client.status).toMatchObject({ state: "waiting", reason: "no token: vault closed" });
  await world.pass(1000);
  world.socket.open();
  expect(world.socket.sent).toEqual([{ type: "init", token: "t2" }]);
});

test("waits double up to a bound, and each is of any length up to that", async () => {
  const { world, client } = await dialling({ firstWait: 100, longestWait: 1000 });
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    world.drawn.push(0.999);
    world.socket.drop();
    const { status } = client;
    if (status.state === "waiting") waits.push(Math.round(status.until - world.time));
    await world.pass(2000);
  }
  expect(waits).toEqual([100, 200, 400, 799, 999, 999]);
  world.drawn.push(0);
  world.socket.drop();
  expect(client.status).toMatchObject({ until: world.time });
});

test("a thousand that are dropped together do not come back together", async () => {
  const seed = { value: 1 };
  const random = () => {
    seed.value = (seed.value * 48_271) % 2_147_483_647;
    return seed.value / 2_147_483_647;
  };
  const returns: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const { world, client } = await live();
    await world.pass(10_000);
    world.drawn.push(random());
    world.socket.say({ type: "draining", reconnectAfterMs: 1000 });
    world.socket.drop(1001);
    const { status } = client;
    if (status.state === "waiting") returns.push(status.until - world.time);
    client.close();
  }
  expect(returns).toHaveLength(1000);
  expect(Math.min(...returns)).toBeGreaterThanOrEqual(1000);
  for (let from = 1000; from < 1500; from += 100) {
    const share = returns.filter((wait) => wait >= from && wait < from + 100).length;
    expect(share).toBeGreaterThan(120);
    expect(share).toBeLessThan(280);
  }
});

test("one that is dropped as soon as it is greeted waits longer and longer; one that lived does not", async () => {
  const { world, client } = await dialling();
  const bound = () => {
    const { status } = client;
    return status.state === "waiting" ? 2 * (status.until - world.time) : 0;
  };
  const bounds: number[] = [];
  for (let i = 0; i < 4; i++) {
    world.socket.greet();
    world.socket.drop(4500);
    bounds.push(bound());
    await world.pass(bounds[i]! / 2);
  }
  expect(bounds).toEqual([500, 1000, 2000, 4000]);
  world.socket.greet();
  await world.pass(6_000);
  world.socket.drop();
  expect(bound()).toBe(500);
});

test.each([
  [1009, "too-large"],
  [4400, "bad-message"],
  [4401, "unauthorised"],
  [4403, "forbidden"],
  [4406, "unsupported"],
  [4409, "bad-message"],
])("code %i is final, and everybody hears why", async (code, name) => {
  const { world, client } = await live();
  const kept = client.observe({ series: "a", value: 1 });
  const next = client.forecasts("a")[Symbol.asyncIterator]().next();
  world.socket.drop(code, "as it is");
  for (const promise of [kept, next]) {
    const error: ClientError = await promise.then(() => null as never).catch((error) => error);
    expect(error.code).toBe(name);
    expect(error.message).toMatch(/\(as it is\)$/);
  }
  expect(client.status).toMatchObject({ state: "ended", error: { code: name } });
  await expect(client.observe({ series: "a", value: 1 })).rejects.toMatchObject({ code: name });
  await expect(client.forecasts("a")[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: name });
  await world.pass(100_000);
  expect(world.sockets).toHaveLength(1);
});

test.each([1000, 1001, 1005, 1006, 1011, 1012, 4008, 4010, 4408, 4429, 4500])(
  "after code %i it comes back",
  async (code) => {
    const { world, client } = await live();
    world.socket.drop(code);
    expect(client.status).toMatchObject({ state: "waiting", code });
    const { status } = client;
    await world.pass(status.state === "waiting" ? status.until - world.time : 0);
    expect(world.sockets).toHaveLength(2);
    world.socket.greet();
    expect(client.status.state).toBe("live");
  },
);

test("a server that has too many is left alone for a while", async () => {
  const { world, client } = await live();
  world.drawn.push(0);
  world.socket.drop(4429);
  expect(client.status).toMatchObject({ until: world.time + 5_000 });
});

test("one attempt at a time: what is asked for meanwhile opens no other", async () => {
  const { world, client } = await live();
  world.socket.drop();
  client.forecasts("a").subscribe(() => {});
  const kept = client.observe({ series: "a", value: 1 });
  world.window.tell("online");
  await settled();
  world.window.tell("online");
  world.document.tell("visibilitychange");
  await world.pass(100);
  expect(world.sockets).toHaveLength(2);
  world.socket.greet();
  expect(world.socket.sent.map(({ type }) => type)).toEqual(["init", "subscribe", "observe"]);
  client.close();
  await expect(kept).rejects.toMatchObject({ code: "closed" });
});

test("an attempt that nobody answers is given up, and nothing is heard of it any more", async () => {
  const { world, client } = await dialling();
  const [first] = world.sockets;
  await world.pass(15_000);
  expect(client.status).toMatchObject({ state: "waiting", reason: "no answer within 15 s" });
  expect(first?.readyState).toBe(3);
  await world.pass(1000);
  world.socket.greet();
  first?.greet();
  first?.drop(4401);
  expect(client.status).toEqual({ state: "live" });
});

test("a connection on which nothing comes is asked, and given up when it does not answer", async () => {
  const { world, client } = await live();
  await world.pass(20_000);
  expect(world.socket.of("ping")).toHaveLength(1);
  world.socket.say({ type: "pong" });
  await world.pass(39_000);
  expect(client.status.state).toBe("live");
  await world.pass(1_000);
  expect(world.socket.of("ping")).toHaveLength(2);
  expect(client.status).toMatchObject({ state: "waiting", reason: "the server has not answered for 20 s" });
});

test("a laptop that slept reads what came before it judges, and does not believe a dead connection", async () => {
  const { world, client } = await live();
  await world.pass(20_000);
  expect(world.socket.of("ping")).toHaveLength(1);
  // The answer lies in the system's buffer; the timer goes off first.
  world.sleep(3_600_000);
  await world.pass(0);
  expect(client.status.state).toBe("live");
  world.socket.say({ type: "pong" });
  await world.pass(1_000);
  expect(client.status.state).toBe("live");
  // The next time it does not come.
  await world.pass(20_000);
  world.sleep(3_600_000);
  await world.pass(1_000);
  expect(client.status.state).not.toBe("live");
});

test.each(["online", "offline"])("when the network says %s, a connection is asked at once", async (event) => {
  const { world, client } = await live();
  world.window.tell(event);
  expect(world.socket.of("ping")).toHaveLength(1);
  await world.pass(5_000);
  expect(client.status).toMatchObject({ state: "waiting" });
});

test("a page that is seen again asks, one that is hidden does not", async () => {
  const { world } = await live();
  world.document.visibilityState = "hidden";
  world.document.tell("visibilitychange");
  expect(world.socket.of("ping")).toHaveLength(0);
  world.document.visibilityState = "visible";
  world.document.tell("visibilitychange");
  expect(world.socket.of("ping")).toHaveLength(1);
});

test("no wait is kept once the network is back", async () => {
  const { world, client } = await dialling();
  for (let i = 0; i < 8; i++) {
    const before = world.sockets.length;
    world.socket.drop();
    while (world.sockets.length === before) await world.pass(50);
  }
  world.drawn.push(0.9);
  world.socket.drop();
  const attempts = world.sockets.length;
  world.window.tell("online");
  await settled();
  expect(world.sockets).toHaveLength(attempts + 1);
  expect(client.status.state).toBe("connecting");
});

test("a hundred breaks leave no listener and no timer behind", async () => {
  const controller = new AbortController();
  let listening = 0;
  const { signal } = controller;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = ((type: string, listener: () => void) => {
    listening++;
    add(type, listener);
  }) as typeof signal.addEventListener;
  signal.removeEventListener = ((type: string, listener: () => void) => {
    listening--;
    remove(type, listener);
  }) as typeof signal.removeEventListener;
  const { world, client } = await live({ signal });
  const before = [world.window.listeners.length, world.document.listeners.length, world.timers.size];
  for (let i = 0; i < 100; i++) {
    const feed = client.forecasts("a", { signal }).subscribe(() => {});
    world.socket.drop();
    await world.pass(60_000);
    world.socket.greet();
    feed.unsubscribe();
  }
  await settled();
  expect([world.window.listeners.length, world.document.listeners.length, world.timers.size]).toEqual(before);
  expect(listening).toBe(1);
  controller.abort();
  expect(client.status).toEqual({ state: "ended", error: null });
  await world.pass(2_000);
  expect([world.window.listeners.length, world.document.listeners.length, world.timers.size]).toEqual([
    0, 0, 0,
  ]);
  expect(listening).toBe(0);
});

test("aborted before it begins, it does not begin", async () => {
  const { world, client } = await dialling({ signal: AbortSignal.abort() });
  expect(client.status).toEqual({ state: "ended", error: null });
  expect(world.sockets).toHaveLength(0);
});

test("what is no message of Eddy's is a lost connection, and no error of the process", async () => {
  const { world, client } = await live();
  world.socket.say("<html>");
  expect(client.status).toMatchObject({ state: "waiting", reason: "what came is not of Eddy's protocol" });
});

test("a socket that cannot even be made ends with the reason", async () => {
  const world = new FakeWorld();
  const insecure = class {
    constructor() {
      throw new Error("an insecure connection from a page of https");
    }
  };
  const client = connect("http://eddy:1", { WebSocket: insecure as never }, world);
  await settled();
  expect(client.status).toMatchObject({ state: "ended", error: { code: "bad-argument" } });
});
