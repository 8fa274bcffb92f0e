import { EMPTY, from, lastValueFrom, map, NEVER, of, Subject, type Subscription, toArray } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, test } from "vitest";
import type { Forecast } from "../../../src/models/forecast.ts";
import type { RefusedEvent } from "../../../src/stages/refused-event.ts";
import { operatorArena } from "../../../src/streams/operators/arena.ts";
import {
  type Forecastable,
  type ForecastOptions,
  forecast,
} from "../../../src/streams/operators/forecast.ts";
import { expectToStopListening } from "./firehose.ts";

const options: ForecastOptions = { horizon: 1, model: "persistence" };
const means = map((f: Forecast) => f.horizon[0]?.mean);
const run = (events: Forecastable[], more: ForecastOptions = {}) =>
  lastValueFrom(from(events).pipe(forecast({ ...options, ...more }), toArray()));

const marbles = (body: Parameters<TestScheduler["run"]>[0]) =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(body);
const values = { a: 1, b: 2, c: 3 };

describe("forecast", () => {
  test("one per event from the second on, at the time of the event", () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(" -a--b-c-|", values);
      const expected = "    ----b-c-|";
      expectObservable(source.pipe(forecast(options), means)).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe("^-------!");
    });
  });

  test("an error of the source is passed on after the forecasts before it", () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(" -a-b-#", values);
      expectObservable(source.pipe(forecast(options), means)).toBe("---b-#", values);
      expectSubscriptions(source.subscriptions).toBe("^----!");
    });
  });

  test("an empty source completes, a silent one stays", () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold("--|").pipe(forecast(options) as never)).toBe("--|");
      expectObservable(NEVER.pipe(forecast(options))).toBe("---");
    });
  });

  test("unsubscribing ends the subscription to the source", () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot("  -a-b-c-", values);
      expectObservable(source.pipe(forecast(options), means), "^---!").toBe("---b-", values);
      expectSubscriptions(source.subscriptions).toBe("^---!");
    });
  });

  test("events without a time are stamped by the scheduler", () => {
    marbles(({ cold, expectObservable }) => {
      const scheduler = new TestScheduler(() => true);
      scheduler.now = () => 86_400_000;
      const issued = map((f: Forecast) => f.issuedAt.slice(0, 10));
      expectObservable(cold("ab|", values).pipe(forecast({ ...options, scheduler }), issued)).toBe("-x|", {
        x: "1970-01-02",
      });
    });
  });

  test("subscribing again starts anew", async () => {
    const twice = from([1, 2, 3]).pipe(forecast({ ...options, model: "auto" }), toArray());
    const [first, second] = [await lastValueFrom(twice), await lastValueFrom(twice)];
    expect(second.map(({ horizon, skill }) => ({ horizon: horizon.map((h) => h.mean), skill }))).toEqual(
      first.map(({ horizon, skill }) => ({ horizon: horizon.map((h) => h.mean), skill })),
    );
  });

  test("what is late, double, bad or of another series goes to the side, with its reason", async () => {
    const refused = new Subject<RefusedEvent<Forecastable>>();
    const reasons: [unknown, string][] = [];
    refused.subscribe(({ event, reason }) => reasons.push([(event as { value: unknown }).value, reason]));
    const forecasts = await run(
      [
        { time: 1000, value: 1 },
        { time: 2000, value: 2 },
        { time: 500, value: 3 },
        { time: 2000, value: 4 },
        { time: "soon", value: 5 },
        { time: 3000, value: Number.NaN },
        { series: "else", time: 3000, value: 7 },
        { time: 3000, value: 8 },
      ],
      { refused },
    );
    expect(reasons).toEqual([
      [3, "late"],
      [4, "duplicate-time"],
      [5, "bad-time"],
      [Number.NaN, "bad-number"],
      [7, "other-series"],
    ]);
    expect(forecasts.map(({ horizon }) => horizon[0]?.mean)).toEqual([2, 8]);
  });

  test("what is far ahead or out of range goes to the side, once it is known to be", async () => {
    const refused = new Subject<RefusedEvent<Forecastable>>();
    const reasons: [unknown, string][] = [];
    refused.subscribe(({ event, reason }) => reasons.push([(event as { value: unknown }).value, reason]));
    const events = [1, 2, 3, 4, 5, 6].map((value) => ({ time: value * 1000, value }));
    events[3] = { time: "2099-01-01" as never, value: 4 };
    events[4] = { time: 5000, value: -127 };
    const forecasts = await run(events, { refused, min: 0 });
    expect(reasons).toEqual([
      [-127, "out-of-range"],
      [4, "far-ahead"],
    ]);
    expect(forecasts.map(({ horizon }) => horizon[0]?.mean)).toEqual([2, 3, 3, 6]);
    reasons.length = 0;
    // By the scheduler's clock it is known at once, and for good.
    const scheduler = new TestScheduler(() => true);
    scheduler.now = () => 5000;
    const live = await run([...events.slice(0, 4), ...events.slice(0, 4).map((e) => ({ ...e, value: 9 }))], {
      refused,
      scheduler,
    });
    expect(reasons.filter(([, reason]) => reason === "far-ahead")).toEqual([
      [4, "far-ahead"],
      [9, "far-ahead"],
    ]);
    expect(live).toHaveLength(2);
  });

  test("events of several columns, in order within the lateness; the end lets go of the rest", async () => {
    const forecasts = await run(
      [
        { time: 0, values: { a: 1, b: 10 } },
        { time: 2000, values: { a: 3, b: 30 } },
        { time: 1000, values: { a: 2, b: null } },
      ],
      { lateness: 5000 },
    );
    expect(forecasts.map(({ target, horizon }) => [target, horizon[0]?.mean])).toEqual([
      ["a", 2],
      ["b", 10],
      ["a", 3],
      ["b", 30],
    ]);
  });

  test("quantiles on request", async () => {
    const readings = Array.from({ length: 40 }, (_, i) => Math.sin(i) + ((i * 31) % 7));
    const asked = await run(readings, { quantiles: [0.1, 0.5, 0.9] });
    const told = asked.map(({ horizon }) => Object.entries(horizon[0]?.quantiles ?? {}));
    for (const [[low, a], [middle, b], [high, c]] of told) {
      expect([low, middle, high]).toEqual(["0.1", "0.5", "0.9"]);
      expect(a <= b && b <= c).toBe(true);
    }
    expect((await run(readings)).every(({ horizon }) => !("quantiles" in (horizon[0] ?? {})))).toBe(true);
    await expect(run(readings, { quantiles: [0.5, 0.5] })).rejects.toThrow(
      "quantiles: expected a list of at most 32 different numbers between 0 and 1, got [0.5,0.5]",
    );
  });

  test.each([
    [{ horizon: 0 }, "horizon: expected a whole number from 1 to 512, got 0"],
    [
      { model: "lstm:outputs=9" },
      'model lstm: expected options among seed, hidden, candidate, forgetBias, memory, got "outputs"',
    ],
    [{ min: 3, max: 2 }, 'min: expected less than max of "value", 2, got 3'],
    [
      { lateness: -1 },
      'lateness: expected whole milliseconds, or a span such as "500ms", "5s", "15m", "1h" or "1d", got -1',
    ],
  ])("%j is an error on subscription, before any event", (wrong, message) => {
    for (const source of [NEVER, EMPTY]) {
      let said: unknown;
      source.pipe(forecast(wrong)).subscribe({ error: (error: Error) => (said = error.message) });
      expect(said).toBe(message);
    }
  });

  test("wrong options are an error on subscription", async () => {
    await expect(run([1, 2], { horizon: 0 })).rejects.toThrow(
      "horizon: expected a whole number from 1 to 512, got 0",
    );
  });

  test("stops listening to a synchronous observable when unsubscribed", () => {
    expectToStopListening(forecast(options), (i) => i);
  });

  test("gives its memory back, however it ends", async () => {
    await run([1, 2]);
    const before = operatorArena().usedBytes;
    await run([1, 2, 3]);
    await expect(
      lastValueFrom(
        from([1, { value: 2, time: 1 }]).pipe(
          map(() => {
            throw new Error("source");
          }),
          forecast(options),
        ),
      ),
    ).rejects.toThrow("source");
    const subscription: Subscription = of(1, 2).pipe(forecast(options)).subscribe();
    subscription.unsubscribe();
    expectToStopListening(forecast(options), (i) => i);
    expect(operatorArena().usedBytes).toBe(before);
  });
});
