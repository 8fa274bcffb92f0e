import { describe, expect, it } from "vitest";
import { ErrorQuantiles } from "../../../src/models/forecaster/error-quantiles.ts";
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

/** Runs errors through quantiles around 0; calls `after` with the issued quantiles and the label. */
function run(
  levels: readonly number[],
  error: (t: number) => number,
  length: number,
  after: (issued: Float64Array, y: number, t: number) => void,
): void {
  const quantiles = open(levels);
  for (let t = 0; t < length; t++) {
    const issued = Float64Array.from(levels, (_, k) => quantiles.offset(1, 0, k));
    const y = error(t);
    after(issued, y, t);
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
        for (const count of counts)
          expect(Math.abs(count / 2000 - levels[k]), `${levels[k]}`).toBeLessThan(0.03);
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

  it("begin as those of normal errors, with the first error as their size", () => {
    const quantiles = open([0.05, 0.5, 0.95]);
    for (let k = 0; k < 3; k++) expect(quantiles.offset(1, 0, k)).toBeCloseTo(0, 12);
    // A label above all three moves each up by 0.05 p.
    quantiles.learn(1, 0, 10, Float64Array.of(10, 10, 10), 0, 1, 14);
    const mad = Math.sqrt(2 / Math.PI);
    for (const [k, factor] of [-1.6449 / mad + 0.0025, 0.025, 1.6449 / mad + 0.0475].entries()) {
      expect(quantiles.offset(1, 0, k) / 4).toBeCloseTo(factor, 2);
    }
  });

  it("move by the level for a label above, by the rest for one below, and tell cells apart", () => {
    const quantiles = open([0.2, 0.7], { targets: 2, columns: 2, horizon: 2 });
    const before = [0, 1].map((k) => {
      quantiles.learn(2, 1, 0, Float64Array.of(0, 0), 0, 1, 1);
      return quantiles.offset(2, 1, k);
    });
    expect(before.every(Number.isFinite)).toBe(true);
    const [low, high] = [quantiles.offset(2, 1, 0), quantiles.offset(2, 1, 1)];
    // Issued at -1 and 1 with a stride of 2: the label 0 in between is above the one and below the other.
    quantiles.learn(2, 1, 1, Float64Array.of(9, -1, 9, 1), 1, 2, 0);
    expect(quantiles.offset(2, 1, 0) - low).toBeCloseTo(0.05 * 0.2, 12);
    expect(quantiles.offset(2, 1, 1) - high).toBeCloseTo(-0.05 * 0.3, 12);
    expect([quantiles.labels(2, 1), quantiles.labels(2, 0), quantiles.labels(1, 1)]).toEqual([3, 0, 0]);
    expect(quantiles.offset(2, 0, 1)).toBe(0);
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
