import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import { normalQuantile } from "../statistics/normal.ts";
import type { Shape } from "./shape.ts";

/** Upper edges of the bins that sizes of errors are counted in, on both sides of nothing; the last bin has none. */
const LEAST_EDGE = 0.01;
const EDGE_GROWTH = 1.3;
const EDGES: readonly number[] = Array.from({ length: 27 }, (_, i) => LEAST_EDGE * power(EDGE_GROWTH, i));
const BINS = EDGES.length + 1;
/** Counts of a knot: outwards below, no error at all, outwards above. */
const COUNTS = 2 * BINS + 1;
const NONE = BINS;
/** Labels that the counts remember, at least: they are halved when there are twice as many. */
const MEMORY = 1000;
/** Before labels tell, errors are taken to be logistic, which counts as so many labels; this is its scale where errors are 1 in the mean. */
const PRIOR_LABELS = 10;
const PRIOR_SCALE = 1 / (2 * Math.LN2);
/** Beyond the last edge the share of errors falls like this power of their size. */
const TAIL = 3;

/** Scores lie within this: no single pair of errors says much. */
const LARGEST = 3;
const PRODUCTS_MEMORY = 1000;
/** The mean product of the parts above nothing of two normal numbers that have nothing in common, over the mean square of such a part. */
const UNRELATED = 1 / Math.PI;
/** Errors go on like those of a random walk until labels say otherwise: that counts as so many of them, times √x. */
const WALK_LABELS = 10;
/** No less of the common part goes on. */
const LEAST_CARRIED = 1e-9;

/** Of a pair of steps: labels, then of the parts below and of those above nothing the mean product and both mean squares. */
const PAIR = 7;
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
 * The two correlations tell what the errors have in common from what each has of its own (`FirstPassage`): with ℓ steps from knot
 * to knot, ρ₁ = a² r and ρ_ℓ = a² r^ℓ, so that r = (ρ_ℓ / ρ₁)^(1/(ℓ-1)).
 *
 * A reading that was held at arm's length counts here: it was one. State: per target some 60 per knot and 4 H. Cost per event and
 * target: a few operations per knot.
 */
export class ErrorPaths {
  readonly #knots: readonly number[];
  /** Where the rings of a knot begin: sizes of its last x issues, and errors that wait for those of the knot after. */
  readonly #sizesAt: readonly number[];
  readonly #waitingAt: readonly number[];
  readonly #counts: Slice<Float64Array>;
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
  readonly #sizesLength: number;
  readonly #waitingLength: number;

  constructor(layout: Layout, { targets: D, horizon: H }: Shape) {
    this.#knots = knotsOf(H);
    const K = this.#knots.length;
    this.#scores = new Float64Array(K);
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
    this.#counts = layout.float64("error-paths.counts", D * K * COUNTS);
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
    for (let k = 0; k < K; k++) if (!Number.isNaN(ratios[k])) this.#count(d, k, ratios[k]);
  }

  /** The normal score of an error in sizes: Φ⁻¹ of the share of errors below it, as they have been at knot k. */
  #score(d: number, k: number, ratio: number): number {
    if (Number.isNaN(ratio)) return ratio;
    const counts = this.#counts.view;
    const at = (d * this.#knots.length + k) * COUNTS;
    const place = placeOf(ratio);
    let [below, total] = [0, 0];
    for (let i = 0; i < COUNTS; i++) {
      const count = counts[at + i];
      if (i < place) below += count;
      total += count;
    }
    const own = counts[at + place] * shareOf(place, ratio);
    const z = normalQuantile((below + own + PRIOR_LABELS * logistic(ratio)) / (total + PRIOR_LABELS));
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

  #count(d: number, k: number, ratio: number): void {
    const counts = this.#counts.view;
    const at = (d * this.#knots.length + k) * COUNTS;
    counts[at + placeOf(ratio)]++;
    let total = 0;
    for (let i = 0; i < COUNTS; i++) total += counts[at + i];
    if (total >= 2 * MEMORY) for (let i = 0; i < COUNTS; i++) counts[at + i] /= 2;
  }

  #pair(at: number, a: number, b: number): void {
    if (Number.isNaN(a) || Number.isNaN(b)) return;
    const p = this.#pairs.view;
    const rate = Math.max(1 / ++p[at], 1 / PRODUCTS_MEMORY);
    for (let side = 0; side < 2; side++) {
      const [x, y] = side === 0 ? [Math.min(0, a), Math.min(0, b)] : [Math.max(0, a), Math.max(0, b)];
      const of = at + 1 + 3 * side;
      p[of] += rate * (x * y - p[of]);
      p[of + 1] += rate * (x * x - p[of + 1]);
      p[of + 2] += rate * (y * y - p[of + 2]);
    }
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
    this.#issues.view[0]++;
  }

