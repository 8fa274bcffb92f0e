import type { Layout, Slice } from "../kernels/layout.ts";

/** Values that the running moments remember: they weigh 1/n at first and never less than 1/MEMORY. */
const MEMORY = 2000;
/** A squared step counts at most this many times the mean squared step, once there are enough of them. */
const LARGEST_STEP = 50;

/** A forecast is held within this many usual steps, times √h, and deviations of the last value. */
const WIDEST_STEPS = 8;
const WIDEST_DEVIATIONS = 4;

const COUNT = 0;
const MEAN = 1;
const VARIANCE = 2;
const STEP = 3;
const FIELDS = 4;

/**
 * Running level, deviation and step size per column, with which features are brought to a common size. Labels are not
 * scaled: least squares is equivariant in them.
 *
 * a = max(1/n, 1/2000), δ = v - μ:  μ += a δ,  σ² += a (δ (v - μ) - σ²),  σ_d² += a (min((v - v')², 50 σ_d²) - σ_d²).
 */
export class Scaling {
  readonly #moments: Slice<Float64Array>;
  readonly #of = { step: 0, deviation: 0 };

  constructor(layout: Layout, columns: number) {
    this.#moments = layout.float64("scaling", FIELDS * columns);
  }

  /** Takes a value of column c and the one before it. */
  add(c: number, v: number, before: number): void {
    const m = this.#moments.view;
    const at = FIELDS * c;
    const n = ++m[at + COUNT];
    const a = Math.max(1 / n, 1 / MEMORY);
    const delta = v - m[at + MEAN];
    m[at + MEAN] += a * delta;
    m[at + VARIANCE] += a * (delta * (v - m[at + MEAN]) - m[at + VARIANCE]);
    if (n === 1) return;
    const squared = (v - before) ** 2;
    const bound = n > 20 && m[at + STEP] > 0 ? LARGEST_STEP * m[at + STEP] : squared;
    m[at + STEP] += Math.max(1 / (n - 1), 1 / MEMORY) * (Math.min(squared, bound) - m[at + STEP]);
  }

  mean(c: number): number {
    return this.#moments.view[FIELDS * c + MEAN];
  }

  /** σ, 0 for a constant column. */
  deviation(c: number): number {
    return Math.sqrt(Math.max(0, this.#moments.view[FIELDS * c + VARIANCE]));
  }

  /** Root mean square of the steps, 0 for a constant column. */
  step(c: number): number {
    return Math.sqrt(this.#moments.view[FIELDS * c + STEP]);
  }

  /** The step and the deviation. The object is reused by the next call. */
  of(c: number): { readonly step: number; readonly deviation: number } {
    this.#of.step = this.step(c);
    this.#of.deviation = this.deviation(c);
    return this.#of;
  }

  /** How far from the last value of column c a forecast h steps ahead may lie: generous, so that one that runs away harms nobody. */
  reach(c: number, h: number): number {
    return WIDEST_STEPS * this.step(c) * Math.sqrt(h) + WIDEST_DEVIATIONS * this.deviation(c);
  }
}
