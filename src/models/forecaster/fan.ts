import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import { Disagreement } from "./disagreement.ts";
import { Knots } from "./knots.ts";
import type { LongRange } from "./long-range.ts";
import type { SeasonalErrors } from "./seasonal-errors.ts";
import type { Shape } from "./shape.ts";

/** Labels that each running size of the errors remembers. */
const MEMORIES = [10, 40, 160, 640] as const;
const SIZES = MEMORIES.length;
/** Labels over which the sizes are compared. */
const COMPARED = 1000;
/** A label counts at most this many sizes: one outlier says little about how large errors are or which memory is right. */
const LARGEST_RATIO = 10;
/** A size below this is none: the long memories underflow first. */
const LEAST_SIZE = 1e-300;
/** Part of the longest running size below which no size falls: errors that have been will be again. */
const FLOOR = 0.05;

/** How far a quantile that is promised moves for each label one step ahead, in sizes of the error. */
const RATE = 0.03;
/** The same of any other, at the median: it follows the shape of the errors and not their luck. */
const SHAPE_RATE = 0.01;

/** Sizes grow like h^0.5, a random walk's, until labels say otherwise: the prior counts as so many labels. */
const GROWTH = 0.5;
const GROWTH_LABELS = 6;

const LABELS = 0;
const JUDGED = 1;
const SIZE = 2;
const LOSS = SIZE + SIZES;
const FIELDS = LOSS + SIZES;

/** What a fan may go by beside its own errors. */
interface FanParts {
  /** So many of the levels, from the first on, hold in every stretch of time; all when not told. */
  readonly promised?: number;
  readonly longRange?: LongRange;
  readonly seasonal?: SeasonalErrors;
}

/**
 * The distribution of the errors of a forecast over all steps, as one object: a size s(x) at a distance of x steps from the last
 * reading, and quantiles in such sizes, both known at knots x = 1, 2, 4, … H and read in between along log x. A step is thus no
 * stranger to its neighbours, and a step h of a forecast issued g steps after the last reading is one of x = h + g.
 *
 * Sizes: per knot running means of |e| over several memories, s_j ← s_j + max(1/n, 1/m_j) (|e| - s_j), with |e| that of the steps
 * around the knot, each brought to its distance, mixed by how likely each memory made the errors (Laplace, ℓ_j = log s_j + |e| / s_j, as issued):
 *
 *     s = Σ w_j s_j,   w_j ∝ exp(-n' L_j),   L_j the running mean of ℓ_j over the knot and its neighbours,   n' = min(n / √x, 1000)
 *
 * All that is in units of what is usual in the phase of the season (`SeasonalErrors`) and where the experts are so far apart
 * (`Disagreement`), by which |e| is divided and s multiplied.
 *
 * A knot without labels grows from the one before it, s(2x) = √2 s(x), and with labels by as much as they are few.
 *
 * Quantiles (Gibbs & Candès 2021 in the form of Angelopoulos, Candès & Tibshirani 2023): with the quantile of level p at
 * ŷ + q(x) s(x),
 *
 *     q += η_x (p - 1{y ≤ issued}),   η_x = 0.03 x^(-1/4), averaged over the steps around the knot
 *
 * The share of labels below tends to p whatever the errors do. A label right on the forecast moves nothing. With n labels the
 * size is known to 1/n, and quantiles are wider by that of Student's distribution.
 *
 * That is for the quantiles that are promised, the bounds of the interval: they hold in every stretch of time, at the price of
 * following runs of errors of one sign, which at far steps last as long as the labels overlap. Any other quantile tells the shape
 * of the distribution, q(x) = a + b(x), with a learned one step ahead at the rate 0.005 / √(p (1 - p)), and b(x) at that over x.
 *
 * State: per target one per level, per target and knot 10 and one per level, and H of the sizes as issued. Cost per event and target: a few operations per
 * step and 8 logarithms and exponentials per knot.
 */
