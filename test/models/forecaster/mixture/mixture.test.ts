import { describe, expect, it } from "vitest";
import { Ledger } from "../../../../src/models/forecaster/ledger.ts";
import { combinations, Mixture } from "../../../../src/models/forecaster/mixture/mixture.ts";
import { Polynomial } from "../../../../src/models/forecaster/mixture/polynomial.ts";
import type { Named } from "../../../../src/models/forecaster/mixture/stand-in.ts";
import { Arena } from "../../../../src/models/kernels/arena.ts";
import { Layout } from "../../../../src/models/kernels/layout.ts";
import { normals } from "../series.ts";

const [H, D] = [3, 2];
/** Its place among the combinations: behind the blend and three inverse-error rules. */
const POLYNOMIAL = 4;

/** A mixture over a ledger whose experts err by what they are told. */
class Mixed {
  readonly #ledger: Ledger;
  readonly #mixture: Mixture;
  readonly #experts: number;
  readonly mean: Float64Array;

  constructor(
    experts: number,
    named: readonly Named[] = Array.from({ length: experts }, (_, m) => ({ name: `expert ${m}` })),
  ) {
    this.#experts = experts;
    const layout = new Layout(new Arena());
    const shape = { targets: D, columns: D, horizon: H };
    this.#ledger = new Ledger(layout, shape, experts + combinations(D) + 1);
    this.#mixture = new Mixture(layout, shape, named);
    layout.allocate();
    this.mean = new Float64Array(H * D);
  }

  /** Labels are 0: a forecast is its error. Takes the labels due, then issues `forecasts` [M][H × D]; returns `mean`. */
  take(forecasts: readonly (readonly number[])[]): Float64Array {
    this.#mixture.learn(this.#ledger, this.#ledger.settle(new Float64Array(D)));
    for (const [m, forecast] of forecasts.entries()) this.#ledger.row(m).set(forecast);
    this.#mixture.combine(this.#ledger, this.mean);
    return this.mean;
  }

  /** What the mixture took expert m to say in the issue being made. */
  expert(m: number): Float64Array {
    return this.#ledger.row(m).slice();
  }

