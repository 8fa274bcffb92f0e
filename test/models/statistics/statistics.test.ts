import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../src/models/kernels/layout.ts";
import { AdaptiveConformal } from "../../../src/models/statistics/adaptive-conformal.ts";
import { ExponentialMoments } from "../../../src/models/statistics/exponential-moments.ts";
import { quantileLinear, quantileNearestRank } from "../../../src/models/statistics/quantiles.ts";
import { RunningAverages } from "../../../src/models/statistics/running-averages.ts";
import { SortedWindow } from "../../../src/models/statistics/sorted-window.ts";
import { Welford } from "../../../src/models/statistics/welford.ts";

function allocated<Model>(make: (layout: Layout) => Model): { model: Model; block: Block } {
  const layout = new Layout(new Arena());
  const model = make(layout);
  return { model, block: layout.allocate() };
}

const readings = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 });

/** Every statistic, started where it has something to start, fed one number at a time and read as one row of numbers. */
interface Streaming {
  start?: () => void;
  add: (v: number) => void;
  read: () => number[];
}

const streaming: Record<string, (layout: Layout) => Streaming> = {
  welford: (layout: Layout) => {
    const model = new Welford(layout, "s", 1);
    return {
      add: (v: number) => model.add([v]),
      read: () => [model.mean(0), model.sampleVariance(0), model.count(0)],
    };
  },
  "exponential, normalised": (layout: Layout) => {
    const model = new ExponentialMoments(layout, "s", { decay: 0.9 });
    return { add: (v: number) => model.add([v]), read: () => [model.mean(0), model.variance(0)] };
  },
  "exponential, first value": (layout: Layout) => {
    const model = new ExponentialMoments(layout, "s", { decay: 0.9, start: "first-value" });
    return { add: (v: number) => model.add([v]), read: () => [model.mean(0), model.variance(0)] };
  },
  "running averages": (layout: Layout) => {
    const model = new RunningAverages(layout, "s", [0.5, 0.99]);
    return {
      add: (v: number) => model.add([v], 1.7),
      read: () => [model.plain(0, 0), model.corrected(1, 0)],
    };
  },
  "adaptive conformal": (layout: Layout) => {
    const model = new AdaptiveConformal(layout, "s", { miscoverage: 0.2, window: 7 });
    return {
      add: (v: number) => {
        model.judge(v);
      },
      start: () => model.initialise(),
      read: () => [model.level, model.coverage, model.radius()],
    };
  },
};

describe.each(Object.entries(streaming))("%s", (_, make) => {
  const values = Array.from({ length: 60 }, (_, t) => 3 + Math.sin(t * 1.7) * (1 + (t % 5)));

  test("a saved block continues to the same bits", () => {
    const a = allocated(make);
    const b = allocated(make);
    a.model.start?.();
    for (const v of values.slice(0, 31)) a.model.add(v);
    b.block.bytes.set(a.block.save());
    for (const v of values.slice(31)) {
      a.model.add(v);
      b.model.add(v);
      expect(b.model.read()).toEqual(a.model.read());
    }
    expect(b.block.save()).toEqual(a.block.save());
  });

  test("a missing value changes no statistic", () => {
    const { model } = allocated(make);
    model.start?.();
    for (const v of values.slice(0, 9)) model.add(v);
    const before = model.read();
    model.add(Number.NaN);
    expect(model.read()).toEqual(before);
    expect(before.every(Number.isFinite)).toBe(true);
  });
});

test("Welford equals the two-pass formulas after every value, also far from zero", () => {
  fc.assert(
    fc.property(readings, fc.constantFrom(0, 1e9), (values, offset) => {
      const { model } = allocated((layout) => new Welford(layout, "w", 1));
      values.forEach((_, t) => {
        model.add([values[t] + offset]);
        const seen = values.slice(0, t + 1).map((v) => v + offset);
        const mean = seen.reduce((sum, v) => sum + (v - seen[0]), 0) / seen.length + seen[0];
        const squares = seen.reduce((sum, v) => sum + (v - mean) ** 2, 0);
        expect(model.mean(0)).toBeCloseTo(mean, 4);
        expect(Math.abs(model.populationVariance(0) - squares / seen.length)).toBeLessThan(
          1e-5 * (1 + squares),
        );
      });
    }),
    { seed: 1, numRuns: 40 },
  );
});

