import { describe, expect, it } from "vitest";
import { ErrorQuantiles } from "../../../src/models/forecaster/error-quantiles.ts";
import { ErrorScale, SIZES } from "../../../src/models/forecaster/error-scale.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { normals } from "./series.ts";

const SHAPE = { targets: 1, columns: 1, horizon: 1 };

const open = (levels: readonly number[], shape = SHAPE): ErrorQuantiles => {
  const layout = new Layout(new Arena());
  const quantiles = new ErrorQuantiles(layout, shape, levels);
  layout.allocate();
  return quantiles;
};

/** Runs errors through the scale and quantiles around 0; calls `after` with the issued quantiles and the label. */
function run(
  levels: readonly number[],
  error: (t: number) => number,
  length: number,
  after: (issued: Float64Array, y: number, t: number) => void,
): void {
  const layout = new Layout(new Arena());
  const scale = new ErrorScale(layout, SHAPE);
  const quantiles = new ErrorQuantiles(layout, SHAPE, levels);
  layout.allocate();
  const sizes = new Float64Array(SIZES);
  for (let t = 0; t < length; t++) {
    const size = scale.issue(1, 0, sizes, 0, 1);
    const issued = Float64Array.from(levels, (_, k) => quantiles.offset(1, 0, k, size));
    const y = error(t);
    after(issued, y, t);
    scale.learn(1, 0, y, sizes, 0, 1);
    quantiles.learn(1, 0, 0, issued, 0, 1, y);
  }
}

describe("quantiles of errors", () => {
  const levels = [0.02, 0.1, 0.25, 0.5, 0.9, 0.99];

  it("have the share of labels below them that they say, in every quarter, whatever the errors do", () => {
    const normal = normals(1);
    for (const error of [
      () => normal(),
      (t: number) => normal() * (1 + 9 * Math.floor(t / 2000)),
      (t: number) => normal() + t / 4000,
      () => Math.exp(normal()) - 1,
    ]) {
      const quarters = levels.map(() => [0, 0, 0, 0]);
      run(levels, error, 8000, (issued, y, t) => {
        for (const [k, counts] of quarters.entries()) counts[Math.floor(t / 2000)] += y <= issued[k] ? 1 : 0;
      });
      for (const [k, counts] of quarters.entries()) {
        for (const [quarter, count] of counts.entries()) {
          // From those of normal errors, the far tail of lopsided ones is a long way: 0.04 in the first quarter.
          const within = quarter === 0 && levels[k] > 0.98 ? 0.04 : 0.03;
          expect(Math.abs(count / 2000 - levels[k]), `${levels[k]} ${quarter}`).toBeLessThan(within);
        }
      }
    }
  });

  it("lie where the quantiles of the errors are", () => {
    const normal = normals(2);
    const sums = levels.map(() => 0);
    run(
      levels,
      () => 3 * normal(),
      12_000,
      (issued, _, t) => {
        if (t >= 2000) for (let k = 0; k < sums.length; k++) sums[k] += issued[k] / 10_000;
      },
    );
    for (const [k, exact] of [-2.0537, -1.2816, -0.6745, 0, 1.2816, 2.3263].entries()) {
      expect(Math.abs(sums[k] / 3 - exact), `${levels[k]}`).toBeLessThan(0.15);
    }
  });

  it("begin as those of normal errors of mean size 1", () => {
    const quantiles = open([0.05, 0.5, 0.95]);
    const mad = Math.sqrt(2 / Math.PI);
    for (const [k, exact] of [-1.6449 / mad, 0, 1.6449 / mad].entries())
      expect(quantiles.offset(1, 0, k, 1)).toBeCloseTo(exact, 2);
    expect(quantiles.offset(1, 0, 2, 4)).toBe(4 * quantiles.offset(1, 0, 2, 1));
  });

  it("move by the level for a label above, by the rest for one below, less at far steps, and tell cells apart", () => {
    const quantiles = open([0.2, 0.7], { targets: 2, columns: 2, horizon: 16 });
    for (const h of [1, 16]) {
      const [low, high] = [quantiles.offset(h, 1, 0, 1), quantiles.offset(h, 1, 1, 1)];
      const other = quantiles.offset(h, 0, 0, 1);
      // Issued at -1 and 1 with a stride of 2: the label 0 in between is above the one and below the other.
      quantiles.learn(h, 1, 5, Float64Array.of(9, -1, 9, 1), 1, 2, 0);
      const rate = h === 1 ? 0.03 : 0.015;
      expect(quantiles.offset(h, 1, 0, 1) - low).toBeCloseTo(rate * 0.2, 12);
      expect(quantiles.offset(h, 1, 1, 1) - high).toBeCloseTo(-rate * 0.3, 12);
      expect(quantiles.offset(h, 0, 0, 1)).toBe(other);
    }
  });

  it("stand still while there is no error at all, and are there when errors come", () => {
    const normal = normals(7);
    let held = 0;
    run(
      [0.05, 0.95],
      (t) => (t < 3000 ? 0 : normal()),
      3500,
      ([lower, upper], y, t) => {
        if (t >= 3000 && y >= lower && y <= upper) held += 1 / 500;
      },
    );
    expect(held).toBeGreaterThan(0.85);
    expect(held).toBeLessThan(0.95);
  });

  it("of mirrored errors are mirrored, bit by bit", () => {
    const normal = normals(3);
    const errors = Array.from({ length: 2000 }, () => Math.exp(normal()) - 1);
    const [one, other]: number[][][] = [[], []];
    const pair = [0.1, 0.3, 0.7, 0.9];
    run(
      pair,
      (t) => errors[t],
      2000,
      (issued) => one.push([...issued]),
    );
    run(
      pair,
      (t) => -errors[t],
      2000,
      (issued) => other.push([...issued].reverse().map((v) => -v)),
    );
    expect(other).toEqual(one);
  });
});
