import type { Layout, Slice } from "../kernels/layout.ts";
import type { Units } from "./units.ts";

/** Per target: the last total (NaN before one), the total as of now, steps since the last total. */
const KEPT = 3;
const LAST = 0;
const NOW = 1;
const SINCE = 2;

/** Forecasts that are added up side by side: the one that is issued, and the two naive ones it is measured against. */
export const SUMS = 3;

/**
 * Targets that only count up. Models see their increments, per usual step, and what is issued, scored and learned from by the
 * intervals are totals: the last one plus the increments forecast. The total of step h so has an interval of its own, tracked
 * from errors of totals, not one made up of those of increments. Other targets pass through as they are.
 *
 * A missing total is an increment that is missing; the next one brings the increments of all steps since, as a mean per
 * step, and nothing is lost of the total. Meanwhile the total as of now grows by what was forecast.
 *
 * State: 4 per target and the sums of the last forecast.
 */
export class Totals {
  readonly #counts: readonly boolean[];
  readonly #units: Units;
  readonly #kept: Slice<Float64Array>;
  /** The increment forecast for the next step, in units. */
  readonly #next: Slice<Float64Array>;
  readonly #values: Float64Array;
  readonly #sums: Float64Array;

  /** `counts`: whether each target only counts up; `columns`: targets and inputs. */
  constructor(layout: Layout, units: Units, counts: readonly boolean[], columns: number) {
    this.#counts = counts;
    this.#units = units;
    const counters = counts.includes(true) ? counts.length : 0;
    this.#kept = layout.float64("totals", KEPT * counters);
    this.#next = layout.float64("totals.next", counters);
    this.#values = new Float64Array(columns);
    this.#sums = new Float64Array(SUMS * counts.length);
  }

  /** `values` [C] with increments in place of totals. `dt`: usual steps since the event before. The array is reused. */
  increments(values: Float64Array, dt: number, first: boolean): Float64Array {
    if (!this.#counts.includes(true)) return values;
    const kept = this.#kept.view;
    const seen = this.#values;
    seen.set(values);
    for (let d = 0; d < this.#counts.length; d++) {
      if (!this.#counts[d]) continue;
      const at = KEPT * d;
      if (first) kept[at + LAST] = Number.NaN;
      const total = values[d];
      // A gap in time counts as the steps that it is long; two readings close together are still a step.
      kept[at + SINCE] += Math.max(1, dt);
      if (Number.isNaN(total)) {
        kept[at + NOW] += this.#units.fromUnits(d, this.#next.view[d]);
        continue;
      }
      seen[d] = (total - kept[at + LAST]) / kept[at + SINCE];
      kept[at + LAST] = total;
      kept[at + NOW] = total;
      kept[at + SINCE] = 0;
    }
    return seen;
  }

  /** What a label of target d is, in units, when `y` is its value as models see it. NaN where missing. */
  label(d: number, y: number): number {
    if (!this.#counts[d]) return y;
    const at = KEPT * d;
    return this.#kept.view[at + SINCE] === 0
      ? this.#units.inUnits(d, this.#kept.view[at + LAST])
      : Number.NaN;
  }

  /** What is said of step h when models say `x`, both in units. Ask step by step from 1 on; `sum`: of which forecast. */
  said(sum: number, h: number, d: number, x: number): number {
    if (!this.#counts[d]) return x;
    const at = sum * this.#counts.length + d;
    if (h === 1) {
      this.#sums[at] = this.#units.inUnits(d, this.#kept.view[KEPT * d + NOW]);
      if (sum === 0) this.#next.view[d] = Math.max(0, x);
    }
    this.#sums[at] += Math.max(0, x);
    return this.#sums[at];
  }

  /** What target d cannot fall below, in the units of the series: its last total. */
  floor(d: number): number {
    if (!this.#counts[d]) return Number.NEGATIVE_INFINITY;
    const last = this.#kept.view[KEPT * d + LAST];
    return Number.isNaN(last) ? Number.NEGATIVE_INFINITY : last;
  }
}
