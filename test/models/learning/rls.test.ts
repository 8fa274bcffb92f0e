import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../src/models/kernels/layout.ts";
import type { Backend } from "../../../src/models/kernels/open.ts";
import { Ridge } from "../../../src/models/learning/ridge.ts";
import { RecursiveLeastSquares, type RlsOptions } from "../../../src/models/learning/rls.ts";
import {
  DelayedLeastSquares,
  type DelayedLeastSquaresOptions,
} from "../../../src/models/learning/rls-delayed.ts";

/** A small seeded generator for test data: Lehmer's, uniform in (-1, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647) * 2 - 1;
  };
}

const backends: readonly Backend[] = ["reference64", "wasm"];

const vector = (n: number, draw: () => number): Float64Array => Float64Array.from({ length: n }, draw);

function plain(backend: Backend, options: RlsOptions): { rls: RecursiveLeastSquares; block: Block } {
  const layout = new Layout(new Arena({ backend }));
  const rls = new RecursiveLeastSquares(layout, "rls", options);
  const block = layout.allocate();
  return { rls, block };
}

function delayed(
  backend: Backend,
  options: DelayedLeastSquaresOptions,
): { rls: DelayedLeastSquares; block: Block } {
  const layout = new Layout(new Arena({ backend }));
  const rls = new DelayedLeastSquares(layout, "rls", options);
  const block = layout.allocate();
  return { rls, block };
}

describe.each(backends)("recursive least squares, %s", (backend) => {
  test.each([1, 2, 3, 4, 5, 8, 9, 17])(
    "with λ = 1 it is ridge regression on the same samples, n = %i",
    (features) => {
      const draw = uniform(7 + features);
      const { rls } = plain(backend, { features, outputs: 2, forgetting: 1, delta: 0.01 });
      // Ridge adds a bias of its own, so the same problem is posed with φ = [1; h] and the bias penalised.
      const layout = new Layout(new Arena());
      const options = { features: features - 1, outputs: 2, ridge: 0.01, bias: "penalised" } as const;
      const ridge = new Ridge(layout, "ridge", options);
      layout.allocate();
      for (let t = 0; t < 60; t++) {
        const phi = vector(features, draw);
        phi[0] = 1;
        const d = vector(2, draw);
        rls.learn(phi, d);
        ridge.add(phi.subarray(1), d);
      }
      const { c, V } = ridge.solve();
      for (let k = 0; k < 2; k++) {
        const wanted = [c[k], ...V.subarray(k * (features - 1), (k + 1) * (features - 1))];
        wanted.forEach((w, j) => {
          expect(rls.weights[k * features + j]).toBeCloseTo(w, 9);
        });
      }
    },
  );

  test("the covariance is symmetric to the last bit and stays within its caps", () => {
    const draw = uniform(3);
    const n = 7;
    const { rls } = plain(backend, { features: n, forgetting: 0.9, delta: 0.5, traceCap: 11 });
    const phi = vector(n, draw);
    for (let t = 0; t < 3000; t++) {
      // Only two directions are ever excited after the start: the others wind up as λ⁻ᵗ without a bound.
      if (t < 20) phi.set(vector(n, draw));
      else phi[t % 2] = draw();
      rls.learn(phi, Float64Array.of(draw()));
    }
    const P = rls.covariance.matrix;
    let trace = 0;
    for (let i = 0; i < n; i++) {
      trace += P[i * n + i];
      expect(P[i * n + i]).toBeGreaterThan(0);
      expect(P[i * n + i]).toBeLessThanOrEqual(2);
      for (let j = 0; j < n; j++) expect(P[i * n + j]).toBe(P[j * n + i]);
    }
    expect(trace).toBeLessThanOrEqual(11 * (1 + 1e-12));
    expect(rls.covariance.guards.capped).toBeGreaterThan(2000);
    expect(rls.covariance.guards.restarted).toBe(0);
    for (const w of rls.weights) expect(Math.abs(w)).toBeLessThan(100);
  });

  test("without caps the same stream winds up", () => {
    const draw = uniform(3);
    const { rls } = plain(backend, { features: 3, forgetting: 0.9, diagonalCap: Number.POSITIVE_INFINITY });
    for (let t = 0; t < 1000; t++) rls.learn(Float64Array.of(draw(), 0, 0), Float64Array.of(draw()));
    expect(rls.covariance.matrix[4]).toBeGreaterThan(1e40);
  });

  test("numbers that are not usable teach nothing and are counted", () => {
    const draw = uniform(5);
    const { rls, block } = plain(backend, { features: 2, outputs: 2 });
    for (let t = 0; t < 10; t++) rls.learn(vector(2, draw), vector(2, draw));
    const before = block.save();
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1e200]) {
      rls.learn(Float64Array.of(bad, 1), Float64Array.of(1, 1));
    }
    expect(rls.covariance.guards.refused).toBe(3);
    const [w0, w1] = [rls.weights.slice(0, 2), rls.weights.slice(2)];
    rls.learn(Float64Array.of(1, 1), Float64Array.of(Number.NEGATIVE_INFINITY, 1));
    expect(rls.refusedLabels).toBe(1);
    expect(rls.weights.slice(0, 2)).toEqual(w0);
    expect(rls.weights.slice(2)).not.toEqual(w1);
    rls.learn(Float64Array.of(1, 1), Float64Array.of(Number.NaN, Number.NaN));
    expect(rls.refusedLabels).toBe(1);
    expect(before.length).toBe(block.byteLength);
    for (const w of rls.weights) expect(w).toSatisfy(Number.isFinite);
  });

  test("a covariance that is no longer positive begins again and is counted", () => {
    const { rls } = plain(backend, { features: 2, delta: 1 });
    rls.learn(Float64Array.of(1, 0.5), Float64Array.of(2));
    rls.covariance.triangle.set([-1, 0, -1]);
    rls.learn(Float64Array.of(1, 0), Float64Array.of(2));
    expect(rls.covariance.guards.restarted).toBe(1);
    rls.covariance.triangle[0] = Number.NaN;
    rls.learn(Float64Array.of(1, 0), Float64Array.of(2));
    expect(rls.covariance.guards.restarted).toBe(2);
    for (const w of rls.weights) expect(w).toSatisfy(Number.isFinite);
  });

  test("a saved block continues to the same bits", () => {
    const draw = uniform(11);
    const a = plain(backend, { features: 5, outputs: 3, forgetting: 0.99 });
    const samples = Array.from({ length: 80 }, () => [vector(5, draw), vector(3, draw)] as const);
    for (const [phi, d] of samples.slice(0, 40)) a.rls.learn(phi, d);
    const b = plain(backend, { features: 5, outputs: 3, forgetting: 0.99 });
    b.block.bytes.set(a.block.save());
    for (const [phi, d] of samples.slice(40)) {
      a.rls.learn(phi, d);
      b.rls.learn(phi, d);
    }
    expect(b.block.save()).toEqual(a.block.save());
  });

  test.each([
    { features: 0 },
    { features: 2.5 },
    { features: 2, forgetting: 0 },
    { features: 2, forgetting: 1.1 },
    { features: 2, delta: 0 },
    { features: 2, diagonalCap: Number.NaN },
    { features: 2, traceCap: -1 },
  ])("refuses $features $forgetting $delta", (options) => {
    expect(() => plain(backend, options)).toThrow(EddyError);
  });
});

describe.each(backends)("delayed least squares, %s", (backend) => {
  const options = { features: 4, horizon: 3, targets: 2, forgetting: 0.95, delta: 0.1 };

  test("each horizon equals a learner of its own fed with the pairs known by then", () => {
    const draw = uniform(17);
    const { rls } = delayed(backend, options);
    const own = [1, 2, 3].map(
      () => plain(backend, { features: 4, outputs: 2, forgetting: 0.95, delta: 0.1 }).rls,
    );
    const issued: Float64Array[] = [];
    const labels = new Float64Array(6);
    for (let t = 0; t < 50; t++) {
      const y = vector(6, draw);
      labels.set(y);
      rls.settle(labels);
      for (const h of [1, 2, 3]) {
        const phi = issued[t - h];
        if (phi) own[h - 1].learn(phi, y.subarray((h - 1) * 2, h * 2));
      }
      for (const h of [1, 2, 3]) {
        own[h - 1].weights.forEach((w, i) => {
          expect(rls.weights[(h - 1) * 8 + i]).toBe(w);
        });
      }
      const phi = vector(4, draw);
      issued.push(phi);
      rls.issue(phi);
      const out = rls.predict(new Float64Array(6));
      for (const h of [1, 2, 3]) {
        const wanted = own[h - 1].predict(new Float64Array(2), phi);
        expect(Array.from(out.subarray((h - 1) * 2, h * 2))).toEqual(Array.from(wanted));
      }
    }
  });

  test("a label in the future of an issue changes nothing before it exists", () => {
    const draw = uniform(19);
    const { rls } = delayed(backend, options);
    const labels = vector(6, draw);
    expect(rls.predict(new Float64Array(6))).toEqual(new Float64Array(6));
    rls.settle(labels);
    expect(rls.weights).toEqual(new Float64Array(24));
    rls.issue(vector(4, draw));
    expect(rls.weights).toEqual(new Float64Array(24));
    rls.settle(labels);
    expect(rls.weights.slice(0, 8)).not.toEqual(new Float64Array(8));
    expect(rls.weights.slice(8)).toEqual(new Float64Array(16));
  });

  test("an unusable φ keeps its place: later issues still meet their own labels", () => {
    const { rls } = delayed(backend, { features: 2, horizon: 2, forgetting: 1, delta: 1e-9 });
    for (let t = 0; t < 12; t++) {
      rls.settle(Float64Array.of(t, t));
      rls.issue(Float64Array.of(1, t === 6 ? Number.NaN : t));
    }
    const out = rls.predict(new Float64Array(2));
    expect(out[0]).toBeCloseTo(12, 5);
    expect(out[1]).toBeCloseTo(13, 5);
    expect(rls.covariance.guards.refused).toBe(1);
  });

  test("a saved block continues to the same bits", () => {
    const draw = uniform(23);
    const [a, b] = [delayed(backend, options), delayed(backend, options)];
    const events = Array.from({ length: 40 }, () => [vector(6, draw), vector(4, draw)] as const);
    const run = (rls: DelayedLeastSquares, part: typeof events): void => {
      for (const [labels, phi] of part) {
        rls.settle(labels);
        rls.issue(phi);
      }
    };
    run(a.rls, events.slice(0, 19));
    b.block.bytes.set(a.block.save());
    run(a.rls, events.slice(19));
    run(b.rls, events.slice(19));
    expect(b.block.save()).toEqual(a.block.save());
  });

  test("refuses a horizon that is no count", () => {
    expect(() => delayed(backend, { features: 2, horizon: 0 })).toThrow(EddyError);
  });
});
