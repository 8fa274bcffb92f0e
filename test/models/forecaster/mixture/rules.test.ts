import { Matrix, solve } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { Choice } from "../../../../src/models/forecaster/mixture/choice.ts";
import { InverseError } from "../../../../src/models/forecaster/mixture/inverse-error.ts";
import { Polynomial } from "../../../../src/models/forecaster/mixture/polynomial.ts";
import { Stacking } from "../../../../src/models/forecaster/mixture/stacking.ts";
import { Arena, type ArenaOptions } from "../../../../src/models/kernels/arena.ts";
import { Layout } from "../../../../src/models/kernels/layout.ts";
import { normals } from "../series.ts";

function made<T>(build: (layout: Layout) => T, options: ArenaOptions = {}): T {
  const layout = new Layout(new Arena(options));
  const built = build(layout);
  layout.allocate();
  return built;
}

describe("inverse error", () => {
  it("weighs by the fourth power of the inverse discounted squared error", () => {
    const rule = made((layout) => new InverseError(layout, "rule", 2, 2, 0.5));
    rule.takeErrors(1, Float64Array.of(1, 2));
    rule.takeErrors(1, Float64Array.of(1, 0));
    // Losses 1.5 and 2.
    rule.weigh(1);
    const ratio = (1.5 / 2) ** 4;
    expect(rule.w[0]).toBeCloseTo(1 / (1 + ratio), 12);
    rule.weigh(0);
    expect([...rule.w]).toEqual([0.5, 0.5]);
  });
});

