import { describe, expect, it } from "vitest";
import { Ledger } from "../../../../src/models/forecaster/ledger.ts";
import { ErrorFeedback } from "../../../../src/models/forecaster/mixture/error-feedback.ts";
import { Arena } from "../../../../src/models/kernels/arena.ts";
import { Layout } from "../../../../src/models/kernels/layout.ts";
import { normals } from "../series.ts";

const H = 4;

/** Forecasts of 0 for `values`, corrected: of each event what is said of the next steps. */
function corrected(values: readonly number[]): number[][] {
  const layout = new Layout(new Arena());
  const shape = { targets: 1, columns: 1, horizon: H };
  const ledger = new Ledger(layout, shape, 2);
  const feedback = new ErrorFeedback(layout, "feedback", shape);
  layout.allocate();
  const nothing = new Float64Array(H);
  return values.map((value) => {
    feedback.learn(ledger, ledger.settle(Float64Array.of(value)), 0);
    const out = new Float64Array(H);
    ledger.row(0).set(nothing);
    feedback.correct(nothing, ledger.row(1), out);
    ledger.issue(Float64Array.of(Number.isNaN(value) ? 1 : 0));
    return [...out];
  });
}

/** Mean squared error at step h over the later half, in that of a forecast of 0. */
function ratio(values: readonly number[], said: readonly number[][], h: number): number {
  let [error, nothing] = [0, 0];
  for (let t = values.length >> 1; t + h < values.length; t++) {
    const y = values[t + h];
    if (Number.isNaN(y)) continue;
    error += (y - said[t][h - 1]) ** 2;
    nothing += y * y;
  }
  return error / nothing;
}

/** n_t + .6 n_{t-1}: the last error tells .6 of the next but nothing of those after it. */
function movingAverage(length: number, scale = 1): number[] {
  const normal = normals(3);
  let last = 0;
  return Array.from({ length }, () => {
    const n = scale * normal();
    const value = n + 0.6 * last;
    last = n;
    return value;
  });
}

describe("what the last errors say of the next", () => {
  it("is learned where one error tells of the next, as far ahead as it does", () => {
    const values = movingAverage(6000);
    const said = corrected(values);
    // The best possible is 1 / 1.36 = .735.
    expect(ratio(values, said, 1)).toBeLessThan(0.77);
    for (let h = 2; h <= H; h++) expect(ratio(values, said, h)).toBeCloseTo(1, 2);
  });

  it("is nothing where errors are chance", () => {
    const normal = normals(4);
    const values = Array.from({ length: 6000 }, () => normal());
    const said = corrected(values);
    for (let h = 1; h <= H; h++) expect(ratio(values, said, h)).toBeLessThan(1.002);
  });

  it("does not depend on the unit", () => {
    const said = corrected(movingAverage(800));
    const scaled = corrected(movingAverage(800, 1024));
    expect(scaled.map((row) => row.map((v) => v / 1024))).toEqual(said);
    expect(said.at(-1)?.[0]).not.toBe(0);
  });

  it("is bounded where one error is beyond all others, and forgets it", () => {
    const values = movingAverage(3000);
    values[2000] = 1e9;
    const said = corrected(values);
    for (const row of said.slice(2000)) for (const v of row) expect(Math.abs(v)).toBeLessThan(1e9);
    expect(ratio(values.slice(2600), said.slice(2600), 1)).toBeLessThan(1.02);
  });

  it("is not said where readings are missing, and goes on behind them", () => {
    const values = movingAverage(6000).map((v, t) => (t % 50 < 5 ? Number.NaN : v));
    const said = corrected(values);
    for (const [t, row] of said.entries()) if (Number.isNaN(values[t])) expect(row).toEqual([0, 0, 0, 0]);
    expect(ratio(values, said, 1)).toBeLessThan(0.85);
  });
});
