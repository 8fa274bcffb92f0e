import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { unlimited } from "../../../src/server/access/caller.ts";
import { FanOut, type Recipient } from "../../../src/server/socket/fan-out.ts";
import { Dispatch } from "../../../src/server/socket/outgoing.ts";
import { Subscription } from "../../../src/server/socket/subscription.ts";
import { madeIssue, madeTarget } from "../../issues.ts";

const ANYONE = unlimited(null);

const publish = (fanOut: FanOut, offset: number): void =>
  fanOut.publish({
    position: offset,
    ordinal: 0,
    series: 1,
    issue: madeIssue(`s${offset % 7}`, 1000 * offset, offset, [madeTarget("value", [offset])]),
  });

/** A client whose writing takes `milliseconds` of the clock that it is given. */
function client(fanOut: FanOut, passed: (milliseconds: number) => void, milliseconds: number) {
  const subscription = new Subscription(
    { type: "subscribe", id: 1, pattern: "*", mode: "stream" },
    0,
    4096,
    ANYONE,
  );
  const writes: number[][] = [];
  const recipient: Recipient = {
    flush: (most) => {
      passed(milliseconds);
      const offsets: number[] = [];
      while (offsets.length < most) {
        const next = subscription.take(0);
        if (next === null) break;
        offsets.push(next.offset);
      }
      writes.push(offsets);
      return offsets.length;
    },
    get writable() {
      return subscription.waiting > 0;
    },
    full: false,
    slow: () => {},
    tooSlow: () => {},
  };
  fanOut.add(subscription, recipient);
  return { recipient, writes };
}

test("after a long round of writing there is a rest, and what is issued meanwhile leaves together", async () => {
  let now = 0;
  const fanOut = new FanOut(new Dispatch("e"), () => now);
  const { writes } = client(fanOut, (ms) => (now += ms), 15);
  publish(fanOut, 1);
  await nextTurn();
  expect(writes).toEqual([[1]]);
  for (let offset = 2; offset <= 5; offset++) {
    publish(fanOut, offset);
    await nextTurn();
  }
  expect(writes).toEqual([[1]]);
  now += 15;
  while (writes.length < 2) await wait(1);
  expect(writes).toEqual([[1], [2, 3, 4, 5]]);
  fanOut.close();
});

test("few subscribers are not kept waiting", async () => {
  let now = 0;
  const fanOut = new FanOut(new Dispatch("e"), () => now);
  const { writes } = client(fanOut, (ms) => (now += ms), 0.1);
  for (let offset = 1; offset <= 3; offset++) {
    publish(fanOut, offset);
    await nextTurn();
  }
  expect(writes).toEqual([[1], [2], [3]]);
  fanOut.close();
});

test("everybody has a turn before anybody has the next one, and nobody is left out", async () => {
  let now = 0;
  const fanOut = new FanOut(new Dispatch("e"), () => now);
  const clients = Array.from({ length: 9 }, () => client(fanOut, (ms) => (now += ms), 3));
  for (let offset = 1; offset <= 2000; offset++) publish(fanOut, offset);
  const seen = () => clients.map(({ writes }) => writes.flat().length);
  while (seen().some((n) => n < 2000)) {
    expect(Math.max(...seen()) - Math.min(...seen())).toBeLessThanOrEqual(512);
    await nextTurn();
  }
  for (const { writes } of clients)
    expect(writes.flat()).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
  fanOut.close();
});

test("one that goes away while others write is not asked again", async () => {
  let now = 0;
  const fanOut = new FanOut(new Dispatch("e"), () => now);
  const clients = Array.from({ length: 5 }, () => client(fanOut, (ms) => (now += ms), 9));
  publish(fanOut, 1);
  await nextTurn();
  fanOut.forget(clients[4].recipient);
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  expect(clients.map(({ writes }) => writes.length)).toEqual([1, 1, 1, 1, 0]);
  fanOut.close();
});
