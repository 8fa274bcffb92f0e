import { describe, expect, test } from "vitest";
import { Limits } from "../../../src/models/forecaster/limits.ts";
import { specification } from "../../../src/models/forecaster/specification.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import { feed, forecaster, normals } from "./series.ts";

const limits = (options: Parameters<typeof specification>[0]) => new Limits(specification(options));

describe("limits", () => {
  test("of all targets, or by column; who has none is free", () => {
    const some = limits({ targets: ["a", "b"], min: { a: -1 }, max: { a: 5 } });
    expect([some.free(0), some.free(1)]).toEqual([false, true]);
    expect([-3, 2, 9].map((v) => some.hold(0, v, "mean"))).toEqual([-1, 2, 5]);
    expect(some.hold(1, 1e9, "upper")).toBe(1e9);
    const all = limits({ targets: ["a", "b"], min: { "*": 0, b: 7 } });
    expect([all.hold(0, -1, "lower"), all.hold(1, -1, "lower")]).toEqual([0, 7]);
  });

  test("of an integer column: bounds outwards, quantiles down, the mean stays a mean", () => {
    const whole = limits({ integer: true });
    const of = (v: number) =>
      (["mean", "lower", "upper", "quantile"] as const).map((r) => whole.hold(0, v, r));
    expect(of(2.3)).toEqual([2.3, 2, 3, 2]);
    expect(of(-2.3)).toEqual([-2.3, -3, -2, -3]);
    expect(of(4)).toEqual([4, 4, 4, 4]);
    // Limits between two whole numbers are those of the whole numbers inside.
    const between = limits({ integer: true, min: 0.5, max: 9.5 });
    expect([between.hold(0, 0.2, "lower"), between.hold(0, 12, "upper")]).toEqual([1, 9]);
  });

  test("a target that counts up keeps above its last total, whatever its readings are limited to", () => {
    const total = limits({ counter: true, max: 10 });
    expect(total.free(0)).toBe(false);
    expect([1e6, 3].map((v) => total.hold(0, v, "mean", 7))).toEqual([1e6, 7]);
  });

  test.each([
    [{ min: Number.NaN }, 'min: expected a number, or { "column": number }, got NaN'],
    [{ min: { value: 5 }, max: 5 }, 'min: expected less than max of "value", 5, got 5'],
    [{ min: 0.2, max: 0.8, integer: true }, 'min: expected less than max of "value", 0.8, got 0.2'],
    [{ max: { power: 1 } }, 'max: expected one of the columns "value", got "power"'],
    [{ integer: ["count"] }, 'integer: expected one of the columns "value", got "count"'],
    [{ counter: ["t"], inputs: ["t"] }, 'counter: expected one of the columns "value", got "t"'],
    [{ min: JSON.parse('{"__proto__": 1}') }, 'min: expected one of the columns "value", got "__proto__"'],
  ])("%j is refused by name", (options, message) => {
    expect(() => specification(options)).toThrow(message);
  });

  test("the specification is plain data that says the same again", () => {
    const spec = specification({
      targets: ["a", "b"],
      min: 0,
      max: { b: 9 },
      integer: ["b"],
      counter: ["*"],
    });
    expect(spec).toMatchObject({ min: { a: 0, b: 0 }, max: { b: 9 }, integer: ["b"], counter: ["a", "b"] });
    expect(specification(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
  });
});

/** Sun on a roof: nothing at night, whatever the clouds leave by day. */
function power(rows: number): number[][] {
  const random = seeded(5, "clouds");
  return Array.from({ length: rows }, (_, t) => [
    Math.max(0, 800 * Math.sin(((t % 24) / 12 - 0.5) * Math.PI)) * (0.3 + 0.7 * random()),
  ]);
}

describe("a forecaster with limits", () => {
  test("says nothing beyond them, and its intervals hold what they promise as issued", () => {
    const rows = power(1500);
    const [free, held] = [{}, { min: 0, max: 800 }].map((options) =>
      forecaster({ horizon: 4, quantiles: [0.05, 0.5], ...options }),
    );
    let beyond = 0;
    let inside = 0;
    let labels = 0;
    feed(free as never, rows.slice(0, 400), () => {
      if ((free?.lower[3] ?? 0) < 0) beyond++;
    });
    expect(beyond).toBeGreaterThan(100);
    feed(held as never, rows, (t) => {
      if (held === undefined) return;
      for (const numbers of [held.mean, held.lower, held.upper, ...held.quantiles])
        for (const v of numbers) expect(v >= 0 && v <= 800).toBe(true);
      for (let h = 1; h <= 4 && t >= 300; h++) {
        const y = rows[t + h]?.[0];
        if (y === undefined) continue;
        labels++;
        if (y >= (held.lower[h - 1] ?? 0) && y <= (held.upper[h - 1] ?? 0)) inside++;
      }
    });
    expect(inside / labels).toBeGreaterThan(0.87);
    expect(inside / labels).toBeLessThan(0.95);
    expect(held?.coverage(1, 0)).toBeCloseTo(inside / labels, 1);
  });

  test("limits that nothing comes near change no bit", () => {
    const rows = power(200).map(([v]) => [(v ?? 0) + 5000]);
    const issued = [{}, { min: -1e9, max: 1e9 }].map((options) => {
      const model = forecaster({ horizon: 3, ...options });
      const said: number[] = [];
      feed(model, rows, () => said.push(...model.mean, ...model.lower, ...model.upper));
      return said;
    });
    expect(issued[1]).toEqual(issued[0]);
  });

  test("counts: whole bounds, never a point, the mean inside and not rounded", () => {
    const random = seeded(2, "counts");
    const rows = Array.from({ length: 600 }, () => [Math.floor(-Math.log(1 - random()) * 1.4)]);
    const model = forecaster({ horizon: 3, integer: true, min: 0, quantiles: [0.1, 0.5, 0.9] });
    let fractions = 0;
    feed(model, rows, (t) => {
      if (t < 50) return;
      for (let i = 0; i < 3; i++) {
        const [mean, lower, upper] = [model.mean[i] ?? 0, model.lower[i] ?? 0, model.upper[i] ?? 0];
        for (const v of [lower, upper, ...model.quantiles.map((q) => q[i] ?? 0)]) {
          expect(Number.isInteger(v) && v >= 0).toBe(true);
        }
        expect(lower < upper && lower <= mean && mean <= upper).toBe(true);
        if (!Number.isInteger(mean)) fractions++;
      }
    });
    expect(fractions).toBeGreaterThan(1000);
  });
});

describe("a forecaster of totals", () => {
  const normal = normals(3);
  const totals: number[][] = [[0]];
  for (let t = 1; t < 900; t++) {
    const step = Math.max(0, 100 * (1 + 0.8 * Math.sin((2 * Math.PI * t) / 24)) + 5 * normal());
    totals.push([(totals[t - 1]?.[0] ?? 0) + step]);
  }

  function score(options: object, rows: readonly (readonly number[])[]) {
    const model = forecaster({ horizon: 12, ...options });
    const sums = { near: 0, far: 0, inside: 0, n: 0 };
    feed(model, rows, (t) => {
      if (t < 300 || t + 12 >= totals.length) return;
      sums.near += Math.abs((totals[t + 1]?.[0] ?? 0) - (model.mean[0] ?? 0));
      const far = totals[t + 12]?.[0] ?? 0;
      sums.far += Math.abs(far - (model.mean[11] ?? 0));
      if (far >= (model.lower[11] ?? 0) && far <= (model.upper[11] ?? 0)) sums.inside++;
      sums.n++;
    });
    return { near: sums.near / sums.n, far: sums.far / sums.n, inside: sums.inside / sums.n, model };
  }

  test("is nearer one step ahead than one that sees totals, with intervals for the total at each step", () => {
    const counted = score({ counter: true }, totals);
    const plain = score({}, totals);
    expect(counted.near).toBeLessThan(0.9 * plain.near);
    expect(counted.far).toBeLessThan(60);
    expect(counted.inside).toBeGreaterThan(0.84);
    expect(counted.inside).toBeLessThan(0.95);
    // Against the naive forecast that goes on as fast as last.
    expect(counted.model.skill(12, 0)).toBeGreaterThan(0.8);
  });

  test("a missing total is no missing count, and forecasts go on from where the total must be by now", () => {
    const gaps = totals.map((row, t) => (t % 40 >= 34 && t > 100 ? [Number.NaN] : row));
    const { near, model } = score({ counter: true }, gaps);
    expect(near).toBeLessThan(40);
    const last = totals.at(-1)?.[0] ?? 0;
    expect(Math.abs((model.mean[0] ?? 0) - last)).toBeLessThan(300);
  });

  test("never falls below the last total, and goes on from a checkpoint to the same bits", () => {
    const model = forecaster({ horizon: 5, counter: true, quantiles: [0.01] });
    const random = seeded(8, "calls");
    let total = 7;
    const rows = Array.from({ length: 300 }, () => {
      total += random() < 0.1 ? 3 : 0;
      return [total];
    });
    feed(model, rows.slice(0, 150), (t) => {
      if (t === 0) return;
      for (const numbers of [model.mean, model.lower, model.upper, ...model.quantiles])
        for (const v of numbers) expect(v).toBeGreaterThanOrEqual(rows[t]?.[0] ?? 0);
    });
    const again = forecaster({ horizon: 5, counter: true, quantiles: [0.01] });
    again.restore(model.save());
    feed(model, rows, () => {}, 150);
    feed(again, rows, () => {}, 150);
    expect([...again.mean, ...again.lower, ...again.upper]).toEqual([
      ...model.mean,
      ...model.lower,
      ...model.upper,
    ]);
  });
});
