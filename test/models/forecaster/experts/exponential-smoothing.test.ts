import { describe, expect, test } from "vitest";
import { ExponentialSmoothing } from "../../../../src/models/forecaster/experts/exponential-smoothing.ts";
import { normals } from "../series.ts";
import { Bench, type BenchOptions } from "./bench.ts";

const H = 8;
const FACTORS = [1.2, 0.9, 1.1, 0.8];

function opened(options: BenchOptions = {}): Bench {
  return new Bench((layout, shape, features) => new ExponentialSmoothing(layout, shape, features), {
    horizon: H,
    ...options,
  });
}

/** The last forecast after `n` values. */
function forecast(value: (i: number) => number, n: number, periods: readonly number[] = []): number[] {
  const bench = opened({ periods });
  for (let i = 0; i < n; i++) bench.take([value(i)]);
  return [...bench.forecast];
}

describe("exponential smoothing", () => {
  test("carries a line on", () => {
    for (const [h, v] of forecast((i) => 50 + 3 * i, 60).entries())
      expect(v).toBeCloseTo(50 + 3 * (60 + h), 6);
  });

  test("carries a rising season on, added or multiplied", () => {
    const added = (i: number) => 100 + 2 * i + 30 * FACTORS[i % 4];
    for (const [h, v] of forecast(added, 64, [4]).entries())
      expect(Math.abs(v - added(64 + h))).toBeLessThan(0.5);
    const multiplied = (i: number) => (100 + 2 * i) * FACTORS[i % 4];
    for (const [h, v] of forecast(multiplied, 64, [4]).entries())
      expect(Math.abs(v - multiplied(64 + h))).toBeLessThan(2);
  });

  test("carries growth by a share on for a while, with the season that grows with it", () => {
    const value = (i: number) => 100 * 1.03 ** i * FACTORS[i % 4];
    for (const [h, v] of forecast(value, 64, [4]).entries())
      expect(Math.abs(v / value(64 + h) - 1)).toBeLessThan(0.02 + 0.01 * h);
  });

  test("does not carry growth on that has ended ten months ago", () => {
    for (const seed of [3, 4, 5]) {
      const normal = normals(seed);
      const level = (i: number) => 100 * 1.05 ** Math.min(i, 36) * (1 + 0.3 * Math.sin((Math.PI * i) / 6));
      const bench = opened({ periods: [12], horizon: 24 });
      for (let i = 0; i < 60; i++) {
        bench.take([level(i) * Math.exp(0.05 * normal())]);
        // Logarithms whose trend stays took it to 1.5 to 1.9 times as much.
        if (i >= 46) expect(bench.forecast[23] / level(i + 24), `${seed}, ${i}`).toBeLessThan(1.35);
      }
    }
  });

  test("goes on between comparisons as it would from where they were made", () => {
    // Compared at 240 values and not again before 288: what comes meanwhile is told by those that were kept then.
    const bench = opened({ periods: [4] });
    const value = (i: number) => (100 + i) * FACTORS[i % 4];
    for (let i = 0; i < 280; i++) {
      bench.take([value(i)]);
      if (i < 236) continue;
      for (const [h, v] of bench.forecast.entries())
        expect(Math.abs(v / value(i + 1 + h) - 1), `${i} + ${h}`).toBeLessThan(0.01);
    }
  });

  test("looks at no logarithms of what leaps by factors", () => {
    const leaps = (i: number) => (i % 9 === 4 ? 4000 : 2) * FACTORS[i % 4];
    for (const v of forecast(leaps, 90, [4])) expect(v).toBeLessThan(8000);
  });

  test("adds the season where values are not all positive", () => {
    const value = (i: number) => 10 * (FACTORS[i % 4] - 1) - 1;
    for (const [h, v] of forecast(value, 40, [4]).entries()) expect(v).toBeCloseTo(value(40 + h), 6);
  });

  test("is the last value at first, and the last season before there are two of them", () => {
    expect(forecast((i) => 7 + i, 3)).toEqual(new Array(H).fill(9));
    const seen = [5, 8, 2, 9, 6, 7];
    expect(forecast((i) => seen[i], 6, [5])).toEqual([8, 2, 9, 6, 7, 8, 2, 9]);
  });

  test("stays near the mean of noise, near the last value of a walk", () => {
    const normal = normals(3);
    const noise = Array.from({ length: 200 }, () => 20 + normal());
    for (const v of forecast((i) => noise[i], 200)) expect(Math.abs(v - 20)).toBeLessThan(0.5);
    const walk = noise.map(() => 0);
    for (let i = 1; i < 200; i++) walk[i] = walk[i - 1] + normal();
    for (const v of forecast((i) => walk[i], 200)) expect(Math.abs(v - walk[199])).toBeLessThan(1);
  });

  test("weighs its smoothers by how they did over the values themselves", () => {
    // What is said of a constant with one spike long ago is the constant.
    for (const v of forecast((i) => (i === 30 ? 500 : 40), 240)) expect(v).toBeCloseTo(40, 0);
    expect(forecast(() => 3, 50)).toEqual(new Array(H).fill(3));
  });

  test("looks back on the last 240 values alone", () => {
    const wave = (i: number) => 40 + (i % 7) + Math.sin(i);
    // The smoothers were compared last within twelve events, by values that are like these too.
    const later = forecast((i) => (i < 240 ? 5000 : wave(i - 240)), 504, [7]);
    const alone = forecast(wave, 264, [7]);
    for (const [h, v] of later.entries()) expect(Math.abs(v - alone[h])).toBeLessThan(0.5);
  });

  test("compares again when the season changes or a value is not positive", () => {
    const bench = opened({ periods: [4] });
    for (let i = 0; i < 230; i++) bench.take([(100 + i) * FACTORS[i % 4]]);
    for (let i = 230; i < 232; i++) {
      bench.take([i === 230 ? -3 : (100 + i) * FACTORS[i % 4]]);
      expect([...bench.forecast].every((v) => Number.isFinite(v) && Math.abs(v) < 1000)).toBe(true);
    }
  });
});
