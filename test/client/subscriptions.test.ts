// What a client subscribes to, across breaks: nothing twice, nothing missing, no faster than the server allows.
import { describe, expect, test } from "vitest";
import type { ForecastMessage } from "../../src/client/client.ts";
import type { Gap } from "../../src/client/subscriptions.ts";
import { again, type FakeSocket, forecastOf, live } from "./fake-world.ts";

/** The name of the n-th subscription asked for on a socket, answered. */
function answer(socket: FakeSocket, n: number, offset: number, recovered = false, epoch = "e"): unknown {
  const { id } = socket.of("subscribe")[n] ?? {};
  socket.say({ type: "subscribed", id, epoch, offset, recovered });
  return id;
}
const places = (messages: readonly ForecastMessage[]) =>
  messages.map(({ offset, ordinal }) => `${offset}.${ordinal}`);

describe("stream", () => {
  test("after a break it goes on behind the last one, and a repeat is left out", async () => {
    const { world, client } = await live();
    const came: ForecastMessage[] = [];
    client.forecasts("a*", { mode: "stream" }).subscribe((message) => came.push(message));
    expect(world.socket.of("subscribe")).toEqual([
      { type: "subscribe", id: "~1", pattern: "a*", mode: "stream" },
    ]);
    let id = answer(world.socket, 0, 7);
    for (const [offset, ordinal] of [
      [8, 0],
      [8, 1],
      [9, 0],
    ] as const)
      world.socket.say(forecastOf(id, offset, ordinal));
    await again(world);
    expect(world.socket.of("subscribe")[0]).toMatchObject({ since: { epoch: "e", offset: 9, ordinal: 0 } });
    id = answer(world.socket, 0, 11, true);
    for (const [offset, ordinal] of [
      [9, 0],
      [9, 1],
      [10, 0],
      [10, 0],
    ] as const)
      world.socket.say(forecastOf(id, offset, ordinal));
    expect(places(came)).toEqual(["8.0", "8.1", "9.0", "9.1", "10.0"]);
  });

  test("broken before anything came, it goes on behind where it was subscribed", async () => {
    const { world, client } = await live();
    client.forecasts("a", { mode: "stream" }).subscribe(() => {});
    answer(world.socket, 0, 7);
    await again(world);
    expect(world.socket.of("subscribe")[0]?.since).toEqual({ epoch: "e", offset: 7 });
  });

  test("a message is a place to go on from, by another client too", async () => {
    const { world, client } = await live();
    const came: ForecastMessage[] = [];
    client.forecasts("a", { mode: "stream" }).subscribe((message) => came.push(message));
    world.socket.say(forecastOf(answer(world.socket, 0, 7), 8, 2));
    const other = await live();
    other.client
      .forecasts({ series: "a?" }, { mode: "stream", since: came[0] as ForecastMessage })
      .subscribe(() => {});
    expect(other.world.socket.of("subscribe")).toEqual([
      {
        type: "subscribe",
        id: "~1",
        series: "a?",
        mode: "stream",
        since: { epoch: "e", offset: 8, ordinal: 2 },
      },
    ]);
  });

  test("a gap is told in its place, and the rest goes on", async () => {
    const { world, client } = await live();
    const told: (Gap | string)[] = [];
    client
      .forecasts("a", { mode: "stream", gap: (gap) => told.push(gap) })
      .subscribe(({ offset }) => told.push(`${offset}`));
    world.socket.say(forecastOf(answer(world.socket, 0, 7), 8));
    await again(world);
    const id = answer(world.socket, 0, 3, false, "other");
    world.socket.say({ type: "gap", id, from: 0, to: 3, reason: "another epoch" });
    world.socket.say({ ...forecastOf(id, 4), epoch: "other" });
    expect(told).toEqual(["8", { from: 0, to: 3, reason: "another epoch" }, "4"]);
    await again(world);
    expect(world.socket.of("subscribe")[0]?.since).toEqual({ epoch: "other", offset: 4, ordinal: 0 });
  });

  test("a gap that nobody asked to be told of ends it with an error", async () => {
    const { world, client } = await live();
    const reading = client.forecasts("a", { mode: "stream" })[Symbol.asyncIterator]();
    const id = answer(world.socket, 0, 7);
    world.socket.say(forecastOf(id, 8));
    world.socket.say({ type: "gap", id, from: 8, to: 30, reason: "no longer kept" });
    expect((await reading.next()).value?.offset).toBe(8);
    await expect(reading.next()).rejects.toMatchObject({ code: "gap" });
    expect((await reading.next()).done).toBe(true);
    expect(world.socket.of("unsubscribe")).toEqual([{ type: "unsubscribe", id }]);
  });

  test("4010: the one that cannot go on begins anew with a gap, the others go on", async () => {
    const { world, client } = await live();
    const gaps: string[] = [];
    for (const name of ["a", "b", "c"]) {
      client
        .forecasts(name, { mode: "stream", gap: ({ from, to }) => gaps.push(`${name} ${from} ${to}`) })
        .subscribe(() => {});
    }
    for (let n = 0; n < 3; n++) world.socket.say(forecastOf(answer(world.socket, n, 7), 8 + n));
    world.socket.drop();
    await world.pass(1_000);
    world.socket.greet();
    answer(world.socket, 0, 9, true);
    world.socket.drop(4010, "since: expected an offset up to 5, got 9; subscribe without since");
    await world.pass(1_000);
    world.socket.greet();
    expect(world.socket.of("subscribe").map(({ since }) => since)).toEqual([
      { epoch: "e", offset: 8, ordinal: 0 },
      undefined,
      { epoch: "e", offset: 10, ordinal: 0 },
    ]);
    answer(world.socket, 1, 5);
    expect(gaps).toEqual(["b 9 5"]);
  });

  test("4010 once all are subscribed: any of them may be meant", async () => {
    const { world, client } = await live();
    const gaps: string[] = [];
    for (const name of ["a", "b"]) {
      client.forecasts(name, { mode: "stream", gap: () => gaps.push(name) }).subscribe(() => {});
      answer(world.socket, name === "a" ? 0 : 1, 7);
    }
    await again(world);
    for (let n = 0; n < 2; n++) answer(world.socket, n, 9, true);
    await again(world, 4010);
    expect(world.socket.of("subscribe").every(({ since }) => since === undefined)).toBe(true);
    for (let n = 0; n < 2; n++) answer(world.socket, n, 20);
    expect(gaps).toEqual(["a", "b"]);
  });

  test("a reader who is slow holds it back: little waits here, nothing is missing", async () => {
    const { world, client } = await live();
    const reading = client.forecasts("a", { mode: "stream" })[Symbol.asyncIterator]();
    let id = answer(world.socket, 0, 0);
    for (let offset = 1; offset <= 5000; offset++) world.socket.say(forecastOf(id, offset));
    // Full: the server was told to stop, and what was still on its way is asked for again.
    expect(world.socket.of("unsubscribe")).toEqual([{ type: "unsubscribe", id }]);
    const seen: number[] = [];
    while (seen.length < 5000) {
      seen.push((await reading.next()).value?.offset ?? Number.NaN);
      const asked = world.socket.of("subscribe").at(-1);
      if (asked === undefined || asked.id === id) continue;
      id = asked.id;
      const { since } = asked as { since?: { offset: number } };
      world.socket.say({ type: "subscribed", id, epoch: "e", offset: 5000, recovered: true });
      for (let offset = (since?.offset ?? 0) + 1; offset <= 5000; offset++)
        world.socket.say(forecastOf(id, offset));
    }
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
    expect(world.socket.of("subscribe").length).toBeLessThan(12);
  });

  test("large forecasts are held back sooner", async () => {
    const { world, client } = await live();
    client.forecasts("a", { mode: "stream" })[Symbol.asyncIterator]();
    const id = answer(world.socket, 0, 0);
    const text = "x".repeat(2 ** 20);
    for (let offset = 1; offset <= 8; offset++) world.socket.say({ ...forecastOf(id, offset), text });
    expect(world.socket.of("unsubscribe")).toHaveLength(1);
  });

  test("one that is held back is not asked for after a break until there is room", async () => {
    const { world, client } = await live();
    const reading = client.forecasts("a", { mode: "stream" })[Symbol.asyncIterator]();
    const id = answer(world.socket, 0, 0);
    for (let offset = 1; offset <= 1024; offset++) world.socket.say(forecastOf(id, offset));
    await again(world);
    expect(world.socket.of("subscribe")).toEqual([]);
    for (let n = 0; n < 512; n++) await reading.next();
    expect(world.socket.of("subscribe")).toMatchObject([{ since: { offset: 1024 } }]);
  });
});

