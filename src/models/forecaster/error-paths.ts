import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import { normalQuantile } from "../statistics/normal.ts";
import { BINS, ErrorShares, tail } from "./error-shares.ts";
import type { Shape } from "./shape.ts";

/** Scores lie within this: no single pair of errors says much. */
const LARGEST = 3;
const PRODUCTS_MEMORY = 1000;
/** Before that, later pairs count more than early ones, like n to this less one: forecasts that are still being learned err otherwise. */
const LATER = 3;
/** Errors go on like those of a random walk until labels say otherwise: that counts as so many of them, times √x as far as they do. */
const WALK_LABELS = 10;
/** Errors of one side go together as all do, unless they differ by more than so many variances of what one side tells, over n. */
const ONE_SIDED_VARIANCE = 3.6;
const VARIANCES = 4;
/** What is common fades no faster than like the distance to the power of minus this. */
const MOST_FADING = 30;

/** Of a pair of steps: labels, then of the parts below and of those above nothing the mean product and both mean squares; that of all. */
const PAIR = 8;
const PRODUCT = 7;
/** Of a knot: its pair with the step before it and that with the knot before it. */
const PAIRS = 2 * PAIR;

/**
 * How the errors of one forecast go together from step to step, and how often they are how large: what is needed to tell how likely
 * a path of readings leaves a range. Learned at knots, distances x = 1, 2, 4, … H from the last reading, from errors in units of
 * the size that the fan gave them when the forecast was issued, ε = (y - ŷ) / s(x):
 *
 * - counts of ε in bins, finer near nothing: their shares are the distribution, with a logistic one as a prior;
 * - correlations of the normal score of ε at x with that of the same forecast one step before, and with that at the knot before, by
 *   what both have above nothing and by what both have below: errors of one side may go together where those of the other do not.
 *
 * The two correlations tell what the errors have in common from what each has of its own (`FirstPassage`): what is common fades
 * between two knots like a power of the distance, as for a random walk (γ = ½), ρ(w, x) = a² (w / x)^γ.
 *
 * A reading that was held at arm's length counts here: it was one. State: per target some 60 per knot and 4 H. Cost per event and
 * target: a few operations per knot.
 */
export class ErrorPaths {
  readonly #knots: readonly number[];
  /** Where the rings of a knot begin: sizes of its last x issues, and errors that wait for those of the knot after. */
  readonly #sizesAt: readonly number[];
  readonly #waitingAt: readonly number[];
  readonly #shares: ErrorShares;
  readonly #pairs: Slice<Float64Array>;
  readonly #sizes: Slice<Float64Array>;
  readonly #waiting: Slice<Float64Array>;
  /** Errors one step before each knot, of the issue whose error at the knot comes next. */
  readonly #before: Slice<Float64Array>;
  /** Per target: the last reading, where it is held, and how likely it is there to stay. */
  readonly #held: Slice<Float64Array>;
  readonly #issues: Slice<Float64Array>;
  readonly #scores: Float64Array;
  readonly #ratios: Float64Array;
  /** What is known of each target, once it has been asked for. */
  readonly #known: (KnownErrors | undefined)[];
  readonly #sizesLength: number;
  readonly #waitingLength: number;

