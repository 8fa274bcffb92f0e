import { describe, expect, test } from "vitest";
import { Repetition } from "../../../../src/models/forecaster/experts/repetition.ts";
import { normals } from "../series.ts";
import { Bench } from "./bench.ts";

const H = 30;

/** The last forecast after `n` values. */
function forecast(value: (i: number) => number, n: number): number[] {
  const bench = new Bench((layout, shape, features) => new Repetition(layout, shape, features), {
    horizon: H,
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
