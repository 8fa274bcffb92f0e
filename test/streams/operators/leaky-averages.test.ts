import { from, lastValueFrom, map, NEVER, toArray } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, test } from "vitest";
import { operatorArena } from "../../../src/streams/operators/arena.ts";
import { type Averageable, leakyAverages } from "../../../src/streams/operators/leaky-averages.ts";
import { expectToStopListening } from "./firehose.ts";

const marbles = (body: Parameters<TestScheduler["run"]>[0]) =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(body);
const rounded = map((averages: number[]) => averages.map((v) => Math.round(v * 1000) / 1000).join(" "));
const all = (events: Averageable[], ...options: Parameters<typeof leakyAverages>) =>
  lastValueFrom(from(events).pipe(leakyAverages(...options), toArray()));

describe("leakyAverages", () => {
  test("averages of every value, at its time; completion", () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold("-a--b-|", { a: 1, b: 3 });
      // Scale 1: α = 1/e; after 1 and 3 the corrected mean is (α + 3) / (1 + α).
      expectObservable(source.pipe(leakyAverages([1]), rounded)).toBe("-x--y-|", { x: "1", y: "2.462" });
      expectSubscriptions(source.subscriptions).toBe("^-----!");
    });
  });

  test("errors are passed on", () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold("a-#", { a: 2 }).pipe(leakyAverages([5, 50]), rounded)).toBe("x-#", { x: "2 2" });
    });
  });

  test("with a step, longer gaps forget more", async () => {
    const near = await all(
      [
        { time: 0, value: 0 },
        { time: 1000, value: 1 },
      ],
      [10],
      { step: 1000 },
    );
    const far = await all(
      [
        { time: 0, value: 0 },
        { time: 60_000, value: 1 },
      ],
      [10],
      { step: 1000 },
    );
    expect(near[1]?.[0]).toBeLessThan(0.6);
    expect(far[1]?.[0]).toBeGreaterThan(0.99);
  });

  test("what is no number, or older, goes to the side", async () => {
    const reasons: string[] = [];
    const refused = { next: ({ reason }: { reason: string }) => reasons.push(reason) };
    const averages = await all(
      [
        { time: 1, value: 1 },
        { time: 0, value: 2 },
        { time: 2, value: Number.NaN },
        { time: 3, value: 1 },
      ],
      [2],
      { refused },
    );
    expect(reasons).toEqual(["late", "bad-number"]);
    expect(averages).toEqual([[1], [1]]);
  });

  test("subscribing again starts anew", async () => {
    const averages$ = from([1, 2, 3]).pipe(leakyAverages([2, 20]), toArray());
    expect(await lastValueFrom(averages$)).toEqual(await lastValueFrom(averages$));
  });

  test("a time scale of nothing is an error on subscription", async () => {
    await expect(all([1], [3, 0])).rejects.toThrow("timeScales: expected numbers of steps above 0, got 0");
  });

  test("stops listening to a synchronous observable when unsubscribed, and gives its memory back", () => {
    const before = operatorArena().usedBytes;
    expectToStopListening(leakyAverages([3]), (i) => i);
    expect(operatorArena().usedBytes).toBe(before);
  });
});

test("wrong options are an error on subscription, before any event", () => {
  let said: unknown;
  NEVER.pipe(leakyAverages([0])).subscribe({ error: (error: Error) => (said = error.message) });
  expect(said).toBe("timeScales: expected numbers of steps above 0, got 0");
});
