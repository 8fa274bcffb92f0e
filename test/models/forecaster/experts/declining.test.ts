import { describe, expect, it } from "vitest";
import { levelAhead } from "../../../../src/models/forecaster/experts/classical.ts";
import { ExponentialSmoothing } from "../../../../src/models/forecaster/experts/exponential-smoothing.ts";
import { HoltWinters } from "../../../../src/models/forecaster/experts/holt-winters.ts";
import { forecaster, normals } from "../series.ts";
import { Bench } from "./bench.ts";

const H = 48;
const FACTORS = [0.8, 0.85, 1, 1.05, 1.1, 1.2, 1.35, 1.3, 1.05, 0.95, 0.85, 0.9];

/** Five years of something with a season that goes out of use: by a share a month, and by the same amount. */
const fading: Record<string, (i: number) => number> = {
  "halves in a year": (i) => 1000 * 0.94 ** i * FACTORS[i % 12],
  "ends in two months": (i) => 1000 * (1 - i / 62) * FACTORS[i % 12],
};

describe("what factors multiply", () => {
  for (const [name, value] of Object.entries(fading)) {
    const noise = normals(4);
    const values = Array.from({ length: 60 }, (_, i) => Math.max(1, value(i) * (1 + 0.05 * noise())));

    it(`never comes to less than nothing where it ${name}`, () => {
      for (const make of [HoltWinters, ExponentialSmoothing]) {
        const bench = new Bench((layout, shape, features) => new make(layout, shape, features), {
          horizon: H,
          periods: [12],
        });
        for (const v of values) bench.take([v]);
        for (const [h, v] of bench.forecast.entries()) {
          expect(v, `${make.name} ${h}`).toBeGreaterThan(make === HoltWinters ? 0 : -10);
          expect(v, `${make.name} ${h}`).toBeLessThan(150);
        }
      }
    });

    it(`is forecast as that where it ${name}`, () => {
      const model = forecaster({ horizon: H });
      for (const [i, v] of values.entries()) model.observe(Date.UTC(2015, i), Float64Array.of(v));
      // Before, sums that fell on below zero took the forecast four years ahead to -680 and -370.
      for (const [h, v] of model.mean.entries()) {
        expect(v, `${h}`).toBeGreaterThan(-60);
        expect(v, `${h}`).toBeLessThan(150);
      }
      model.release();
    });
  }

  it("falls at first by what it moves, then by a share, and rises by as much as it moves", () => {
    expect(levelAhead(100, 30)).toBe(130);
    expect(levelAhead(100, -1)).toBeCloseTo(99, 1);
    expect(levelAhead(100, -50)).toBeCloseTo(100 / Math.sqrt(Math.E), 9);
    expect(levelAhead(100, -1e6)).toBe(0);
    expect(levelAhead(0, -1)).toBe(-1);
  });
});