describe("ML-Poly", () => {
  it("finds the best expert, and the best convex combination of two that err oppositely", () => {
    const normal = normals(1);
    const rule = made((layout) => new Polynomial(layout, "rule", 1, 3));
    for (let t = 0; t < 4000; t++) {
      rule.weigh(0);
      // y = 0: the first two err by the same noise with opposite signs, the third is far off.
      const e = normal();
      const errors = Float64Array.of(e, -e + 0.1 * normal(), 3 + normal());
      rule.takeErrors(
        0,
        errors,
        errors.reduce((sum, error, m) => sum + rule.w[m] * error, 0),
      );
    }
    rule.weigh(0);
    expect(rule.w[0]).toBeCloseTo(0.5, 1);
    expect(rule.w[2]).toBeLessThan(0.05);
    expect(rule.w.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });
});

describe("stacking", () => {
  for (const backend of ["wasm", "reference64"] as const) {
    it(`equals the batch solution of its discounted, shrunk least squares (${backend})`, () => {
      const normal = normals(2);
      const K = 5;
      const [memory, ridge, h] = [80, 0.1, 3];
      const layout = new Layout(new Arena({ backend }));
      const x = layout.float64("x", K);
      const stack = new Stacking(layout, "stack", 2, K + 1, { memory, ridge, positive: false });
      layout.allocate();
      const gamma = 1 - 1 / (memory + 20 * h);
      const A = Matrix.zeros(K, K);
      const b = Matrix.zeros(K, 1);
      const prior = Float64Array.of(0.5, 0.1, 0.1, 0.1, 0.1, 0.1);
      for (let t = 0; t < 300; t++) {
        for (let i = 0; i < K; i++) x.view[i] = normal();
        const y = x.view[0] - 0.4 * x.view[3] + 0.3 * normal();
        stack.learn(1, h, x, y);
        const column = Matrix.columnVector([...x.view]);
        A.mul(gamma).add(column.mmul(column.transpose()));
        b.mul(gamma).add(column.mul(y));
      }
      const rho = (ridge * A.trace()) / K;
      const shrunk = Matrix.add(A, Matrix.eye(K).mul(rho));
      const target = Matrix.add(b, Matrix.columnVector([...prior].slice(1)).mul(rho));
      const w = solve(shrunk, target).to1DArray();
      stack.sweep(1, prior, 400);
      const out = new Float64Array(K + 1);
      stack.addWeights(out, 1, 1);
      for (let i = 0; i < K; i++) expect(out[i + 1]).toBeCloseTo(w[i], 9);
      expect(out.reduce((a, c) => a + c)).toBeCloseTo(1, 12);
      const probe = Float64Array.of(1, 2, 3, 4, 5);
      expect(stack.combine(1, probe)).toBeCloseTo(
        w.reduce((sum, v, i) => sum + v * probe[i], 0),
        8,
      );
    });
  }

  it("keeps weights from being negative when asked", () => {
    const layout = new Layout(new Arena());
    const x = layout.float64("x", 2);
    const stack = new Stacking(layout, "stack", 1, 3, { memory: 100, ridge: 0.01, positive: true });
    layout.allocate();
    const normal = normals(3);
    for (let t = 0; t < 200; t++) {
      x.view[0] = normal();
      x.view[1] = normal();
      stack.learn(0, 1, x, x.view[0] - x.view[1]);
    }
    stack.sweep(0, Float64Array.of(0.4, 0.3, 0.3), 50);
    const out = new Float64Array(3);
    stack.addWeights(out, 0, 1);
    expect(out[1]).toBeGreaterThan(0.9);
    expect(out[2]).toBe(0);
  });
});

describe("the choice among rules", () => {
  it("lets the steps around speak for a step", () => {
    const choice = made((layout) => new Choice(layout, "choice", 8, 1, 3));
    for (let t = 0; t < 60; t++) {
      for (let h = 1; h <= 8; h++) choice.takeErrors(h, 0, Float64Array.of(1, 0.9, h === 6 ? 0.89 : 1.1));
    }
    choice.pool(6);
    choice.weigh(6, 0);
    // Rule 2 was lucky at step 6 alone.
    expect(choice.w[1]).toBeGreaterThan(choice.w[2]);
  });

  it("prefers persistence until another rule has shown a gain, and pools what targets say", () => {
    const choice = made((layout) => new Choice(layout, "choice", 4, 2, 2));
    choice.pool(4);
    choice.weigh(4, 0);
    expect(choice.w[0]).toBe(choice.w[1]);
    for (let t = 0; t < 400; t++) choice.takeErrors(4, 0, Float64Array.of(1, 0.5));
    choice.pool(4);
    choice.weigh(4, 0);
    expect(choice.w[1]).toBeGreaterThan(0.99);
    // Target 1 has no label yet: half the evidence is target 0's.
    choice.weigh(4, 1);
    expect(choice.w[1]).toBeGreaterThan(0.99);
    expect(choice.size(4, 1)).toBe(0);
    expect(choice.size(4, 0)).toBeGreaterThan(0);
  });

  it("weighs by the formula written out: all steps, targets and both memories", () => {
    const normal = normals(5);
    const [H, D, R, labels] = [8, 2, 4, 230];
    const choice = made((layout) => new Choice(layout, "choice", H, D, R));
    const history: number[][][][] = Array.from({ length: H }, () => [[], []]);
    for (let t = 0; t < labels; t++) {
      for (let h = 1; h <= H; h++) {
        for (let d = 0; d < D; d++) {
          const errors = Array.from({ length: R }, (_, r) => (1 - 0.05 * r * (d + 1)) * normal());
          // Target 1 has fewer labels: the power goes by the one that has most.
          if (d === 1 && t % 3 === 0) continue;
          history[h - 1][d].push(errors);
          choice.takeErrors(h, d, Float64Array.from(errors));
        }
      }
    }
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
    const evidence = (memory: number, h: number, d: number): number[] => {
      const [base, perStep] = memory === 0 ? [300, 10] : [2000, 40];
      const kept = (n: number): number => 1 - 1 / Math.min(base + perStep * h, Math.max(10, n / 4, n - 150));
      const logs = Array.from({ length: R }, (_, r) =>
        Math.log(history[h - 1][d].reduce((sum, errors, i) => kept(i + 1) * sum + errors[r] ** 2, 0)),
      );
      const own = logs.map((v) => v - mean(logs));
      if (h === 1) return own;
      // Few labels of a step are drawn towards what is known of the step before.
      const before = evidence(memory, h - 1, d);
      const share = 1 / (1 + (history[h - 1][d].length / 10) ** 2);
      return own.map((v, r) => v + share * (before[r] - v));
    };
    const smoothed = (memory: number, h: number, d: number): number[] => {
      const around: number[][] = [];
      for (let other = 1; other <= H; other++)
        if (Math.abs(other - h) <= Math.round(h / 2)) around.push(evidence(memory, other, d));
      return evidence(memory, h, d).map((v, r) => 0.5 * v + 0.5 * mean(around.map((x) => x[r])));
    };
    for (let h = 1; h <= H; h++) {
      choice.pool(h);
      for (let d = 0; d < D; d++) {
        choice.weigh(h, d);
        const expected = new Array<number>(R).fill(0);
        for (const memory of [0, 1]) {
          const each = [0, 1].map((target) => smoothed(memory, h, target));
          const raw = each[d].map((v, r) => {
            const x = 0.5 * v + 0.5 * mean(each.map((one) => one[r]));
            const power = Math.min(32, (labels - 150) / (2 * Math.sqrt(h)));
            return Math.exp(-power * (x + (r > 0 ? Math.sqrt(h / (labels - 150)) : 0)));
          });
          for (let r = 0; r < R; r++) expected[r] += raw[r] / mean(raw) / R / 2;
        }
        for (let r = 0; r < R; r++) expect(choice.w[r], `${h} ${d} ${r}`).toBeCloseTo(expected[r], 9);
      }
    }
  });

  it("takes the rule that is best by itself", () => {
    const choice = made((layout) => new Choice(layout, "choice", 4, 2, 5));
    for (let t = 0; t < 400; t++) {
      for (let h = 1; h <= 4; h++)
        for (let d = 0; d < 2; d++) choice.takeErrors(h, d, Float64Array.of(1, 0.95, 0.7, 0.9, 0.85));
    }
    for (let h = 1; h <= 4; h++) {
      choice.pool(h);
      choice.weigh(h, 1);
      expect(choice.w[2]).toBeGreaterThan(0.98);
    }
  });

  it("forgets the errors of the start, when everything was still being learned", () => {
    const choice = made((layout) => new Choice(layout, "choice", 1, 1, 3));
    for (let t = 0; t < 40; t++) choice.takeErrors(1, 0, Float64Array.of(10, 5, 20));
    for (let t = 0; t < 300; t++) choice.takeErrors(1, 0, Float64Array.of(1, 0.9, 0.6));
    choice.pool(1);
    choice.weigh(1, 0);
    expect(choice.w[2]).toBeGreaterThan(0.9);
  });

  it("begins with all rules alike, and asks of them what chance would give before it leaves persistence", () => {
    const choice = made((layout) => new Choice(layout, "choice", 4, 1, 5));
    const weigh = (h: number) => {
      choice.pool(h);
      choice.weigh(h, 0);
    };
    for (const h of [1, 4]) {
      weigh(h);
      expect(new Set(choice.w).size).toBe(1);
    }
    for (let t = 0; t < 36; t++) choice.takeErrors(4, 0, Float64Array.of(1, 1, 1, 1, 1));
    weigh(4);
    // Ten of 36 labels are remembered: 10 / 2√4 powers of √(4 / 10).
    expect(choice.w[0] / choice.w[1]).toBeCloseTo(Math.exp(2.5 * Math.sqrt(0.4)), 12);
  });

  it("grows sharper with the labels remembered: m / 2√h powers of the ratio of squared errors, 32 at most", () => {
    for (const [labels, remembered, h] of [
      [0, 0, 1],
      [10, 10, 1],
      [10, 10, 4],
      [100, 25, 4],
      [200, 50, 4],
      [900, 750, 4],
    ]) {
      const choice = made((layout) => new Choice(layout, "choice", 4, 1, 3));
      for (let t = 0; t < labels; t++)
        for (let step = 1; step <= 4; step++) choice.takeErrors(step, 0, Float64Array.of(1, 0.98, 1.01));
      choice.pool(h);
      choice.weigh(h, 0);
      const power = Math.min(32, remembered / (2 * Math.sqrt(h)));
      const raw = [1, 0.98, 1.01].map(
        (error, r) =>
          error ** (-2 * power) *
          (r > 0 && remembered > 0 ? Math.exp(-power * Math.sqrt(h / remembered)) : 1),
      );
      const total = raw.reduce((a, b) => a + b);
      for (let r = 0; r < 3; r++) expect(choice.w[r], `${labels} ${h}`).toBeCloseTo(raw[r] / total, 9);
    }
  });
});
