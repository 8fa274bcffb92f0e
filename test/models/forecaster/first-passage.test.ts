import { describe, expect, it } from "vitest";
import { FirstPassage } from "../../../src/models/forecaster/first-passage.ts";
import { normalQuantile, normalShare } from "../../../src/models/statistics/normal.ts";
import { normals } from "./series.ts";

const FREE = Number.NEGATIVE_INFINITY;

/** Share of drawn paths that have been above `limit` by each of the steps. */
function drawn(
  path: (normal: () => number) => (h: number) => number,
  limit: number,
  steps: number[],
): number[] {
  const normal = normals(5);
  const crossed = steps.map(() => 0);
  const paths = 6000;
  for (let k = 0; k < paths; k++) {
    const next = path(normal);
    let first = Number.POSITIVE_INFINITY;
    for (let h = 1; h <= (steps.at(-1) as number) && first === Infinity; h++) if (next(h) > limit) first = h;
    steps.forEach((h, i) => {
      if (first <= h) crossed[i]++;
    });
  }
  return crossed.map((count) => count / paths);
}

describe("first passage", () => {
  it("of a random walk is that of drawn ones, and twice the chance of the last step where steps are small", () => {
    const steps = [1, 4, 12, 24, 64];
    for (const limit of [1, 3, 8]) {
      const passage = new FirstPassage();
      passage.begin();
      const told: number[] = [];
      for (let h = 1; h <= 64; h++) {
        passage.look(FREE, limit / Math.sqrt(h), 1, Math.sqrt((h - 1) / h), h === 1 ? 0 : 1);
        if (steps.includes(h)) told.push(passage.probability);
      }
      const walk = (normal: () => number) => {
        let v = 0;
        return () => {
          v += normal();
          return v;
        };
      };
      for (const [i, share] of drawn(walk, limit, steps).entries()) {
        expect(Math.abs(told[i] - share)).toBeLessThan(0.03);
      }
      // Reflection, with the limit moved outwards by .5826 steps as the walk is looked at step by step.
      const reflected = 2 * (1 - normalShare((limit + 0.5826) / 8));
      expect(Math.abs(passage.probability - reflected)).toBeLessThan(0.03);
    }
  });

  it("of what is partly common is that of drawn paths, looked at step by step or with strides", () => {
    const steps = [1, 4, 12, 24, 48];
    for (const [common, carried] of [
      [1, 0.9],
      [0.5, 0.95],
      [0.2, 0.99],
      [0, 0],
    ] as const) {
      const [a, b] = [Math.sqrt(common), Math.sqrt(1 - common)];
      const path = (normal: () => number) => {
        let s = normal();
        return (h: number) => {
          if (h > 1) s = carried * s + Math.sqrt(1 - carried * carried) * normal();
          return a * s + b * normal();
        };
      };
      for (const limit of [1.5, 2.5]) {
        const [each, strides] = [new FirstPassage(), new FirstPassage()];
        each.begin();
        strides.begin();
        const told: number[] = [];
        for (let h = 1; h <= 48; h++) {
          each.look(FREE, limit, a, carried, h === 1 ? 0 : 1);
          if (steps.includes(h)) told.push(each.probability);
          if (h === 1) strides.look(FREE, limit, a, carried, 0);
          else if (h % 3 === 1) strides.look(FREE, limit, a, carried ** 3, 3);
        }
        for (const [i, share] of drawn(path, limit, steps).entries()) {
          expect(Math.abs(told[i] - share)).toBeLessThan(0.035);
        }
        const at46 = new FirstPassage();
        at46.begin();
        for (let h = 1; h <= 46; h++) at46.look(FREE, limit, a, carried, h === 1 ? 0 : 1);
        expect(Math.abs(strides.probability - at46.probability)).toBeLessThan(0.04);
      }
    }
  });

  it("counts both limits", () => {
    const passage = new FirstPassage();
    passage.begin();
    passage.look(-1, 1, 0, 0, 0);
    expect(passage.probability).toBeCloseTo(2 * normalShare(-1), 4);
  });
});

describe("normal numbers", () => {
  it("have shares and quantiles that belong together", () => {
    for (const p of [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999]) {
      expect(Math.abs(normalShare(normalQuantile(p)) - p)).toBeLessThan(1e-7);
    }
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
  });
});
