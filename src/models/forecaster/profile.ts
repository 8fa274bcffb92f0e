import type { Layout, Slice } from "../kernels/layout.ts";

/** Share of the past that the reliability remembers: about 1,000 events. */
const RELIABILITY_MEMORY = 1000;

/**
 * Seasonal profiles: for each column and phase the running average of what the value was above a slow level,
 * S ← S + max(1/n, rate) (a - S). Seasons of more steps than `bins` share a bin among neighbours.
 *
 * Reliability g = Σ a S / Σ a-predicted², the regression of the anomaly on what the profile said before it was told,
 * within 0..1: a profile that is noise is not used. State: (2 bins + 2) per column.
 */
export class Profile {
  readonly #bins: number;
  readonly #values: Slice<Float64Array>;
  readonly #counts: Slice<Float64Array>;
  /** Σ a S and Σ S², discounted, per column. */
  readonly #agreement: Slice<Float64Array>;

  constructor(layout: Layout, name: string, columns: number, bins: number) {
    this.#bins = bins;
    this.#values = layout.float64(`${name}.values`, columns * bins);
    this.#counts = layout.float64(`${name}.counts`, columns * bins);
    this.#agreement = layout.float64(`${name}.agreement`, 2 * columns);
  }

  #at(c: number, phase: number, period: number): number {
    const bin = period <= this.#bins ? phase : Math.floor((phase * this.#bins) / period);
    return c * this.#bins + bin;
  }

  /** Takes the anomaly a of column c at a phase. */
  add(c: number, phase: number, period: number, a: number, rate: number): void {
    const at = this.#at(c, phase, period);
    const n = ++this.#counts.view[at];
    const S = this.#values.view[at];
    if (n > 1) {
      const agreement = this.#agreement.view;
      agreement[2 * c] += (a * S - agreement[2 * c]) / RELIABILITY_MEMORY;
      agreement[2 * c + 1] += (S * S - agreement[2 * c + 1]) / RELIABILITY_MEMORY;
    }
    this.#values.view[at] = S + Math.max(1 / n, rate) * (a - S);
  }

  /** g in 0..1; 1 before anything speaks against it. */
  reliability(c: number): number {
    const [agreed, said] = [this.#agreement.view[2 * c], this.#agreement.view[2 * c + 1]];
    return said > 0 ? Math.max(0, Math.min(1, agreed / said)) : 1;
  }

  /** S at a phase; 0 where the phase has not been seen. */
  value(c: number, phase: number, period: number): number {
    return this.#values.view[this.#at(c, phase, period)];
  }

  seen(c: number, phase: number, period: number): boolean {
    return this.#counts.view[this.#at(c, phase, period)] > 0;
  }
}
