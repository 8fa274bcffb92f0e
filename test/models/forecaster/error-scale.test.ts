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

/** The same from the formula: sizes and losses after every number of labels, then the mixture of those known at each event. */
function written(errors: readonly number[], h: number): number[] {
  const running = (values: readonly number[], memory: number): number[] => {
    const means = [0];
    for (const [i, v] of values.entries())
      means.push(means[i] + Math.max(1 / (i + 1), 1 / memory) * (v - means[i]));
    return means;
  };
  const after = MEMORIES.map((memory) => running(errors.map(Math.abs), memory));
  // The forecast of error i was issued when i - h + 1 labels were known.
  const issued = (i: number, j: number): number => after[j][Math.max(0, i - h + 1)];
  const judged = errors.map((_, i) => i).filter((i) => issued(i, 0) > 0);
  const losses = MEMORIES.map((_, j) =>
    running(
      judged.map((i) => Math.log(issued(i, j)) + Math.min(Math.abs(errors[i]) / issued(i, j), 10)),
      1000,
    ),
  );
  return errors.map((_, t) => {
    const n = Math.max(0, t - h + 1);
    const known = judged.filter((i) => i < n).length;
    const least = Math.min(...losses.map((one) => one[known]));
    const w = losses.map((one) => Math.exp(-Math.min(n / Math.sqrt(h), 1000) * (one[known] - least)));
    const total = w.reduce((x, y) => x + y);
    return after.reduce((sum, one, j) => sum + w[j] * one[n], 0) / total;
  });
}

/** Mean Laplace loss of sizes issued for `errors`, from `first` on. */
const loss = (issued: readonly number[], errors: readonly number[], first = 2000): number =>
  errors
    .slice(first)
    .reduce((sum, e, i) => sum + Math.log(issued[first + i]) + Math.abs(e) / issued[first + i], 0) /
  (errors.length - first);

/** Sizes by one memory alone, as issued before each error. */
function alone(errors: readonly number[], memory: number): number[] {
  let size = 0;
  return errors.map((e, n) => {
    const issued = size;
    size += Math.max(1 / (n + 1), 1 / memory) * (Math.abs(e) - size);
    return issued;
  });
}

describe("the scale of errors", () => {
  it("is the mixture of running means written out, at near and far steps", () => {
    const normal = normals(1);
    // Zeros first, an outlier now and then, and longer than labels are remembered or compared.
    const errors = Array.from({ length: 2600 }, (_, t) =>
      t < 5 ? 0 : normal() * (t > 60 ? 5 : 1) * (t % 97 === 0 ? 40 : 1),
    );
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

  it("is about as likely as the best of its memories, whichever that is", () => {
    const normal = normals(3);
    let level = 0;
    for (const [best, deviation] of [
      [640, () => 1],
      [40, (t: number) => (Math.floor(t / 1000) % 2 ? 3 : 1)],
      [
        10,
        () => {
          level = 0.95 * level + 0.4 * normal();
          return Math.exp(level);
        },
      ],
    ] as const) {
      const errors = Array.from({ length: 6000 }, (_, t) => deviation(t) * normal());
      const own = loss(sizes(errors), errors);
      const one = MEMORIES.map((memory) => loss(alone(errors, memory), errors));
      expect(MEMORIES[one.indexOf(Math.min(...one))]).toBe(best);
      expect(own - Math.min(...one)).toBeLessThan(0.01);
      expect(Math.max(...one) - own).toBeGreaterThan(0.01);
    }
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
