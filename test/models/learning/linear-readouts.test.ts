import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { LeastMeanSquares, type LmsOptions } from "../../../src/models/learning/lms.ts";
import { Ridge, type RidgeOptions } from "../../../src/models/learning/ridge.ts";
import { RidgeOrthogonal } from "../../../src/models/learning/ridge-orthogonal.ts";
import { seeded } from "../../../src/models/network/seeded.ts";

function made(options: LmsOptions) {
  const layout = new Layout(new Arena());
  const lms = new LeastMeanSquares(layout, "lms", options);
  const block = layout.allocate();
  return { lms, block };
}

/** A ridge regression in memory of its own. */
function ridgeOf<T extends typeof Ridge | typeof RidgeOrthogonal>(
  Method: T,
  options: RidgeOptions,
): InstanceType<T> {
  const layout = new Layout(new Arena());
  const ridge = new Method(layout, "ridge", options);
  layout.allocate();
  return ridge as InstanceType<T>;
}

describe("least mean squares", () => {
  test.each([false, true])("finds the weights that made the labels, normalised %s", (normalised) => {
    const random = seeded(1, "lms");
    const wanted = [0.5, -2, 1, 3];
    const { lms } = made({ features: 4, rate: normalised ? 0.8 : 0.1, normalised });
    for (let t = 0; t < 3000; t++) {
      const phi = Float64Array.from({ length: 4 }, () => 2 * random() - 1);
      lms.learn(phi, Float64Array.of(phi.reduce((sum, x, j) => sum + x * wanted[j], 0)));
    }
    wanted.forEach((w, j) => {
      expect(lms.weights[j]).toBeCloseTo(w, 6);
    });
  });

  test("unusable numbers teach nothing and are counted; a missing label is not one of them", () => {
    const { lms, block } = made({ features: 2, outputs: 2, rate: 0.1 });
    lms.learn(Float64Array.of(1, 2), Float64Array.of(1, -1));
    const weights = lms.weights.slice();
    lms.learn(Float64Array.of(Number.NaN, 1), Float64Array.of(1, 1));
    lms.learn(Float64Array.of(1e200, 1), Float64Array.of(1, 1));
    lms.learn(Float64Array.of(1, 1), Float64Array.of(Number.POSITIVE_INFINITY, Number.NaN));
    expect(lms.weights).toEqual(weights);
    expect(lms.refused).toBe(3);
    const copy = made({ features: 2, outputs: 2, rate: 0.1 });
    copy.block.bytes.set(block.save());
    for (const { lms: learner } of [{ lms }, copy])
      learner.learn(Float64Array.of(3, 1), Float64Array.of(1, 2));
    expect(copy.lms.weights).toEqual(lms.weights);
    expect(lms.weights).not.toEqual(weights);
  });

  test.each([0, -1, Number.NaN])("refuses the rate %d", (rate) => {
    expect(() => made({ features: 2, rate })).toThrow(EddyError);
  });
});

describe("ridge", () => {
  test("features that do not determine a readout need a ridge", () => {
    const twins = (ridge: number) => {
      const model = ridgeOf(Ridge, { features: 2, ridge });
      for (let t = 0; t < 9; t++) model.add([t, t], [2 * t]);
      return model.solve();
    };
    expect(() => twins(0)).toThrow(/a larger ridge/);
    const { V } = twins(1e-6);
    expect(V[0]).toBeCloseTo(1, 5);
    expect(V[1]).toBeCloseTo(1, 5);
  });

  test("solve may be asked at any time and does not disturb what is gathered", () => {
    const model = ridgeOf(Ridge, { features: 1, ridge: 1e-9 });
    model.add([0], [1]);
    model.add([1], [3]);
    const first = model.solve();
    expect(model.solve()).toEqual(first);
    model.add([2], [5]);
    expect(model.solve().V[0]).toBeCloseTo(2, 6);
  });

  test("refuses a ridge below 0", () => {
    expect(() => ridgeOf(Ridge, { features: 1, ridge: -1 })).toThrow(EddyError);
  });
});

/** Refusing to answer is as far off as can be. */
const refusedOr = (error: () => number): number => {
  try {
    return error();
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};

describe("ridge by rotations", () => {
  test.each([1, 5, 63, 64, 65, 200])("is the ridge of the normal equations after %i samples", (samples) => {
    const random = seeded(4, "samples");
    const [plain, rotated] = [Ridge, RidgeOrthogonal].map((Method) =>
      ridgeOf(Method, { features: 7, outputs: 2, ridge: 0.01 }),
    );
    for (let t = 0; t < samples; t++) {
      const h = Float64Array.from({ length: 7 }, () => 2 * random() - 1);
      const d = [random(), random()];
      plain.add(h, d);
      rotated.add(h, d);
    }
    const [a, b] = [plain.solve(), rotated.solve()];
    [...a.c, ...a.V].forEach((w, i) => {
      expect([...b.c, ...b.V][i]).toBeCloseTo(w, 9);
    });
    expect(rotated.solve()).toEqual(b);
  });

  test("keeps weights that the normal equations lose", () => {
    // Two features that differ by 1e-7: their squares differ by less than rounding.
    const errorOf = (Method: typeof Ridge | typeof RidgeOrthogonal): number => {
      const random = seeded(8, "twins");
      const model = ridgeOf(Method, { features: 2, ridge: 1e-18 });
      for (let t = 0; t < 500; t++) {
        const x = 2 * random() - 1;
        const other = x + 1e-7 * (2 * random() - 1);
        model.add([x, other], [3 * x - 2 * other]);
      }
      return Math.abs(model.solve().V[0] - 3);
    };
    expect(errorOf(RidgeOrthogonal)).toBeLessThan(1e-4);
    expect(refusedOr(() => errorOf(Ridge))).toBeGreaterThan(1e-2);
  });

  test("features that determine nothing are refused", () => {
    const model = ridgeOf(RidgeOrthogonal, { features: 2, ridge: 0 });
    model.add([0, 1], [1]);
    expect(() => model.solve()).toThrow(EddyError);
    expect(() => ridgeOf(RidgeOrthogonal, { features: 1, ridge: Number.NaN })).toThrow(EddyError);
  });
});
