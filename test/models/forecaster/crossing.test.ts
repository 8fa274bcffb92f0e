import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Forecaster } from "../../../src/models/forecaster/forecaster.ts";
import { daily, feed, forecaster, normals } from "./series.ts";

const above = (high: number) => ({ low: Number.NEGATIVE_INFINITY, high });
const below = (low: number) => ({ low, high: Number.POSITIVE_INFINITY });

/** What is told of several ranges, as numbers. */
const told = (model: Forecaster, within = 8): number[] =>
  [above(12), below(9), { low: 8, high: 13 }, above(30)].flatMap((range) => {
    const { probability, steps } = model.crossing(0, range, within);
    return [...probability, ...steps];
  });

describe("how likely readings leave a range", () => {
  it("is not known before there is a forecast", () => {
    const model = forecaster({ horizon: 4 });
    expect(told(model, 3).every(Number.isNaN)).toBe(true);
    feed(model, [[1]]);
    expect(told(model, 3).every(Number.isNaN)).toBe(true);
    feed(model, [[1], [2]], undefined, 1);
    expect(told(model, 3).some(Number.isNaN)).toBe(false);
  });

  it("changes nothing by being asked, and is the same whenever it is asked again", () => {
    const rows = daily(150);
    const [asked, silent] = [
      forecaster({ horizon: 8, targets: ["a", "b"] }),
      forecaster({ horizon: 8, targets: ["a", "b"] }),
    ];
    feed(asked, rows, () => expect(told(asked)).toEqual(told(asked)));
    feed(silent, rows);
    expect(Buffer.compare(asked.save(), silent.save())).toBe(0);
    expect(told(asked)).toEqual(told(silent));
  });

  it("is told from a checkpoint at once, and goes on to the same bits", () => {
    const rows = daily(160);
    rows[99] = [Number.NaN, 5];
    const [whole, resumed] = [
      forecaster({ horizon: 8, targets: ["a", "b"] }),
      forecaster({ horizon: 8, targets: ["a", "b"] }),
    ];
    feed(whole, rows.slice(0, 100));
    feed(resumed, daily(30, 9));
    resumed.restore(whole.save());
    expect(told(resumed)).toEqual(told(whole));
    const [a, b]: number[][][] = [[], []];
    feed(whole, rows, () => a.push(told(whole)), 100);
    feed(resumed, rows, () => b.push(told(resumed)), 100);
    expect(b).toEqual(a);
  });

  it("knows nothing of what comes later", () => {
    const rows = daily(160);
    const other = rows.map((row, t) => (t > 100 ? row.map((v) => 5 - 2 * v) : row));
    const all = [rows, other].map((given) => {
      const model = forecaster({ horizon: 8, targets: ["a", "b"] });
      const said: number[][] = [];
      feed(model, given, () => said.push(told(model)));
      return said;
    });
    expect(all[0].slice(0, 101)).toEqual(all[1].slice(0, 101));
    expect(all[0].slice(101)).not.toEqual(all[1].slice(101));
  });

  it("never falls from step to step, nor as the limit comes nearer", () => {
    const model = forecaster({ horizon: 12, model: "auto:without=recurrent" });
    feed(
      model,
      daily(200).map(([a]) => [a]),
    );
    fc.assert(
      fc.property(
        fc.double({ min: -30, max: 60, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (limit, nearer) => {
          const far = model.crossing(0, above(limit), 20).probability;
          const near = model.crossing(0, above(limit - nearer), 20).probability;
          const both = model.crossing(0, { low: limit - nearer - 5, high: limit - nearer }, 20).probability;
          for (let h = 0; h < 20; h++) {
            expect(far[h]).toBeGreaterThanOrEqual(0);
            expect(both[h]).toBeLessThanOrEqual(1);
            if (h > 0) expect(far[h]).toBeGreaterThanOrEqual(far[h - 1]);
            expect(near[h]).toBeGreaterThanOrEqual(far[h] - 1e-12);
            expect(both[h]).toBeGreaterThanOrEqual(near[h] - 1e-12);
          }
        },
      ),
    );
  });

  it("is nothing for a limit that readings cannot pass", () => {
    const model = forecaster({ horizon: 6, min: { value: 0 }, max: { value: 100 }, model: "persistence" });
    const normal = normals(3);
    feed(
      model,
      Array.from({ length: 60 }, () => [Math.max(0, Math.min(100, 50 + 40 * normal()))]),
    );
    expect([...model.crossing(0, { low: 0, high: 100 }, 6).probability]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(model.crossing(0, { low: 0, high: 99 }, 6).probability[5]).toBeGreaterThan(0);
  });

  it("refuses what is no range, and no number of steps", () => {
    const model = forecaster({ horizon: 3 });
    for (const [range, within] of [
      [above(Number.NaN), 3],
      [{ low: 2, high: 1 }, 3],
      [above(1), 0],
      [above(1), 1.5],
      [above(1), 1e9],
    ] as const)
      expect(() => model.crossing(0, range, within)).toThrow("expected");
  });
});
