import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Forecast } from "../../src/models/forecast.ts";
import { Arena } from "../../src/models/kernels/arena.ts";
import type { Observation } from "../../src/models/observation.ts";
import { MAX_HELD } from "../../src/streams/ordering.ts";
import { MAX_EMPTY } from "../../src/streams/resampling.ts";
import { Series, type SeriesOptions, type Stepped } from "../../src/streams/series.ts";
import { told } from "../issues.ts";

const arena = new Arena({ bankBytes: 2 ** 20 });
const persistence: SeriesOptions = { horizon: 2, model: "persistence" };

const open = (options: SeriesOptions = {}, targets = ["value"], stepped?: Stepped): Series =>
  new Series("s", { ...persistence, targets, ...options }, arena, stepped);
const at = (time: number, value: number | null = time): Observation => ({
  series: "s",
  time,
  values: { value },
});

/** Issue time and last value of every forecast that these observations lead to, and the end of them. */
function run(series: Series, observations: readonly Observation[], end = true): [string, number][] {
  const forecasts = observations.flatMap((observation, i) => told(series.push(observation, i)));
  if (end) forecasts.push(...told(series.end()));
  return forecasts.map(({ issuedAt, horizon }) => [issuedAt.slice(14, 23), horizon[0]?.mean ?? Number.NaN]);
}

