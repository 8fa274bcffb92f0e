// What a client gives out, as a loop, as callbacks and as an Observable of RxJS: who begins, who ends, who is told of errors.
import { firstValueFrom, from, retry, take, toArray } from "rxjs";
import { describe, expect, test, vi } from "vitest";
import { type FakeSocket, forecastOf, live, settled } from "./fake-world.ts";

const answered = (socket: FakeSocket): unknown => {
  const id = socket.of("subscribe").at(-1)?.id;
  socket.say({ type: "subscribed", id, epoch: "e", offset: 0, recovered: false });
  return id;
};

describe("a loop", () => {
  test("that is left unsubscribes", async () => {
    const { world, client } = await live();
    const seen: number[] = [];
    const loop = (async () => {
      for await (const { offset } of client.forecasts("a", { mode: "stream" })) {
        seen.push(offset);
        if (offset === 2) break;
      }
    })();
    const id = answered(world.socket);
    for (let offset = 1; offset <= 4; offset++) world.socket.say(forecastOf(id, offset));
    await loop;
    await settled();
    expect(seen).toEqual([1, 2]);
    expect(world.socket.of("unsubscribe")).toEqual([{ type: "unsubscribe", id }]);
  });

  test("reads what has come before the client was closed, and ends", async () => {
    const { world, client } = await live();
    const loop = client.forecasts("a", { mode: "stream" })[Symbol.asyncIterator]();
    const id = answered(world.socket);
    world.socket.say(forecastOf(id, 1));
    world.socket.say(forecastOf(id, 2));
    client.close();
    expect((await loop.next()).value?.offset).toBe(1);
    expect((await loop.next()).value?.offset).toBe(2);
    expect(await loop.next()).toEqual({ done: true, value: undefined });
    expect(await loop.next()).toEqual({ done: true, value: undefined });
  });

  test("that waits is ended by the client, by its own signal, and by `return`", async () => {
    const { world, client } = await live();
    const controller = new AbortController();
    const byClient = client.forecasts("a")[Symbol.asyncIterator]();
    const bySignal = client.forecasts("b", { signal: controller.signal })[Symbol.asyncIterator]();
    const byReturn = client.forecasts("c")[Symbol.asyncIterator]();
    const waiting = [byClient, bySignal, byReturn].flatMap((loop) => [loop.next(), loop.next()]);
    controller.abort();
    await byReturn.return?.();
    expect(await Promise.all(waiting.slice(2))).toEqual(Array(4).fill({ done: true, value: undefined }));
    expect(
      world.socket
        .of("unsubscribe")
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["~2", "~3"]);
    client.close();
    expect(await Promise.all(waiting)).toEqual(Array(6).fill({ done: true, value: undefined }));
  });

  test("over the status ends when the client has", async () => {
    const { client } = await live();
    const loop = (async () => {
      const states: string[] = [];
      for await (const { state } of client.statuses()) states.push(state);
      return states;
    })();
    await settled();
    client.close();
    expect(await loop).toEqual(["live", "ended"]);
    const late: string[] = [];
    for await (const { state } of client.statuses()) late.push(state);
    expect(late).toEqual(["ended"]);
  });

  test("begun twice is two subscriptions", async () => {
    const { world, client } = await live();
    const feed = client.forecasts("a");
    feed[Symbol.asyncIterator]();
    feed[Symbol.asyncIterator]();
    expect(world.socket.of("subscribe")).toHaveLength(2);
  });

  test("begun once the client is closed has no item", async () => {
    const { client } = await live();
    client.close();
    for await (const _ of client.forecasts("a")) throw new Error("came");
  });
});

describe("as an Observable", () => {
  test("operators apply, and unsubscribing is told the server at once", async () => {
    const { world, client } = await live();
    const two = firstValueFrom(from(client.forecasts("a", { mode: "stream" })).pipe(take(2), toArray()));
    const id = answered(world.socket);
    for (let offset = 1; offset <= 4; offset++) world.socket.say(forecastOf(id, offset));
    expect((await two).map(({ offset }) => offset)).toEqual([1, 2]);
    expect(world.socket.of("unsubscribe")).toHaveLength(1);
    // No item has to come for it.
    from(client.forecasts("b")).subscribe().unsubscribe();
    expect(world.socket.of("unsubscribe")).toHaveLength(2);
  });

  test("a refusal is its error, which `retry` subscribes after", async () => {
    const { world, client } = await live();
    const came: number[] = [];
    const subscription = from(client.forecasts("a"))
      .pipe(retry(1))
      .subscribe({ next: ({ offset }) => came.push(offset), error: () => {} });
    const { id } = world.socket.of("subscribe")[0] ?? {};
    world.socket.say({ type: "error", id, code: "bad-message", message: "no", retryable: false });
    world.socket.say(forecastOf(answered(world.socket), 1));
    expect(came).toEqual([1]);
    expect(subscription.closed).toBe(false);
    client.close();
    expect(subscription.closed).toBe(true);
  });
});

describe("as callbacks", () => {
  test("an error of one of them ends nothing, and is an uncaught error of the process", async () => {
    const { world, client } = await live();
    const uncaught = vi.fn();
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", uncaught);
    try {
      const came: number[] = [];
      client.forecasts("a", { mode: "stream" }).subscribe(({ offset }) => {
        came.push(offset);
        throw new Error(`of ${offset}`);
      });
      const id = answered(world.socket);
      world.socket.say(forecastOf(id, 1));
      world.socket.say(forecastOf(id, 2));
      world.socket.drop(4401);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(came).toEqual([1, 2]);
      expect(uncaught.mock.calls.map(([error]) => error.message)).toEqual([
        "of 1",
        "of 2",
        "the token is missing or wrong",
      ]);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    }
  });
});
