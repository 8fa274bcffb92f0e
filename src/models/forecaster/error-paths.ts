import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import type { Shape } from "./shape.ts";

/** Upper edges of the bins that sizes of errors are counted in, on both sides of nothing; the last bin has none. */
const LEAST_EDGE = 0.01;
const EDGE_GROWTH = 1.3;
const EDGES: readonly number[] = Array.from({ length: 27 }, (_, i) => LEAST_EDGE * EDGE_GROWTH ** i);
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

/** Errors count as at most so many sizes where they are multiplied. */
const LARGEST = 4;
const PRODUCTS_MEMORY = 1000;
/** Errors go on like those of a random walk until labels say otherwise: that counts as so many of them, times √x. */
const WALK_LABELS = 10;
/** No less of the common part goes on. */
const LEAST_CARRIED = 1e-9;

/** Of a pair of steps: labels, means, squares, product. */
const PAIR = 6;
/** Of a knot: its pair with the step before it and that with the knot before it. */
const PAIRS = 2 * PAIR;

/**
 * How the errors of one forecast go together from step to step, and how often they are how large: what is needed to tell how likely
 * a path of readings leaves a range. Learned at knots, distances x = 1, 2, 4, … H from the last reading, from errors in units of
 * the size that the fan gave them when the forecast was issued, ε = (y - ŷ) / s(x):
 *
 * - counts of ε in bins, finer near nothing: their shares are the distribution, with a logistic one as a prior;
 * - correlations of ε at x with that of the same forecast one step before, and with that at the knot before.
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
  readonly #sizesLength: number;
  readonly #waitingLength: number;

  constructor(layout: Layout, { targets: D, horizon: H }: Shape) {
    this.#knots = knotsOf(H);
    const K = this.#knots.length;
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
    for (let k = 0; k < K; k++) {
      const x = this.#knots[k];
      const size = x <= n ? this.#sizes.view[d * this.#sizesLength + this.#sizesAt[k] + (n % x)] : 0;
      const e = x <= n ? error(x) : Number.NaN;
      const ratio = size > 0 ? e / size : e === 0 ? 0 : Number.NaN;
      if (!Number.isNaN(ratio)) this.#count(d, k, ratio);
      const z = bound(ratio);
      const pairs = (d * K + k) * PAIRS;
      if (k > 0) {
        this.#pair(pairs, this.#before.view[d * K + k], z);
        const length = x - this.#knots[k - 1];
        const ring = d * this.#waitingLength + this.#waitingAt[k - 1] + (n % length);
        // The place is that of the error at the knot before, of the same issue; this event's own takes it.
        this.#pair(pairs + PAIR, this.#waiting.view[ring], z);
      }
    }
    // What the next events will need: errors at the knots, and one step before the knots.
    for (let k = 0; k < K; k++) {
      const x = this.#knots[k];
      if (k + 1 < K) {
        const length = this.#knots[k + 1] - x;
        this.#waiting.view[d * this.#waitingLength + this.#waitingAt[k] + (n % length)] = bound(
          this.#ratio(d, k, x, error),
        );
      }
      if (k > 0) this.#before.view[d * K + k] = bound(this.#ratio(d, k, x - 1, error));
    }
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
    const [da, db] = [a - p[at + 1], b - p[at + 2]];
    p[at + 1] += rate * da;
    p[at + 2] += rate * db;
    p[at + 3] += rate * ((1 - rate) * da * da - p[at + 3]);
    p[at + 4] += rate * ((1 - rate) * db * db - p[at + 4]);
    p[at + 5] += rate * ((1 - rate) * da * db - p[at + 5]);
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

/** A copy of what is known of the errors of one target, to be asked. */
export class KnownErrors {
  readonly #knots: readonly number[];
  /** Per knot and side, shares of errors beyond each edge, nearest first: [K x 2 x BINS]. */
  readonly #beyond: Float64Array;
  /** Per knot: share of the common part in the variance, and how much of it goes on per step from the knot before. */
  readonly #common: Float64Array;
  readonly #carried: Float64Array;

