import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { seeded } from "../../src/models/network/seeded.ts";
import { Counter } from "../../src/streams/counter.ts";
import { Series, type SeriesOptions } from "../../src/streams/series.ts";
import { told } from "../issues.ts";

const MINUTE = 60_000;

/** The unbroken totals of readings a minute apart; null where one is missing. */
function totals(readings: readonly (number | null)[], counter = new Counter(), first = 0): number[] {
  return readings.map((reading, i) => counter.take((first + i) * MINUTE, reading ?? Number.NaN));
}
const increments = (readings: readonly (number | null)[], counter?: Counter): number[] =>
  totals(readings, counter).map((total, i, all) => total - (all[i - 1] ?? 0));

describe("an unbroken total", () => {
  test("begins at 0 and grows by what is counted", () => {
    expect(totals([1000, 1003, 1003, 1010])).toEqual([0, 3, 3, 10]);
  });

  test("a missing reading, or many, loses nothing", () => {
    expect(totals([10, 12, null, null, 18, 20])).toEqual([0, 2, Number.NaN, Number.NaN, 8, 10]);
    const counter = new Counter();
    totals([10, 12], counter);
    expect(counter.take(3 * 86_400_000, 12 + 2 * 3 * 1440)).toBe(2 + 2 * 3 * 1440);
  });

  test.each([
    ["a process starts again and counts from 0", [500, 510, 520, 4, 14], [0, 10, 10, 4, 10], 1],
    ["a 32-bit counter wraps", [2 ** 32 - 25, 2 ** 32 - 15, 2 ** 32 - 5, 5, 15], [0, 10, 10, 10, 10], 1],
    ["a 16-bit counter wraps", [65_500, 65_520, 65_530, 4], [0, 20, 10, 10], 1],
    ["a meter of five digits turns over", [99_980, 99_990, 99_999, 8], [0, 10, 9, 9], 1],
    [
      "a big counter far from its end begins anew, which is no wrap",
      [3e9, 3e9 + 10, 3e9 + 20, 6, 16],
      [0, 10, 10, 6, 10],
      1,
    ],
    [
      "a meter is replaced by another: what was counted meanwhile is not known",
      [80_000, 80_010, 80_020, 41_000, 41_010],
      [0, 10, 10, 0, 10],
      1,
    ],
    ["the last digit hesitates", [215.6, 215.7, 215.6, 215.7, 215.8], [0, 0.1, -0.1, 0.1, 0.1], 0],
    [
      "0 while it restarts, then the total again",
      [3.737, 3.74, 3.743, 0, 3.746, 3.749],
      [0, 0.003, 0.003, 0, 0.003, 0.003],
      0,
    ],
    [
      "0 again and again, then the total",
      [549.7, 549.8, 0, 0, null, 0, 549.9, 550],
      [0, 0.1, 0, 0, NaN, NaN, 0.1, 0.1],
      0,
    ],
    [
      "one reading of something else",
      [264.3, 264.4, 264.5, 1554.3, 264.6, 264.7],
      [0, 0.1, 0.1, NaN, NaN, 0.1],
      0,
    ],
    ["much at once, and on from there", [10, 20, 30, 5000, 5010], [0, 10, 10, NaN, NaN], 0],
    ["nothing for long, then something", [7, 7, 7, 7, 12, 13], [0, 0, 0, 0, 5, 1], 0],
    [
      "off for a month, then the same total",
      [1400, 1401, null, null, 1401, 1402],
      [0, 1, NaN, NaN, NaN, 1],
      0,
    ],
  ] as const)("%s", (_, readings, expected, resets) => {
    const counter = new Counter();
    const steps = increments(readings, counter);
    expect(steps).toHaveLength(expected.length);
    for (const [i, step] of steps.entries()) {
      if (Number.isNaN(expected[i])) expect(step).toBeNaN();
      else expect(step).toBeCloseTo(expected[i] as number, 6);
    }
    expect(counter.resets).toBe(resets);
    // What is told is what the counter tells.
    const last = readings.at(-1) as number;
    expect(counter.take(readings.length * MINUTE, last) - counter.offset).toBeCloseTo(last, 6);
  });

  test("a jump is missing until the next reading goes on from it, and is then counted whole", () => {
    expect(totals([10, 20, 30, 5000, 5010])).toEqual([0, 10, 20, Number.NaN, 5000]);
    // A new beginning right after it is counted on top.
    expect(totals([10, 20, 30, 5000, 3])).toEqual([0, 10, 20, Number.NaN, 4993]);
  });

  test("readings in one millisecond are as far apart as the last ones", () => {
    const counter = new Counter();
    expect([0, 1000, 1000, 1000, 2000].map((time, i) => counter.take(time, i * 10))).toEqual([
      0, 10, 20, 30, 40,
    ]);
  });

  test("a daily load with new beginnings, gaps, zeros and spikes: only what fell between two readings is lost", () => {
    const random = seeded(7, "load");
    const counter = new Counter();
    let [truth, offset, most, said] = [0, 0, 0, 0];
    let began = 0;
    for (let t = 0; t < 5000; t++) {
      const step = 100 * (1.1 + Math.sin((2 * Math.PI * t) / 1440)) * random();
      if (random() < 1 / 400) {
        offset = truth;
        began++;
      }
      truth += step;
      most = Math.max(most, step);
      const fault = random();
      let reading = truth - offset;
      if (fault < 0.03) reading = Number.NaN;
      else if (fault < 0.033) reading = 0;
      else if (fault < 0.036) reading += 1e7;
      const total = counter.take(t * MINUTE, reading);
      if (!Number.isNaN(total)) said = total;
    }
    expect(began).toBeGreaterThan(5);
    expect(Math.abs(said - truth)).toBeLessThan(3 * began * most);
    expect(said / truth).toBeCloseTo(1, 1);
  });

  test("saved anywhere and restored, it goes on to the same bits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.oneof(fc.nat(100), fc.nat(5_000_000_000))), { minLength: 2, maxLength: 30 }),
        fc.nat(29),
        (readings, cut) => {
          const whole = new Counter();
          const expected = totals(readings, whole);
          const before = new Counter();
          const at = Math.min(cut, readings.length);
          const begun = totals(readings.slice(0, at), before);
          const after = new Counter();
          const state = Float64Array.from(before.save());
          expect(after.restore(state)).toBe(state.length);
          expect([...begun, ...totals(readings.slice(at), after, at)]).toEqual(expected);
          expect(after.save()).toEqual(whole.save());
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("a series of a counter", () => {
  const arena = new Arena({ bankBytes: 2 ** 22 });
  const open = (options: SeriesOptions = {}) =>
    new Series("meter", { horizon: 2, model: "persistence", counter: true, ...options }, arena);
  const push = (series: Series, i: number, value: number | null) =>
    told(series.push({ series: "meter", time: i * MINUTE, values: { value } }, i))[0];
  const means = (forecast: ReturnType<typeof push>) => forecast?.horizon.map(({ mean }) => mean);

  test("says totals as the counter tells them, before and after it begins anew", () => {
    const series = open();
    for (const [i, value] of [100, 110, 120].entries()) push(series, i, value);
    expect(means(push(series, 3, 130))).toEqual([140, 150]);
    expect(means(push(series, 4, 10))).toEqual([20, 30]);
    // Missing: on from where it must be by now.
    expect(means(push(series, 5, null))).toEqual([30, 40]);
    expect(means(push(series, 6, 30))).toEqual([40, 50]);
    expect(series.counts).toMatchObject({ resets: 1, taken: 7 });
  });

  test("resampled: the total of an interval is its last, whatever the aggregate, and is told as of then", () => {
    const series = open({ every: 2 * MINUTE, aggregate: "mean" });
    for (const [i, value] of [100, 105, 110, 115].entries()) push(series, i, value);
    expect(means(push(series, 4, 120))).toEqual([125, 135]);
    push(series, 5, 125);
    // The interval 120, 125 is closed by the first reading after the counter began anew.
    expect(means(push(series, 6, 5))).toEqual([135, 145]);
    push(series, 7, 10);
    expect(means(push(series, 8, 15))).toEqual([20, 30]);
  });

  test("saved anywhere and restored, it goes on with the same bytes", () => {
    const readings = [5, 9, null, 14, 2, 4, 900, 7, 0, 9, 12, 15];
    for (const every of [0, 3 * MINUTE]) {
      for (let cut = 1; cut < readings.length; cut++) {
        const [whole, before, after] = [open({ every }), open({ every }), open({ every })];
        for (const [i, value] of readings.slice(0, cut).entries()) {
          push(whole, i, value);
          push(before, i, value);
        }
        after.restore(before.save());
        expect(after.counts).toEqual(whole.counts);
        for (let i = cut; i < readings.length; i++) {
          const value = readings[i] as number | null;
          expect(JSON.stringify(push(after, i, value))).toBe(JSON.stringify(push(whole, i, value)));
        }
        for (const series of [whole, before, after]) series.release();
      }
    }
  });

  test("readings without times of their own, all at once, are paced by their number", () => {
    const series = open({ steps: "count" });
    for (let i = 0; i < 50; i++) series.push({ series: "meter", time: 5, values: { value: 10 * i } }, i);
    expect(
      told(series.push({ series: "meter", time: 5, values: { value: 500 } }, 50))[0]?.horizon[0]?.mean,
    ).toBe(510);
  });
});
