import { describe, expect, it } from "vitest";
import { SeasonalArima } from "../../../../src/models/forecaster/experts/seasonal-arima.ts";
import { normals } from "../series.ts";
import { Bench } from "./bench.ts";

const P = 12;
const H = 24;

function opened(periods: readonly number[] = [P]): Bench {
  return new Bench((layout, shape, features) => new SeasonalArima(layout, shape, features), {
    horizon: H,
    periods,
  });
}

/** A path of the model itself: logarithms of it are seasonal differences with moving averages .4 and .6. */
function path(n: number, deviation: number, seed = 3): { values: number[]; shocks: number[] } {
  const normal = normals(seed);
  const shocks: number[] = [];
  const z: number[] = [];
  for (let t = 0; t < n; t++) {
    const e = (back: number): number => shocks[t - back] ?? 0;
    shocks.push(deviation * normal());
    const first = 5 + 0.01 * t + 0.2 * Math.sin((2 * Math.PI * t) / P);
    const moving = 0.4 * e(1) + 0.6 * e(P) - 0.24 * e(P + 1);
    z.push(t <= P ? first : z[t - 1] + z[t - P] - z[t - P - 1] - moving + e(0));
  }
  return { values: z.map(Math.exp), shocks };
}

describe("the airline model", () => {
  it("errs one step ahead by hardly more than the shocks of its own process", () => {
    const { values, shocks } = path(400, 0.02);
    const bench = opened();
    let [error, least] = [0, 0];
    for (const [t, v] of values.entries()) {
      if (t > 100) {
        error += Math.log(v / bench.forecast[0]) ** 2;
        least += shocks[t] ** 2;
      }
      bench.take([v]);
    }
    expect(error / least).toBeLessThan(1.1);
    expect(error / least).toBeGreaterThan(0.95);
  });

  it("carries growth by a share on, with a season that grows with it", () => {
    const value = (t: number): number => 100 * 1.02 ** t * (1 + 0.3 * Math.sin((2 * Math.PI * t) / P));
    const bench = opened();
    for (let t = 0; t < 60; t++) bench.take([value(t)]);
    for (let h = 1; h <= H; h++) expect(bench.forecast[h - 1] / value(59 + h)).toBeCloseTo(1, 2);
  });

  it("adds the season where values were not all positive, and again from two seasons after them on", () => {
    const bench = opened();
    const value = (t: number): number => 5 * t - 40 + 10 * Math.sin((2 * Math.PI * t) / P);
    for (let t = 0; t < 70; t++) {
      bench.take([value(t)]);
      if (t < 2 * P) continue;
      for (let h = 1; h <= H; h++)
        expect(Math.abs(bench.forecast[h - 1] - value(t + h)), `${t} + ${h}`).toBeLessThan(t < 60 ? 1 : 40);
    }
  });

  it("does not believe logarithms for having few errors, after a value that was not positive", () => {
    const value = (t: number): number => 4 + 2 * Math.sin((2 * Math.PI * t) / P);
    let [own, other] = [0, 0];
    for (const seed of [3, 4, 5, 6, 7, 8]) {
      const normal = normals(seed);
      const [zero, none] = [opened(), opened()];
      for (let t = 0; t < 112; t++) {
        const v = Math.max(0.7, value(t) + 0.6 * normal());
        zero.take([t === 81 ? 0 : v]);
        none.take([t === 81 ? 0.01 : v]);
        if (t < 106) continue;
        for (let h = 1; h <= H; h++) {
          own += Math.abs(zero.forecast[h - 1] - value(t + h));
          other += Math.abs(none.forecast[h - 1] - value(t + h));
        }
      }
    }
    expect(own / other).toBeLessThan(1.4);
  });

  it("is the last value without a season, and before one and a step have been seen", () => {
    const [none, long, young] = [opened([]), opened([300]), opened()];
    for (let t = 0; t < P; t++) {
      for (const bench of [none, long, young]) {
        bench.take([t * t]);
        expect([...bench.forecast]).toEqual(new Array(H).fill(t * t));
      }
    }
  });

  it("is finite whatever comes", () => {
    for (const odd of [0, -1e9, 1e12, 1e-12, Number.NaN]) {
      const bench = opened();
      const { values } = path(100, 0.05, 8);
      for (const [t, v] of values.entries()) bench.take([t > 50 && t % 7 === 0 ? odd : v]);
      for (const v of bench.forecast) expect(Number.isFinite(v), `${odd}`).toBe(true);
    }
  });
});