  constructor(layout: Layout, shape: Shape) {
    const { targets: D, horizon: H } = shape;
    this.#knots = knotsOf(H);
    const K = this.#knots.length;
    this.#scores = new Float64Array(K);
    this.#known = new Array(D).fill(undefined);
    this.#ratios = new Float64Array(K);
    let [sizes, waiting] = [0, 0];
    this.#sizesAt = this.#knots.map((x) => {
      sizes += x;
      return sizes - x;
    });
    this.#waitingAt = this.#knots.map((x, k) => {
      const length = k + 1 < K ? (this.#knots[k + 1] as number) - x : 0;
      waiting += length;
      return waiting - length;
    });
    this.#sizesLength = sizes;
    this.#waitingLength = waiting;
    this.#shares = new ErrorShares(layout, shape, this.#knots);
    this.#pairs = layout.float64("error-paths.pairs", D * K * PAIRS);
    this.#sizes = layout.float64("error-paths.sizes", D * sizes);
    this.#waiting = layout.float64("error-paths.waiting", D * waiting);
    this.#before = layout.float64("error-paths.before", D * K);
    this.#held = layout.float64("error-paths.held", 2 * D);
    this.#issues = layout.float64("error-paths.issues", 1);
    layout.whenAllocated(() => {
      this.#waiting.view.fill(Number.NaN);
      this.#before.view.fill(Number.NaN);
    });
  }

  /** Learns from the errors of target d that an event brings: that of step h of the issue h events ago, NaN where there is none. */
  take(d: number, error: (h: number) => number): void {
    const n = this.#issues.view[0];
    const K = this.#knots.length;
    const [scores, ratios] = [this.#scores, this.#ratios];
    for (let k = 0; k < K; k++) {
      const x = this.#knots[k];
      const size = x <= n ? this.#sizes.view[d * this.#sizesLength + this.#sizesAt[k] + (n % x)] : 0;
      const e = x <= n ? error(x) : Number.NaN;
      const ratio = size > 0 ? e / size : e === 0 ? 0 : Number.NaN;
      const z = this.#score(d, k, ratio);
      const pairs = (d * K + k) * PAIRS;
      if (k > 0) {
        this.#pair(pairs, this.#before.view[d * K + k], z);
        const length = x - this.#knots[k - 1];
        const ring = d * this.#waitingLength + this.#waitingAt[k - 1] + (n % length);
        // The place is that of the error at the knot before, of the same issue; this event's own takes it.
        this.#pair(pairs + PAIR, this.#waiting.view[ring], z);
      }
      scores[k] = z;
      ratios[k] = ratio;
    }
    // What the next events will need: scores at the knots, and one step before the knots.
    for (let k = 0; k < K; k++) {
      const x = this.#knots[k];
      if (k + 1 < K) {
        const length = this.#knots[k + 1] - x;
        this.#waiting.view[d * this.#waitingLength + this.#waitingAt[k] + (n % length)] = scores[k];
      }
      if (k > 0) {
        const same = x - 1 === this.#knots[k - 1];
        const before = same ? scores[k - 1] : this.#score(d, k, this.#ratio(d, k, x - 1, error));
        this.#before.view[d * K + k] = before;
      }
    }
    for (let k = 0; k < K; k++) {
      if (!Number.isNaN(ratios[k])) this.#shares.take(d, k, ratios[k]);
    }
  }

  /** The normal score of an error in sizes: Φ⁻¹ of the share of errors below it, as they have been at knot k. */
  #score(d: number, k: number, ratio: number): number {
    if (Number.isNaN(ratio)) return ratio;
    const z = normalQuantile(this.#shares.below(d, k, ratio));
    return Math.max(-LARGEST, Math.min(LARGEST, z));
  }

  /** The error of step h, next to knot k, in sizes. */
  #ratio(d: number, k: number, h: number, error: (h: number) => number): number {
    const n = this.#issues.view[0];
    if (h > n) return Number.NaN;
    const x = this.#knots[k];
    const size = this.#sizes.view[d * this.#sizesLength + this.#sizesAt[k] + ((n - h) % x)];
    const e = error(h);
    return size > 0 ? e / size : e === 0 ? 0 : Number.NaN;
  }

  #pair(at: number, a: number, b: number): void {
    if (Number.isNaN(a) || Number.isNaN(b)) return;
    const p = this.#pairs.view;
    const rate = Math.max(LATER / (++p[at] + LATER - 1), 1 / PRODUCTS_MEMORY);
    for (let side = 0; side < 2; side++) {
      const [x, y] = side === 0 ? [Math.min(0, a), Math.min(0, b)] : [Math.max(0, a), Math.max(0, b)];
      const of = at + 1 + 3 * side;
      p[of] += rate * (x * y - p[of]);
      p[of + 1] += rate * (x * x - p[of + 1]);
      p[of + 2] += rate * (y * y - p[of + 2]);
    }
    p[at + PRODUCT] += rate * (a * b - p[at + PRODUCT]);
  }

  /**
   * Keeps the sizes of the errors of target d as an issue is made: `size` of a distance of x steps. The reading may be held: then it
   * `stays` with that probability.
   */
  issue(d: number, size: (x: number) => number, reading: number, stays: number): void {
    this.#held.view[2 * d] = reading;
    this.#held.view[2 * d + 1] = stays;
    const n = this.#issues.view[0];
    for (let k = 0; k < this.#knots.length; k++) {
      const x = this.#knots[k];
      this.#sizes.view[d * this.#sizesLength + this.#sizesAt[k] + (n % x)] = size(x);
    }
  }

  /** The reading of target d that is held, and how likely it is there to stay. */
  held(d: number): readonly [reading: number, stays: number] {
    return [this.#held.view[2 * d], this.#held.view[2 * d + 1]];
  }

  /** The issue is made. */
  issueMade(): void {
    this.forget();
    this.#issues.view[0]++;
  }

  /** What has been reckoned from the state is not that of it any more. */
  forget(): void {
    this.#known.fill(undefined);
  }

  /** The distribution of errors of target d, and how they go together, as they are known now. */
  known(d: number): KnownErrors {
    const known = this.#known[d];
    if (known !== undefined) return known;
    const K = this.#knots.length;
    const beyond = this.#shares.beyond(d);
    const pairs = this.#pairs.view.subarray(d * K * PAIRS, (d + 1) * K * PAIRS);
    const made = new KnownErrors(this.#knots, beyond, pairs);
    this.#known[d] = made;
    return made;
  }
}

/** Errors below or above what was forecast. */
export type Side = 0 | 1;

/** A copy of what is known of the errors of one target, to be asked. */
export class KnownErrors {
  readonly #knots: readonly number[];
  /** Per knot and side, shares of errors beyond each edge, nearest first: [K x 2 x BINS]. */
  readonly #beyond: Float64Array;
  /** Per side and knot: share of the common part in the variance, and how much of it goes on per step from the knot before [2 x K]. */
  readonly #common: Float64Array;
  readonly #fading: Float64Array;

  constructor(knots: readonly number[], beyond: Float64Array, pairs: Float64Array) {
    this.#knots = knots;
    const K = knots.length;
    this.#beyond = beyond;
    this.#common = new Float64Array(2 * K);
    this.#fading = new Float64Array(2 * K);
    for (const side of [0, 1] as const) this.#dependence(side, pairs);
  }

  #dependence(side: Side, pairs: Float64Array): void {
    const knots = this.#knots;
    const K = knots.length;
    const common = this.#common.subarray(side * K, (side + 1) * K);
    const fading = this.#fading.subarray(side * K, (side + 1) * K);
    for (let k = K - 1; k >= 1; k--) {
      const [x, w] = [knots[k], knots[k - 1]];
      const next = correlation(pairs, k * PAIRS, side, (x - 1) / x, x);
      const knot = correlation(pairs, k * PAIRS + PAIR, side, w / x, x);
      if (x - w === 1) {
        // The share is that of the nearest knot further on, or all.
        common[k] = k + 1 < K ? common[k + 1] : 1;
        fading[k] = rateOf(common[k] > 0 ? next / common[k] : 0, Math.log(x / w));
        continue;
      }
      const [once, whole] = [Math.log(x / (x - 1)), Math.log(x / w)];
      // Without anything that lasts longer than a step, what is common to two neighbours is their own.
      fading[k] = next > 0 && knot > 0 ? Math.max(0, Math.log(next / knot)) / (whole - once) : MOST_FADING;
      common[k] = fading[k] < MOST_FADING ? next * power(x / (x - 1), fading[k]) : Math.max(0, next);
      if (common[k] > 1) {
        common[k] = 1;
        fading[k] = rateOf(knot, whole);
      }
      if (fading[k] === MOST_FADING) fading[k] = 0;
    }
    common[0] = K > 1 ? common[1] : 1;
  }

  /** Share of errors at a distance of x steps that are above ε. */
  above(x: number, e: number): number {
    return e >= 0 ? this.#tail(x, 1, e) : 1 - this.#tail(x, 0, -e);
  }

  /** Share of errors at a distance of x steps that are below ε. */
  below(x: number, e: number): number {
    return e <= 0 ? this.#tail(x, 0, -e) : 1 - this.#tail(x, 1, e);
  }

  /** Square root of the share that the errors at a distance of x steps have in common with others. */
  common(x: number, side: Side): number {
    const [k, share] = this.#place(x);
    const at = side * this.#knots.length + k;
    const common = this.#common[at];
    return Math.sqrt(share === 0 ? common : common + share * (this.#common[at + 1] - common));
  }

  /** How much of the common part goes on from distance w to distance x, as a whole. */
  carried(w: number, x: number, side: Side): number {
    const knots = this.#knots;
    const K = knots.length;
    if (K === 1) return 0;
    let log = 0;
    for (let k = 1; k < K; k++) {
      const to = k === K - 1 ? x : Math.min(x, knots[k]);
      const from = Math.max(w, knots[k - 1]);
      if (to > from) log -= this.#fading[side * K + k] * Math.log(to / from);
    }
    return Math.exp(log);
  }

  #tail(x: number, side: number, away: number): number {
    const [k, share] = this.#place(x);
    const low = tail(this.#beyond, (k * 2 + side) * BINS, away);
    return share === 0 ? low : low + share * (tail(this.#beyond, (k * 2 + 2 + side) * BINS, away) - low);
  }

  #place(x: number): [number, number] {
    const knots = this.#knots;
    const K = knots.length;
    if (x >= knots[K - 1]) return [K - 1, 0];
    let k = 0;
    while (knots[k + 1] <= x) k++;
    return [k, Math.log(x / knots[k]) / Math.log(knots[k + 1] / knots[k])];
  }
}

/** γ where a share of what is common goes on over a distance that grows by exp(`log`). */
const rateOf = (share: number, log: number): number =>
  share > 0 ? Math.min(MOST_FADING, Math.max(0, -Math.log(share)) / log) : MOST_FADING;

/** 1, 2, 4, … and H. */
function knotsOf(H: number): number[] {
  const knots = [1];
  while (2 * (knots.at(-1) as number) < H) knots.push(2 * (knots.at(-1) as number));
  if (H > 1) knots.push(H);
  return knots;
}

/** The correlation of a pair, x steps ahead, by the errors on one side, drawn towards what a random walk has: √walk. */
function correlation(pairs: Float64Array, at: number, side: Side, walk: number, x: number): number {
  const n = Math.min((pairs[at] * (2 * LATER - 1)) / (LATER * LATER), PRODUCTS_MEMORY);
  const prior = Math.sqrt(walk);
  const [below, above] = [at + 1, at + 4];
  const squares = (pairs[below + 1] + pairs[above + 1]) * (pairs[below + 2] + pairs[above + 2]);
  if (!(squares > 0)) return prior;
  const all = Math.max(-1, Math.min(1, pairs[at + PRODUCT] / Math.sqrt(squares)));
  const of = side === 0 ? below : above;
  const square = Math.sqrt(pairs[of + 1] * pairs[of + 2]);
  let own = all;
  if (square > 0) {
    const away = relation(pairs[of] / square) - all;
    own += (away * away * away) / (away * away + (VARIANCES * ONE_SIDED_VARIANCE) / n);
  }
  // Labels that overlap tell less the more they have in common.
  const labels = WALK_LABELS * (1 + (Math.sqrt(x) - 1) * Math.max(0, own));
  return (n * own + labels * prior) / (n + labels);
}

/** Correlations from -1 to 1, and the mean product, as a share of their mean square, of the parts above nothing of two normal numbers that have them. */
const CORRELATIONS = 256;
const SHARED = Float64Array.from({ length: 2 * CORRELATIONS + 1 }, (_, i) => {
  const r = (i - CORRELATIONS) / CORRELATIONS;
  return (Math.sqrt(1 - r * r) + r * (Math.PI / 2 + Math.asin(r))) / Math.PI;
});

/** The correlation of two normal numbers whose parts above nothing have the mean product m, as a share of their mean square. */
function relation(m: number): number {
  let [low, high] = [0, SHARED.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (SHARED[middle] < m) low = middle;
    else high = middle;
  }
  const share = Math.max(0, Math.min(1, (m - SHARED[low]) / (SHARED[high] - SHARED[low])));
  return (low + share - CORRELATIONS) / CORRELATIONS;
}
