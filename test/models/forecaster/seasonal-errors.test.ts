import { describe, expect, it } from "vitest";
import type { Features } from "../../../src/models/forecaster/features.ts";
import { SeasonalErrors } from "../../../src/models/forecaster/seasonal-errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { feed, forecaster, normals } from "./series.ts";

/** Days of a series that is off by `deviation` at an hour; width and share held of the intervals one and six steps ahead, by hour. */
function byHour(days: number, deviation: (hour: number) => number): { width: number[]; held: number[] } {
  const normal = normals(11);
  const values = Array.from(
    { length: 24 * days },
    (_, i) => 50 + 10 * Math.sin((i * Math.PI) / 12) + deviation(i % 24) * normal(),
  );
  const model = forecaster({ horizon: 6 });
  const [width, held, seen] = [0, 1, 2].map(() => new Array<number>(24).fill(0)) as [
    number[],
    number[],
    number[],
  ];
  feed(
    model,
    values.slice(0, -6).map((v) => [v]),
    (i) => {
      if (i < 24 * 30) return;
      for (const h of [1, 6]) {
        const hour = (i + h) % 24;
        const [lower, upper, y] = [model.lower[h - 1], model.upper[h - 1], values[i + h]];
        width[hour] += upper - lower;
        held[hour] += y >= lower && y <= upper ? 1 : 0;
        seen[hour]++;
      }
    },
  );
  return { width: width.map((w, i) => w / seen[i]), held: held.map((n, i) => n / seen[i]) };
}

const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b) / list.length;

describe("errors that follow the season", () => {
  it("make intervals wide by day and narrow by night, and both hold what they promise", () => {
    const day = (hour: number): boolean => hour >= 8 && hour < 18;
    const { width, held } = byHour(150, (hour) => (day(hour) ? 5 : 0.5));
    const of = (list: readonly number[], by: boolean) => mean(list.filter((_, hour) => day(hour) === by));
    // Ten times as noisy: with one width for all hours days would hold 72 %.
    expect(of(width, true) / of(width, false)).toBeGreaterThan(5);
    expect(of(held, true)).toBeGreaterThan(0.86);
    expect(of(held, true)).toBeLessThan(0.94);
    expect(of(held, false)).toBeLessThan(0.97);
  });

  it("are told apart by the day of the week as well", () => {
    const normal = normals(12);
    const weekend = (i: number): boolean => Math.floor(i / 24) % 7 > 4;
    const values = Array.from({ length: 24 * 7 * 30 }, (_, i) => [50 + (weekend(i) ? 0.5 : 5) * normal()]);
    const model = forecaster({ horizon: 1 });
    const [width, seen] = [
      [0, 0],
      [0, 0],
    ];
    feed(model, values, (i) => {
      if (i < 24 * 7 * 15) return;
      const kind = weekend(i + 1) ? 1 : 0;
      width[kind] += model.upper[0] - model.lower[0];
      seen[kind]++;
    });
    expect(width[0] / seen[0] / (width[1] / seen[1])).toBeGreaterThan(4);
  });

  it("are not made up where there are none", () => {
    const { width } = byHour(150, () => 2);
    expect(Math.max(...width) / Math.min(...width)).toBeLessThan(1.05);
  });

  it("are learned anew when the season has another length, each target by itself", () => {
    let [period, now] = [4, 0];
    const season = {
      period: (k: number) => (k === 0 ? period : 0),
      phase: (_: number, ahead = 0) => (now + ahead) % period,
    };
    const layout = new Layout(new Arena());
    const errors = new SeasonalErrors(layout, { targets: 2, columns: 2, horizon: 1 }, {
      season,
    } as unknown as Features);
    layout.allocate();
    for (; now < 400; now++) {
      errors.refresh();
      errors.take(0, now % 4 === 0 ? 8 : 1);
      errors.take(1, 1);
    }
    errors.refresh();
    const factors = (d: number) => [0, 1, 2, 3].map((ahead) => errors.factor(d, ahead));
    const [loud = 0, ...still] = factors(0);
    for (const other of still) expect(loud / other).toBeGreaterThan(5);
    expect(factors(1)).toEqual([1, 1, 1, 1]);
    period = 6;
    errors.refresh();
    expect(factors(0)).toEqual([1, 1, 1, 1]);
    for (let i = 0; i < 5; i++, now++) errors.take(0, 1);
    errors.refresh();
    expect(factors(0)).toEqual([1, 1, 1, 1]);
  });

  it("say nothing without a season", () => {
    const layout = new Layout(new Arena());
    const errors = new SeasonalErrors(layout, { targets: 1, columns: 1, horizon: 1 }, {
      season: { period: () => 0, phase: () => 0 },
    } as unknown as Features);
    layout.allocate();
    for (let i = 0; i < 100; i++) errors.take(0, i % 5);
    expect(errors.factor(0, 3)).toBe(1);
  });
});
