import { clip } from "../../kernels/clip.ts";
import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import { classicalSeason, levelAhead, slope } from "./classical.ts";
import { LONGEST_SMOOTHED } from "./holt-winters.ts";

/** Values looked back on. */
const WINDOW = 240;
/** The fewest that say anything. */
const LEAST = 4;
/** Every season, gain of the level, trend and gain of the season make one smoother. */
const SEASONS = ["none", "add", "multiply"] as const;
const LEVEL_GAINS = [0.05, 0.15, 0.4, 1] as const;
/** Gain of the trend, as a share of that of the level, and how much of the trend is left one step on. */
const TRENDS = [
  { gain: 0, damping: 1 },
  { gain: 0.1, damping: 0.9 },
  { gain: 0.1, damping: 1 },
] as const;
/** Gain of the season, as a share of what the level leaves of an error. */
const SEASON_GAINS = [0, 0.1, 0.4] as const;
/** Whole seasons from which the first one is made. */
const START_SEASONS = 3;
/** Values by which the first level and trend are found. */
const START_VALUES = 10;
/** An error counts as at most so many usual steps of the series. */
const LARGEST = 5;
const LEAST_FACTOR = 0.01;
/** Share of the evidence that errors further ahead have, and how far ahead without a season. */
const AHEAD_SHARE = 0.25;
const AHEAD = 12;
/** A likelihood counts by its sixth root: smoothers are much alike, and their errors are not all there is to tell them apart. */
const TEMPER = 6;
/** The best are kept until the next comparison. */
const KEPT = 8;
/** They are compared again when there are so much more values; later, when so many of the window's are new. */
const RENEWED = 0.05;
const RENEWED_LATER = 0.2;
/** Per target: values so far and the season at the last comparison, whether it was multiplied, then smoother and weight of each kept. */
const AGE = 0;
const PERIOD = 1;
const POSITIVE = 2;
const FIRST = 3;
const FIELDS = FIRST + 2 * KEPT;

interface Smoother {
  readonly season: (typeof SEASONS)[number];
  readonly gain: number;
  readonly trend: (typeof TRENDS)[number];
  readonly seasonGain: number;
}

const SMOOTHERS: readonly Smoother[] = SEASONS.flatMap((season) =>
  LEVEL_GAINS.flatMap((gain) =>
    TRENDS.flatMap((trend) =>
      (season === "none" ? [0] : SEASON_GAINS).map((seasonGain) => ({ season, gain, trend, seasonGain })),
    ),
  ),
);

/**
 * Exponential smoothing averaged over what it may be: level l, trend b and season s (Hyndman, Koehler, Ord & Snyder 2008), here with an
 * additive season (levels that factors multiply fall by a share of themselves, as in Holt-Winters),
 *
 *     e = z - (l + φ b + s),   l ← l + φ b + α e,   b ← φ b + α β e,   s ← s + (1-α) γ e,   ŷ(t+h) = l + (φ + … + φ^h) b + s(t+h-p)
 *
 * in all 84 forms: no season, one that is added, one that multiplies; no trend, one that fades, one that stays; four α, three γ. Each starts from the
 * classical season of the first three and a line through ten values. With n values, k numbers found, S_j the mean squared error j steps
 * ahead (m: a season or the horizon, what is shorter),
 *
 *     log w = -(n (¾ log S_1 + ¼ log S_m) + AICc penalty of k) / (2 · 6)
 *
 * with errors of at most five usual steps of the series, by which the trend and the season, too, learn.
 *
 * They are compared over the last 240 values, at first at each event, then whenever a twentieth of the values is new, of more than 240 a fifth; the best eight are run
 * over these values at each event, and their forecasts averaged by w. A second season is taken off first and added again. Seasons of up to 48 steps. Cost
 * per event and target: some 2,000 smoothing steps, and 20,000 where they are compared; state 19 numbers.
 */