export class Fan {
  readonly #shape: Shape;
  readonly #longRange: LongRange | undefined;
  readonly #seasonal: SeasonalErrors | undefined;
  readonly #levels: Float64Array;
  /** 1 - level, and for a level that is 1 - another one exactly that other: mirrored errors get mirrored quantiles. */
  readonly #rest: Float64Array;
  readonly #knots: Knots;
  readonly #disagreement: Disagreement;
  readonly #sizes: Slice<Float64Array>;
  /** a of each target and level, and b(x) of each target, knot and level. */
  readonly #common: Slice<Float64Array>;
  readonly #quantiles: Slice<Float64Array>;
  /** Per knot and level, how far b moves for a label; per level, how far a does. */
  readonly #rates: Float64Array;
  readonly #shapeRates: Float64Array;
  /** s_j at the knots as issued in the last H issues, and how many there were. */
  readonly #issued: Slice<Float64Array>;
  readonly #count: Slice<Float64Array>;
  /** log s at the knots of each target, as last issued. */
  readonly #log: Slice<Float64Array>;
  readonly #sum: Float64Array;
  readonly #weight: Float64Array;
  readonly #moves: Float64Array;
  readonly #issuedSum: Float64Array;

  /** `levels`: those of the quantiles, in any order. */
  constructor(
    layout: Layout,
    shape: Shape,
    levels: readonly number[],
    { promised = levels.length, longRange, seasonal }: FanParts = {},
  ) {
    this.#shape = shape;
    this.#longRange = longRange;
    this.#seasonal = seasonal;
    const { targets: D, horizon: H } = shape;
    this.#levels = Float64Array.from(levels);
    this.#rest = Float64Array.from(levels, (p) => levels.find((other) => 1 - other === p) ?? 1 - p);
    this.#knots = new Knots(H);
    const K = this.#knots.length;
    this.#disagreement = new Disagreement(layout, D, H, this.#knots);
    this.#sizes = layout.float64("fan.sizes", FIELDS * K * D);
    this.#common = layout.float64("fan.common", levels.length * D);
    this.#quantiles = layout.float64("fan.quantiles", levels.length * K * D);
    this.#issued = layout.float64("fan.issued", SIZES * K * D * H);
    this.#count = layout.float64("fan.count", 1);
    this.#log = layout.float64("fan.log", K * D);
    this.#sum = new Float64Array(K);
    this.#weight = new Float64Array(K);
    this.#moves = new Float64Array(K * levels.length);
    this.#issuedSum = new Float64Array(K * SIZES);
    const bend = levels.map((p, l) => (SHAPE_RATE * 0.5) / Math.sqrt(p * this.#rest[l]));
    this.#shapeRates = Float64Array.from(bend, (rate, l) => (l < promised ? 0 : rate));
    this.#rates = Float64Array.from(
      this.#knots.x.flatMap((x) =>
        bend.map((rate, l) => (l < promised ? RATE / Math.sqrt(Math.sqrt(x)) : x === 1 ? 0 : rate / x)),
      ),
    );
    layout.whenAllocated(() => {
      const first = levels.map(normalFactor);
      for (let d = 0; d < D; d++) this.#common.view.set(first, d * levels.length);
    });
  }

  /** Labels one step ahead of target d so far. */
  labels(d: number): number {
    return this.#sizes.view[FIELDS * this.#knots.length * d + LABELS];
  }