test("normalised exponential moments equal the weighted sums", () => {
  fc.assert(
    fc.property(readings, (values) => {
      const { model } = allocated((layout) => new ExponentialMoments(layout, "e", { decay: 0.8 }));
      for (const v of values) model.add([v]);
      const weights = values.map((_, i) => 0.8 ** (values.length - 1 - i));
      const total = weights.reduce((sum, w) => sum + w, 0);
      const mean = values.reduce((sum, v, i) => sum + (weights[i] * v) / total, 0);
      const variance = values.reduce((sum, v, i) => sum + (weights[i] * (v - mean) ** 2) / total, 0);
      expect(Math.abs(model.mean(0) - mean)).toBeLessThan(1e-9 * (1 + Math.abs(mean)) + 1e-6);
      expect(Math.abs(model.variance(0) - variance)).toBeLessThan(1e-9 * (1 + variance) + 1e-3);
    }),
    { seed: 2, numRuns: 60 },
  );
});

test("running averages: a step of dt 3 is three steps of the same value, and a constant is found at once", () => {
  const long = allocated((layout) => new RunningAverages(layout, "r", [0.5, 0.9, 0.999])).model;
  const short = allocated((layout) => new RunningAverages(layout, "r", [0.5, 0.9, 0.999])).model;
  for (const v of [3, -1, 4]) {
    long.add([v], 3);
    for (let i = 0; i < 3; i++) short.add([v]);
  }
  for (let scale = 0; scale < 3; scale++) {
    expect(long.plain(scale, 0)).toBeCloseTo(short.plain(scale, 0), 12);
    expect(long.corrected(scale, 0)).toBeCloseTo(short.corrected(scale, 0), 12);
  }
  const constant = allocated((layout) => new RunningAverages(layout, "r", [0.9])).model;
  expect(constant.corrected(0, 0)).toBe(0);
  constant.add([5], 0.01);
  expect(constant.corrected(0, 0)).toBeCloseTo(5, 10);
});

test("a sorted window is the sorted tail of the stream", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 50 }),
      fc.integer({ min: 1, max: 9 }),
      (stream, capacity) => {
        const { model } = allocated((layout) => new SortedWindow(layout, "w", capacity));
        stream.forEach((v, t) => {
          model.add(v);
          const tail = stream.slice(Math.max(0, t + 1 - capacity), t + 1).sort((a, b) => a - b);
          expect(model.size).toBe(tail.length);
          expect(tail.map((_, i) => model.smallest(i + 1))).toEqual(tail);
        });
      },
    ),
    { seed: 3, numRuns: 60 },
  );
});

test("quantiles hold the right share below them and meet the ends", () => {
  fc.assert(
    fc.property(readings, fc.double({ min: 0, max: 1, noNaN: true }), (values, p) => {
      const sorted = Float64Array.from(values).sort();
      const nearest = quantileNearestRank(sorted, p);
      expect(sorted).toContain(nearest);
      expect(sorted.filter((v) => v <= nearest).length).toBeGreaterThanOrEqual(p * sorted.length - 1e-6);
      const linear = quantileLinear(sorted, p);
      expect(linear).toBeGreaterThanOrEqual(sorted[0]);
      expect(linear).toBeLessThanOrEqual(sorted[sorted.length - 1]);
      expect(quantileLinear(sorted, 0)).toBe(sorted[0]);
      expect(quantileLinear(sorted, 1)).toBe(sorted[sorted.length - 1]);
    }),
    { seed: 4 },
  );
  expect(quantileLinear([], 0.5)).toBeNaN();
  expect(quantileNearestRank([], 0.5)).toBeNaN();
});

test.each([1, 1.05])(
  "adaptive conformal keeps its promise on a stream that grows by %d per step",
  (growth) => {
    const { model } = allocated(
      (layout) => new AdaptiveConformal(layout, "a", { miscoverage: 0.1, rate: 0.05, window: 50 }),
    );
    model.initialise();
    let scale = 1;
    for (let t = 0; t < 3000; t++) {
      if (t % 100 === 0) scale = 1;
      scale *= growth;
      model.judge(scale * (1 + ((t * 7919) % 101) / 101));
    }
    // The theorem's bound for T = 3000: (max(α, 1 − α) + γ) / (γ T) = 0.0063.
    expect(Math.abs(model.coverage - 0.9)).toBeLessThanOrEqual((0.9 + 0.05) / (0.05 * 3000));
  },
);

test("options out of range are refused", () => {
  const layout = new Layout(new Arena());
  expect(() => new ExponentialMoments(layout, "x", { decay: 1 })).toThrow(EddyError);
  expect(() => new RunningAverages(layout, "x", [0.5, 0])).toThrow(EddyError);
  expect(() => new AdaptiveConformal(layout, "x", { miscoverage: 0, window: 5 })).toThrow(EddyError);
  expect(() => new AdaptiveConformal(layout, "x", { miscoverage: 0.1, window: 0 })).toThrow(EddyError);
  expect(() => new AdaptiveConformal(layout, "x", { miscoverage: 0.1, window: 5, rate: Number.NaN })).toThrow(
    EddyError,
  );
});
