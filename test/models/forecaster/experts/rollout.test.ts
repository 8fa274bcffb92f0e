import { describe, expect, it } from "vitest";
import { Autoregression } from "../../../../src/models/forecaster/experts/autoregression.ts";
import { Rollout } from "../../../../src/models/forecaster/experts/rollout.ts";
import { feed, forecaster, normals } from "../series.ts";
import { Bench } from "./bench.ts";

const HORIZON = 24;
const rolling = (): Bench =>
  new Bench(
    (layout, shape, features) =>
      new Rollout(layout, shape, features, new Autoregression(layout, shape, features), true),
    { horizon: HORIZON },
  );
const direct = (): Bench =>
  new Bench((layout, shape, features) => new Autoregression(layout, shape, features), { horizon: HORIZON });

/** A stationary second-order autoregression: its one-step law is all there is to know. */
function autoregressive(length: number, seed: number): number[][] {
  const normal = normals(seed);
  let [one, two] = [0, 0];
  return Array.from({ length }, () => {
    const v = 1.9 * one - 0.95 * two + normal();
    [one, two] = [v, one];
    return [v];
  });
}

/** Mean squared error at the last step over the rows from `first` on. */
function far(bench: Bench, rows: readonly (readonly number[])[], first: number): number {
  const said: number[] = [];
  let sum = 0;
  rows.forEach((row, t) => {
    if (t >= first) sum += (said[t - HORIZON] - row[0]) ** 2 / (rows.length - first);
    said.push(bench.take(row)[HORIZON - 1]);
  });
  return sum;
}

describe("roll-out", () => {
  it("beats the direct autoregression where the one-step law holds", () => {
    let mean = 0;
    for (const seed of [1, 2, 3]) {
      const rows = autoregressive(1500, seed);
      const ratio = far(rolling(), rows, 500) / far(direct(), rows, 500);
      expect(ratio).toBeLessThan(1.01);
      mean += ratio / 3;
    }
    expect(mean).toBeLessThan(0.99);
  });

  it("is the direct forecast, bit by bit, until it has won over a hundred labels", () => {
    const rows = autoregressive(1500, 2);
    const [a, b] = [rolling(), direct()];
    let apart = -1;
    rows.forEach((row, t) => {
      const equal = Buffer.compare(Buffer.from(a.take(row).buffer), Buffer.from(b.take(row).buffer)) === 0;
      if (!equal && apart < 0) apart = t;
    });
    expect(apart).toBeGreaterThan(100);
  });

  it("takes gaps, and says finite things in them", () => {
    const rows = autoregressive(600, 3).map((row, t) => (t % 50 > 40 ? [Number.NaN] : row));
    const bench = rolling();
    for (const row of rows) for (const v of bench.take(row)) expect(Number.isFinite(v)).toBe(true);
  });

  it("forecasts alone, and goes on from a checkpoint to the same bits", () => {
    const rows = autoregressive(700, 4);
    const options = { horizon: HORIZON, model: "rollout" };
    const whole = forecaster(options);
    feed(whole, rows.slice(0, 500));
    const resumed = forecaster(options);
    feed(resumed, autoregressive(40, 9));
    resumed.restore(whole.save());
    feed(
      whole,
      rows,
      (t) => {
        feed(resumed, rows.slice(0, t + 1), () => {}, t);
        expect(resumed.mean).toEqual(whole.mean);
      },
      500,
    );
    expect(whole.skill(HORIZON, 0)).toBeGreaterThan(0.3);
    expect(whole.experts).toEqual(["persistence", "seasonal-naive", "rollout"]);
  });

  it("and the direct kind can each be left out", () => {
    expect(forecaster({ model: "auto:without=rollout" }).experts).not.toContain("rollout");
    const { experts } = forecaster({ model: "auto:without=autoregression" });
    expect(experts).toContain("rollout");
    expect(experts).not.toContain("autoregression");
  });
});

describe("model names", () => {
  it("of a family stand for a mixture of its members", () => {
    const model = forecaster({ model: "recurrent" });
    expect(model.experts.slice(2)).toEqual(["echo-sharp", "echo-plain", "echo-smooth", "lstm", "lstm-heads"]);
    feed(model, autoregressive(300, 5));
    const w = model.weights(1, 0);
    expect([...w].filter((v) => v > 0).length).toBeGreaterThan(2);
  });

  it("take another rule for the intervals, which leaves the forecast as it is", () => {
    const rows = autoregressive(300, 6);
    const [tracked, aci] = [
      forecaster({ model: "autoregression" }),
      forecaster({ model: "autoregression:intervals=aci" }),
    ];
    feed(tracked, rows);
    feed(aci, rows);
    expect(aci.mean).toEqual(tracked.mean);
    expect(aci.upper).not.toEqual(tracked.upper);
    expect(Math.abs((aci.coverage(1, 0) ?? 0) - 0.9)).toBeLessThan(0.04);
    expect(() => forecaster({ model: "auto:intervals=none" })).toThrow(
      /expected intervals=tracked\|aci, got "?none/,
    );
  });
});
