// Observations of a client: sent until they are answered for, each under one id, no more than the server reads.
import { describe, expect, test } from "vitest";
import type { Observation } from "../../src/client/observations.ts";
import { again, live, settled } from "./fake-world.ts";

const ack = (id: unknown, status = "accepted", offset = 1) => ({ type: "ack", id, status, offset });

test("each has an id, is resolved when it is durable, and rejected with the server's words", async () => {
  const { world, client } = await live();
  const kept = client.observe({ series: "a", time: new Date(5), value: 1 });
  const own = client.observe({ series: "a", time: 6, values: { x: 2, y: null }, id: 17 });
  const wrong = client.observe({ series: "a", time: "never", value: 3 });
  const [first, second, third] = world.socket.of("observe");
  expect(first).toEqual({ type: "observe", id: expect.any(String), series: "a", time: 5, value: 1 });
  expect(second).toEqual({ type: "observe", id: 17, series: "a", time: 6, values: { x: 2, y: null } });
  world.socket.say({
    type: "error",
    id: third?.id,
    code: "bad-time",
    message: "observe 3: time",
    retryable: false,
  });
  world.socket.say(ack(17, "late", 4));
  world.socket.say(ack(first?.id, "accepted", 5));
  expect(await kept).toEqual({ status: "accepted", offset: 5 });
  expect(await own).toEqual({ status: "late", offset: 4 });
  await expect(wrong).rejects.toMatchObject({ code: "bad-time", message: "observe 3: time" });
});

test("after a break what was not answered is sent again, first and in order, under the same ids", async () => {
  const { world, client } = await live();
  const answers = [1, 2, 3, 4].map((value) => client.observe({ series: "a", time: value, value }));
  const before = world.socket.of("observe");
  world.socket.say(ack(before[1]?.id));
  world.socket.drop();
  const late = client.observe({ series: "a", time: 5, value: 5 });
  await world.pass(1000);
  world.socket.greet();
  const after = world.socket.of("observe");
  expect(after.map(({ value }) => value)).toEqual([1, 3, 4, 5]);
  expect(after.slice(0, 3)).toEqual([before[0], before[2], before[3]]);
  for (const { id } of after) world.socket.say(ack(id, "duplicate"));
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([
    "duplicate",
    "accepted",
    "duplicate",
    "duplicate",
  ]);
  expect((await late).status).toBe("duplicate");
});

test("no more are under way than the server reads", async () => {
  const { world, client } = await live({}, { pendingObservations: 4 });
  for (let value = 1; value <= 10; value++) void client.observe({ series: "a", value }).catch(() => {});
  expect(world.socket.of("observe")).toHaveLength(3);
  for (let n = 0; n < 7; n++) {
    world.socket.say(ack(world.socket.of("observe")[n]?.id));
    expect(world.socket.of("observe").length).toBe(Math.min(10, n + 4));
  }
  client.close();
});

test("refused for now: sent again after a while, before those that came later", async () => {
  const { world, client } = await live();
  const first = client.observe({ series: "a", time: 1, value: 1 });
  const second = client.observe({ series: "a", time: 2, value: 2 });
  const [one, two] = world.socket.of("observe");
  const busy = { type: "error", code: "busy", message: "new series", retryable: true };
  world.socket.say({ ...busy, id: two?.id });
  world.socket.say({ ...busy, id: one?.id });
  const third = client.observe({ series: "a", time: 3, value: 3 });
  expect(world.socket.of("observe")).toHaveLength(2);
  await world.pass(1000);
  expect(world.socket.of("observe").map(({ value }) => value)).toEqual([1, 2, 1, 2, 3]);
  for (const { id } of world.socket.of("observe").slice(2)) world.socket.say(ack(id));
  await Promise.all([first, second, third]);
});

test("two under one id go one after the other: the answer names the id alone", async () => {
  const { world, client } = await live();
  const first = client.observe({ series: "a", value: 1, id: "x" });
  const second = client.observe({ series: "b", value: 2, id: "x" });
  expect(world.socket.of("observe")).toHaveLength(1);
  world.socket.say({ type: "error", id: "x", code: "bad-number", message: "no", retryable: false });
  await expect(first).rejects.toMatchObject({ code: "bad-number" });
  world.socket.say(ack("x"));
  expect((await second).status).toBe("accepted");
});

test("one that had to wait has the time of the call, one that had not has none", async () => {
  const { world, client } = await live();
  void client.observe({ series: "a", value: 1 }).catch(() => {});
  expect(world.socket.of("observe")[0]).not.toHaveProperty("time");
  world.socket.drop();
  const calledAt = world.time;
  for (const [series, value] of [
    ["a", 2],
    ["a", 3],
    ["b", 4],
  ] as const)
    void client.observe({ series, value }).catch(() => {});
  world.window.listeners.length = 0;
  await world.pass(14_000);
  world.socket.greet();
  expect(world.socket.of("observe").map(({ series, time, value }) => [series, time, value])).toEqual([
    ["a", calledAt, 1],
    ["a", calledAt + 1, 2],
    ["a", calledAt + 2, 3],
    ["b", calledAt, 4],
  ]);
  client.close();
});

