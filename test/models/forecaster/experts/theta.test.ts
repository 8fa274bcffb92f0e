import { describe, expect, test } from "vitest";
import { Theta } from "../../../../src/models/forecaster/experts/theta.ts";
import { Bench } from "./bench.ts";

const FACTORS = [1.2, 0.9, 1.1, 0.8];
const H = 6;

/** The last forecast after `n` values. */
function forecast(value: (i: number) => number, n: number, periods: readonly number[] = []): number[] {
  const bench = new Bench((_, shape, features) => new Theta(shape, features), { horizon: H, periods });
  for (let i = 0; i < n; i++) bench.take([value(i)]);
  return [...bench.forecast];
}

describe("theta", () => {
  test("carries half of a line's slope on", () => {
    const said = forecast((i) => 50 + 3 * i, 60);
    for (let h = 1; h < H; h++) expect(said[h] - said[h - 1]).toBeCloseTo(1.5, 9);
    // Gain 1 knows the last value, and has most of the weight.
    expect(said[0]).toBeLessThan(50 + 3 * 60);
    expect(said[0]).toBeGreaterThan(50 + 3 * 57);
  });

  test("knows the factors of a season around a level from the second season on", () => {
    const value = (i: number) => 100 * FACTORS[i % 4];
    const said = forecast(value, 10, [4]);
    for (const [h, v] of said.entries()) expect(v).toBeCloseTo(value(10 + h), 9);
  });

  test("adds the season where values are not all positive", () => {
    const value = (i: number) => 10 * (FACTORS[i % 4] - 1) - 1;
    const said = forecast(value, 40, [4]);
    for (const [h, v] of said.entries()) expect(v).toBeCloseTo(value(40 + h), 9);
  });

  test("takes no season off where none recurs, and is the last value before there are four", () => {
    // A slow wave is not alike from one season of five to the next two and a half.
    const said = forecast((i) => 20 + Math.sin((2 * Math.PI * i) / 20), 200, [5]);
    for (let h = 2; h < H; h++) expect(said[h] - said[h - 1]).toBeCloseTo(said[1] - said[0], 9);
    expect(forecast((i) => 7 + i, 3)).toEqual(new Array(H).fill(9));
  });

  test("looks back on the last 240 values alone", () => {
    const later = forecast((i) => (i < 100 ? 5000 : 40 + (i % 7)), 500, [7]);
    const alone = forecast((i) => 40 + ((i + 260) % 7), 240, [7]);
    for (const [h, v] of later.entries()) expect(v).toBeCloseTo(alone[h], 9);
  });
});
