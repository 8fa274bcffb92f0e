import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Expert, Settlement } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import { LONGEST_SMOOTHED, levelAhead, smoothable } from "./classical.ts";

/** Gains of the level, the trend and the season: every combination is one smoother of the bank. */
const LEVEL_GAINS = [0.15, 0.35, 0.7];
const TREND_GAINS = [0.02, 0.1];
const SEASON_GAINS = [0.2, 0.6];
/** Discount of the one-step errors by which the smoothers are combined. */
const DISCOUNT = 0.98;
const LEAST_FACTOR = 1e-3;
/** In one step the level falls to no less than this share of itself. */
const LEAST_SHARE = 0.5;

const GAINS = LEVEL_GAINS.flatMap((a) =>
  TREND_GAINS.flatMap((b) => SEASON_GAINS.map((c) => [a, b, c] as const)),
);
/** Per smoother: level, trend, discounted squared error, then the season. */
const LEVEL = 0;
const TREND = 1;
const ERROR = 2;
const SEASON = 3;
const FIELDS = SEASON + LONGEST_SMOOTHED;
/** Values over which the share of those that are not positive is known, and the share from which on smoothing is unfit. */
const UNFIT_MEMORY = 100;
const MOST_UNFIT = 0.05;
/** Per target: events, share of values that were not positive, length of the season, the first two seasons. */
const COUNT = 0;
const UNFIT = 1;
const PERIOD = 2;
const FIRST = 3;
const START = FIRST + 2 * LONGEST_SMOOTHED;

/**
 * Holt-Winters smoothing with a multiplicative season (Winters 1960): level l, trend b, factors s,
 *
 *     l = α y/s + (1-α)(l' + b'),  b = β (l - l') + (1-β) b',  s = γ y/l + (1-γ) s',  ŷ(t+h) = (l + h b) s(t+h-p)
 *
 * or, where b falls, l exp(h b / l) s(t+h-p): what has factors never comes to nothing.
 *
 * as a bank of twelve with fixed gains, combined by inverse discounted squared one-step error to the power four. Each starts from one season, and again, with its trend, from two. A second season is taken off
 * first and added again. For series that are positive but
 * for a few values, with a season of at most 48 steps; else it is the last value. Cost per event and target: 12 smoothers.
 */
