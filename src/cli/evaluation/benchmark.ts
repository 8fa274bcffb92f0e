import { itemAt } from "../../models/item-at.ts";

/** The nine levels over which the weighted quantile loss is taken. */
export const DECILES: readonly number[] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const MEDIAN = DECILES.indexOf(0.5);

/** Figures as GIFT-Eval, fev and the M4 competition define them, so that they stand beside those of others; null where there are none. */
export interface BenchmarkFigures {
  /** Mean absolute error of the median forecast over the mean absolute change in a season of the values before the window. */
  readonly mase: number | null;
  /** The same of the mean forecast. */
  readonly maseOfMean: number | null;
  /** Twice the pinball loss, summed over labels, over the sum of the labels' sizes; mean over the levels .1 to .9. */
  readonly wql: number | null;
  /** Mean interval score, scaled as in `mase`; of the coverage asked for (M4 asks for 95 %). */
  readonly msis: number | null;
  /** The same of the value one season before; its weighted quantile loss is that of the one number at every level. */
  readonly maseSeasonalNaive: number | null;
  readonly wqlSeasonalNaive: number | null;
  /** Below 1: better than the value one season before. */
  readonly maseRatio: number | null;
  readonly wqlRatio: number | null;
  /** Labels scored, and how many of them `mase` and `msis` are of: those before which the series had changed in a season. */
  readonly labels: number;
  readonly labelsScaled: number;
}

/** What was said of one label. */
export interface SaidOfLabel {
  readonly mean: number;
  readonly lower: number;
  readonly upper: number;
  /** The quantiles of `DECILES`; fewer where they are not known. */
  readonly deciles: ArrayLike<number>;
  /** The value one season before. */
  readonly seasonal: number;
}

const ratio = (above: number, below: number): number | null => {
  const value = above / below;
  return Number.isFinite(value) ? value : null;
};

/**
 * Gathers errors label by label. Hyndman & Koehler 2006: with m the season, e_s = mean |y_i - y_(i-m)| over the values of the
 * series up to the issue, MASE = mean |y - ŷ| / e_s. A window without such a scale (nothing has changed before it) counts in
 * the weighted quantile loss alone.
 */
export class Benchmark {
  readonly #alpha: number;
  readonly #scaled = { n: 0, median: 0, mean: 0, interval: 0, naive: 0, naiveN: 0 };
  readonly #whole = { size: 0, loss: 0, naive: 0, naiveN: 0, n: 0, medians: 0 };

  constructor(coverage: number) {
    this.#alpha = 1 - coverage;
  }

  /** One label `y` with what was said of it; `scale`: e_s. */
  add(y: number, { mean, lower, upper, deciles, seasonal }: SaidOfLabel, scale: number): void {
    const whole = this.#whole;
    const naive = Math.abs(seasonal - y);
    whole.n++;
    whole.size += Math.abs(y);
    const known = deciles.length === DECILES.length;
    if (known) {
      whole.medians++;
      for (const [k, p] of DECILES.entries()) {
        const under = y - itemAt(deciles, k);
        whole.loss += (2 * Math.max(p * under, (p - 1) * under)) / DECILES.length;
      }
    }
    if (Number.isFinite(naive)) {
      whole.naiveN++;
      whole.naive += naive;
    }
    if (!(scale > 0)) return;
    const scaled = this.#scaled;
    scaled.n++;
    if (known) scaled.median += Math.abs(itemAt(deciles, MEDIAN) - y) / scale;
    scaled.mean += Math.abs(mean - y) / scale;
    const outside = Math.max(0, lower - y) + Math.max(0, y - upper);
    scaled.interval += (upper - lower + (2 / this.#alpha) * outside) / scale;
    if (!Number.isFinite(naive)) return;
    scaled.naiveN++;
    scaled.naive += naive / scale;
  }

  get figures(): BenchmarkFigures {
    const [scaled, whole] = [this.#scaled, this.#whole];
    const known = whole.medians === whole.n;
    const mase = known ? ratio(scaled.median, scaled.n) : null;
    const wql = known ? ratio(whole.loss, whole.size) : null;
    // Only where the naive forecast exists for every label: otherwise the two would not be of the same labels.
    const maseSeasonalNaive = scaled.naiveN === scaled.n ? ratio(scaled.naive, scaled.n) : null;
    const wqlSeasonalNaive = whole.naiveN === whole.n ? ratio(whole.naive, whole.size) : null;
    return {
      mase,
      maseOfMean: ratio(scaled.mean, scaled.n),
      wql,
      msis: ratio(scaled.interval, scaled.n),
      maseSeasonalNaive,
      wqlSeasonalNaive,
      maseRatio: mase === null || maseSeasonalNaive === null ? null : ratio(mase, maseSeasonalNaive),
      wqlRatio: wql === null || wqlSeasonalNaive === null ? null : ratio(wql, wqlSeasonalNaive),
      labels: whole.n,
      labelsScaled: scaled.n,
    };
  }
}

/** Changes of no more than this share of the values are rounding. */
const ROUNDING = 1e-12;

/**
 * The mean absolute change in a season of the values of each target so far; before a whole season has been seen, that from one
 * value to the next. 0 where all that changed was the last digits. Takes the values event by event.
 */
export class SeasonalChange {
  readonly #season: Float64Array;
  readonly #step: Float64Array;
  readonly #largest: Float64Array;

  constructor(targets: number) {
    this.#season = new Float64Array(2 * targets);
    this.#step = new Float64Array(2 * targets);
    this.#largest = new Float64Array(targets);
  }

  /** Value `y` of target d, the one a season before and the one before; NaN where there is none. */
  take(d: number, y: number, seasonBefore: number, before: number): void {
    if (Math.abs(y) > itemAt(this.#largest, d)) this.#largest[d] = Math.abs(y);
    for (const [sums, then] of [
      [this.#season, seasonBefore],
      [this.#step, before],
    ] as const) {
      const change = Math.abs(y - then);
      if (Number.isNaN(change)) continue;
      sums[2 * d] = itemAt(sums, 2 * d) + change;
      sums[2 * d + 1] = itemAt(sums, 2 * d + 1) + 1;
    }
  }

  /** NaN before there are two values. */
  of(d: number): number {
    const sums = itemAt(this.#season, 2 * d + 1) > 0 ? this.#season : this.#step;
    const change = itemAt(sums, 2 * d) / itemAt(sums, 2 * d + 1);
    return change <= ROUNDING * itemAt(this.#largest, d) ? 0 : change;
  }
}
