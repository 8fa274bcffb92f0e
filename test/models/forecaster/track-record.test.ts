import { describe, expect, it } from "vitest";
import { TrackRecord } from "../../../src/models/forecaster/track-record.ts";
import { Units } from "../../../src/models/forecaster/units.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { feed, forecaster, normals } from "./series.ts";

function open(targets = 1, horizon = 3): { record: TrackRecord; units: Units } {
  const layout = new Layout(new Arena());
  const units = new Units(layout, targets);
  const record = new TrackRecord(layout, { targets, columns: targets, horizon });
  layout.allocate();
  return { record, units };
}

describe("a track record", () => {
  it("says nothing before the first reading", () => {
    const { record } = open();
    expect(record.coverage(1, 0)).toBeNull();
    expect(record.skill(1, 0, "persistence")).toBeNull();
    expect(record.skill(3, 0, "seasonal")).toBeNull();
  });

  it("is about the last 401 to 500 readings, and forgets what was before", () => {
    const { record, units } = open();
    const inside: boolean[] = [];
    const squares: [own: number, naive: number, seasonal: number][] = [];
    const normal = normals(1);
    for (let t = 0; t < 2000; t++) {
      record.issue(t, units, true);
      const u = normal() * (1 + t / 500);
      const errors = [normal(), 2 * normal(), 1.5 * normal()] as const;
      record.enter(t, 1, 0, u, [-1, 1, u + errors[0], u + errors[1], u + errors[2]]);
      inside.push(u >= -1 && u <= 1);
      squares.push([errors[0] ** 2, errors[1] ** 2, errors[2] ** 2]);
      if (t % 37 !== 0) continue;
      // Some number of the latest readings explains all three figures.
      const least = Math.min(t + 1, 401);
      const most = Math.min(t + 1, 500);
      const fitting: number[] = [];
      for (let n = least; n <= most; n++) {
        const share = inside.slice(-n).filter((one) => one).length / n;
        const sum = (k: 0 | 1 | 2): number => squares.slice(-n).reduce((total, one) => total + one[k], 0);
        const near = (a: number | null, b: number): boolean => a !== null && Math.abs(a - b) < 1e-9;
        if (
          near(record.coverage(1, 0), share) &&
          near(record.skill(1, 0, "persistence"), 1 - sum(0) / sum(1)) &&
          near(record.skill(1, 0, "seasonal"), 1 - sum(0) / sum(2))
        )
          fitting.push(n);
      }
      expect(fitting.length, `${t}`).toBe(1);
    }
  });

  it("counts bounds as inside, and a reading that was held in coverage but not in skill", () => {
    const { record, units } = open();
    record.issue(0, units, true);
    record.enter(0, 1, 0, 1, [-1, 1, 2, 3, 5]);
    record.enter(0, 1, 0, -1, [-1, 1, 0, 1, 3]);
    expect(record.coverage(1, 0)).toBe(1);
    record.enter(0, 1, 0, 1e9, [-1, 1]);
    expect(record.coverage(1, 0)).toBeCloseTo(2 / 3, 12);
    expect(record.skill(1, 0, "persistence")).toBe(0.75);
    expect(record.skill(1, 0, "seasonal")).toBe(1 - 1 / 16);
  });

  it("judges a reading in the measure that its forecast was made in", () => {
    const { record, units } = open();
    record.issue(0, units, true);
    units.change(0, { scale: 1000, zero: 5 }, true);
    record.issue(1, units, true);
    // Made before the change: the interval is one of readings as they were.
    record.enter(0, 2, 0, 4005, [-5, 5]);
    expect(record.coverage(2, 0)).toBe(0);
    record.enter(1, 1, 0, 4005, [-5, 5]);
    expect(record.coverage(1, 0)).toBe(1);
    // 4,005 is -1 + 4,006 by the first measure, and 4 by the second.
    record.enter(0, 2, 0, 4005, [-5, 5, -1, 4003, 4007]);
    expect(record.skill(2, 0, "persistence")).toBeLessThan(-1e6);
    record.enter(1, 1, 0, 4005, [-5, 5, 3, 2, 6]);
    expect(record.skill(1, 0, "persistence")).toBe(0.75);
  });

  it("does not count a forecast that was gone through and not told", () => {
    const { record, units } = open();
    record.issue(0, units, false);
    record.enter(0, 1, 0, 3, [-1, 1, 1, 1, 1]);
    expect(record.coverage(1, 0)).toBeNull();
    expect(record.skill(1, 0, "persistence")).toBeNull();
  });

  it("has no skill against a naive forecast without an error, and tells cells apart", () => {
    const { record, units } = open(2, 2);
    record.issue(0, units, true);
    record.enter(0, 2, 1, 0, [-1, 1, 1, 0, 2]);
    expect(record.skill(2, 1, "persistence")).toBeNull();
    expect(record.skill(2, 1, "seasonal")).toBe(0.75);
    for (const [h, d] of [
      [1, 0],
      [1, 1],
      [2, 0],
    ])
      expect(record.coverage(h, d)).toBeNull();
  });
});