describe("latest", () => {
  test("after a break all is told again, and what is known already is left out", async () => {
    const { world, client } = await live();
    const came: string[] = [];
    client.forecasts("*").subscribe(({ offset, forecast }) => came.push(`${forecast.series} ${offset}`));
    let id = answer(world.socket, 0, 7);
    world.socket.say(forecastOf(id, 6, 0, "b"));
    world.socket.say(forecastOf(id, 5, 0, "a"));
    await again(world);
    expect(world.socket.of("subscribe")[0]).toEqual({
      type: "subscribe",
      id: "~1",
      pattern: "*",
      mode: "latest",
    });
    id = answer(world.socket, 0, 9);
    world.socket.say(forecastOf(id, 6, 0, "b"));
    world.socket.say(forecastOf(id, 9, 0, "a"));
    // Readings were taken back: what is latest now lies before what was.
    world.socket.say(forecastOf(id, 4, 0, "b"));
    expect(came).toEqual(["b 6", "a 5", "a 9", "b 4"]);
    await again(world);
    id = answer(world.socket, 0, 1, false, "other");
    world.socket.say({ ...forecastOf(id, 9, 0, "a"), epoch: "other" });
    expect(came.at(-1)).toBe("a 9");
    expect(came).toHaveLength(5);
  });

  test("a reader who is slow sees the latest of each, and nothing is held back", async () => {
    const { world, client } = await live();
    const reading = client.forecasts("*")[Symbol.asyncIterator]();
    const id = answer(world.socket, 0, 0);
    for (let offset = 1; offset <= 5000; offset++)
      world.socket.say(forecastOf(id, offset, 0, offset % 2 ? "odd" : "even"));
    expect((await reading.next()).value?.offset).toBe(4999);
    expect((await reading.next()).value?.offset).toBe(5000);
    expect(world.socket.of("unsubscribe")).toEqual([]);
  });
});

