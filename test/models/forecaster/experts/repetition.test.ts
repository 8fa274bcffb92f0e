import { describe, expect, test } from "vitest";
import { Repetition } from "../../../../src/models/forecaster/experts/repetition.ts";
import { normals } from "../series.ts";
import { Bench } from "./bench.ts";

const H = 30;

/** The last forecast after `n` values. */
function forecast(value: (i: number) => number, n: number, periods: readonly number[] = []): number[] {
  const bench = new Bench((layout, shape, features) => new Repetition(layout, shape, features), {
    horizon: H,
    periods,
  });
  for (let i = 0; i < n; i++) bench.take([value(i)]);
  return [...bench.forecast];
}

/** Something that comes again after 23 steps, and is nothing else. */
const shape = Array.from({ length: 23 }, normals(5));

describe("repetition", () => {
  test("goes on as it did when the series was last like this, in rounds where that is not long ago", () => {
    for (const [h, v] of forecast((i) => shape[i % 23], 80).entries())
      expect(v).toBeCloseTo(shape[(80 + h) % 23], 9);
  });

  test("goes on with the drift from lap to lap, by less and less", () => {
    const value = (i: number) => 10 * shape[i % 12] + (5 * i) / 12;
    const ahead = forecast(value, 60, [12]);
    for (const [h, v] of ahead.slice(0, 12).entries()) expect(Math.abs(v - value(60 + h))).toBeLessThan(0.5);
    for (let h = 12; h < 30; h++) {
      const more = ahead[h] - ahead[h - 12];
      expect(more).toBeGreaterThan(h < 24 ? 3.8 : 3.2);
      expect(more).toBeLessThan(4.6);
    }
  });

  test("makes no drift of noise", () => {
    const normal = normals(3);
    const noise = Array.from({ length: 40 }, () => 100 + normal());
    for (const periods of [[], [12]])
      for (const v of forecast((i) => noise[i], 40, periods)) expect(Math.abs(v - 100)).toBeLessThan(2);
  });

  test("follows a level that has moved", () => {
    const value = (i: number) => shape[i % 23] + (i >= 100 ? 40 : 0);
    for (const [h, v] of forecast(value, 300).entries()) expect(v).toBeCloseTo(value(300 + h), 3);
  });

  test("keeps up with a season that slips", () => {
    // A clock that was put forward by one step.
    const value = (i: number) => shape[(i >= 200 ? i + 1 : i) % 23];
    for (const [h, v] of forecast(value, 230).entries()) expect(v).toBeCloseTo(value(230 + h), 3);
  });

  test("finds what was two thousand values ago, and forgets what was before", () => {
    const normal = normals(8);
    const noise = Array.from({ length: 4200 }, normal);
    const value = (ago: number) => (i: number) => noise[i >= 4100 ? i - ago : i];
    for (const [h, v] of forecast(value(2000), 4150).entries()) expect(v).toBeCloseTo(noise[2150 + h], 1);
    const far = forecast(value(2100), 4150);
    expect(far.some((v, h) => Math.abs(v - noise[2050 + h]) > 1)).toBe(true);
  });

  test("is the last value at first, and of a constant the constant", () => {
    expect(forecast((i) => i, 8)).toEqual(new Array(H).fill(7));
    expect(forecast(() => 3, 60)).toEqual(new Array(H).fill(3));
  });
});
