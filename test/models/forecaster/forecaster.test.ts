import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Forecaster } from "../../../src/models/forecaster/forecaster.ts";
import { daily, feed, forecaster, HOUR, normals, START } from "./series.ts";

const TWO = { targets: ["a", "b"], horizon: 5 } as const;

const issued = (model: Forecaster): number[] => [
  ...model.mean,
  ...model.lower,
  ...model.upper,
  ...model.quantiles.flatMap((values) => [...values]),
];

function forecasts(
  options: Parameters<typeof forecaster>[0],
  rows: readonly (readonly number[])[],
): number[][] {
  const model = forecaster(options);
  const all: number[][] = [];
  feed(model, rows, () => all.push(issued(model)));
  return all;
}

describe("a forecaster", () => {
  it("never sees a label before it exists: another future leaves every earlier forecast bit-identical", () => {
    const rows = daily(220);
    const options = { ...TWO, quantiles: [0.1, 0.5, 0.9] };
    for (const change of [60, 150]) {
      const other = rows.map((row, t) => (t > change ? row.map((v, c) => 3 * v - 7 * c + t) : row));
      const [a, b] = [forecasts(options, rows), forecasts(options, other)];
      expect(a.slice(0, change + 1)).toEqual(b.slice(0, change + 1));
      expect(a.slice(change + 1)).not.toEqual(b.slice(change + 1));
    }
  });

  it("goes on from a checkpoint to the same bits", () => {
    const rows = daily(200, 2);
    rows[70][1] = Number.NaN;
    // The first event after the checkpoint brings no label.
    rows[120] = [Number.NaN, Number.NaN];
    for (const options of [
      TWO,
      { ...TWO, periods: [24] },
      { ...TWO, targets: ["a"], inputs: ["b"] },
      { ...TWO, quantiles: [0.05, 0.5, 0.6] },
    ]) {
      const whole = forecaster(options);
      let checkpoint = whole.save();
      feed(whole, rows.slice(0, 120));
      checkpoint = whole.save();
      const resumed = forecaster(options);
      // What a resumed forecaster did before must not matter.
      feed(resumed, daily(30, 9));
      resumed.restore(checkpoint);
      expect([...resumed.weights(3, 0)]).toEqual([...whole.weights(3, 0)]);
      const [a, b]: number[][][] = [[], []];
      feed(whole, rows, () => a.push(issued(whole)), 120);
      feed(resumed, rows, () => b.push(issued(resumed)), 120);
      expect(b).toEqual(a);
      expect(Buffer.compare(resumed.save(), whole.save())).toBe(0);
    }
  });

  it("makes the same forecasts from the same events", () => {
    const rows = daily(80);
    expect(forecasts(TWO, rows)).toEqual(forecasts(TWO, rows));
  });

  it("forecasts from the second event on, whatever comes", () => {
    const normal = normals(3);
    const hard: Record<string, (t: number) => number> = {
      constant: () => 7,
      zero: () => 0,
      huge: () => 1e200 * normal(),
      hugeAfterZeros: (t) => (t < 20 ? 0 : 1e250 * normal()),
      tiny: () => 1e-250 * normal(),
      largest: (t) => (t % 2 ? Number.MAX_VALUE : -Number.MAX_VALUE),
      spikes: (t) => (t % 37 === 36 ? 1e12 : normal()),
      shift: (t) => (t < 60 ? 0 : 1e9) + normal(),
      growing: (t) => 1.5 ** t,
      missing: (t) => (t > 2 && t % 3 ? Number.NaN : normal()),
      gone: (t) => (t > 40 ? Number.NaN : normal()),
      infinite: (t) => (t === 30 ? Number.POSITIVE_INFINITY : normal()),
      never: () => Number.NaN,
    };
    for (const [name, at] of Object.entries(hard)) {
      const model = forecaster({ horizon: 4 });
      const rows = Array.from({ length: 120 }, (_, t) => [at(t)]);
      feed(model, rows, (t) => {
        // Without a single value there is nothing to say, now or later.
        expect(model.ready, name).toBe(t > 0 && name !== "never");
        expect(model.knows(0), name).toBe(name !== "never");
        for (const value of issued(model)) expect(Number.isFinite(value), `${name} ${t}`).toBe(true);
        for (let i = 0; i < 4; i++) expect(model.lower[i] <= model.upper[i], `${name} ${t}`).toBe(true);
      });
    }
  });

  it("keeps its bounds finite when an error is the smallest number there is", () => {
    const model = forecaster({ horizon: 3, model: "persistence", quantiles: [0.1, 0.9] });
    const still = new Array(60).fill(0);
    const rows = [1, 0, Number.NaN, Number.NaN, Number.NaN, ...still, 3e-323, 0, 0, 1, 2, 1, 0, 3];
    feed(
      model,
      rows.map((v) => [v]),
      (t) => {
        for (const value of issued(model)) expect(Number.isFinite(value), `${t}`).toBe(true);
      },
    );
  });

  it("forecasts a constant series exactly", () => {
    const model = forecaster({ horizon: 3 });
    feed(
      model,
      Array.from({ length: 50 }, () => [0.1]),
    );
    expect([...model.mean]).toEqual([0.1, 0.1, 0.1]);
  });

  it("takes irregular times, repeats of a time and gaps", () => {
    const normal = normals(4);
    const model = forecaster({ horizon: 6 });
    let time = START;
    for (let t = 0; t < 150; t++) {
      time += t % 11 === 0 ? 0 : t % 17 === 0 ? 40 * HOUR : 200_000 + 100_000 * Math.abs(normal());
      model.observe(Math.round(time), Float64Array.of(normal()));
      for (const value of issued(model)) expect(Number.isFinite(value)).toBe(true);
    }
  });

  it("does not depend on the unit of measurement", () => {
    const rows = daily(150);
    const scaled = rows.map((row) => row.map((v) => v * 1024));
    const [a, b] = [forecaster(TWO), forecaster(TWO)];
    feed(a, rows);
    feed(b, scaled);
    expect([...b.mean]).toEqual([...a.mean].map((v) => v * 1024));
  });

  it("is far better than persistence where there is something to learn", () => {
    const model = forecaster({ targets: ["a"], inputs: ["b"], horizon: 6 });
    feed(model, daily(800));
    expect(model.skill(6, 0)).toBeGreaterThan(0.6);
    expect(model.skill(6, 0, "seasonal")).toBeGreaterThan(0);
    expect(model.coverage(6, 0)).toBeGreaterThan(0.85);
    expect(model.periods).toEqual([24, 168]);
  });

  it("stands still on a random walk", () => {
    const normal = normals(5);
    const model = forecaster({ horizon: 8 });
    let v = 0;
    feed(
      model,
      Array.from({ length: 1500 }, () => {
        v += normal();
        return [v];
      }),
    );
    for (let h = 1; h <= 8; h++) expect(model.skill(h, 0)).toBeGreaterThan(-0.05);
  });

  it("reports weights that sum to one, an expert each", () => {
    const model = forecaster(TWO);
    feed(model, daily(300));
    expect(model.experts[0]).toBe("persistence");
    for (let h = 1; h <= 5; h++) {
      const w = model.weights(h, 0);
      expect(w.length).toBe(model.experts.length);
      expect([...w].reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    }
  });

  it("is small for a series of one column: thousands fit in memory", () => {
    expect(forecaster({ horizon: 12 }).byteLength).toBeLessThan(620_000);
  });

  it("makes quantiles beside a forecast that asking for them leaves as it is, bit by bit", () => {
    const rows = daily(150);
    const [plain, asked] = [forecaster(TWO), forecaster({ ...TWO, quantiles: [0.2, 0.5, 0.8] })];
    expect([plain.quantiles.length, asked.quantiles.length]).toEqual([0, 3]);
    feed(plain, rows, (t) => {
      feed(asked, rows.slice(0, t + 1), () => {}, t);
      for (const field of ["mean", "lower", "upper"] as const) expect(asked[field]).toEqual(plain[field]);
    });
    // A factor per level, target and knot (steps 1, 2, 4, 5), and a value per level of every cell of every pending issue.
    const cost = 8 * 3 * 2 * (4 + 1) + 8 * 5 * 3 * (5 * 2);
    expect(asked.byteLength - plain.byteLength).toBe(cost);
  });

  it("makes quantiles that never fall from level to level, whatever comes", () => {
    const level = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -3, max: 3 }),
      fc.constant(Number.NaN),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(level, { minLength: 2, maxLength: 6 }),
        fc.array(value, { minLength: 5, maxLength: 60 }),
        (quantiles, values) => {
          const model = forecaster({ horizon: 3, model: "persistence", quantiles });
          feed(
            model,
            values.map((v) => [v]),
            () => {
              for (let i = 0; i < 3; i++) {
                const at = model.quantiles.map((one) => one[i]);
                expect(at.every(Number.isFinite)).toBe(true);
                expect(at).toEqual([...at].sort((a, b) => a - b));
              }
            },
          );
          model.release();
        },
      ),
    );
  });

  it("makes quantiles below which the share of labels is the level", () => {
    const normal = normals(6);
    const levels = [0.1, 0.5, 0.9];
    const [length, H] = [3000, 3];
    const model = forecaster({ horizon: H, model: "holt-winters", quantiles: levels });
    const rows = Array.from({ length }, () => [Math.exp(normal())]);
    const pending: number[][][] = [];
    const below = levels.map(() => new Array<number>(H).fill(0));
    feed(model, rows, (t) => {
      for (let h = 1; h <= H && h <= t; h++) {
        const then = pending[t - h];
        for (let k = 0; k < levels.length; k++) below[k][h - 1] += rows[t][0] <= then[k][h - 1] ? 1 : 0;
      }
      pending.push(model.quantiles.map((values) => [...values]));
    });
    for (const [k, shares] of below.entries()) {
      for (const count of shares) expect(Math.abs(count / length - levels[k])).toBeLessThan(0.02);
    }
  });

  it("refuses a checkpoint of another size", () => {
    expect(() => forecaster().restore(new Uint8Array(8))).toThrow(/checkpoint/);
  });

  it("runs one expert alone, or auto with experts left out or equal weights", () => {
    const rows = daily(60);
    for (const model of [
      "persistence",
      "seasonal",
      "holt-winters",
      "ar",
      "esn",
      "lstm",
      "auto:without=recurrent",
      "auto:without=lstm+profile,mixture=equal",
    ]) {
      const one = forecaster({ ...TWO, model });
      feed(one, rows);
      expect([...one.mean].every(Number.isFinite), model).toBe(true);
      expect([...one.weights(1, 0)].reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    }
    const alone = forecaster({ ...TWO, model: "persistence" });
    feed(alone, rows);
    expect([...alone.mean.subarray(0, 2)]).toEqual(rows[59]);
    for (const model of ["nonsense", "auto:without=nonsense", "auto:speed=1", "lstm:what=1"]) {
      expect(() => forecaster({ model }), model).toThrow(/model/);
    }
  });
});
