import type { Layout, Slice } from "../kernels/layout.ts";

/** How a column is measured, in powers of two: zero + scale y, with y what the models see. */
export interface Measure {
  readonly scale: number;
  readonly zero: number;
}

/** Values are held within this many units: squares and products of them stay finite. */
const LARGEST = 1e50;

const UNIT = 0;
const SCALE = 1;
const ZERO = 2;
const BEFORE_SCALE = 3;
const BEFORE_ZERO = 4;
const FIELDS = 5;

/**
 * How each column is measured: observation = unit (zero + scale y), with y what the models see.
 *
 * The unit is the power of two nearest below the first value that is not zero, fixed from then on: a series of picovolts and
 * one of kilometres then behave alike, and multiplying by a power of two is exact. Scale and zero are 1 and 0 until a
 * reading shows that the column is measured otherwise now (in another unit, from another level, a counter that began anew):
 * the models then go on as if nothing had happened. The measure before the last change is kept, as many changes are taken back.
 */
export class Units {
  readonly #state: Slice<Float64Array>;

  constructor(layout: Layout, columns: number) {
    this.#state = layout.float64("units", FIELDS * columns);
    layout.whenAllocated(() => {
      for (let c = 0; c < columns; c++) {
        this.#state.view[FIELDS * c + SCALE] = 1;
        this.#state.view[FIELDS * c + BEFORE_SCALE] = 1;
      }
    });
  }

  /** `values` [C] in powers of two of the columns; NaN where missing. The first value of a column that is not zero sets its unit. */
  toUnits(out: Float64Array, values: Float64Array): void {
    const state = this.#state.view;
    for (let c = 0; c < out.length; c++) {
      const v = values[c];
      if (!Number.isFinite(v)) {
        out[c] = Number.NaN;
        continue;
      }
      const at = FIELDS * c + UNIT;
      if (state[at] === 0 && v !== 0)
        state[at] = 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(Math.abs(v)))));
      out[c] = v === 0 ? 0 : Math.max(-LARGEST, Math.min(LARGEST, v / state[at]));
    }
  }

  /** The power of two that column c is told in; 1 before a value that is not zero. */
  unit(c: number): number {
    return this.#state.view[FIELDS * c + UNIT] || 1;
  }

  scale(c: number): number {
    return this.#state.view[FIELDS * c + SCALE];
  }

  zero(c: number): number {
    return this.#state.view[FIELDS * c + ZERO];
  }

  measure(c: number): Measure {
    return { scale: this.scale(c), zero: this.zero(c) };
  }

  /** The measure before the last change. */
  before(c: number): Measure {
    const at = FIELDS * c;
    return { scale: this.#state.view[at + BEFORE_SCALE], zero: this.#state.view[at + BEFORE_ZERO] };
  }

  /** Measures column c in another way from now on; `settled`: the measure so far is one to come back to. */
  change(c: number, { scale, zero }: Measure, settled: boolean): void {
    const state = this.#state.view;
    const at = FIELDS * c;
    if (settled) {
      state[at + BEFORE_SCALE] = state[at + SCALE];
      state[at + BEFORE_ZERO] = state[at + ZERO];
    }
    state[at + SCALE] = scale;
    state[at + ZERO] = zero;
  }

  /** u, in powers of two, as the models see it. */
  seen(c: number, u: number): number {
    return (u - this.zero(c)) / this.scale(c);
  }

  /** A value of column c as the models see it. */
  inUnits(c: number, v: number): number {
    return this.seen(c, v / this.unit(c));
  }

  /** y of column c as an observation; finite however far beyond the largest number it would lie. */
  fromUnits(c: number, y: number): number {
    const observed = (this.zero(c) + this.scale(c) * y) * this.unit(c);
    return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, observed));
  }
}
