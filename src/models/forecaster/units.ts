import type { Layout, Slice } from "../kernels/layout.ts";

/** Values are held within this many units: squares and products of them stay finite. */
const LARGEST = 1e50;

/**
 * The unit of each column: the power of two nearest below its first value that is not zero, fixed from then on. A series
 * of picovolts and one of kilometres then behave alike, and multiplying by a power of two is exact.
 */
export class Units {
  readonly #unit: Slice<Float64Array>;

  constructor(layout: Layout, columns: number) {
    this.#unit = layout.float64("units", columns);
  }

  /** `values` [C] in units; NaN where missing. The first value of a column that is not zero sets its unit. */
  toUnits(out: Float64Array, values: Float64Array): void {
    const unit = this.#unit.view;
    for (let c = 0; c < out.length; c++) {
      const v = values[c];
      if (!Number.isFinite(v)) {
        out[c] = Number.NaN;
        continue;
      }
      if (unit[c] === 0 && v !== 0)
        unit[c] = 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(Math.abs(v)))));
      out[c] = v === 0 ? 0 : Math.max(-LARGEST, Math.min(LARGEST, v / unit[c]));
    }
  }

  /** A value of column c in its units. */
  inUnits(c: number, v: number): number {
    return v / (this.#unit.view[c] || 1);
  }

  /** `v` units of column c as an observation; finite however far beyond the largest number it would lie. */
  fromUnits(c: number, v: number): number {
    const observed = v * (this.#unit.view[c] || 1);
    return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, observed));
  }
}
