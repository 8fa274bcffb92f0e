import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { drawPoisson } from "../../../src/models/readouts/draws.ts";
import { logFactorial } from "../../../src/models/readouts/poisson.ts";
import type { Random, Readout } from "../../../src/models/readouts/readout.ts";
import { makeReadout, readoutNames, registerReadout } from "../../../src/models/readouts/registry.ts";

function seeded(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return () => (generator.next() >>> 0) / 2 ** 32;
}

const numbersOf = (n: number, random: Random, scale: number): Float64Array =>
  Float64Array.from({ length: n }, () => (random() * 2 - 1) * scale);

function draw(readout: Readout, z: Float64Array, random: Random): Float64Array {
  const d = new Float64Array(readout.targets);
  readout.sample(d, z, random);
  return d;
}

const loss = (readout: Readout, z: Float64Array, d: Float64Array): number =>
  readout.loss(new Float64Array(readout.inputs), z, d);

describe("every registered readout", () => {
  test("the registry names the whole table", () => {
    expect(readoutNames()).toEqual(
      expect.arrayContaining([
        "squared",
        "huber",
        "softmax",
        "gaussian",
        "quantile",
        "end-of-sequence",
        "poisson",
      ]),
    );
  });

  for (const name of readoutNames()) {
    for (const targets of [undefined, 3]) {
      const readout = makeReadout(name, targets);
      const label = targets ? `${name} of ${targets}` : name;

      test(`${label}: the gradient equals central differences`, () => {
        const random = seeded(41);
        for (let round = 0; round < 20; round++) {
          // Levels of a quantile readout must be apart to be told apart.
          const z = numbersOf(readout.inputs, random, 3).sort();
          const d = draw(readout, z, random);
          const dz = new Float64Array(readout.inputs);
          readout.loss(dz, z, d);
          for (let i = 0; i < z.length; i++) {
            const h = 1e-5;
            const [up, down] = [z.slice(), z.slice()];
            up[i] += h;
            down[i] -= h;
            const slope = (loss(readout, up, d) - loss(readout, down, d)) / (2 * h);
            expect(Math.abs(dz[i] - slope)).toBeLessThan(1e-7 * (1 + Math.abs(slope)));
          }
        }
      });

      test(`${label}: draws belong to the loss (the mean gradient over them is zero)`, () => {
        const random = seeded(43);
        const z = numbersOf(readout.inputs, random, 1.5).sort();
        const n = 40_000;
        const mean = new Float64Array(readout.inputs);
        const square = new Float64Array(readout.inputs);
        const dz = new Float64Array(readout.inputs);
        for (let i = 0; i < n; i++) {
          readout.loss(dz, z, draw(readout, z, random));
          for (let j = 0; j < dz.length; j++) {
            mean[j] += dz[j] / n;
            square[j] += dz[j] ** 2 / n;
          }
        }
        for (let j = 0; j < mean.length; j++) {
          // Four and a half standard errors, with a fixed seed.
          expect(Math.abs(mean[j])).toBeLessThan(4.5 * Math.sqrt(square[j] / n));
          expect(square[j]).toBeGreaterThan(0);
        }
      });

      test(`${label}: inputs are untouched, same seed same draw`, () => {
        const random = seeded(47);
        const z = numbersOf(readout.inputs, random, 2);
        const before = z.slice();
        const d = draw(readout, z, seeded(5));
        expect(draw(readout, z, seeded(5))).toEqual(d);
        const label = d.slice();
        loss(readout, z, d);
        readout.point(new Float64Array(readout.targets), z);
        expect(z).toEqual(before);
        expect(d).toEqual(label);
      });

      test(`${label}: a missing label costs nothing and pulls at nothing`, () => {
        const z = numbersOf(readout.inputs, seeded(53), 2);
        const dz = new Float64Array(readout.inputs).fill(7);
        expect(readout.loss(dz, z, new Float64Array(readout.targets).fill(Number.NaN))).toBe(0);
        expect(dz).toEqual(new Float64Array(readout.inputs));
      });

      test(`${label}: finite under extremes, float32 in and out`, () => {
        for (const size of [0, 1e-30, 60, 750, 1e6]) {
          for (const sign of [1, -1]) {
            const z = new Float32Array(readout.inputs).fill(sign * size);
            if (z.length > 1) z[1] = -z[0];
            const dz = new Float32Array(readout.inputs);
            const d = new Float64Array(readout.targets).fill(1);
            expect(readout.loss(dz, z, d)).toSatisfy(Number.isFinite);
            const point = new Float64Array(readout.targets);
            readout.point(point, z);
            for (const value of [...dz, ...point]) expect(value).toSatisfy(Number.isFinite);
          }
        }
      });
    }
  }

  test("a name that is taken is refused", () => {
    expect(() => registerReadout("huber", () => makeReadout("squared"))).toThrow(EddyError);
  });

  test("an unknown name is refused with the names that are known", () => {
    expect(() => makeReadout("softmaxx")).toThrow(/one of squared, huber/);
  });

  test.each([
    ["softmax", 2],
    ["softmax", -1],
    ["softmax", 0.5],
    ["poisson", -1],
    ["poisson", 2.5],
  ])("%s refuses the label %f", (name, label) => {
    const readout = makeReadout(name);
    expect(() => loss(readout, new Float64Array(readout.inputs), Float64Array.of(label))).toThrow(EddyError);
  });
});

test("log n! meets the sum of logarithms on both sides of the series", () => {
  let sum = 0;
  for (let n = 1; n <= 2000; n++) {
    sum += Math.log(n);
    expect(Math.abs(logFactorial(n) - sum)).toBeLessThan(1e-12 * (1 + sum));
  }
  expect(logFactorial(0)).toBe(0);
});

test.each([0.3, 4, 29.9, 75])("Poisson draws of rate %f have mean and variance the rate", (rate) => {
  const random = seeded(59);
  const n = 20_000;
  let mean = 0;
  let square = 0;
  for (let i = 0; i < n; i++) {
    const count = drawPoisson(rate, random);
    mean += count / n;
    square += (count * count) / n;
  }
  expect(Math.abs(mean - rate)).toBeLessThan(4.5 * Math.sqrt(rate / n));
  expect((square - mean * mean) / rate).toBeCloseTo(1, 1);
});