describe("alerts", () => {
  const alertOf = (id: unknown, sequence: number) => ({
    type: "data",
    id,
    epoch: "e",
    offset: 7,
    sequence,
    alert: { sequence, rule: "full", state: "firing" },
  });
  const answer = (socket: FakeSocket, sequence: number, recovered: boolean, epoch = "e"): unknown => {
    const id = socket.of("subscribe").at(-1)?.id;
    socket.say({ type: "subscribed", id, epoch, offset: 7, sequence, recovered });
    return id;
  };

  test("go on behind the last one, each once, with a gap where the log has been cut", async () => {
    const { world, client } = await live();
    const told: unknown[] = [];
    client.alerts("f*", { gap: (gap) => told.push(gap) }).subscribe(({ sequence }) => told.push(sequence));
    expect(world.socket.of("subscribe")).toEqual([{ type: "subscribe", id: "~1", alerts: "f*" }]);
    answer(world.socket, 3, false);
    await again(world);
    expect(world.socket.of("subscribe")[0]?.since).toEqual({ epoch: "e", sequence: 3 });
    let id = answer(world.socket, 5, true);
    for (const sequence of [4, 5, 5]) world.socket.say(alertOf(id, sequence));
    await again(world);
    // Cut behind what has been seen: the rest of the log comes after the gap, up to what is newest.
    id = answer(world.socket, 20, false);
    world.socket.say({ type: "gap", id, from: 5, to: 18, reason: "no longer kept" });
    for (const sequence of [18, 19, 20, 21]) world.socket.say(alertOf(id, sequence));
    expect(told).toEqual([4, 5, { from: 5, to: 18, reason: "no longer kept" }, 19, 20, 21]);
    await again(world);
    id = answer(world.socket, 2, false, "other");
    world.socket.say({ type: "gap", id, from: 0, to: 2, reason: "another epoch" });
    world.socket.say({ ...alertOf(id, 3), epoch: "other" });
    expect(told.slice(-2)).toEqual([{ from: 0, to: 2, reason: "another epoch" }, 3]);
    await again(world);
    expect(world.socket.of("subscribe")[0]?.since).toEqual({ epoch: "other", sequence: 3 });
  });
});