  /** What the combinations said in the issue being made. */
  combinations(): Float64Array[] {
    return Array.from({ length: combinations(D) }, (_, k) => this.#ledger.row(this.#experts + k).slice());
  }

  /** Every issue of these is made at a reading of every target. */
  issue(): void {
    this.#ledger.issue(new Float64Array(D));
  }

  weights(h: number, d: number): number[] {
    return [...this.#mixture.weights(h, d)];
  }
}

/** One draw per cell. */
const draw = (normal: () => number): number[] => Array.from({ length: H * D }, () => normal());

describe("the mixture", () => {
  it("lets Holt-Winters stand in for an expert at steps it has had no label of, and less with each label", () => {
    const named = [{ name: "persistence" }, { name: "holt-winters" }, { name: "readout", borrows: true }];
    const mixed = new Mixed(3, named);
    const cells = (v: number): number[] => Array.from({ length: H * D }, () => v);
    const said: Float64Array[] = [];
    for (let t = 0; t < 60; t++) {
      mixed.take([cells(0), cells(1), cells(-1)]);
      said.push(mixed.expert(2));
      mixed.issue();
    }
    expect([...said[0]]).toEqual(cells(1));
    // Step 3 has labels from the fourth event on: until then it is the stand-in's.
    expect(said[2][2 * D]).toBe(1);
    expect(said[2][0]).toBeLessThan(1);
    const ofStep3 = said.map((row) => row[2 * D]);
    for (let t = 1; t < ofStep3.length; t++) expect(ofStep3[t]).toBeLessThanOrEqual(ofStep3[t - 1]);
    expect(ofStep3[12]).toBeCloseTo(0, 10); // ten labels: half and half
    expect(ofStep3.at(-1)).toBeLessThan(-0.9);
  });

  it("goes by the blend of three while there are few labels, by what is right with more of them", () => {
    const normal = normals(6);
    const named = ["persistence", "exponential-smoothing", "repetition", "holt-winters", "other"];
    const mixed = new Mixed(
      named.length,
      named.map((name) => ({ name })),
    );
    for (let t = 0; t < 900; t++) {
      // Smoothing and what is blended are off; the last one never is.
      const experts = [3, 1, 1, 1, 0].map((size) => draw(normal).map((v) => size * v));
      mixed.take(experts);
      const [blend] = mixed.combinations();
      for (let cell = 0; cell < H * D; cell++) {
        const [, smoothing, repetition, holtWinters] = experts.map((row) => row[cell]);
        expect(blend[cell]).toBeCloseTo(0.5 * smoothing + 0.25 * repetition + 0.25 * holtWinters, 12);
      }
      mixed.issue();
      const [, smoothing, , , other] = mixed.weights(1, 0);
      if (t === 0) expect(smoothing).toBeGreaterThan(0.45);
      if (t === 899) expect(other).toBeGreaterThan(0.9);
    }
  });

  it("blends those that are there, and all alike where none of the three is", () => {
    const two = new Mixed(2, [{ name: "persistence" }, { name: "repetition" }]);
    two.take([draw(() => 1), draw(() => 3)]);
    expect(two.combinations()[0][0]).toBe(3);
    const others = new Mixed(2, [{ name: "persistence" }, { name: "average" }]);
    others.take([draw(() => 1), draw(() => 3)]);
    expect(others.combinations()[0][0]).toBe(2);
  });

  it("does as well as the expert that is best by itself, where averages of all do worse", () => {
    const normal = normals(1);
    const mixed = new Mixed(4);
    const square = (values: Iterable<number>): number => [...values].reduce((sum, v) => sum + v * v, 0);
    let [own, best, average] = [0, 0, 0];
    for (let t = 0; t < 500; t++) {
      // All err alike, so that averaging gains nothing.
      const e = draw(normal);
      const experts = [1.2, 1.1, 0.9, 1.1].map((size, m) =>
        e.map((v) => size * v + (m === 2 ? 0 : 0.3 * normal())),
      );
      const mean = mixed.take(experts);
      if (t >= 300) {
        own += square(mean);
        best += square(experts[2]);
        average += square(mixed.combinations()[0]);
      }
      mixed.issue();
    }
    expect(average / best).toBeGreaterThan(1.1);
    expect(own / best).toBeLessThan(1);
    for (let h = 1; h <= H; h++)
      for (let d = 0; d < D; d++) expect(mixed.weights(h, d)[2]).toBeGreaterThan(0.9);
  });

  it("takes a combination where experts err oppositely: better than each of them", () => {
    const normal = normals(2);
    const mixed = new Mixed(3);
    let [own, best] = [0, 0];
    for (let t = 0; t < 1000; t++) {
      const e = draw(normal);
      const experts = [draw(normal).map((v) => 3 * v), e, e.map((v) => 0.2 * normal() - v)];
      const mean = mixed.take(experts);
      if (t >= 500) {
        own += mean[0] ** 2;
        best += Math.min(e[0] ** 2, experts[2][0] ** 2);
      }
      mixed.issue();
    }
    // Better even than the one that turned out better each time.
    expect(own).toBeLessThan(0.2 * best);
  });

  it("lets ML-Poly learn from its own error and the experts', as it would by itself", () => {
    const normal = normals(4);
    const mixed = new Mixed(3);
    const layout = new Layout(new Arena());
    const alone = new Polynomial(layout, "alone", 1, 3);
    layout.allocate();
    let before: number[] = [];
    for (let t = 0; t < 300; t++) {
      // The labels of step 1, target 0 are those of the issue before; labels are 0, so that forecasts are errors.
      if (t > 0) {
        const own = before.reduce((sum, v, m) => sum + alone.w[m] * v, 0);
        alone.takeErrors(0, Float64Array.from(before), own);
      }
      alone.weigh(0);
      const experts = [1, 0.9, 1.1].map((size, m) => draw(normal).map((v) => size * v + 0.5 * m));
      mixed.take(experts);
      before = experts.map((one) => one[0]);
      const said = before.reduce((sum, v, m) => sum + alone.w[m] * v, 0);
      expect(mixed.combinations()[POLYNOMIAL][0], `${t}`).toBeCloseTo(said, 9);
      mixed.issue();
    }
  });

  it("says what its weights say, while no stack is held back and nothing is corrected", () => {
    const normal = normals(3);
    const mixed = new Mixed(4);
    let [checked, same] = [0, 0];
    for (let t = 0; t < 400; t++) {
      const common = draw(normal);
      const experts = [1.5, 1, 0.9, 1.1].map((size) => common.map((v) => v + size * normal()));
      const mean = mixed.take(experts);
      const all = mixed.combinations();
      for (let h = 1; h <= H; h++) {
        for (let d = 0; d < D; d++) {
          const cell = (h - 1) * D + d;
          const said = experts.map((one) => one[cell]);
          const [low, high] = [Math.min(...said), Math.max(...said)];
          const w = mixed.weights(h, d);
          expect(w.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
          if (all.some((one) => one[cell] < low + 1e-9 || one[cell] > high - 1e-9)) continue;
          checked++;
          const weighed = w.reduce((sum, v, m) => sum + v * said[m], 0);
          if (Math.abs(mean[cell] - weighed) < 1e-9) same++;
        }
      }
      mixed.issue();
    }
    expect(checked).toBeGreaterThan(1000);
    // Errors are chance: what they say of the next is hardly ever believed.
    expect(same / checked).toBeGreaterThan(0.6);
  });
});
