import { describe, expect, it } from "vitest";
import { HoltWinters } from "../../../../src/models/forecaster/experts/holt-winters.ts";
import { LeakyAverage } from "../../../../src/models/forecaster/experts/leaky-average.ts";
import { Persistence } from "../../../../src/models/forecaster/experts/persistence.ts";
import { SeasonalNaive } from "../../../../src/models/forecaster/experts/seasonal-naive.ts";
import { SeasonalProfile } from "../../../../src/models/forecaster/experts/seasonal-profile.ts";
import { normals } from "../series.ts";
import { Bench } from "./bench.ts";

const column = (values: readonly number[]): number[][] => values.map((v) => [v]);

describe("persistence", () => {
  it("says the last value seen, past a missing one", () => {
    const bench = new Bench((_, shape, features) => new Persistence(shape, features), { targets: 2 });
    bench.takeAll([
      [1, 2],
      [3, Number.NaN],
    ]);
    expect([...bench.forecast]).toEqual([3, 2, 3, 2, 3, 2]);
  });
});

describe("seasonal naive", () => {
  const values = [1, 2, 4, 8, 10, 20, 40];

  it("says the value one season before, over several seasons", () => {
    const bench = new Bench((_, shape, features) => new SeasonalNaive(shape, features), {
      horizon: 5,
      periods: [3],
    });
    expect([...bench.takeAll(column(values))]).toEqual([10, 20, 40, 10, 20]);
  });

  it("is persistence until a season has been seen, and without a season", () => {
    const make = (periods: number[]): Bench =>
      new Bench((_, shape, features) => new SeasonalNaive(shape, features), { periods });
    expect([...make([3]).takeAll(column([5, 6]))]).toEqual([6, 5, 6]);
    expect([...make([]).takeAll(column([5, 6, 9]))]).toEqual([9, 9, 9]);
  });

  it("carries the change since a season ago on", () => {
    const bench = new Bench((_, shape, features) => new SeasonalNaive(shape, features, "drift"), {
      periods: [3],
    });
    expect([...bench.takeAll(column([1, 2, 4, 2, 4, 8]))]).toEqual([6, 8, 12]);
  });
});

describe("leaky average", () => {
  it("equals the averages computed directly, and their mean", () => {
    const values = [3, 1, 4, 1, 5, 9, 2, 6];
    const bench = new Bench((_, shape, features) => new LeakyAverage(shape, features, [0, 1]));
    const average = (scale: number): number =>
      values.reduce((mean, v, i) => mean + Math.max(1 / (i + 1), 1 / scale) * (v - mean), 0);
    bench.takeAll(column(values));
    expect(bench.forecast[2]).toBeCloseTo((average(4) + average(16)) / 2, 12);
    expect(bench.expert.name).toBe("average-4-16");
  });
});

describe("seasonal profile", () => {
  it("carries a pattern forward from the last value, and back to a level", () => {
    const pattern = Array.from({ length: 24 }, (_, i) => 5 * Math.sin((2 * Math.PI * i) / 24));
    const rows = Array.from({ length: 1200 }, (_, t) => [20 + pattern[t % 24]]);
    for (const start of ["last", "short", "long"] as const) {
      const bench = new Bench((_, shape, features) => new SeasonalProfile(shape, features, start), {
        horizon: 24,
        periods: [24],
      });
      bench.takeAll(rows);
      // The leaky level that the profile stands on swings with the season by its gain there, a / |1 - (1-a) e^(-iω)|
      // with a = 1/24, ω = 2π/24: two swings apart at worst (and 2 % for the start). Averages of 20 events leave more.
      const slack = start === "last" ? 2 * 5 * 0.161 * 1.02 : 2;
      for (let h = 1; h <= 24; h++) {
        expect(Math.abs(bench.forecast[h - 1] - 20 - pattern[(1199 + h) % 24])).toBeLessThan(slack);
      }
    }
  });

  it("knows a second season", () => {
    const rows = Array.from({ length: 1200 }, (_, t) => [10 + (t % 4) + (t % 12 === 7 ? 5 : 0)]);
    const bench = new Bench((_, shape, features) => new SeasonalProfile(shape, features, "second"), {
      horizon: 12,
      periods: [4, 12],
    });
    bench.takeAll(rows);
    // The same phase of the first season, with and without the peak of the second.
    expect(bench.forecast[7] - bench.forecast[3]).toBeGreaterThan(3);
    expect(bench.forecast[7] - bench.forecast[3]).toBeLessThan(6);
  });

  it("does not believe a profile that is noise", () => {
    const normal = normals(1);
    const bench = new Bench((_, shape, features) => new SeasonalProfile(shape, features, "last"), {
      periods: [50],
    });
    bench.takeAll(Array.from({ length: 1500 }, () => [normal()]));
    expect(Math.abs(bench.features.seasonal(0, 1))).toBeLessThan(0.1);
  });
});

describe("Holt-Winters", () => {
  const factors = [0.8, 1, 1.3, 0.9];

  it("continues a trend with multiplied seasons exactly", () => {
    const value = (t: number): number => (100 + 2 * t) * factors[t % 4];
    const bench = new Bench((layout, shape, features) => new HoltWinters(layout, shape, features), {
      horizon: 8,
      periods: [4],
    });
    bench.takeAll(Array.from({ length: 400 }, (_, t) => [value(t)]));
    for (let h = 1; h <= 8; h++) expect(bench.forecast[h - 1] / value(399 + h)).toBeCloseTo(1, 3);
  });

  it("is the last value where a product of factors makes no sense: more than a few values are not positive", () => {
    const bench = new Bench((layout, shape, features) => new HoltWinters(layout, shape, features), {
      periods: [4],
    });
    bench.takeAll(Array.from({ length: 120 }, (_, t) => [t % 10 === 5 ? -1 : factors[t % 4]]));
    expect([...bench.forecast]).toEqual([0.9, 0.9, 0.9]);
  });

  it("goes on past a single value that is not positive, and comes back after a stretch of them", () => {
    const make = (value: (t: number) => number, length: number): Float64Array =>
      new Bench((layout, shape, features) => new HoltWinters(layout, shape, features), {
        periods: [4],
      }).takeAll(Array.from({ length }, (_, t) => [value(t)]));
    for (const forecast of [
      make((t) => (t === 20 ? -1 : factors[t % 4]), 40),
      make((t) => (t === 1 || t === 30 ? 0 : 50 * factors[t % 4]), 100).map((v) => v / 50),
      make((t) => (t >= 100 && t < 110 ? -3 : factors[t % 4]), 400),
    ]) {
      for (let h = 1; h <= 3; h++) expect(forecast[h - 1] / factors[(3 + h) % 4]).toBeCloseTo(1, 1);
    }
  });

  it("passes over missing values", () => {
    const bench = new Bench((layout, shape, features) => new HoltWinters(layout, shape, features), {
      periods: [4],
    });
    bench.takeAll(Array.from({ length: 100 }, (_, t) => [t % 7 === 5 ? Number.NaN : 50 * factors[t % 4]]));
    for (let h = 1; h <= 3; h++)
      expect(bench.forecast[h - 1] / (50 * factors[(99 + h) % 4])).toBeCloseTo(1, 1);
  });
});