test("added and removed, connected or not: the server knows what is wanted, each once", async () => {
  const { world, client } = await live();
  const one = client.forecasts("one").subscribe(() => {});
  const two = client.forecasts("two").subscribe(() => {});
  one.unsubscribe();
  one.unsubscribe();
  expect(world.socket.sent.slice(1)).toMatchObject([
    { type: "subscribe", id: "~1", pattern: "one" },
    { type: "subscribe", id: "~2", pattern: "two" },
    { type: "unsubscribe", id: "~1" },
  ]);
  world.socket.drop();
  client.forecasts("three").subscribe(() => {});
  client
    .forecasts("four")
    .subscribe(() => {})
    .unsubscribe();
  two.unsubscribe();
  await world.pass(1000);
  world.socket.greet();
  expect(world.socket.sent.slice(1)).toMatchObject([{ type: "subscribe", id: "~1", pattern: "three" }]);
  for (let i = 0; i < 5; i++) await again(world);
  expect(world.socket.sent.slice(1)).toMatchObject([{ type: "subscribe", id: "~1", pattern: "three" }]);
});

test("what is still on its way from a subscription given up is nobody's", async () => {
  const { world, client } = await live();
  const came: number[] = [];
  const feed = client.forecasts("a", { mode: "stream" });
  const first = feed.subscribe(({ offset }) => came.push(offset));
  const id = answer(world.socket, 0, 7);
  first.unsubscribe();
  feed.subscribe(({ offset }) => came.push(offset));
  world.socket.say(forecastOf(id, 8));
  const other = answer(world.socket, 1, 8);
  world.socket.say(forecastOf(other, 9));
  expect(came).toEqual([9]);
});

test("as many as the server allows at once, and the others as fast as it allows", async () => {
  const { world, client } = await live({}, { messagesPerSecond: 10 });
  for (let i = 0; i < 50; i++) client.forecasts(`s${i}`).subscribe(() => {});
  const sent: number[] = [];
  for (let second = 0; second < 6; second++) {
    sent.push(world.socket.of("subscribe").length);
    await world.pass(1000);
  }
  expect(sent).toEqual([10, 18, 26, 34, 42, 50]);
});

test("more than the server takes of one client: the last is refused, the others stand", async () => {
  const { client } = await live({}, { subscriptions: 2 });
  const errors: string[] = [];
  const subscribed = ["a", "b", "c"].map((name) =>
    client.forecasts(name).subscribe({ error: (error) => errors.push(`${name}: ${error.message}`) }),
  );
  expect(errors).toEqual(["c: subscriptions: expected at most 2 at a time of one client"]);
  subscribed[0]?.unsubscribe();
  client.forecasts("d").subscribe({ error: (error) => errors.push(error.message) });
  expect(errors).toHaveLength(1);
});

test("one that the server refuses ends with its words; refused for now, it is asked for again", async () => {
  const { world, client } = await live();
  const errors: unknown[] = [];
  client.forecasts("x".repeat(300)).subscribe({ error: (error) => errors.push(error) });
  client.forecasts("a").subscribe({ error: (error) => errors.push(error) });
  const refusal = {
    type: "error",
    code: "bad-message",
    message: "subscribe pattern: expected a pattern",
    retryable: false,
  };
  world.socket.say({ ...refusal, id: "~1" });
  expect(errors).toMatchObject([{ code: "bad-message", message: "subscribe pattern: expected a pattern" }]);
  world.socket.say({
    type: "error",
    id: "~2",
    code: "busy",
    message: "the server is shutting down",
    retryable: true,
  });
  await world.pass(1000);
  expect(world.socket.of("subscribe").at(-1)).toMatchObject({ id: "~3", pattern: "a" });
  await again(world);
  expect(world.socket.of("subscribe")).toMatchObject([{ id: "~1", pattern: "a" }]);
  expect(errors).toHaveLength(1);
});
