import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { LeastMeanSquares, type LmsOptions } from "../../../src/models/learning/lms.ts";
import { Ridge } from "../../../src/models/learning/ridge.ts";
import { seeded } from "../../../src/models/network/seeded.ts";

function made(options: LmsOptions) {
  const layout = new Layout(new Arena());
  const lms = new LeastMeanSquares(layout, "lms", options);
  const block = layout.allocate();
  return { lms, block };
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
      const model = new Ridge({ features: 2, ridge });
      for (let t = 0; t < 9; t++) model.add([t, t], [2 * t]);
      return model.solve();
    };
    expect(() => twins(0)).toThrow(/a larger ridge/);
    const { V } = twins(1e-6);
    expect(V[0]).toBeCloseTo(1, 5);
    expect(V[1]).toBeCloseTo(1, 5);
  });

  test("solve may be asked at any time and does not disturb what is gathered", () => {
    const model = new Ridge({ features: 1, ridge: 1e-9 });
    model.add([0], [1]);
    model.add([1], [3]);
    const first = model.solve();
    expect(model.solve()).toEqual(first);
    model.add([2], [5]);
    expect(model.solve().V[0]).toBeCloseTo(2, 6);
  });

  test("refuses a ridge below 0", () => {
    expect(() => new Ridge({ features: 1, ridge: -1 })).toThrow(EddyError);
  });
});
