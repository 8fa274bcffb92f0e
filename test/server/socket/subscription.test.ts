import { describe, expect, test } from "vitest";
import { words } from "../../../src/models/forecast.ts";
import type { SubscribeMessage } from "../../../src/protocol/client-messages.ts";
import { unlimited } from "../../../src/server/access/caller.ts";
import { Dispatch, View } from "../../../src/server/socket/outgoing.ts";
import { Run } from "../../../src/server/socket/run.ts";
import { Subscription } from "../../../src/server/socket/subscription.ts";
import { madeIssue, madeTarget } from "../../issues.ts";

const issue = (series: string, offset: number, target = "value") =>
  madeIssue(series, offset * 1000, offset, [madeTarget(target, [offset, offset, offset], { observed: 5 })]);
const outgoing = (series: string, offset: number, target?: string) =>
  new Dispatch("e").of({ position: offset, ordinal: 0, issue: issue(series, offset, target) })[0];
const open = (message: Partial<SubscribeMessage>, capacity = 4) =>
  new Subscription({ type: "subscribe", id: "a", pattern: "*", ...message }, 0, capacity, unlimited(null));
const taken = (subscription: Subscription, now = 0) => {
  const frames = [];
  for (let next = subscription.take(now); next !== null; next = subscription.take(now)) {
    frames.push(JSON.parse(next.message(subscription.id, subscription.view).toString()));
  }
  return frames;
};

describe("slowness", () => {
  test("a stream is told once when half of what may wait does, and again after it had caught up", () => {
    const subscription = open({ mode: "stream" }, 8);
    const told = Array.from({ length: 8 }, (_, offset) => {
      subscription.offer(outgoing("a", offset));
      return subscription.slowness();
    });
    const slow = { type: "slow", id: "a", waiting: 4, limit: 8, skipped: 0 };
    expect(told).toEqual([null, null, null, slow, null, null, null, null]);
    expect(taken(subscription)).toHaveLength(8);
    expect(subscription.slowness()).toBeNull();
    for (let offset = 8; offset < 12; offset++) subscription.offer(outgoing("a", offset));
    expect(subscription.slowness()).toEqual(slow);
  });

  test("latest is told of what a client that takes nothing has missed, and not of what its own rate left out", () => {
    const subscription = open({ mode: "latest" });
    for (let offset = 0; offset < 10; offset++) subscription.offer(outgoing("a", offset), { full: false });
    expect(subscription.slowness()).toBeNull();
    for (let offset = 10; offset < 15; offset++) subscription.offer(outgoing("a", offset), { full: true });
    expect(subscription.slowness()).toEqual({ type: "slow", id: "a", waiting: 1, limit: null, skipped: 5 });
    expect(subscription.slowness()).toBeNull();
  });
});

describe("latest", () => {
  test("one slot per series and target, replaced in place and counted", () => {
    const subscription = open({ mode: "latest" });
    for (let offset = 1; offset <= 1000; offset++) {
      expect(subscription.offer(outgoing(`s${offset % 2}`, offset, `t${offset % 4 < 2}`))).toBe(true);
    }
    expect(subscription.waiting).toBe(4);
    expect(subscription.conflated).toBe(996);
    expect(taken(subscription).map(({ offset }) => offset)).toEqual([997, 998, 999, 1000]);
    expect(subscription.waiting).toBe(0);
  });

  test("maxRate holds for each series alone", () => {
    const subscription = open({ mode: "latest", maxRate: 10 });
    subscription.offer(outgoing("a", 1));
    expect(taken(subscription, 0)).toHaveLength(1);
    subscription.offer(outgoing("a", 2));
    subscription.offer(outgoing("b", 3));
    expect(taken(subscription, 50).map(({ forecast }) => forecast.series)).toEqual(["b"]);
    expect(subscription.dueAt).toBe(100);
    subscription.offer(outgoing("a", 4));
    expect(taken(subscription, 100).map(({ offset }) => offset)).toEqual([4]);
  });
});

