import type { ForecasterSpecification } from "./specification.ts";

/** Towards which whole number a value of an integer column goes. */
export type Rounding = "mean" | "lower" | "upper" | "quantile";

/**
 * What is known of a target beforehand: the least and the greatest value it can have, whether it is a whole number, whether it
 * only counts up. Every number of a forecast is put within these before it is issued, and is learned from as issued, so that
 * coverage and the width of intervals are about what was said.
 *
 * Of an integer column
 * - the mean stays a mean: 0.3 calls an hour is what a day of 7 calls comes to, and rounding it would say 0;
 * - the lower bound goes down and the upper up to the next whole number: the interval then holds every label that it held
 *   before, is never a single point because of the rounding, and keeps the mean inside. Where that is too generous, the bounds
 *   draw in, since they learn from what was issued: of such counts they held 99, 97, 92 and 91 % when asked for 90, with a
 *   lower interval score than when rounded to the nearest;
 * - a quantile goes down to the next whole number: the whole labels at or below it are the same ones. (Pinball loss of Poisson
 *   counts of mean 0.1, 0.5, 3 and 20: 0.171, 0.538, 1.362, 3.376; to the nearest one 0.208, 0.551, 1.360, 3.372.)
 *
 * A target that only counts up is never forecast below its last total; its least and greatest value are those of readings.
 *
 * Pure: all numbers in the units of the series.
 */
export class Limits {
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #integer: readonly boolean[];
  readonly #free: readonly boolean[];

  constructor({
    targets,
    min,
    max,
    integer,
    counter,
  }: Pick<ForecasterSpecification, "targets" | "min" | "max" | "integer" | "counter">) {
    const own = (limits: Readonly<Record<string, number>>, column: string, none: number): number =>
      Object.hasOwn(limits, column) && !counter.includes(column) ? limits[column] : none;
    this.#integer = targets.map((column) => integer.includes(column));
    this.#low = Float64Array.from(targets, (column, d) => {
      const low = own(min, column, Number.NEGATIVE_INFINITY);
      return this.#integer[d] ? Math.ceil(low) : low;
    });
    this.#high = Float64Array.from(targets, (column, d) => {
      const high = own(max, column, Number.POSITIVE_INFINITY);
      return this.#integer[d] ? Math.floor(high) : high;
    });
    this.#free = targets.map(
      (column, d) =>
        !this.#integer[d] &&
        !counter.includes(column) &&
        !(this.#low[d] > -Infinity || this.#high[d] < Infinity),
    );
  }

  /** Whether nothing is known of target d, so that nothing has to be done. */
  free(d: number): boolean {
    return this.#free[d];
  }

  /** Where a reading of target d above `high` begins: Infinity when there can be none. */
  above(d: number, high: number): number {
    const least = this.#integer[d] ? Math.floor(high) + 0.5 : high;
    return least < this.#high[d] ? least : Number.POSITIVE_INFINITY;
  }

  /** Where a reading of target d below `low` begins: -Infinity when there can be none, also below `floor`. */
  below(d: number, low: number, floor = Number.NEGATIVE_INFINITY): number {
    const most = this.#integer[d] ? Math.ceil(low) - 0.5 : low;
    return most > Math.max(this.#low[d], floor) ? most : Number.NEGATIVE_INFINITY;
  }

  /** `v` as it may be said of target d; `floor`: what it cannot fall below now. */
  hold(d: number, v: number, rounding: Rounding, floor = Number.NEGATIVE_INFINITY): number {
    const whole = this.#integer[d] ? round(v, rounding) : v;
    return Math.max(this.#low[d], floor, Math.min(this.#high[d], whole));
  }
}

function round(v: number, rounding: Rounding): number {
  switch (rounding) {
    case "mean":
      return v;
    case "upper":
      return Math.ceil(v);
    case "lower":
    case "quantile":
      return Math.floor(v);
  }
}
