import type { Forecaster } from "../../models/forecaster/forecaster.ts";
import type { Curves } from "./report-data.ts";

/** Windows at the end of the scored rows that are drawn one by one. */
const DRAWN = 400;
/** Points of a curve over all scored rows. */
const BINS = 60;

/** What a report draws of one model: gathered while it is scored, in bounded memory. */
export class Trace {
  readonly #targets: number;
  readonly #horizon: number;
  /** Steps drawn: the first, the middle one, the last. */
  readonly steps: readonly number[];
  readonly #rows: number[] = [];
  readonly #times: number[] = [];
  /** Per drawn step and target: label, mean, lower, upper, a ring of DRAWN. */
  readonly #curves: number[][];
  readonly #coverage: { inside: Float64Array; n: Float64Array };
  readonly #errors: { model: Float64Array; persistence: Float64Array; n: Float64Array };
  readonly #weights: { at: number; row: number; weights: number[] }[] = [];
  experts: readonly string[] = [];
  #bin = -1;

  constructor(targets: number, horizon: number) {
    this.#targets = targets;
    this.#horizon = horizon;
    this.steps = [...new Set([1, Math.ceil(horizon / 2), horizon])];
    this.#curves = Array.from({ length: this.steps.length * targets * 4 }, () => []);
    this.#coverage = { inside: new Float64Array(BINS), n: new Float64Array(BINS) };
    this.#errors = {
      model: new Float64Array(BINS),
      persistence: new Float64Array(BINS),
      n: new Float64Array(BINS),
    };
  }

  /** A window whose labels are all there; `share` is how far through the scored rows it was issued, 0 to 1. */
  window(row: number, time: number, share: number): void {
    this.#bin = Math.min(BINS - 1, Math.floor(share * BINS));
    this.#rows.push(row);
    this.#times.push(time);
    if (this.#rows.length <= DRAWN) return;
    this.#rows.shift();
    this.#times.shift();
    for (const curve of this.#curves) curve.shift();
  }

  /** A label of that window; a missing one is given as NaN, so that curves keep their length. */
  label(
    h: number,
    d: number,
    y: number,
    said: { mean: number; lower: number; upper: number; persistence: number },
    scale: number,
  ): void {
    const s = this.steps.indexOf(h);
    if (s >= 0) {
      const at = (s * this.#targets + d) * 4;
      for (const [i, value] of [y, said.mean, said.lower, said.upper].entries())
        this.#curves[at + i].push(value);
    }
    if (!Number.isFinite(y)) return;
    const b = this.#bin;
    this.#coverage.inside[b] += y >= said.lower && y <= said.upper ? 1 : 0;
    this.#coverage.n[b]++;
    this.#errors.model[b] += ((said.mean - y) / scale) ** 2;
    this.#errors.persistence[b] += ((said.persistence - y) / scale) ** 2;
    this.#errors.n[b]++;
  }

  /** Looks at the weights once per bin: mean over steps and targets. */
  weigh(forecaster: Forecaster, row: number, share: number): void {
    const at = Math.min(BINS - 1, Math.floor(share * BINS));
    if (this.#weights.at(-1)?.at === at) return;
    this.experts = forecaster.experts;
    const weights = this.experts.map(() => 0);
    const cells = this.#horizon * this.#targets;
    for (let h = 1; h <= this.#horizon; h++) {
      for (let d = 0; d < this.#targets; d++) {
        const w = forecaster.weights(h, d);
        for (let e = 0; e < weights.length; e++) weights[e] += w[e] / cells;
      }
    }
    this.#weights.push({ at, row, weights });
  }

  /** As plain data, to six digits; numbers that do not exist are null. */
  get data(): Curves {
    const clean = (values: readonly number[]) =>
      values.map((v) => (Number.isFinite(v) ? Number(v.toPrecision(6)) : null));
    const ratio = (sums: Float64Array, n: Float64Array) =>
      Array.from(sums, (v, b) => (n[b] > 0 ? v / n[b] : null));
    const curve = (s: number, d: number, i: number) => clean(this.#curves[(s * this.#targets + d) * 4 + i]);
    return {
      rows: this.#rows,
      times: this.#times,
      curves: this.steps.map((step, s) => ({
        step,
        targets: Array.from({ length: this.#targets }, (_, d) => ({
          label: curve(s, d, 0),
          mean: curve(s, d, 1),
          lower: curve(s, d, 2),
          upper: curve(s, d, 3),
        })),
      })),
      coverage: ratio(this.#coverage.inside, this.#coverage.n),
      error: ratio(this.#errors.model, this.#errors.n),
      errorPersistence: ratio(this.#errors.persistence, this.#errors.n),
      experts: this.experts,
      weights: this.#weights.map(({ row, weights }) => ({ row, weights })),
    };
  }
}
