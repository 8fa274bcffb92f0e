import type { Layout, Slice } from "../kernels/layout.ts";

/**
 * Online standardisation per column (Welford 1962): z = (v - mean) / deviation, with the deviation of the values
 * seen so far. A constant column has deviation 1, so that its z is 0.
 */
export class Scaling {
  readonly #columns: number;
  /** count, mean, M2 per column. */
  readonly #moments: Slice<Float64Array>;

  constructor(layout: Layout, columns: number) {
    this.#columns = columns;
    this.#moments = layout.float64("scaling", 3 * columns);
  }

  learn(values: Float64Array): void {
    const m = this.#moments.view;
    for (let c = 0; c < this.#columns; c++) {
      const v = values[c];
      if (!Number.isFinite(v)) continue;
      const n = ++m[3 * c];
      const delta = v - m[3 * c + 1];
      m[3 * c + 1] += delta / n;
      m[3 * c + 2] += delta * (v - m[3 * c + 1]);
    }
  }

  mean(column: number): number {
    return this.#moments.view[3 * column + 1];
  }

  deviation(column: number): number {
    const m = this.#moments.view;
    const variance = m[3 * column + 2] / Math.max(1, m[3 * column]);
    return variance > 0 && Number.isFinite(variance) ? Math.sqrt(variance) : 1;
  }
}