  constructor(knots: readonly number[], counts: Float64Array, pairs: Float64Array) {
    this.#knots = knots;
    const K = knots.length;
    this.#beyond = new Float64Array(K * 2 * BINS);
    this.#common = new Float64Array(K);
    this.#carried = new Float64Array(K);
    for (let k = 0; k < K; k++) this.#shares(k, counts.subarray(k * COUNTS, (k + 1) * COUNTS));
    this.#dependence(pairs);
  }

  #shares(k: number, counts: Float64Array): void {
    let total = 0;
    for (const count of counts) total += count;
    const prior = PRIOR_LABELS;
    for (let side = 0; side < 2; side++) {
      let beyond = 0;
      for (let bin = BINS - 1; bin >= 0; bin--) {
        beyond += counts[side === 0 ? NONE - 1 - bin : NONE + 1 + bin];
        const logistic = bin === 0 ? 0.5 : 1 / (1 + Math.exp(EDGES[bin - 1] / PRIOR_SCALE));
        this.#beyond[(k * 2 + side) * BINS + bin] = (beyond + prior * logistic) / (total + prior);
      }
    }
  }

  #dependence(pairs: Float64Array): void {
    const knots = this.#knots;
    const K = knots.length;
    const known = new Uint8Array(K);
    for (let k = 1; k < K; k++) {
      const [x, w] = [knots[k], knots[k - 1]];
      const steps = x - w;
      const next = correlation(pairs, k * PAIRS, Math.sqrt((x - 1) / x), WALK_LABELS * Math.sqrt(x));
      const knot = correlation(pairs, k * PAIRS + PAIR, Math.sqrt(w / x), WALK_LABELS * Math.sqrt(x));
      if (steps === 1) {
        this.#carried[k] = next;
        continue;
      }
      const ratio = next > 0 ? Math.max(0, Math.min(1, knot / next)) : 0;
      const r = ratio > 0 ? Math.exp(Math.log(ratio) / (steps - 1)) : 0;
      this.#common[k] = r > 0 ? Math.max(0, Math.min(1, next / r)) : Math.max(0, next);
      // Without anything that lasts longer than a step, what is common to two neighbours is their own.
      this.#carried[k] = r > 0 ? r : 1;
      known[k] = 1;
    }
    // Where knots are one step apart, the share is that of the nearest knot further on, or all.
    for (let k = K - 1; k >= 0; k--) {
      if (known[k] === 1) continue;
      this.#common[k] =
        k + 1 < K ? this.#common[k + 1] : k > 0 ? (known[k - 1] === 1 ? this.#common[k - 1] : 1) : 1;
      if (k > 0) {
        const share = this.#common[k];
        this.#carried[k] = share > 0 ? Math.max(0, Math.min(1, this.#carried[k] / share)) : 0;
      }
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
  common(x: number): number {
    const [k, share] = this.#place(x);
    const at = this.#common[k];
    return Math.sqrt(share === 0 ? at : at + share * (this.#common[k + 1] - at));
  }

  /** How much of the common part goes on from distance w to distance x, as a whole. */
  carried(w: number, x: number): number {
    const knots = this.#knots;
    const K = knots.length;
    const H = knots[K - 1];
    if (K === 1) return 0;
    let log = 0;
    for (let k = 1; k < K; k++) {
      const steps = Math.min(x, knots[k]) - Math.max(w, knots[k - 1]);
      if (steps > 0) log += steps * Math.log(Math.max(this.#carried[k], LEAST_CARRIED));
    }
    // Beyond the horizon it fades by the length of the path as it does up to there.
    if (x > H) {
      const last = (H - knots[K - 2]) * Math.log(Math.max(this.#carried[K - 1], LEAST_CARRIED));
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

const bound = (z: number): number => Math.max(-LARGEST, Math.min(LARGEST, z));

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

/** The correlation of a pair, drawn towards what a random walk has. */
function correlation(pairs: Float64Array, at: number, prior: number, labels: number): number {
  const n = Math.min(pairs[at], PRODUCTS_MEMORY);
  const spread = Math.sqrt(pairs[at + 3] * pairs[at + 4]);
  const told = spread > 0 ? Math.max(-1, Math.min(1, pairs[at + 5] / spread)) : prior;
  return (n * told + labels * prior) / (n + labels);
}
