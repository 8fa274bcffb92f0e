import { describe, expect, it } from "vitest";
import { ErrorScale, SIZES } from "../../../src/models/forecaster/error-scale.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { normals } from "./series.ts";

const MEMORIES = [10, 40, 160, 640];

/** Runs errors through the scale of step h, each learned h events after its issue; the size issued at every event. */
function sizes(errors: readonly number[], h = 1): number[] {
  const layout = new Layout(new Arena());
  const scale = new ErrorScale(layout, { targets: 2, columns: 2, horizon: 3 });
  layout.allocate();
  const issued: Float64Array[] = [];
  return errors.map((_, t) => {
    if (t >= h) scale.learn(h, 1, errors[t - h], issued[t - h], 1, 2);
    issued.push(new Float64Array(1 + 2 * SIZES));
    return scale.issue(h, 1, issued[t], 1, 2);
  });
}

/** The same from the formula, whole histories at a time. */
function written(errors: readonly number[], h: number): number[] {
  const running = (values: readonly number[], memory: number): number =>
    values.reduce((mean, v, i) => mean + Math.max(1 / (i + 1), 1 / memory) * (v - mean), 0);
  const at = (n: number): number[] => MEMORIES.map((m) => running(errors.slice(0, n).map(Math.abs), m));
  return errors.map((_, t) => {
    const n = Math.max(0, t - h + 1);
    const losses = MEMORIES.map((_m, j) => {
      const judged: number[] = [];
      for (let i = 0; i < n; i++) {
        const then = at(Math.max(0, i - h + 1))[j];
        if (then > 0) judged.push(Math.log(then) + Math.min(Math.abs(errors[i]) / then, 10));
      }
      return running(judged, 1000);
    });
    const least = Math.min(...losses);
    const w = losses.map((loss) => Math.exp(-Math.min(n / Math.sqrt(h), 1000) * (loss - least)));
    const total = w.reduce((a, b) => a + b);
    return at(n).reduce((sum, size, j) => sum + w[j] * size, 0) / total;
  });
}

describe("the scale of errors", () => {
  it("is the mixture of running means written out, at near and far steps", () => {
    const normal = normals(1);
    const errors = Array.from({ length: 120 }, (_, t) => normal() * (t > 60 ? 5 : 1));
    for (const h of [1, 3]) {
      const expected = written(errors, h);
      for (const [t, size] of sizes(errors, h).entries())
        expect(size, `${h} ${t}`).toBeCloseTo(expected[t], 9);
    }
  });

  it("remembers long where errors are alike and short where they cluster", () => {
    const normal = normals(2);
    const mad = Math.sqrt(2 / Math.PI);
    const alike = sizes(Array.from({ length: 4000 }, () => normal()));
    // A memory of 10 would be off by a quarter, one of 640 by three per cent.
    let off = 0;
    for (const size of alike.slice(2000)) off += Math.abs(size / mad - 1) / 2000;
    expect(off).toBeLessThan(0.06);
    let level = 0;
    const deviations: number[] = [];
    const clustered = sizes(
      Array.from({ length: 4000 }, () => {
        level = 0.95 * level + 0.4 * normal();
        deviations.push(Math.exp(level));
        return Math.exp(level) * normal();
      }),
    );
    const correlation = pearson(clustered.slice(2000).map(Math.log), deviations.slice(2000).map(Math.log));
    expect(correlation).toBeGreaterThan(0.7);
  });

  it("is finite whatever comes", () => {
    for (const size of sizes([0, 0, 0, 1e50, -1e50, 0, 1e-300, 5e-324, 1, ...new Array(3000).fill(0), 2]))
      expect(Number.isFinite(size) && size >= 0).toBe(true);
  });
});

function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (v: readonly number[]): number => v.reduce((x, y) => x + y) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((v, i) => {
    ab += (v - ma) * (b[i] - mb);
    aa += (v - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}