  /** The distribution of errors of target d, and how they go together, as they are known now. */
  known(d: number): KnownErrors {
    const K = this.#knots.length;
    const n = d * K;
    return new KnownErrors(
      this.#knots,
      this.#counts.view.subarray(n * COUNTS, (n + K) * COUNTS),
      this.#pairs.view.subarray(n * PAIRS, (n + K) * PAIRS),
    );
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
  readonly #carried: Float64Array;

  constructor(knots: readonly number[], counts: Float64Array, pairs: Float64Array) {
    this.#knots = knots;
    const K = knots.length;
    this.#beyond = new Float64Array(K * 2 * BINS);
    this.#common = new Float64Array(2 * K);
    this.#carried = new Float64Array(2 * K);
    for (let k = 0; k < K; k++) this.#shares(k, counts.subarray(k * COUNTS, (k + 1) * COUNTS));
    for (const side of [0, 1] as const) this.#dependence(side, pairs);
  }

  #shares(k: number, counts: Float64Array): void {
    let total = 0;
    for (const count of counts) total += count;
    const prior = PRIOR_LABELS;
    for (let side = 0; side < 2; side++) {
      let beyond = 0;
      for (let bin = BINS - 1; bin >= 0; bin--) {
        beyond += counts[side === 0 ? NONE - 1 - bin : NONE + 1 + bin];
        const first = bin === 0 ? 0.5 : logistic(-EDGES[bin - 1]);
        this.#beyond[(k * 2 + side) * BINS + bin] = (beyond + prior * first) / (total + prior);
      }
    }
  }

  #dependence(side: Side, pairs: Float64Array): void {
    const knots = this.#knots;
    const K = knots.length;
    const common = this.#common.subarray(side * K, (side + 1) * K);
    const carried = this.#carried.subarray(side * K, (side + 1) * K);
    const known = new Uint8Array(K);
    for (let k = 1; k < K; k++) {
      const [x, w] = [knots[k], knots[k - 1]];
      const steps = x - w;
      const labels = WALK_LABELS * Math.sqrt(x);
      const next = correlation(pairs, k * PAIRS, side, Math.sqrt((x - 1) / x), labels);
      const knot = correlation(pairs, k * PAIRS + PAIR, side, Math.sqrt(w / x), labels);
      if (steps === 1) {
        carried[k] = next;
        continue;
      }
      const ratio = next > 0 ? Math.max(0, Math.min(1, knot / next)) : 0;
      const r = ratio > 0 ? power(ratio, 1 / (steps - 1)) : 0;
      common[k] = r > 0 ? Math.max(0, Math.min(1, next / r)) : Math.max(0, next);
      // Without anything that lasts longer than a step, what is common to two neighbours is their own.
      carried[k] = r > 0 ? r : 1;
      known[k] = 1;
    }
    // Where knots are one step apart, the share is that of the nearest knot further on, or all.
    for (let k = K - 1; k >= 0; k--) {
      if (known[k] === 1) continue;
      if (k + 1 < K) common[k] = common[k + 1];
      else common[k] = known[k - 1] === 1 ? common[k - 1] : 1;
      carried[k] = common[k] > 0 ? Math.max(0, Math.min(1, carried[k] / common[k])) : 0;
    }
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
    const carried = (k: number): number => Math.log(Math.max(this.#carried[side * K + k], LEAST_CARRIED));
    const H = knots[K - 1];
    if (K === 1) return 0;
    let log = 0;
    for (let k = 1; k < K; k++) {
      const steps = Math.min(x, knots[k]) - Math.max(w, knots[k - 1]);
      if (steps > 0) log += steps * carried(k);
    }
    // Beyond the horizon it fades by the length of the path as it does up to there.
    if (x > H) {
      const last = (H - knots[K - 2]) * carried(K - 1);
      log += (last * Math.log(x / Math.max(w, H))) / Math.log(H / knots[K - 2]);
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

/** 1, 2, 4, … and H. */
function knotsOf(H: number): number[] {
  const knots = [1];
  while (2 * (knots.at(-1) as number) < H) knots.push(2 * (knots.at(-1) as number));
  if (H > 1) knots.push(H);
  return knots;
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

/** Share of errors further out than `away`: falling by a constant rate from edge to edge. */
function tail(beyond: Float64Array, at: number, away: number): number {
  const last = EDGES[EDGES.length - 1];
  if (away >= last) return away === Infinity ? 0 : beyond[at + BINS - 1] * power(last / away, TAIL);
  let bin = 0;
  while (away >= EDGES[bin]) bin++;
  const from = bin === 0 ? 0 : EDGES[bin - 1];
  const near = beyond[at + bin];
  const share = (away - from) / (EDGES[bin] - from);
  return near * power(beyond[at + bin + 1] / near, share);
}

/** The correlation of a pair by the errors on one side, drawn towards what a random walk has. */
function correlation(pairs: Float64Array, at: number, side: Side, prior: number, labels: number): number {
  const n = Math.min(pairs[at], PRODUCTS_MEMORY);
  const of = at + 1 + 3 * side;
  const square = Math.sqrt(pairs[of + 1] * pairs[of + 2]);
  if (!(square > 0)) return prior;
  return (n * relation(pairs[of] / square) + labels * prior) / (n + labels);
}

/**
 * The correlation ρ of two normal numbers whose parts above nothing have the mean product m, as a share of their mean square, where
 * it is not less than 0: m = (√(1 - ρ²) + ρ (π/2 + asin ρ)) / π, by halving.
 */
function relation(m: number): number {
  if (m <= UNRELATED) return 0;
  let [low, high] = [0, 1];
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2;
    const product = (Math.sqrt(1 - middle * middle) + middle * (Math.PI / 2 + Math.asin(middle))) * UNRELATED;
    if (product < m) low = middle;
    else high = middle;
  }
  return low;
}