describe("order", () => {
  test("from the second observation on, one forecast per target", () => {
    const series = open({}, ["a", "b"]);
    const both = (time: number) => ({ series: "s", time, values: { a: time, b: -time } });
    expect(series.push(both(0), 0).issues).toEqual([]);
    const forecasts = told(series.push(both(1000), 7));
    expect(forecasts.map(({ target, offset, issuedAt }) => [target, offset, issuedAt])).toEqual([
      ["a", 7, "1970-01-01T00:00:01.000Z"],
      ["b", 7, "1970-01-01T00:00:01.000Z"],
    ]);
    expect(forecasts[1]?.horizon.map(({ step, time, mean }) => [step, time, mean])).toEqual([
      [1, "1970-01-01T00:00:02.000Z", -1000],
      [2, "1970-01-01T00:00:03.000Z", -1000],
    ]);
  });

  test("without lateness, what comes after its time is late, the same time twice a duplicate", () => {
    const series = open();
    run(series, [at(0), at(1000)], false);
    expect(series.push(at(500), 2)).toEqual({ issues: [], refused: "late" });
    expect(series.push(at(1000, 5), 3)).toEqual({ issues: [], refused: "duplicate-time" });
    expect(told(series.push(at(2000), 4))[0]?.horizon[0]?.mean).toBe(2000);
    expect(series.counts).toMatchObject({ taken: 3, late: 1, "duplicate-time": 1 });
  });

  test("within the bound, any order of arrival gives the forecasts of the right order, byte by byte", () => {
    const events = Array.from({ length: 40 }, (_, i) => at(i * 1000, (i * 7919) % 101));
    const inOrder = JSON.stringify(run(open(), events));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 40, maxLength: 40 }), (delays) => {
        const arrival = events
          .map((event, i) => ({ event, comes: i + (delays[i] ?? 0) }))
          .sort((a, b) => a.comes - b.comes)
          .map(({ event }) => event);
        const series = open({ lateness: 6000 });
        expect(JSON.stringify(run(series, arrival))).toBe(inOrder);
        expect(series.counts.late).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test("an event older than the watermark is set aside, one at it is not", () => {
    const series = open({ lateness: 2000 });
    expect(run(series, [at(0), at(1000), at(5000)], false)).toEqual([["00:01.000", 1000]]);
    expect(series.push(at(999), 3).refused).toBe("late");
    expect(series.push(at(3000), 4).issues).toHaveLength(1);
    expect(series.push(at(4000, 9), 5).refused).toBeUndefined();
    expect(series.push(at(4000, 8), 6).refused).toBe("duplicate-time");
    expect(series.counts).toMatchObject({ held: 2, late: 1, "duplicate-time": 1, taken: 5 });
    expect(told(series.end()).map(({ issuedAt }) => issuedAt.slice(17, 19))).toEqual(["04", "05"]);
  });

  test("what is held back has a bound: the oldest goes on early", () => {
    const series = open({ lateness: 1e11 });
    let forecasts = 0;
    for (let i = 0; i < MAX_HELD + 3; i++) forecasts += series.push(at(i * 1000), i).issues.length;
    expect(series.counts.held).toBe(MAX_HELD);
    expect(forecasts).toBe(2);
    expect(series.push(at(1000), -1).refused).toBe("late");
  });
});

describe("columns", () => {
  test("those of the first observation, by name; a new one is ignored and counted", () => {
    const first = { series: "s", time: 0, values: { b: 1, a: 2 } };
    const series = Series.open(first, persistence, arena);
    expect(series.specification.targets).toEqual(["a", "b"]);
    series.push(first, 0);
    const outcome = series.push({ series: "s", time: 1, values: { a: 3, c: 4 } }, 1);
    expect(outcome.refused).toBeUndefined();
    expect(told(outcome).map(({ horizon }) => horizon[0]?.mean)).toEqual([3, 1]);
    expect(series.counts["ignored-values"]).toBe(1);
  });

  test("inputs are not forecast", () => {
    const first = { series: "s", time: 0, values: { b: 1, a: 2 } };
    const series = Series.open(first, { ...persistence, inputs: ["b"] }, arena);
    expect([series.specification.targets, series.specification.inputs]).toEqual([["a"], ["b"]]);
  });

  test("nothing known, nothing at all, no number, no date", () => {
    const series = open();
    const push = (time: number, values: Record<string, number | null>) =>
      series.push({ series: "s", time, values }, 0).refused;
    expect(push(0, { other: 1 })).toBe("unknown-column");
    expect(push(0, {})).toBe("no-values");
    expect(push(0, { value: Number.NaN })).toBe("bad-number");
    expect(push(0, { value: Number.POSITIVE_INFINITY })).toBe("bad-number");
    expect(push(Number.NaN, { value: 1 })).toBe("bad-time");
    expect(push(9e15, { value: 1 })).toBe("bad-time");
    expect(push(0, { value: null })).toBeUndefined();
  });
});

describe("resampling", () => {
  const minute = 60_000;
  const readings = [
    [0, 1],
    [10_000, 5],
    [50_000, 3],
    [60_000, 10],
    [200_000, 2],
    [250_000, 4],
  ].map(([time, value]) => at(time as number, value as number));

  test.each([
    ["mean", [10, 10, 2, 4]],
    ["last", [10, 10, 2, 4]],
    ["sum", [10, 10, 2, 4]],
    ["count", [1, 0, 1, 1]],
  ] as const)("%s: the forecasts of persistence after each interval", (aggregate, expected) => {
    const all = run(open({ every: minute, aggregate }), readings);
    expect(all).toEqual([
      ["02:00.000", expected[0]],
      ["03:00.000", expected[1]],
      ["04:00.000", expected[2]],
      ["05:00.000", expected[3]],
    ]);
  });

  test.each([
    ["mean", 3],
    ["last", 3],
    ["sum", 9],
    ["min", 1],
    ["max", 5],
    ["count", 3],
  ] as const)("%s of 1, 5, 3 is %d", (aggregate, expected) => {
    const seen: number[] = [];
    const series = open({ every: minute, aggregate }, ["value"], (_time, _offset, values) =>
      seen.push(values[0] ?? 0),
    );
    for (const reading of readings) series.push(reading, 0);
    expect(seen[0]).toBe(expected);
  });

  test("an empty interval is missing, a count of nothing is 0", () => {
    const steps = (aggregate: "mean" | "count") => {
      const seen: [number, number][] = [];
      const series = open({ every: minute, aggregate }, ["value"], (time, _offset, values) =>
        seen.push([time / minute, values[0] ?? 0]),
      );
      for (const reading of readings) series.push(reading, 0);
      series.end();
      return seen;
    };
    expect(steps("mean")).toEqual([
      [1, 3],
      [2, 10],
      [3, Number.NaN],
      [4, 2],
      [5, 4],
    ]);
    expect(steps("count")[2]).toEqual([3, 0]);
  });

  test("steps are told apart by the interval, readings of the same time all count", () => {
    const series = open({ every: 1000, aggregate: "count" });
    const all = run(series, [at(0, 1), at(0, 2), at(1000, 3), at(1000, 4), at(1000, 5)]);
    expect(all).toEqual([["00:02.000", 3]]);
    expect(series.stepMilliseconds).toBe(1000);
  });

  test("a long silence is a jump, not a million steps", () => {
    let steps = 0;
    const series = open({ every: 1000 }, ["value"], () => steps++);
    for (const time of [0, 1000, 1e10, 1e10 + 1, 1e10 + 2, 1e10 + 3, 1e10 + 4]) series.push(at(time, 1), 0);
    expect(steps).toBe(2 + MAX_EMPTY);
    expect(series.counts["skipped-steps"]).toBe(1e7 - 2 - MAX_EMPTY);
  });
});

describe("state", () => {
  const variants: [string, SeriesOptions][] = [
    ["plain", {}],
    ["held back", { lateness: 5000 }],
    ["resampled", { every: 2500 }],
    ["held back and resampled", { lateness: 5000, every: 2500, aggregate: "max" }],
    ["counted steps", { steps: "count" }],
    ["auto", { model: "auto" }],
  ];
  const events: Observation[] = Array.from({ length: 60 }, (_, i) =>
    at(1000 * (i + ((i * 5) % 7) - (i % 11 === 0 ? 40 : 0)), i % 9 === 0 ? null : Math.sin(i) * 10),
  );

  test.each(variants)("%s: saved anywhere and restored, it goes on with the same bytes", (_name, options) => {
    const whole = open(options);
    const states: Uint8Array[] = [];
    const tails: string[] = [];
    for (const [i, event] of events.entries()) {
      states.push(whole.save());
      tails.push(JSON.stringify(whole.push(event, i)));
    }
    const end = JSON.stringify(whole.end());
    for (const from of [0, 1, 2, 17, 38, 59]) {
      const series = open(options);
      series.restore(states[from] as Uint8Array);
      expect(Buffer.compare(series.save(), states[from] as Uint8Array)).toBe(0);
      for (let i = from; i < events.length; i++) {
        expect(JSON.stringify(series.push(events[i] as Observation, i)), `from ${from}, event ${i}`).toBe(
          tails[i],
        );
      }
      expect(JSON.stringify(series.end())).toBe(end);
      expect(series.counts).toEqual(whole.counts);
      series.release();
    }
    whole.release();
  });

  test("foreign, torn or older bytes are refused by name", () => {
    const series = open();
    const state = series.save();
    expect(() => series.restore(new Uint8Array(3))).toThrow(
      "series state: expected at least 16 bytes, got 3",
    );
    expect(() => series.restore(new Uint8Array(100))).toThrow("series state: expected the state of a series");
    const older = state.slice();
    older[4] = 2;
    expect(() => series.restore(older)).toThrow('expected format 14, got "format 2"');
    expect(() => series.restore(state.subarray(0, 40))).toThrow("series state");
    const held = state.slice();
    new DataView(held.buffer).setFloat64(16 + 8 * (18 + 1 + 11 + 19 + 2), 1e300, true);
    expect(() => series.restore(held)).toThrow("expected at most 4096 events held back, got 1e+300");
    expect(() => open({ every: 1000 }).restore(state)).toThrow("series state");
  });

  test("a state with fewer numbers is refused by name, wherever it ends", () => {
    const options = { every: 1000, counter: ["value"], lateness: 2000 };
    const series = open(options);
    const state = series.save();
    const count = new DataView(state.buffer).getUint32(8, true);
    for (let n = 0; n < count; n++) {
      const cut = state.slice(0, 16 + 8 * n);
      new DataView(cut.buffer).setUint32(8, n, true);
      expect(() => open(options).restore(cut), `${n} numbers`).toThrow("series state: expected");
    }
    open(options).restore(state);
  });

  test("the specification is plain data and opens the same series", () => {
    const series = open({ lateness: 10, every: 1000, aggregate: "sum", detail: true, quantiles: [0.5] });
    const copy = new Series("s", JSON.parse(JSON.stringify(series.specification)), arena);
    expect(copy.specification).toEqual(series.specification);
  });
});

describe("quantiles", () => {
  const values = Array.from({ length: 60 }, (_, i) => Math.sin(i / 3) * 5 + ((i * 7919) % 13));
  const all = (options: SeriesOptions): Forecast[] => {
    const series = open({ model: "auto", horizon: 3, ...options });
    return values.flatMap((value, i) => told(series.push(at(i * 1000, value), i)));
  };

  test("by level in every step when asked for; when not, the fields and bytes of every forecast are without them", () => {
    const plain = all({});
    for (const { horizon } of plain) {
      for (const step of horizon)
        expect(Object.keys(step)).toEqual(["step", "time", "mean", "lower", "upper"]);
    }
    const asked = all({ quantiles: [0.9, 0.05, 0.5] });
    for (const { horizon } of asked) {
      for (const step of horizon) {
        expect(Object.keys(step)).toEqual(["step", "time", "mean", "lower", "upper", "quantiles"]);
        expect(Object.keys(step.quantiles ?? {})).toEqual(["0.05", "0.5", "0.9"]);
        const told = Object.values(step.quantiles ?? {});
        expect(told).toEqual([...told].sort((a, b) => a - b));
      }
    }
    const without = asked.map(({ horizon, ...rest }) => ({
      ...rest,
      horizon: horizon.map(({ quantiles: _, ...step }) => step),
    }));
    expect(without).toEqual(plain);
    expect(all({ quantiles: [] })).toEqual(plain);
    // After sixty labels the levels lie apart.
    const last = asked.at(-1)?.horizon[2]?.quantiles ?? {};
    expect(last["0.05"]).toBeLessThan(last["0.5"]);
    expect(last["0.5"]).toBeLessThan(last["0.9"]);
  });

  test("go on from saved bytes to the same bits", () => {
    const options: SeriesOptions = { model: "auto", horizon: 3, quantiles: [0.1, 0.5, 0.9] };
    const whole = open(options);
    for (let i = 0; i < 30; i++) whole.push(at(i * 1000, values[i]), i);
    const resumed = open(options);
    resumed.restore(whole.save());
    for (let i = 30; i < values.length; i++) {
      const event = at(i * 1000, values[i]);
      expect(JSON.stringify(resumed.push(event, i))).toBe(JSON.stringify(whole.push(event, i)));
    }
    expect(Buffer.compare(resumed.save(), whole.save())).toBe(0);
    expect(() => open({ ...options, quantiles: [0.1, 0.9] }).restore(whole.save())).toThrow(/checkpoint/);
  });
});

describe("never leaks", () => {
  test.each(["persistence", "auto"])("%s: altering the future alters no earlier forecast", (model) => {
    const all = (values: number[]): string[] => {
      const series = open({ model, horizon: 3, quantiles: [0.2, 0.8] });
      return values.map((value, i) => JSON.stringify(told(series.push(at(i * 1000, value), i))));
    };
    const values = Array.from({ length: 50 }, (_, i) => Math.sin(i / 3) * 5 + (i % 4));
    const before = all(values);
    const after = all(values.map((value, i) => (i < 30 ? value : 1e6 - value)));
    expect(after.slice(0, 30)).toEqual(before.slice(0, 30));
    expect(after.slice(30)).not.toEqual(before.slice(30));
  });
});

describe("values", () => {
  const finite = (forecasts: readonly Forecast[]): boolean =>
    forecasts.every(({ horizon }) =>
      horizon.every(
        (h) => [h.mean, h.lower, h.upper].every(Number.isFinite) && h.lower <= h.mean && h.mean <= h.upper,
      ),
    );

  test.each([
    ["constant", () => 5],
    ["zero", () => 0],
    ["huge", (i: number) => (i % 2 ? 1e300 : -1e300)],
    ["tiny", (i: number) => 1e-300 * (i % 5)],
    ["one spike", (i: number) => (i === 20 ? 1e12 : 1)],
    ["mostly missing", (i: number) => (i % 10 === 3 ? i : null)],
    ["never there", () => null],
  ] as [string, (i: number) => number | null][])("%s: forecasts are finite and ordered", (_name, value) => {
    const series = open({ model: "auto" });
    for (let i = 0; i < 60; i++) {
      const forecasts = told(series.push(at(i * 1000, value(i)), i));
      expect(finite(forecasts), `event ${i}: ${JSON.stringify(forecasts[0]?.horizon)}`).toBe(true);
    }
    series.release();
  });

  test("at the end of time the steps stay dates", () => {
    const series = open();
    series.push(at(8.64e15 - 1000, 1), 0);
    const forecasts = told(series.push(at(8.64e15, 1), 1));
    expect(forecasts[0]?.horizon[1]?.time).toBe("+275760-09-13T00:00:00.000Z");
  });

  test("counted steps: whatever the times of arrival, the same numbers", () => {
    const means = (times: (i: number) => number) => {
      const series = open({ steps: "count", model: "auto" });
      return Array.from({ length: 30 }, (_, i) =>
        series.push(at(times(i), Math.cos(i)), i).issues.map(({ targets }) => targets[0]?.mean),
      );
    };
    expect(means((i) => Math.floor(i / 3))).toEqual(means((i) => i * i * 1000));
  });
});
