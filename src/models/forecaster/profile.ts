import type { Layout, Slice } from "../kernels/layout.ts";

/** Share of the past that the reliability remembers: about 1,000 events. */
const RELIABILITY_MEMORY = 1000;
/** Σ a S, Σ S² and how many of them. */
const AGREEMENT = 3;

/**
 * Seasonal profiles: for each column and phase the running average of what the value was above a slow level,
 * S ← S + max(1/n, rate) (a - S). Seasons of more steps than `bins` share a bin among neighbours.
 *
 * Reliability g = Σ a S / Σ a-predicted², the regression of the anomaly on what the profile said before it was told,
 * within 0..1, less while it rests on few: a profile that is noise is not used. State: (2 bins + 4) per column.
 */
export class Profile {
  readonly #bins: number;
  readonly #values: Slice<Float64Array>;
  readonly #counts: Slice<Float64Array>;
  /** The bin told last, per column, plus one. */
  readonly #visited: Slice<Float64Array>;
  /** Σ a S and Σ S², discounted, and how many of them, per column. */
  readonly #agreement: Slice<Float64Array>;

  constructor(layout: Layout, name: string, columns: number, bins: number) {
    this.#bins = bins;
    this.#values = layout.float64(`${name}.values`, columns * bins);
    this.#counts = layout.float64(`${name}.counts`, columns * bins);
    this.#agreement = layout.float64(`${name}.agreement`, AGREEMENT * columns);
    this.#visited = layout.float64(`${name}.visited`, columns);
  }

  #at(c: number, phase: number, period: number): number {
    const bin = period <= this.#bins ? phase : Math.floor((phase * this.#bins) / period);
    return c * this.#bins + bin;
  }

  /** Forgets everything, or what it knows of column c: the season has another length. */
  clear(c?: number): void {
    for (const [slice, size] of [
      [this.#values, this.#bins],
      [this.#counts, this.#bins],
      [this.#agreement, AGREEMENT],
      [this.#visited, 1],
    ] as const) {
      if (c === undefined) slice.view.fill(0);
      else slice.view.fill(0, c * size, (c + 1) * size);
    }
  }

  /** Takes the anomaly a of column c at a phase. */
  add(c: number, phase: number, period: number, a: number, rate: number): void {
    const at = this.#at(c, phase, period);
    const n = ++this.#counts.view[at];
    const S = this.#values.view[at];
    // Within a bin that neighbours share the profile would be compared with what it was told a moment ago.
    const fresh = this.#visited.view[c] !== at + 1;
    this.#visited.view[c] = at + 1;
    if (n > 1 && fresh) {
      const agreement = this.#agreement.view;
      agreement[3 * c] += (a * S - agreement[3 * c]) / RELIABILITY_MEMORY;
      agreement[3 * c + 1] += (S * S - agreement[3 * c + 1]) / RELIABILITY_MEMORY;
      agreement[3 * c + 2]++;
    }
    this.#values.view[at] = S + Math.max(1 / n, rate) * (a - S);
  }

  /** g in 0..1, by half after `doubt` comparisons that all agree; without doubt 1 before anything speaks against it. */
  reliability(c: number, doubt = 0): number {
    const agreement = this.#agreement.view;
    const [agreed, said, n] = [agreement[3 * c], agreement[3 * c + 1], agreement[3 * c + 2]];
    const known = doubt > 0 ? n / (n + doubt) : 1;
    return said > 0 ? known * Math.max(0, Math.min(1, agreed / said)) : known;
  }

  /** S at a phase; 0 where the phase has not been seen. */
  value(c: number, phase: number, period: number): number {
    return this.#values.view[this.#at(c, phase, period)];
  }

  seen(c: number, phase: number, period: number): boolean {
    return this.#counts.view[this.#at(c, phase, period)] > 0;
  }
}