test.each([
  [{ series: "a", value: Number.NaN }, "value: expected a finite number or null, got NaN"],
  [{ series: "a", value: "3" }, 'value: expected a finite number or null, got "3"'],
  [
    { series: "a", values: { x: Number.POSITIVE_INFINITY } },
    "values.x: expected a finite number or null, got Infinity",
  ],
  [{ series: "a", values: [1] }, "values: expected an object of numbers by column, got [1]"],
  [
    { series: "a", values: { x: { y: { z: 1 } } } },
    'values.x: expected a finite number or null, got {"y":{"z":1}}',
  ],
  [{ series: 5, value: 1 }, "series: expected a name, got 5"],
  [{ value: 1 }, "series: expected a name, got undefined"],
  [
    { series: "a", value: 1, tiem: 5 },
    'observation: expected only series, time, value, values, id, got "tiem"',
  ],
  [
    { series: "a", value: 1, time: new Date(Number.NaN) },
    "time: expected ISO 8601, epoch milliseconds or a Date, got null",
  ],
  [
    { series: "a", value: 1, id: 1.5 },
    "id: expected a string of at most 256 characters, or a whole number up to 2^53, got 1.5",
  ],
  [{ series: "a", value: 1, id: "x".repeat(257) }, /^id: expected/],
  [null, "observation: expected an object, got null"],
  [
    { series: "x".repeat(70_000), value: 1 },
    /^observation: expected a message of at most 65536 bytes, got 70\d\d\d$/,
  ],
] as const)("%o is refused here, and ends no connection", async (observation, message) => {
  const { world, client } = await live();
  await expect(client.observe(observation as unknown as Observation)).rejects.toThrow(message);
  expect(world.socket.of("observe")).toEqual([]);
  expect(client.status.state).toBe("live");
});

test("a column called __proto__ is a column", async () => {
  const { world, client } = await live();
  void client.observe({ series: "a", values: JSON.parse('{"__proto__":1}') }).catch(() => {});
  expect(JSON.stringify(world.socket.of("observe")[0]?.values)).toBe('{"__proto__":1}');
  client.close();
});

test("those that wait when the client is closed are rejected, and no rejection is left unhandled", async () => {
  const { world, client } = await live({}, { pendingObservations: 2 });
  const answers = [1, 2, 3].map((value) => client.observe({ series: "a", value }));
  client.close();
  for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: "closed" });
  await world.pass(10_000);
});

describe("observeAll", () => {
  test("takes no more than can be under way, and sums up", async () => {
    const { world, client } = await live();
    let taken = 0;
    const readings = function* () {
      while (taken < 5000) yield { series: "a", time: ++taken, value: taken % 7 === 0 ? Number.NaN : taken };
    };
    const refused: string[] = [];
    const receipt = client.observeAll(readings(), (_, { code }) => refused.push(code));
    await settled();
    for (let n = 0; n < 5000 - 714; n++) {
      if (n % 500 === 0) {
        for (let i = 0; i < 3; i++) await settled();
        expect(taken).toBeLessThanOrEqual(n + 1001 + n / 6 + 200);
      }
      while (world.socket.of("observe").length <= n) await settled();
      world.socket.say(ack(world.socket.of("observe")[n]?.id, n % 2 ? "accepted" : "duplicate"));
    }
    expect(await receipt).toEqual({ accepted: 2143, duplicate: 2143, late: 0, refused: 714 });
    expect(refused).toHaveLength(714);
    expect(new Set(refused)).toEqual(new Set(["bad-observation"]));
  });

  test("ends with the error of a client that has ended", async () => {
    const { world, client } = await live();
    const receipt = client.observeAll([
      { series: "a", value: 1 },
      { series: "a", value: 2 },
    ]);
    await settled();
    world.socket.drop(4401);
    await expect(receipt).rejects.toMatchObject({ code: "unauthorised" });
  });
});

test("a hundred breaks while a thousand are sent: each is answered once", async () => {
  const { world, client } = await live({}, { pendingObservations: 16 });
  const applied = new Map<unknown, number>();
  const statuses: string[] = [];
  for (let value = 0; value < 1000; value++) {
    void client.observe({ series: "a", time: value, value }).then(({ status }) => statuses.push(status));
  }
  for (let round = 0; statuses.length < 1000; round++) {
    const { socket } = world;
    for (const [n, { id }] of socket.of("observe").entries()) {
      const known = applied.get(id) ?? 0;
      applied.set(id, known + 1);
      // The last few answers of each connection are lost.
      if (n < 12 || round > 100) socket.say(ack(id, known > 0 ? "duplicate" : "accepted"));
    }
    await settled();
    if (socket.of("observe").length > 12 && round <= 100) await again(world);
  }
  expect(applied.size).toBe(1000);
  expect(statuses).toHaveLength(1000);
});