  /**
   * Learns from the errors of target d: `errors` [H] are y - ŷ of step h of the issue h events ago, NaN where there is none to
   * learn from; `levels` gives, for step h, the quantile of a level as it was issued, less ŷ.
   */
  takeErrors(d: number, errors: Float64Array, issuedOffset: (h: number, level: number) => number): void {
    const { horizon: H, targets: D } = this.#shape;
    const K = this.#knots.length;
    const L = this.#levels.length;
    const disagreement = this.#disagreement;
    const [sum, weight, moves, sizes] = [this.#sum, this.#weight, this.#moves, this.#issuedSum];
    sum.fill(0);
    weight.fill(0);
    moves.fill(0);
    sizes.fill(0);
    let moved = false;
    const factor = this.factor(d, 0);
    for (let h = 1; h <= H; h++) {
      const e = errors[h - 1];
      if (Number.isNaN(e)) continue;
      const k = this.#knots.below[h];
      const share = this.#knots.share[h];
      const number = this.#count.view[0] - h;
      const issue = ((number % H) * D + d) * K * SIZES;
      const z = disagreement.issued(number, d, h);
      const away = Math.abs(e) / (factor * disagreement.factor(d, z));
      if (this.labels(d) > 0) disagreement.take(z, away / this.#size(d, h));
      const growth = K > 1 ? this.#log.view[d * K + k + 1] - this.#log.view[d * K + k] : 0;
      for (let side = 0; side < 2 && k + side < K; side++) {
        const w = side === 0 ? 1 - share : share;
        if (w === 0) continue;
        const knot = k + side;
        // What the error would have been at the knot, by the sizes as they grow from knot to knot.
        const there = away * Math.exp(growth * (side - share));
        sum[knot] += w * there;
        weight[knot] += w;
        for (let j = 0; j < SIZES; j++)
          sizes[knot * SIZES + j] += w * this.#issued.view[issue + knot * SIZES + j];
        if (e === 0) continue;
        moved = true;
        for (let l = 0; l < L; l++) {
          const p = this.#levels[l];
          const offset = issuedOffset(h, l);
          const above = p < 0.5 ? e >= offset : e > offset;
          moves[knot * L + l] += above ? w * p : -w * this.#rest[l];
        }
      }
    }
    disagreement.learn(d);
    if (this.#seasonal !== undefined && this.labels(d) > 0) this.#seasonal.take(d, factor * this.#inSizes(d));
    for (let k = 0; k < K; k++) if (weight[k] > 0) this.#learnSize(d, k, sum[k] / weight[k], weight[k]);
    if (!moved) return;
    const q = this.#quantiles.view;
    for (let k = 0; k < K; k++) {
      if (!(weight[k] > 0)) continue;
      for (let l = 0; l < L; l++) {
        const move = moves[k * L + l] / weight[k];
        q[(d * K + k) * L + l] += this.#rates[k * L + l] * move;
        if (k === 0) this.#common.view[d * L + l] += this.#shapeRates[l] * move;
      }
    }
  }

  /** The errors just gathered of target d, by the sizes that were expected of them, mean over the steps; NaN without any. */
  #inSizes(d: number): number {
    const K = this.#knots.length;
    let [sum, total] = [0, 0];
    for (let k = 0; k < K; k++) {
      sum += this.#sum[k] * Math.exp(-this.#log.view[d * K + k]);
      total += this.#weight[k];
    }
    return sum / total;
  }

  /** How much larger than usual errors of target d are `ahead` events from now. */
  factor(d: number, ahead: number): number {
    return this.#seasonal === undefined ? 1 : this.#seasonal.factor(d, ahead);
  }

  #learnSize(d: number, k: number, size: number, weight: number): void {
    const s = this.#sizes.view;
    const at = FIELDS * (d * this.#knots.length + k);
    const n = ++s[at + LABELS];
    const issued = this.#issuedSum;
    if (issued[k * SIZES] > 0) {
      const rate = Math.max(1 / ++s[at + JUDGED], 1 / COMPARED);
      for (let j = 0; j < SIZES; j++) {
        const then = Math.max(issued[k * SIZES + j] / weight, LEAST_SIZE);
        const loss = Math.log(then) + Math.min(size / then, LARGEST_RATIO);
        s[at + LOSS + j] += rate * (loss - s[at + LOSS + j]);
      }
    }
    for (let j = 0; j < SIZES; j++) {
      s[at + SIZE + j] += Math.max(1 / n, 1 / MEMORIES[j]) * (size - s[at + SIZE + j]);
    }
  }

  /**
   * Sets the fan of target d for the issue being made, `gap` steps after the last reading, and keeps the sizes behind it.
   * `unknown`: the size while no label has told; `apart`: the deviation of the experts' forecasts of step h.
   */
  issue(d: number, unknown: number, gap = 0, apart: (h: number) => number = () => 0): void {
    const { horizon: H, targets: D } = this.#shape;
    const s = this.#sizes.view;
    const K = this.#knots.length;
    const first = FIELDS * K * d;
    const issue = ((this.#count.view[0] % H) * D + d) * K * SIZES;
    let before = 0;
    for (let k = 0; k < K; k++) {
      const at = first + FIELDS * k;
      const x = this.#knots.x[k];
      for (let j = 0; j < SIZES; j++) this.#issued.view[issue + k * SIZES + j] = s[at + SIZE + j];
      const n = s[at + LABELS] / Math.sqrt(x);
      let size = n > 0 ? this.#mixed(first, k, Math.min(n, COMPARED)) : unknown;
      if (k > 0) {
        const prior = before * power(x / this.#knots.x[k - 1], GROWTH);
        size = ((n > 0 ? n * size : 0) + GROWTH_LABELS * prior) / (n + GROWTH_LABELS);
      }
      this.#log.view[d * K + k] = Math.log(Math.max(size, LEAST_SIZE));
      before = size;
    }
    const number = this.#count.view[0];
    if (gap > 0) this.#disagreement.carry(number, d, gap);
    else
      for (let k = 0; k < K; k++) {
        const h = this.#knots.x[k];
        this.#disagreement.note(number, d, k, apart(h), this.factor(d, h) * this.#size(d, h));
      }
  }

  #mixed(first: number, k: number, evidence: number): number {
    const s = this.#sizes.view;
    const K = this.#knots.length;
    const at = first + FIELDS * k;
    const losses = (j: number): number => {
      const own = s[at + LOSS + j];
      const low = k > 0 ? s[at - FIELDS + LOSS + j] - s[at - FIELDS + LOSS] : own - s[at + LOSS];
      const up =
        k + 1 < K && s[at + FIELDS + LABELS] > 0
          ? s[at + FIELDS + LOSS + j] - s[at + FIELDS + LOSS]
          : own - s[at + LOSS];
      return 0.5 * (own - s[at + LOSS]) + 0.25 * (low + up);
    };
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < SIZES; j++) least = Math.min(least, losses(j));
    let total = 0;
    let sum = 0;
    for (let j = 0; j < SIZES; j++) {
      const w = Math.exp(-evidence * (losses(j) - least));
      total += w;
      sum += w * s[at + SIZE + j];
    }
    return Math.max(sum / total, FLOOR * s[at + SIZE + SIZES - 1]);
  }

  /** The size of the errors of target d at a distance of x steps, `ahead` events from now, as of the last `issue`; 0 where there were none. */
  size(d: number, x: number, ahead: number): number {
    return this.usual(d, x, ahead) * this.#apart(d, x, ahead);
  }

  /** The same of errors where experts are as far apart as usual. */
  usual(d: number, x: number, ahead: number): number {
    const size = this.#size(d, x);
    return size > 2 * LEAST_SIZE ? this.factor(d, ahead) * size : 0;
  }

  /** How much larger than usual errors are by how far the experts were apart: at the last reading, or x events ago for now. */
  #apart(d: number, x: number, ahead: number): number {
    const H = this.#shape.horizon;
    const disagreement = this.#disagreement;
    if (ahead > 0) return disagreement.factor(d, disagreement.last(d, Math.min(x, H)));
    const issue = this.#count.view[0] - x;
    return x > H || issue < 0 ? 1 : disagreement.factor(d, disagreement.issued(issue, d, x));
  }

  #size(d: number, x: number): number {
    const H = this.#shape.horizon;
    const K = this.#knots.length;
    if (x <= H) return Math.exp(this.#knots.read(this.#log.view, d * K, x));
    const size = Math.exp(this.#log.view[d * K + K - 1]);
    return this.#longRange?.size(d, x, size) ?? size * power(x / H, GROWTH);
  }

  /** How far the quantile of level l of target d lies from the forecast at a distance of x steps, `ahead` events from now: signed. */
  offset(d: number, x: number, ahead: number, l: number): number {
    const L = this.#levels.length;
    const K = this.#knots.length;
    const within = Math.min(x, this.#shape.horizon);
    const own = this.#knots.read(this.#quantiles.view, d * K * L + l, within, L);
    return (this.#common.view[d * L + l] + own) * this.spread(d, x, ahead);
  }

  /** The size of the errors of target d at a distance of x steps, wider while few labels have told it. */
  spread(d: number, x: number, ahead: number): number {
    return this.size(d, x, ahead) * this.#doubt(d);
  }

  /** How much wider to be while few labels have told: Student's 95 % quantile over the normal one, within 2 % from one label on. */
  #doubt(d: number): number {
    const n = Math.max(1, this.labels(d));
    return 1 + 0.95 / n + 1.85 / (n * n * n);
  }

  /** Call when an event has come and after the state was restored. */
  refresh(): void {
    this.#seasonal?.refresh();
  }

  /** The issue is made. */
  issueMade(): void {
    this.#count.view[0]++;
  }
}

/**
 * Quantile p of normal errors over their mean size, √(2/π) deviations; the quantile by the rational approximation 26.2.23 of
 * Abramowitz & Stegun, within 5e-4: enough to begin with.
 */
function normalFactor(p: number): number {
  const t = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
  const z =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return Math.sign(p - 0.5) * z * Math.sqrt(Math.PI / 2);
}