describe("what a forecaster tells of itself", () => {
  it("is the share held and the skill over the last readings as anyone would count them, through faults", () => {
    const normal = normals(2);
    const H = 4;
    let e = 0;
    const rows = Array.from({ length: 1100 }, (_, t) => {
      e = 0.7 * e + normal();
      const v = 40 + 8 * Math.sin((2 * Math.PI * t) / 24) + e;
      if (t === 500 || t === 700) return [1e6];
      if (t >= 550 && t < 600) return [Number.NaN];
      return [t >= 900 ? v + 300 : v];
    });
    const model = forecaster({ horizon: H, model: "auto:without=recurrent" });
    const said: { lower: Float64Array; upper: Float64Array }[] = [];
    const inside: number[][] = Array.from({ length: H }, () => []);
    feed(model, rows, (t) => {
      const v = rows[t][0];
      for (let h = 1; h <= Math.min(H, t - 1); h++) {
        const then = said[t - h];
        if (!Number.isNaN(v)) inside[h - 1].push(v >= then.lower[h - 1] && v <= then.upper[h - 1] ? 1 : 0);
        if (t % 100 !== 99 || t < 200) continue;
        const told = model.coverage(h, 0) ?? Number.NaN;
        // 401 to 500 readings: they differ from the last 450 by no more than 50 of them.
        const last = inside[h - 1].slice(-450);
        const true_ = last.reduce((a, b) => a + b) / last.length;
        expect(Math.abs(told - true_), `${t} ${h}`).toBeLessThan(0.03);
      }
      said.push({ lower: model.lower.slice(), upper: model.upper.slice() });
    });
  });

  it("is true again 500 readings after forecasts have gone bad or good", () => {
    const normal = normals(3);
    // Nothing to know at first, then a wave anyone can follow: skill of the last 500 readings is high, of all it is not.
    const rows = Array.from({ length: 2200 }, (_, t) => [
      t < 1400 ? 10 * normal() : 10 * Math.sin((2 * Math.PI * t) / 24) + 0.1 * normal(),
    ]);
    const model = forecaster({ horizon: 2, model: "auto:without=recurrent" });
    const said: number[] = [];
    const skill = (from: number, to: number): number => {
      let [own, naive] = [0, 0];
      for (let t = from; t < to; t++) {
        own += (said[t - 2] - rows[t][0]) ** 2;
        naive += (rows[t - 2][0] - rows[t][0]) ** 2;
      }
      return 1 - own / naive;
    };
    feed(model, rows, (t) => {
      said.push(model.mean[1]);
      if (t >= 600 && t % 100 === 50) {
        const told = model.skill(2, 0) ?? Number.NaN;
        const all = Array.from({ length: 100 }, (_, i) => skill(t - 400 - i, t + 1));
        expect(told, `${t}`).toBeGreaterThan(Math.min(...all) - 0.01);
        expect(told, `${t}`).toBeLessThan(Math.max(...all) + 0.01);
      }
    });
    expect(model.skill(2, 0)).toBeGreaterThan(0.9);
  });
});
