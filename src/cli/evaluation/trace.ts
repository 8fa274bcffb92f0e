import type { Forecaster } from "../../models/forecaster/forecaster.ts";
import { itemAt } from "../../models/item-at.ts";
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
  readonly #bins = Array.from({ length: BINS }, () => ({ n: 0, inside: 0, model: 0, persistence: 0 }));
  readonly #weights: { at: number; row: number; weights: number[] }[] = [];
  experts: readonly string[] = [];
  #bin = -1;

  constructor(targets: number, horizon: number) {
    this.#targets = targets;
    this.#horizon = horizon;
    this.steps = [...new Set([1, Math.ceil(horizon / 2), horizon])];
    this.#curves = Array.from({ length: this.steps.length * targets * 4 }, () => []);
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
        itemAt(this.#curves, at + i).push(value);
    }
    if (!Number.isFinite(y)) return;
    const bin = itemAt(this.#bins, this.#bin);
    bin.n++;
    bin.inside += y >= said.lower && y <= said.upper ? 1 : 0;
    bin.model += ((said.mean - y) / scale) ** 2;
    bin.persistence += ((said.persistence - y) / scale) ** 2;
  }

  /** Looks at the weights once per bin: mean over steps and targets. */
  weigh(forecaster: Forecaster, row: number, share: number): void {
    const at = Math.min(BINS - 1, Math.floor(share * BINS));
    if (this.#weights.at(-1)?.at === at) return;
    this.experts = forecaster.experts;
    let weights = this.experts.map(() => 0);
    const cells = this.#horizon * this.#targets;
    for (let h = 1; h <= this.#horizon; h++) {
      for (let d = 0; d < this.#targets; d++) {
        const w = forecaster.weights(h, d);
        weights = weights.map((sum, e) => sum + itemAt(w, e) / cells);
      }
    }
    this.#weights.push({ at, row, weights });
  }

  /** As plain data, to six digits; numbers that do not exist are null. */
  get data(): Curves {
    const clean = (values: readonly number[]) =>
      values.map((v) => (Number.isFinite(v) ? Number(v.toPrecision(6)) : null));
    const ratio = (key: "inside" | "model" | "persistence") =>
      this.#bins.map((bin) => (bin.n > 0 ? bin[key] / bin.n : null));
    const curve = (s: number, d: number, i: number) =>
      clean(itemAt(this.#curves, (s * this.#targets + d) * 4 + i));
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
      coverage: ratio("inside"),
      error: ratio("model"),
      errorPersistence: ratio("persistence"),
      experts: this.experts,
      weights: this.#weights.map(({ row, weights }) => ({ row, weights })),
    };
  }
}