export class ExponentialSmoothing implements Expert {
  readonly name = "exponential-smoothing";
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #chosen: Slice<Float64Array>;
  readonly #z = new Float64Array(WINDOW);
  /** z without the season, where there is one. */
  readonly #plain = new Float64Array(START_VALUES + LONGEST_SMOOTHED);
  /** The seasons that smoothers start from. */
  readonly #starts = {
    none: new Float64Array(1),
    add: new Float64Array(LONGEST_SMOOTHED),
    multiply: new Float64Array(LONGEST_SMOOTHED),
  };
  readonly #season = new Float64Array(LONGEST_SMOOTHED);
  /** What was forecast for the values to come, when smoothers are compared. */
  readonly #ahead = new Float64Array(LONGEST_SMOOTHED);
  readonly #logs = new Float64Array(SMOOTHERS.length);
  /** The largest error that counts in full. */
  #reach = 0;
  /** Level and trend where the last run ended. */
  #level = 0;
  #trend = 0;

  constructor(layout: Layout, shape: Shape, features: Features) {
    this.#shape = shape;
    this.#features = features;
    this.#chosen = layout.float64("exponential-smoothing", FIELDS * shape.targets);
  }

  learn(): void {}

  step(features: Features): void {
    for (let d = 0; d < this.#shape.targets; d++) {
      const chosen = this.#chosen.view.subarray(d * FIELDS, (d + 1) * FIELDS);
      const age = features.age.view[d];
      const p = this.#period(age);
      const renewed = chosen[AGE] < WINDOW ? RENEWED * chosen[AGE] : RENEWED_LATER * WINDOW;
      const due = chosen[AGE] + Math.max(1, Math.floor(renewed));
      const unfit = chosen[POSITIVE] === 1 && !(features.last.view[d] - features.beyond(d, 0) > 0);
      if (age < due && p === chosen[PERIOD] && !unfit) continue;
      const z = this.#look(d);
      if (z === undefined) continue;
      chosen[AGE] = age;
      chosen[PERIOD] = p;
      chosen[POSITIVE] = p > 0 && z.every((v) => v > 0) ? 1 : 0;
      this.#compare(z, p, chosen[POSITIVE] === 1);
      this.#keep(chosen);
    }
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    for (let d = 0; d < D; d++) {
      const z = this.#look(d);
      const chosen = this.#chosen.view.subarray(d * FIELDS, (d + 1) * FIELDS);
      const turn = features.season.period(0);
      // A whole season, and not yet as much as it takes to smooth it, comes again as it was.
      const again =
        z !== undefined && turn >= 2 && turn <= Math.min(LONGEST_SMOOTHED, z.length) && chosen[PERIOD] === 0;
      const smooth = !again && z !== undefined && chosen[FIRST + 1] > 0;
      for (let h = 1; h <= H; h++) {
        const at = (h - 1) * D + d;
        if (smooth) out[at] = z[z.length - 1] + features.beyond(d, h);
        else if (again) out[at] = z[z.length - turn + ((h - 1) % turn)] + features.beyond(d, h);
        else out[at] = features.last.view[d];
      }
      if (smooth) this.#average(d, z, chosen, out);
    }
  }

  /** Adds to `out`, which has the last value, how the chosen smoothers leave it. */
  #average(d: number, z: Float64Array, chosen: Float64Array, out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const p = chosen[PERIOD];
    this.#start(z, p, chosen[POSITIVE] === 1);
    for (let at = FIRST; at < FIELDS; at += 2) {
      const w = chosen[at + 1];
      if (w === 0) break;
      const smoother = SMOOTHERS[chosen[at]];
      this.#run(smoother, z, p);
      let carried = 0;
      for (let h = 1; h <= H; h++) {
        carried = smoother.trend.damping * (1 + carried);
        const said = this.#said(smoother, carried, (z.length + h - 1) % Math.max(1, p));
        out[(h - 1) * D + d] += w * (said - z[z.length - 1]);
      }
    }
  }

  /** The last values of target d, oldest first, without their second season, and what is usual in them; nothing before there are four. */
  #look(d: number): Float64Array | undefined {
    const features = this.#features;
    const n = Math.min(WINDOW, features.age.view[d]);
    if (n < LEAST) return undefined;
    const z = this.#z.subarray(0, n);
    features.recent(d, z);
    this.#reach = LARGEST * features.scaling.step(d);
    if (features.season.period(1) > 0) for (let i = 0; i < n; i++) z[i] -= features.beyond(d, i + 1 - n);
    return z;
  }

  /** The season that can be smoothed in so many values; 0 for none. */
  #period(values: number): number {
    const p = this.#features.season.period(0);
    return p >= 2 && p <= LONGEST_SMOOTHED && values >= 2 * p ? p : 0;
  }

  /** Log weights of all smoothers into `#logs`; -∞ for those that n values cannot tell. */
  #compare(z: Float64Array, p: number, positive: boolean): void {
    const n = z.length;
    this.#start(z, p, positive);
    for (const [i, smoother] of SMOOTHERS.entries()) {
      const { season, trend, seasonGain } = smoother;
      const found = 1 + (trend.gain > 0 ? 2 : 0) + (season === "none" ? 0 : p) + (seasonGain > 0 ? 1 : 0);
      const possible = season === "none" || (p > 0 && (season === "add" || positive));
      if (!possible || n - found - 1 <= 0) {
        this.#logs[i] = Number.NEGATIVE_INFINITY;
        continue;
      }
      const penalty = 2 * found + (2 * found * (found + 1)) / (n - found - 1);
      const log = (n * this.#run(smoother, z, p, true) + penalty) / (-2 * TEMPER);
      this.#logs[i] = Number.isNaN(log) ? Number.NEGATIVE_INFINITY : log;
    }
  }

  /** The best smoothers by `#logs`, and their weights. */
  #keep(chosen: Float64Array): void {
    const logs = this.#logs;
    const highest = Math.max(...logs);
    let sum = 0;
    for (let at = FIRST; at < FIELDS; at += 2) {
      let best = 0;
      for (let i = 1; i < logs.length; i++) if (logs[i] > logs[best]) best = i;
      const w = logs[best] > Number.NEGATIVE_INFINITY ? Math.exp(logs[best] - highest) : 0;
      chosen[at] = best;
      chosen[at + 1] = w;
      sum += w;
      logs[best] = Number.NEGATIVE_INFINITY;
    }
    if (sum > 0) for (let at = FIRST; at < FIELDS; at += 2) chosen[at + 1] /= sum;
  }

  /** The seasons of the first values of z, added and multiplied, that smoothers start from. */
  #start(z: Float64Array, p: number, positive: boolean): void {
    if (p === 0) return;
    const { add, multiply } = this.#starts;
    const first = z.subarray(0, START_SEASONS * p);
    classicalSeason(first, p, false, add);
    if (!positive) return;
    classicalSeason(first, p, true, multiply);
    for (let k = 0; k < p; k++) multiply[k] = Math.max(LEAST_FACTOR, multiply[k]);
  }

  /** Runs a smoother over z. Returns what its errors come to, where they are `judged`: ¾ log S_1 + ¼ log S_m. */
  #run({ season, gain, trend, seasonGain }: Smoother, z: Float64Array, p: number, judged = false): number {
    const n = z.length;
    const s = this.#season;
    s.set(this.#starts[season]);
    const multiplies = season === "multiply";
    const turn = season === "none" ? 1 : p;
    this.#begin(z, multiplies, turn, trend.gain > 0);
    let [l, b] = [this.#level, this.#trend];
    const { damping } = trend;
    const trendGain = gain * trend.gain;
    const last = (1 - gain) * seasonGain;
    const far = Math.min(this.#shape.horizon, p > 0 ? p : AHEAD);
    let carried = 0;
    for (let h = 1; h <= far; h++) carried = damping * (1 + carried);
    const reach = this.#reach;
    const reachAhead = Math.sqrt(far) * reach;
    let [near, ahead, k] = [0, 0, 0];
    for (let t = 0; t < n; t++) {
      const level = l + damping * b;
      const factor = s[k];
      const e = z[t] - (multiplies ? level * factor : level + factor);
      // A leap is a matter of the level: it neither sets a trend nor is it the season's.
      const usual = clip(e, reach);
      near += usual * usual;
      l = level + gain * (multiplies ? e / factor : e);
      b = damping * b + trendGain * (multiplies ? usual / factor : usual);
      if (last > 0) {
        if (!multiplies) s[k] = factor + last * usual;
        else if (level !== 0) s[k] = Math.max(LEAST_FACTOR, factor + (last * usual) / level);
      }
      if (++k === turn) k = 0;
      if (!judged) continue;
      const slot = t % far;
      if (t >= far) ahead += clip(z[t] - this.#ahead[slot], reachAhead) ** 2;
      const then = s[(t + far) % turn];
      this.#ahead[slot] = multiplies ? levelAhead(l, carried * b) * then : l + carried * b + then;
    }
    this.#level = l;
    this.#trend = b;
    const one = Math.log(near / n + Number.MIN_VALUE);
    if (!judged || n <= far) return one;
    return one + AHEAD_SHARE * (Math.log(ahead / (n - far) + Number.MIN_VALUE) - one);
  }

  /** The level and the trend that a smoother starts with: a line through the first values, or their mean. */
  #begin(z: Float64Array, multiplies: boolean, turn: number, sloped: boolean): void {
    const n = Math.min(z.length, Math.max(START_VALUES, turn));
    const plain = this.#plain;
    let mean = 0;
    for (let i = 0; i < n; i++) {
      plain[i] = multiplies ? z[i] / this.#season[i % turn] : z[i] - this.#season[i % turn];
      mean += plain[i] / n;
    }
    this.#level = mean;
    this.#trend = 0;
    if (!sloped) return;
    this.#trend = slope(plain.subarray(0, n));
    this.#level = mean - ((n + 1) / 2) * this.#trend;
  }

  /** What a smoother says of the value at `phase`, with so much of the trend `carried` on. */
  #said({ season }: Smoother, carried: number, phase: number): number {
    const moved = carried * this.#trend;
    if (season === "multiply") return levelAhead(this.#level, moved) * this.#season[phase];
    return this.#level + moved + (season === "add" ? this.#season[phase] : 0);
  }
}
