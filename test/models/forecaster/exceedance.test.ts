import { describe, expect, it } from "vitest";
import { feed, forecaster, normals } from "./series.ts";

const H = 12;
const STEPS = [1, 4, H];

type Draw = (normal: () => number) => () => number;

const WALK: Draw = (normal) => {
  let v = 0;
  return () => {
    v += normal();
    return v;
  };
};
const DRAWN_BACK: Draw = (normal) => {
  let v = 0;
  return () => {
    v = 0.9 * v + normal();
    return v;
  };
};
const NOISE: Draw = (normal) => () => normal();

/** Per step and fifth of what was said: how many, what was said in sum, what came. Limits lie a few deviations from the last reading. */
function reliability(open: Draw, model: string, away: readonly number[], from: "last" | "nothing") {
  const bins = STEPS.map(() => Array.from({ length: 5 }, () => [0, 0, 0]));
  for (let seed = 1; seed <= 4; seed++) {
    const next = open(normals(seed));
    const y = Array.from({ length: 1500 }, next);
    const told = forecaster({ horizon: H, model });
    feed(
      told,
      y.map((v) => [v]),
      (t) => {
        if (t < 300 || t % 3 !== 0 || t + H >= y.length) return;
        for (const distance of away) {
          const high = (from === "last" ? y[t] : 0) + distance;
          const { probability } = told.crossing(0, { low: Number.NEGATIVE_INFINITY, high }, H);
          const first = y.slice(t + 1, t + 1 + H).findIndex((v) => v > high) + 1;
          STEPS.forEach((h, i) => {
            const bin = bins[i][Math.min(4, Math.floor(5 * probability[h - 1]))];
            bin[0]++;
            bin[1] += probability[h - 1];
            if (first > 0 && first <= h) bin[2]++;
          });
        }
      },
    );
    told.release();
  }
  return bins;
}

describe("what is said of a limit", () => {
  for (const [name, open, model, away, from] of [
    ["a random walk", WALK, "persistence", [-1, 0.5, 1, 2, 4], "last"],
    ["noise that is drawn back", DRAWN_BACK, "ar", [0.5, 1, 2, 3, 4], "nothing"],
    ["noise", NOISE, "average", [0, 0.7, 1.3, 2, 2.5], "nothing"],
  ] as const) {
    it(`comes as often for ${name}`, () => {
      for (const bins of reliability(open, model, away, from)) {
        for (const [n, said, came] of bins) {
          if (n >= 600) expect(Math.abs(said - came) / n).toBeLessThan(0.06);
        }
        const all = bins.reduce((sum, [, said, came]) => sum + said - came, 0);
        const n = bins.reduce((sum, [count]) => sum + count, 0);
        expect(Math.abs(all) / n).toBeLessThan(0.03);
      }
    });
  }

  it("goes on from a checkpoint to the same bits, and knows nothing of what comes later", () => {
    const normal = normals(8);
    const rows = Array.from({ length: 700 }, () => [normal()]);
    const shifted = rows.map(([v], t) => [t > 500 ? 3 - 2 * v : v]);
    const asked = (of: ReturnType<typeof forecaster>): number[] =>
      [-1, 0, 1, 2].flatMap((high) => [
        ...of.crossing(0, { low: Number.NEGATIVE_INFINITY, high }, 30).probability,
      ]);
    const said = [rows, shifted].map((given) => {
      const model = forecaster({ horizon: H, model: "persistence" });
      const all: number[][] = [];
      feed(model, given, () => all.push(asked(model)));
      return all;
    });
    expect(said[0].slice(0, 501)).toEqual(said[1].slice(0, 501));
    expect(said[0][650]).not.toEqual(said[1][650]);
    const [before, after] = [
      forecaster({ horizon: H, model: "persistence" }),
      forecaster({ horizon: H, model: "persistence" }),
    ];
    feed(before, rows.slice(0, 405));
    after.restore(before.save());
    const resumed: number[][] = [];
    feed(after, rows, () => resumed.push(asked(after)), 405);
    expect(resumed).toEqual(said[0].slice(405));
  });

  it("follows the last total of what only counts up", () => {
    const normal = normals(3);
    let total = 0;
    const counter = forecaster({ horizon: H, model: "persistence", counter: ["value"], integer: ["value"] });
    feed(
      counter,
      Array.from({ length: 200 }, () => {
        total += Math.max(0, Math.round(10 + 0.5 * normal()));
        return [total];
      }),
    );
    const below = counter.crossing(0, { low: total, high: Number.POSITIVE_INFINITY }, H).probability;
    expect([...below]).toEqual(new Array(H).fill(0));
    const { probability, steps } = counter.crossing(
      0,
      { low: Number.NEGATIVE_INFINITY, high: total + 60 },
      H,
    );
    expect(probability[0]).toBeLessThan(0.05);
    expect(probability[H - 1]).toBeGreaterThan(0.9);
    expect(steps[1]).toBeGreaterThanOrEqual(5);
    expect(steps[1]).toBeLessThanOrEqual(8);
  });

  it("tells when a disk is full, thousands of steps ahead, in an interval that holds it", () => {
    let [asked, inside, below] = [0, 0, 0];
    for (let seed = 1; seed <= 6; seed++) {
      const normal = normals(20 + seed);
      const rate = 0.004 + 0.002 * seed;
      const used = (t: number): number => 10 + rate * t + 0.1 * normal();
      const disk = forecaster({ horizon: H, model: "persistence" });
      const rows = Array.from({ length: 1600 }, (_, t) => [used(t)]);
      feed(disk, rows, (t) => {
        if (t < 800 || t % 100 !== 0) return;
        const [soon, middle, late] = disk.crossing(0, { low: Number.NEGATIVE_INFINITY, high: 40 }, H).steps;
        const truly = (40 - 10) / rate - t;
        // Nothing is said further ahead than four times as far as has been seen.
        if (truly < 100 || truly > 3 * t) return;
        asked++;
        if (soon <= truly && truly <= late) inside++;
        if (truly < soon) below++;
        expect(Math.abs(middle - truly) / truly).toBeLessThan(0.5);
      });
      disk.release();
    }
    expect(asked).toBeGreaterThan(30);
    expect(inside / asked).toBeGreaterThan(0.75);
    expect(below / asked).toBeLessThan(0.15);
  });
});
