import { describe, expect, it } from "vitest";
import { ErrorScale, SIZES } from "../../../src/models/forecaster/error-scale.ts";
import { type IntervalRule, Intervals } from "../../../src/models/forecaster/intervals.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import { normals } from "./series.ts";

/** Runs errors through intervals around 0 and returns the share held per quarter and the mean width. */
function run(
  errors: (t: number) => number,
  length: number,
  coverage = 0.9,
  rule?: IntervalRule,
): { quarters: number[]; width: number } {
  const layout = new Layout(new Arena());
  const shape = { targets: 1, columns: 1, horizon: 1 };
  const scale = new ErrorScale(layout, shape);
  const intervals = new Intervals(layout, shape, coverage, rule);
  layout.allocate();
  const sizes = new Float64Array(SIZES);
  const quarters = [0, 0, 0, 0];
  let width = 0;
  for (let t = 0; t < length; t++) {
    const size = scale.issue(1, 0, sizes, 0, 1);
    const [lower, upper] = [-intervals.below(1, 0, size), intervals.above(1, 0, size)];
    const y = errors(t);
    if (y >= lower && y <= upper) quarters[Math.floor((4 * t) / length)] += 4 / length;
    width += (upper - lower) / length;
    scale.learn(1, 0, y, sizes, 0, 1);
    intervals.learn(1, 0, 0, Float64Array.of(lower, upper), 0, 1, y);
  }
  return { quarters, width };
}

describe("intervals", () => {
  it("hold what they say, at the width it takes", () => {
    const normal = normals(1);
    const { quarters, width } = run(() => normal(), 8000);
    for (const share of quarters) expect(Math.abs(share - 0.9)).toBeLessThan(0.02);
    // The exact width is 2 × 1.645.
    expect(width).toBeLessThan(3.29 * 1.05);
  });

  it("of the published rule to compare with hold it too, through no more than the largest error", () => {
    const normal = normals(6);
    let largest = 0;
    const { quarters, width } = run(
      () => {
        const y = normal();
        largest = Math.max(largest, Math.abs(y));
        return y;
      },
      8000,
      0.9,
      "aci",
    );
    for (const share of quarters) expect(Math.abs(share - 0.9)).toBeLessThan(0.02);
    expect(width).toBeLessThan(3.29 * 1.1);
    expect(width).toBeLessThan(2 * largest);
  });

  it("hold it under drift of the size, of the bias and with lopsided errors", () => {
    const normal = normals(2);
    for (const errors of [
      (t: number) => normal() * (1 + 9 * Math.floor(t / 2000)),
      (t: number) => normal() + t / 4000,
      () => Math.exp(normal()) - 1,
    ]) {
      for (const share of run(errors, 8000).quarters) expect(Math.abs(share - 0.9)).toBeLessThan(0.03);
    }
  });

  it("hold another share when asked", () => {
    const normal = normals(3);
    for (const share of run(() => normal(), 8000, 0.5).quarters)
      expect(Math.abs(share - 0.5)).toBeLessThan(0.03);
  });

  it("report the share held, null before a label", () => {
    const layout = new Layout(new Arena());
    const intervals = new Intervals(layout, { targets: 1, columns: 1, horizon: 2 }, 0.9);
    layout.allocate();
    expect(intervals.coverage(2, 0)).toBeNull();
    const issued = Float64Array.of(-1, 1);
    intervals.learn(2, 0, 0, issued, 0, 1, 0.5);
    intervals.learn(2, 0, 0, issued, 0, 1, 5);
    expect(intervals.coverage(2, 0)).toBe(0.5);
  });

  it("are those of the two-sided rule written out, bit by bit, through ties and stretches without an error", () => {
    const normal = normals(4);
    const random = seeded(4, "test");
    for (const [coverage, deviations] of [
      [0.9, 1.644854],
      [0.5, 0.67449],
      [0.77, 1.200359],
    ]) {
      const layout = new Layout(new Arena());
      const intervals = new Intervals(layout, { targets: 1, columns: 1, horizon: 1 }, coverage);
      layout.allocate();
      const tail = (1 - coverage) / 2;
      let [below, above] = [intervals.below(1, 0, 1), intervals.above(1, 0, 1)];
      // Those of normal errors over their mean size, within the error of the approximation.
      for (const first of [below, above])
        expect(Math.abs(first - deviations * Math.sqrt(Math.PI / 2))).toBeLessThan(6e-4);
      for (let t = 0; t < 6000; t++) {
        const mean = 10 * normal();
        const size = 1 + random();
        const lower = mean - Math.max(0, below * size);
        const upper = mean + Math.max(0, above * size);
        expect(mean - intervals.below(1, 0, size)).toBe(lower);
        expect(mean + intervals.above(1, 0, size)).toBe(upper);
        const still = t < 900 || (t > 2000 && t < 2900);
        const y = still ? mean : random() < 0.05 ? lower : random() < 0.05 ? upper : mean + normal();
        intervals.learn(1, 0, mean, Float64Array.of(lower, upper), 0, 1, y);
        if (y === mean) continue;
        below += 0.03 * ((y < lower ? 1 : 0) - tail);
        above += 0.03 * ((y > upper ? 1 : 0) - tail);
      }
    }
  });
});