export class HoltWinters implements Expert {
  readonly name = "holt-winters";
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #start: Slice<Float64Array>;
  readonly #bank: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape, features: Features) {
    this.#shape = shape;
    this.#features = features;
    this.#start = layout.float64("holt-winters.start", START * shape.targets);
    this.#bank = layout.float64("holt-winters.bank", FIELDS * GAINS.length * shape.targets);
  }

  learn(_settlement: Settlement): void {}

  step(features: Features): void {
    const p = features.season.period(0);
    if (!smoothable(p)) return;
    for (let d = 0; d < this.#shape.targets; d++) {
      if (features.age.view[d] === 0) continue;
      this.#take(d, features.last.view[d] - features.beyond(d, 0), features.gap.view[d] === 0, p);
    }
  }

  /** Takes a value, or, where the reading is missing (not `seen`), what was expected in its place. */
  #take(d: number, v: number, seen: boolean, p: number): void {
    const start = this.#start.view;
    const at = d * START;
    if (start[at + PERIOD] !== p) {
      // A season of another length has been found.
      start[at + PERIOD] = p;
      start[at + COUNT] = 0;
    }
    start[at + UNFIT] += ((v > 0 ? 0 : 1) - start[at + UNFIT]) / UNFIT_MEMORY;
    const n = start[at + COUNT];
    if (!(v > 0) && n === 0) return;
    // A value that is not positive has no factor: the level goes on without it.
    const y = v > 0 ? v : Number.NaN;
    if (n < 2 * p) start[at + FIRST + n] = v > 0 ? v : start[at + FIRST + n - 1];
    start[at + COUNT] = n + 1;
    if (n + 1 === p) this.#begin(d, p, 1);
    else if (n + 1 === 2 * p) this.#begin(d, p, 2);
    else if (n + 1 > p) this.#smooth(d, y, n % p, seen);
  }

  /** The classical start from `seasons` whole seasons: their means give the trend, deviations from it the factors. */
  #begin(d: number, p: number, seasons: number): void {
    const first = this.#start.view.subarray(d * START + FIRST, d * START + FIRST + seasons * p);
    const mean = (season: number): number => {
      let sum = 0;
      for (let i = 0; i < p; i++) sum += first[season * p + i];
      return sum / p;
    };
    const level = mean(0);
    const trend = seasons > 1 ? (mean(1) - level) / p : 0;
    for (let k = 0; k < GAINS.length; k++) {
      const at = (d * GAINS.length + k) * FIELDS;
      const bank = this.#bank.view;
      for (let i = 0; i < p; i++) {
        let factor = 0;
        for (let j = 0; j < seasons; j++) {
          const expected = level + trend * (j * p + i - (p - 1) / 2);
          factor += first[j * p + i] / Math.max(expected, 1e-9 * level) / seasons;
        }
        bank[at + SEASON + i] = Math.max(LEAST_FACTOR, factor);
      }
      bank[at + LEVEL] = level + trend * (seasons * p - 1 - (p - 1) / 2);
      bank[at + TREND] = trend;
    }
  }

  #smooth(d: number, y: number, phase: number, seen: boolean): void {
    const bank = this.#bank.view;
    for (let k = 0; k < GAINS.length; k++) {
      const at = (d * GAINS.length + k) * FIELDS;
      const ahead = bank[at + LEVEL] + bank[at + TREND];
      if (Number.isNaN(y)) {
        bank[at + LEVEL] = ahead;
        continue;
      }
      const [alpha, beta, gamma] = GAINS[k];
      const s = bank[at + SEASON + phase];
      if (seen) bank[at + ERROR] = DISCOUNT * bank[at + ERROR] + (ahead * s - y) ** 2;
      // A level at or below zero would turn the factors over, one close to it would blow them up.
      const least = Math.max(1e-3 * y, LEAST_SHARE * bank[at + LEVEL]);
      const l = Math.max(least, (alpha * y) / s + (1 - alpha) * ahead);
      bank[at + TREND] = beta * (l - bank[at + LEVEL]) + (1 - beta) * bank[at + TREND];
      bank[at + LEVEL] = l;
      bank[at + SEASON + phase] = Math.max(LEAST_FACTOR, (gamma * y) / l + (1 - gamma) * s);
    }
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const p = this.#features.season.period(0);
    for (let d = 0; d < D; d++) {
      const n = this.#start.view[d * START + COUNT];
      const ready = smoothable(p) && n >= p && this.#start.view[d * START + UNFIT] <= MOST_UNFIT;
      for (let h = 1; h <= H; h++) {
        out[(h - 1) * D + d] = ready
          ? this.#combined(d, h, (n + h - 1) % p) + this.#features.beyond(d, h)
          : this.#features.last.view[d];
      }
    }
  }

  #combined(d: number, h: number, phase: number): number {
    const bank = this.#bank.view;
    const first = d * GAINS.length * FIELDS;
    let least = Number.POSITIVE_INFINITY;
    for (let k = 0; k < GAINS.length; k++) least = Math.min(least, bank[first + k * FIELDS + ERROR]);
    let sum = 0;
    let total = 0;
    for (let k = 0; k < GAINS.length; k++) {
      const at = first + k * FIELDS;
      const ratio = (least + 1e-100) / (bank[at + ERROR] + 1e-100);
      const w = ratio ** 2 * ratio ** 2;
      sum += w * levelAhead(bank[at + LEVEL], h * bank[at + TREND]) * bank[at + SEASON + phase];
      total += w;
    }
    return sum / total;
  }
}