describe("a run that is dealt", () => {
  const run = (...offsets: number[]) => new Run(offsets.map((offset) => outgoing(`s${offset % 3}`, offset)));

  test("is for those who have everything, at any rate, and have not begun to acknowledge", () => {
    const subscription = open({ mode: "stream" });
    expect(subscription.keepsUp).toBe(true);
    subscription.offer(outgoing("a", 1));
    expect(subscription.keepsUp).toBe(false);
    taken(subscription);
    expect(subscription.keepsUp).toBe(true);
    subscription.resumeFrom({ position: 1, ordinal: 0 });
    expect(subscription.keepsUp).toBe(false);
    subscription.resumeFrom(null);
    subscription.lookThrough(["a"]);
    expect(subscription.keepsUp).toBe(false);
    while (subscription.nextUnseen() !== undefined);
    expect(subscription.keepsUp).toBe(true);
    subscription.acknowledge(1);
    expect(subscription.keepsUp).toBe(false);
    expect(open({ maxRate: 1 }).keepsUp).toBe(false);
  });

  test("of a stream is sent before what comes later", () => {
    const subscription = open({ mode: "stream" });
    subscription.deal(run(1, 2, 3));
    expect([subscription.waiting, subscription.dueAt]).toEqual([3, 0]);
    subscription.offer(outgoing("a", 4));
    expect(taken(subscription).map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
    expect([subscription.waiting, subscription.dueAt]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  test("of the latest gives way to what is newer, where it has not been sent", () => {
    const subscription = open({ mode: "latest" });
    subscription.replaced(7, { full: false });
    subscription.deal(run(1, 2, 3));
    expect(subscription.take(0)?.offset).toBe(1);
    expect(subscription.holds(outgoing("s2", 5))).toBe(true);
    expect(subscription.holds(outgoing("s1", 4))).toBe(false);
    subscription.offer(outgoing("s2", 5), { full: true });
    expect(subscription.waiting).toBe(2);
    expect(taken(subscription).map(({ offset }) => offset)).toEqual([5, 3]);
    expect(subscription.conflated).toBe(8);
    expect(subscription.slowness()).toMatchObject({ skipped: 1 });
  });
});

describe("stream", () => {
  test("all in order, and full when full", () => {
    const subscription = open({ mode: "stream" });
    for (let offset = 1; offset <= 4; offset++) expect(subscription.offer(outgoing("a", offset))).toBe(true);
    expect(subscription.offer(outgoing("a", 5))).toBe(false);
    expect(taken(subscription).map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
    expect(subscription.offer(outgoing("a", 6))).toBe(true);
  });

  test("the order holds over many turns", () => {
    const subscription = open({ mode: "stream" }, 1000);
    const seen: number[] = [];
    for (let offset = 1; offset <= 3000; offset++) {
      subscription.offer(outgoing("a", offset));
      if (offset % 3 > 0) seen.push(subscription.take(0)?.offset ?? -1);
    }
    seen.push(...taken(subscription).map(({ offset }) => offset));
    expect(seen).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1));
  });

  test("a client that acknowledges may not fall behind by more than the queue", () => {
    const subscription = open({ mode: "stream" });
    subscription.acknowledge(0);
    let offset = 0;
    while (subscription.offer(outgoing("a", ++offset)) && offset < 100) subscription.take(0);
    expect(offset).toBe(5);
    subscription.acknowledge(3);
    expect(subscription.offer(outgoing("a", 6))).toBe(true);
    expect(subscription.offer(outgoing("a", 7))).toBe(true);
    expect(subscription.offer(outgoing("a", 8))).toBe(true);
    expect(subscription.offer(outgoing("a", 9))).toBe(false);
  });

  test("while catching up, live forecasts are not wanted", () => {
    const subscription = open({ mode: "stream" });
    subscription.resumeFrom({ position: 10, ordinal: 0 });
    expect(subscription.after).toBe(Number.POSITIVE_INFINITY);
    subscription.resumeFrom(null, 20);
    expect(subscription.after).toBe(20);
    expect(subscription.resumingFrom).toBe(null);
  });
});

describe("frames", () => {
  test("have the documented shape, and are serialised once", () => {
    const one = outgoing("a", 7);
    const frame = one.message("id", new View(undefined, false));
    expect(JSON.parse(frame.toString())).toEqual({
      type: "data",
      id: "id",
      epoch: "e",
      offset: 7,
      ordinal: 0,
      forecast: words(issue("a", 7))[0],
    });
    expect(one.tail(new View(undefined, false))).toBe(one.tail(new View(undefined, false)));
  });

  test("with chosen steps and the observed value", () => {
    const subscription = open({ id: 3, horizons: [3, 1], observed: true });
    subscription.offer(outgoing("a", 7));
    const [{ id, forecast, observed }] = taken(subscription);
    expect(id).toBe(3);
    expect(observed).toBe(5);
    expect(forecast.horizon.map(({ step }: { step: number }) => step)).toEqual([1, 3]);
  });

  test("two views of one forecast do not mix", () => {
    const one = outgoing("a", 7);
    const steps = (frame: Buffer) => JSON.parse(frame.toString()).forecast.horizon.length;
    expect(steps(one.message("a", new View([1], false)))).toBe(1);
    expect(steps(one.message("a", new View([1, 2], false)))).toBe(2);
    expect(steps(one.message("a", new View(undefined, false)))).toBe(3);
    expect(JSON.parse(one.message("a", new View([1], false)).toString())).not.toHaveProperty("observed");
  });
});
