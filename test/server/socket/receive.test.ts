import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SOCKET_DEFAULTS } from "../../../src/server/socket/limits.ts";
import { Receive } from "../../../src/server/socket/receive.ts";

const limits = { ...SOCKET_DEFAULTS.limits, subscriptions: 2, messagesPerSecond: 5 };
const machine = (authorised = true) =>
  new Receive({
    limits,
    authorised,
    authorise: (token) => (token === "secret" ? null : [4401, "another token"]),
  });
const opened = () => {
  const receive = machine();
  receive.text('{"type":"init"}', 0);
  return receive;
};
const text = (message: unknown) => JSON.stringify(message);
const codes = (effects: ReturnType<Receive["text"]>) =>
  effects.map((effect) =>
    effect.do === "close" ? effect.code : effect.do === "send" ? effect.message.type : effect.do,
  );

describe("before init", () => {
  test("init opens", () => {
    const receive = machine();
    expect(receive.text('{"type":"init"}', 0)).toEqual([{ do: "welcome" }]);
    expect(receive.ready).toBe(true);
  });

  test("a token is asked for when the upgrade had none", () => {
    expect(codes(machine(false).text('{"type":"init"}', 0))).toEqual([4401]);
    expect(codes(machine(false).text('{"type":"init","token":"wrong"}', 0))).toEqual([4401]);
    expect(codes(machine(false).text('{"type":"init","token":"secret"}', 0))).toEqual(["welcome"]);
  });

  test("anything else ends the connection", () => {
    expect(codes(machine().text('{"type":"ping"}', 0))).toEqual([4400]);
    expect(codes(machine().text('{"type":"init","token":7}', 0))).toEqual(["error", 4400]);
    expect(codes(machine().initTimeout())).toEqual([4408]);
  });

  test("once closed, nothing more happens", () => {
    const receive = machine();
    receive.initTimeout();
    expect(receive.text('{"type":"init"}', 0)).toEqual([]);
    expect(receive.binary()).toEqual([]);
    expect(receive.initTimeout()).toEqual([]);
  });
});

describe("ready", () => {
  test("the init timeout no longer matters", () => {
    expect(opened().initTimeout()).toEqual([]);
  });

  test.each([
    ["no JSON", "{nope"],
    ["an array", "[]"],
    ["a number", "7"],
    ["no type", "{}"],
    ["an unknown type", '{"type":"dance"}'],
    ["a type from the prototype", '{"type":"constructor"}'],
    ["a type that is no string", '{"type":{"a":1}}'],
    ["init again", '{"type":"init"}'],
  ])("%s ends the connection with 4400", (_what, frame) => {
    expect(codes(opened().text(frame, 0)).at(-1)).toBe(4400);
  });

  test("a binary frame ends it with 4400", () => {
    expect(codes(opened().binary())).toEqual([4400]);
  });

  test.each([
    [{ type: "subscribe", id: "a" }, "subscribe: expected either series or pattern, got neither"],
    [
      { type: "subscribe", id: "a", series: "s", pattern: "*" },
      "subscribe: expected either series or pattern, got both",
    ],
    [
      { type: "subscribe", series: "s" },
      "subscribe id: expected a string of 1 to 128 characters or a whole number up to 2^53, got nothing",
    ],
    [
      { type: "subscribe", id: "a", series: "s", mode: "fast" },
      'subscribe mode: expected "latest" or "stream", got "fast"',
    ],
    [
      { type: "subscribe", id: "a", series: "s", horizons: [0] },
      "subscribe horizons.0: expected a step from 1 to 512, got 0",
    ],
    [
      { type: "subscribe", id: "a", series: "s", maxRate: 0 },
      "subscribe maxRate: expected messages per second, more than 0, got 0",
    ],
    [
      { type: "subscribe", id: "a", series: "s", since: 7 },
      "subscribe since: expected { epoch, offset, ordinal? }, got 7",
    ],
    [{ type: "subscribe", id: "a", series: "s", sinze: 7 }, "subscribe sinze: expected no such field, got 7"],
    [{ type: "unsubscribe", id: "a" }, 'unsubscribe id: expected a subscription of this connection, got "a"'],
    [{ type: "ack", id: "a", offset: 1 }, 'ack id: expected a subscription of this connection, got "a"'],
    [
      { type: "ack", id: "a", offset: -1 },
      "ack offset: expected a journal offset, a whole number from 0, got -1",
    ],
  ])("%j is answered by an error and the connection goes on", (message, expected) => {
    const receive = opened();
    const [effect, ...more] = receive.text(text(message), 0);
    expect(more).toEqual([]);
    expect(effect).toMatchObject({
      do: "send",
      message: { type: "error", code: "bad-message", message: expected, retryable: false },
    });
    expect(codes(receive.text('{"type":"ping"}', 0))).toEqual(["pong"]);
  });

  test("subscriptions have one id each, and a bounded number", () => {
    const receive = opened();
    const subscribe = (id: unknown) => codes(receive.text(text({ type: "subscribe", id, series: "s" }), 0));
    expect(subscribe(1)).toEqual(["subscribe"]);
    expect(subscribe("1")).toEqual(["subscribe"]);
    expect(codes(receive.text('{"type":"unsubscribe","id":1}', 0))).toEqual(["unsubscribe"]);
    expect(subscribe(2)).toEqual(["subscribe"]);
    expect(subscribe(3)).toEqual([4429]);
  });

  test("an id twice ends it with 4409", () => {
    const receive = opened();
    const frame = text({ type: "subscribe", id: "a", pattern: "*" });
    receive.text(frame, 0);
    expect(codes(receive.text(frame, 0))).toEqual([4409]);
  });

  test("whatever comes, it answers or closes and never throws", () => {
    const types = fc.constantFrom("init", "subscribe", "unsubscribe", "ack", "observe", "ping", "dance");
    const message = fc.record(
      {
        type: types,
        id: fc.oneof(fc.string(), fc.integer(), fc.jsonValue()),
        series: fc.oneof(fc.string(), fc.jsonValue()),
        pattern: fc.jsonValue(),
        offset: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
        since: fc.oneof(fc.record({ epoch: fc.string(), offset: fc.integer() }), fc.jsonValue()),
        horizons: fc.oneof(fc.array(fc.integer()), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const frame = fc.oneof(fc.string(), fc.json(), message.map(text), message.map(text));
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), (frames) => {
        const receive = opened();
        let closed = false;
        for (const each of frames) {
          const effects = receive.text(each, 0);
          if (closed) expect(effects).toEqual([]);
          else expect(effects.length).toBeGreaterThan(0);
          closed ||= effects.some((effect) => effect.do === "close");
          for (const effect of effects) if (effect.do === "send") JSON.stringify(effect.message);
        }
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  test("control messages are limited in rate, observations are not", () => {
    const receive = opened();
    for (let i = 0; i < 100; i++) {
      expect(codes(receive.text('{"type":"observe","series":"s","value":1}', 0))).toEqual(["observe"]);
    }
    for (let i = 0; i < 10; i++) expect(codes(receive.text('{"type":"ping"}', 0))).toEqual(["pong"]);
    for (let i = 0; i < 5; i++) expect(codes(receive.text('{"type":"ping"}', 1000))).toEqual(["pong"]);
    expect(codes(receive.text('{"type":"ping"}', 1000))).toEqual([4429]);
  });
});
