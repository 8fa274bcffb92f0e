import { count, EMPTY, from, lastValueFrom, map, NEVER, of, take, throwError, toArray } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, test } from "vitest";
import { forecast } from "../../../src/streams/operators/forecast.ts";
import { perSeries } from "../../../src/streams/operators/per-series.ts";
import { expectToStopListening } from "./firehose.ts";

interface Event {
  readonly series: string;
  readonly value: number;
}
const event = (series: string, value = 0): Event => ({ series, value });
const marbles = (body: Parameters<TestScheduler["run"]>[0]) =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(body);
const values = { a: event("a"), b: event("b"), c: event("c") };
const number = perSeries<Event, string>((series, part$) => part$.pipe(map((_, i) => `${series}${i}`)));

describe("perSeries", () => {
  test("every series has a part of its own; outputs in the order they come", () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold("-a-b-a-b-|", values);
      expectObservable(source.pipe(number)).toBe("-w-x-y-z-|", { w: "a0", x: "b0", y: "a1", z: "b1" });
      expectSubscriptions(source.subscriptions).toBe("^--------!");
    });
  });

  test("errors of the source and of a part are passed on and end all", () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      expectObservable(cold("-a-#", values).pipe(number)).toBe("-w-#", { w: "a0" });
      const source = cold("-a-b-a", values);
      const failing = perSeries<Event, string>((series) =>
        series === "b" ? throwError(() => "error") : of(series),
      );
      expectObservable(source.pipe(failing)).toBe("-a-#", { a: "a" });
      expectSubscriptions(source.subscriptions).toBe("^--!");
    });
  });

  test("completion completes every part", async () => {
    const counts$ = from([values.a, values.b, values.a]).pipe(
      perSeries((series, part$) =>
        part$.pipe(
          count(),
          map((n) => `${series}${n}`),
        ),
      ),
      toArray(),
    );
    expect(await lastValueFrom(counts$)).toEqual(["a2", "b1"]);
  });

  test("full: one series more is refused, and those known go on", async () => {
    const reasons: string[] = [];
    const out$ = from([values.a, values.b, values.c, values.a]).pipe(
      perSeries((series, part$) => part$.pipe(map((_, i) => `${series}${i}`)), {
        maximum: 2,
        refused: { next: (refusal) => reasons.push(`${refusal.event.series} ${refusal.reason}`) },
      }),
      toArray(),
    );
    expect(await lastValueFrom(out$)).toEqual(["a0", "b0", "a1"]);
    expect(reasons).toEqual(["c too-many-series"]);
  });

  test("full: or the series silent longest retires, and starts anew when it speaks again", async () => {
    const out$ = from([values.a, values.b, values.a, values.c, values.b]).pipe(
      perSeries((series, part$) => part$.pipe(map((_, i) => `${series}${i}`)), {
        maximum: 2,
        whenFull: "retire",
      }),
      toArray(),
    );
    expect(await lastValueFrom(out$)).toEqual(["a0", "b0", "a1", "c0", "b0"]);
    const ends$ = from([values.a, values.b, values.a, values.c]).pipe(
      perSeries(
        (series, part$) =>
          part$.pipe(
            count(),
            map((n) => `${series}${n}`),
          ),
        { maximum: 2, whenFull: "retire" },
      ),
      toArray(),
    );
    expect(await lastValueFrom(ends$)).toEqual(["b1", "a2", "c1"]);
  });

  test("a forecast per series", async () => {
    const events = Array.from({ length: 6 }, (_, i) => event(i % 2 ? "odd" : "even", i));
    const out$ = from(events).pipe(
      perSeries((_, part$) => part$.pipe(forecast({ horizon: 1, model: "persistence" }))),
      map(({ series, horizon }) => `${series} ${horizon[0]?.mean}`),
      toArray(),
    );
    expect(await lastValueFrom(out$)).toEqual(["even 2", "odd 3", "even 4", "odd 5"]);
  });

  test("subscribing again starts anew", async () => {
    const out$ = from([values.a, values.a]).pipe(number, toArray());
    expect(await lastValueFrom(out$)).toEqual(["a0", "a1"]);
    expect(await lastValueFrom(out$)).toEqual(["a0", "a1"]);
  });

  test("a maximum that is no number of series is an error on subscription", async () => {
    const out$ = of(values.a).pipe(
      perSeries((series) => of(series), { maximum: 0 }),
      take(1),
    );
    await expect(lastValueFrom(out$)).rejects.toThrow(
      "maximum: expected a whole number of series, at least 1, got 0",
    );
  });

  test("stops listening to a synchronous observable when unsubscribed", () => {
    expectToStopListening(number, (i) => event(`s${i % 2}`));
  });
});

test("wrong options are an error on subscription, before any event", () => {
  let said: unknown;
  NEVER.pipe(perSeries(() => EMPTY, { maximum: 0 })).subscribe({
    error: (error: Error) => (said = error.message),
  });
  expect(said).toBe("maximum: expected a whole number of series, at least 1, got 0");
});
