import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import type { Shape } from "./shape.ts";

/** Upper edges of the bins that sizes of errors are counted in, on both sides of nothing; the last bin has none. */
const LEAST_EDGE = 0.01;
const EDGE_GROWTH = 1.3;
const EDGES: readonly number[] = Array.from({ length: 27 }, (_, i) => LEAST_EDGE * power(EDGE_GROWTH, i));
export const BINS = EDGES.length + 1;
/** Of a knot: counts outwards below, of no error at all, outwards above; then their sum. */
const COUNTS = 2 * BINS + 1;
const NONE = BINS;
const TOTAL = COUNTS;
const KNOT = COUNTS + 1;
/** Labels that the counts remember, at least: they are halved when there are twice as many. */
const MEMORY = 1000;
/** Before labels tell, errors are taken to be logistic, which counts as so many labels; this is its scale where errors are 1 in the mean. */
const PRIOR_LABELS = 10;
const PRIOR_SCALE = 1 / (2 * Math.LN2);
/** Beyond the last edge the share of errors falls like this power of their size. */
const TAIL = 3;

/**
 * How often errors are how large, in units of the size that the fan gave them when the forecast was issued: at knots, distances from
 * the last reading, counted in bins, finer near nothing, with a logistic distribution as a prior. State: per target and knot some 60.
 * Cost per label: a few operations.
 */
export class ErrorShares {
  readonly #knots: readonly number[];
  readonly #counts: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape, knots: readonly number[]) {
    this.#knots = knots;
    this.#counts = layout.float64("error-shares.counts", shape.targets * knots.length * KNOT);
  }

  /** Learns from an error in sizes of target d at knot k. */
  take(d: number, k: number, ratio: number): void {
    const counts = this.#counts.view;
    const at = this.#at(d, k);
    counts[at + placeOf(ratio)]++;
    if (++counts[at + TOTAL] >= 2 * MEMORY) for (let i = 0; i < KNOT; i++) counts[at + i] /= 2;
  }

  /** The share of errors below one in sizes, of target d at knot k. */
  below(d: number, k: number, ratio: number): number {
    const counts = this.#counts.view;
    const at = this.#at(d, k);
    const place = placeOf(ratio);
    let below = counts[at + place] * shareOf(place, ratio);
    for (let i = 0; i < place; i++) below += counts[at + i];
    return (below + PRIOR_LABELS * logistic(ratio)) / (counts[at + TOTAL] + PRIOR_LABELS);
  }

  /** What is known of the errors of target d: shares beyond each edge, nearest first [K x 2 x BINS]. */
  beyond(d: number): Float64Array {
    const counts = this.#counts.view;
    const shares = new Float64Array(this.#knots.length * 2 * BINS);
    for (let k = 0; k < this.#knots.length; k++) {
      const at = this.#at(d, k);
      for (let side = 0; side < 2; side++) {
        let beyond = 0;
        for (let bin = BINS - 1; bin >= 0; bin--) {
          beyond += counts[at + (side === 0 ? NONE - 1 - bin : NONE + 1 + bin)];
          const prior = bin === 0 ? 0.5 : logistic(-EDGES[bin - 1]);
          shares[(k * 2 + side) * BINS + bin] =
            (beyond + PRIOR_LABELS * prior) / (counts[at + TOTAL] + PRIOR_LABELS);
        }
      }
    }
    return shares;
  }

  #at(d: number, k: number): number {
    return (d * this.#knots.length + k) * KNOT;
  }
}

/** Share of errors below ε before labels have told anything: of a logistic distribution. */
export const logistic = (e: number): number => 1 / (1 + Math.exp(-e / PRIOR_SCALE));

/** How much of its bin lies below an error. */
function shareOf(place: number, ratio: number): number {
  if (place === NONE) return 0.5;
  const bin = Math.abs(place - NONE) - 1;
  if (bin === BINS - 1) return 0.5;
  const from = bin === 0 ? 0 : EDGES[bin - 1];
  const share = (Math.abs(ratio) - from) / (EDGES[bin] - from);
  return ratio > 0 ? share : 1 - share;
}

/** The bin of an error in sizes. */
function placeOf(ratio: number): number {
  if (ratio === 0) return NONE;
  const away = Math.abs(ratio);
  let bin = 0;
  while (bin < EDGES.length && away >= EDGES[bin]) bin++;
  return ratio > 0 ? NONE + 1 + bin : NONE - 1 - bin;
}

/** Share of errors further out than `away`, of shares beyond each edge from `at` on: falling by a constant rate from edge to edge. */
export function tail(beyond: Float64Array, at: number, away: number): number {
  const last = EDGES[EDGES.length - 1];
  if (away >= last) return away === Infinity ? 0 : beyond[at + BINS - 1] * power(last / away, TAIL);
  let bin = 0;
  while (away >= EDGES[bin]) bin++;
  const from = bin === 0 ? 0 : EDGES[bin - 1];
  const near = beyond[at + bin];
  const share = (away - from) / (EDGES[bin] - from);
  return near * power(beyond[at + bin + 1] / near, share);
}
