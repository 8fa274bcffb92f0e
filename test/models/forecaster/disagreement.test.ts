import { describe, expect, it } from "vitest";
import { Disagreement } from "../../../src/models/forecaster/disagreement.ts";
import { Fan } from "../../../src/models/forecaster/fan.ts";
import { Knots } from "../../../src/models/forecaster/knots.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { feed, forecaster, normals } from "./series.ts";

interface Run {
  /** Of the later half: size of the interval and share it held, where experts agreed and where they did not. */
  readonly width: readonly [number, number];
  readonly held: readonly [number, number];
  readonly size: (h: number, ahead: number) => number;
}

/** Forecasts two steps ahead by experts that are `apart(t)` when event t has come, off by `deviation(t)` of a normal error. */
function run(apart: (t: number) => number, deviation: (t: number) => number, length = 8000): Run {
  const normal = normals(5);
  const H = 2;
  const layout = new Layout(new Arena());
  const fan = new Fan(layout, { targets: 1, columns: 1, horizon: H }, [0.05, 0.95]);
  layout.allocate();
  const issued: number[][] = [];
  const errors = new Float64Array(H);
  const [width, held, seen] = [
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  for (let t = 0; t < length; t++) {
    for (let h = 1; h <= H; h++) errors[h - 1] = t < h ? Number.NaN : deviation(t - h) * normal();
    if (t > length / 2) {
      const kind = apart(t - 1) > 1 ? 1 : 0;
      const [low, high] = issued[t - 1];
      width[kind] += high - low;
      held[kind] += errors[0] > low && errors[0] < high ? 1 : 0;
      seen[kind]++;
    }
    fan.takeErrors(0, errors, (h, level) => issued[t - h][2 * (h - 1) + level]);
    fan.issue(0, 1, 0, () => apart(t));
    issued.push([1, 2].flatMap((h) => [0, 1].map((level) => fan.offset(0, h, h, level))));
    fan.issueMade();
  }
  const each = (list: readonly number[]) => [list[0] / seen[0], list[1] / seen[1]] as const;
  return { width: each(width), held: each(held), size: (h, ahead) => fan.size(0, h, ahead) };
}

/** Experts far apart at every seventh and eighth event. */
const often = (t: number): number => (t % 8 < 6 ? 0.5 : 3);

describe("sizes by how far the experts are apart", () => {
  it("are larger where experts disagree and errors are, and every interval holds what it promises", () => {
    const { width, held } = run(often, (t) => 2 * often(t));
    expect(width[1] / width[0]).toBeGreaterThan(4.5);
    expect(width[1] / width[0]).toBeLessThan(7.5);
    for (const share of held) expect(Math.abs(share - 0.9)).toBeLessThan(0.03);
  });

  it("do not move where it says nothing of the errors, or the contrary", () => {
    for (const deviation of [() => 2, (t: number) => (often(t) > 1 ? 0.5 : 2)]) {
      const { width } = run(often, deviation);
      expect(Math.abs(width[1] / width[0] - 1)).toBeLessThan(0.06);
    }
  });

  it("go by what was issued then when an error is measured, and by the last issue ahead", () => {
    const { size } = run(often, (t) => 2 * often(t), 8000);
    // The last events are 7,998 and 7,999: both far apart, as they are 6 and 7 of their eight.
    expect(size(1, 0) / size(1, 1)).toBeCloseTo(1, 6);
    const calm = run(often, (t) => 2 * often(t), 8001);
    expect(calm.size(1, 1) / calm.size(1, 0)).toBeCloseTo(1, 6);
    expect(calm.size(2, 0) / calm.size(2, 2)).toBeGreaterThan(4);
  });

  it("go on from the last reading while none comes", () => {
    const layout = new Layout(new Arena());
    const knots = new Knots(4);
    const disagreement = new Disagreement(layout, 1, 4, knots);
    layout.allocate();
    for (const k of [0, 1, 2]) disagreement.note(0, 0, k, 1, 1);
    for (const k of [0, 1, 2]) disagreement.note(1, 0, k, Math.exp(k / 2), 1);
    const z = [0, 1, 2].map((k) => disagreement.last(0, 2 ** k));
    disagreement.carry(2, 0, 1);
    expect(disagreement.issued(2, 0, 1)).toBe(z[1]);
    disagreement.carry(3, 0, 1000);
    for (const h of [1, 2, 3, 4]) expect(disagreement.issued(3, 0, h)).toBe(z[2]);
    expect(disagreement.last(0, 1)).toBe(z[0]);
    expect(z[2]).toBeGreaterThan(z[1]);
  });

  it("are 1 while experts say the same, without a size, and where infinitely many times apart at most e² to the slope", () => {
    const layout = new Layout(new Arena());
    const knots = new Knots(4);
    const disagreement = new Disagreement(layout, 1, 4, knots);
    layout.allocate();
    for (const [apart, size] of [
      [0, 1],
      [1, 0],
      [0, 0],
    ]) {
      disagreement.note(0, 0, 0, apart, size);
      expect(disagreement.last(0, 1)).toBe(0);
    }
    disagreement.note(0, 0, 0, 1, 1);
    disagreement.note(1, 0, 0, 1e300, 1);
    expect(disagreement.issued(1, 0, 1)).toBe(2);
    for (let i = 0; i < 100_000; i++) {
      disagreement.take(2, 1e9);
      disagreement.learn(0);
    }
    expect(disagreement.factor(0, 2)).toBeCloseTo(Math.exp(2), 9);
  });

  it("make the forecaster's intervals follow the errors of a series whose bursts fade at once", () => {
    // Every tenth reading or so is far off, and every error after it is larger: experts part on how it goes on.
    const normal = normals(9);
    let [value, burst] = [0, 0];
    const bursts: boolean[] = [];
    const values = Array.from({ length: 5000 }, () => {
      const far = normal() > 1.3;
      value = 0.3 * value + (burst + 0.3) * normal() + (far ? 10 : 0);
      burst = far ? 5 : 0;
      bursts.push(far);
      return [50 + value];
    });
    const model = forecaster({ horizon: 1 });
    const [width, held, seen] = [
      [0, 0],
      [0, 0],
      [0, 0],
    ];
    feed(model, values.slice(0, -1), (i) => {
      if (i < 1500) return;
      const kind = bursts[i] ? 1 : 0;
      width[kind] += model.upper[0] - model.lower[0];
      held[kind] += values[i + 1][0] > model.lower[0] && values[i + 1][0] < model.upper[0] ? 1 : 0;
      seen[kind]++;
    });
    // Without it 1.09, and 53 % held after a burst; nothing else knows within a reading that the next is less sure.
    expect(width[1] / seen[1] / (width[0] / seen[0])).toBeGreaterThan(1.4);
    expect(held[1] / seen[1]).toBeGreaterThan(0.6);
    expect(held[0] / seen[0]).toBeGreaterThan(0.88);
  });
});

describe("knots", () => {
  it("are at powers of two and the horizon, and what is between is read along log x", () => {
    expect(new Knots(1).x).toEqual([1]);
    expect(new Knots(2).x).toEqual([1, 2]);
    expect(new Knots(48).x).toEqual([1, 2, 4, 8, 16, 32, 48]);
    const knots = new Knots(48);
    const logs = Float64Array.from(knots.x, (x) => Math.log(x));
    for (let h = 1; h <= 48; h++) expect(knots.read(logs, 0, h)).toBeCloseTo(Math.log(h), 12);
    expect(new Knots(1).read(Float64Array.of(3), 0, 1)).toBe(3);
    expect(
      knots.read(
        Float64Array.from({ length: 14 }, (_, i) => (i % 2 ? i : -1)),
        1,
        4,
        2,
      ),
    ).toBe(5);
  });
});
