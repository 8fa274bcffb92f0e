import { clip } from "../../kernels/clip.ts";
import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import {
  classicalSeason,
  LARGEST_LOG_STEP,
  LONGEST_SMOOTHED,
  levelAhead,
  slope,
  smoothable,
} from "./classical.ts";

/** Values looked back on. */
const WINDOW = 240;
/** The fewest that say anything. */
const LEAST = 4;
/**
 * Of the values with no season, one that is added, one that multiplies, or of their logarithms with one: with every gain of the level,
 * trend and gain of the season.
 */
const SEASONS = ["none", "add", "multiply", "logarithms"] as const;
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
/**
 * Per target: values at the last comparison and its season, whether all were positive, the usual step of their logarithms, and the
 * phase of the next value.
 */
const AGE = 0;
const PERIOD = 1;
const POSITIVE = 2;
const LOG_STEP = 3;
const PHASE = 4;
const FIRST = 5;
/** Per smoother that is kept: which it is, its weight, level and trend, then the season. */
const WHICH = 0;
const WEIGHT = 1;
const LEVEL = 2;
const TREND = 3;
const SEASON = 4;
const KEPT_FIELDS = SEASON + LONGEST_SMOOTHED;
const FIELDS = FIRST + KEPT_FIELDS * KEPT;

interface Smoother {
  readonly season: (typeof SEASONS)[number];
  readonly gain: number;
  readonly trend: (typeof TRENDS)[number];
  readonly seasonGain: number;
}

/** Growth by a share that stays would be carried on for seasons after it has ended, and soon be many times what there is. */
const trendsOf = (season: Smoother["season"]) =>
  season === "logarithms" ? TRENDS.filter(({ gain, damping }) => gain === 0 || damping < 1) : TRENDS;

const SMOOTHERS: readonly Smoother[] = SEASONS.flatMap((season) =>
  LEVEL_GAINS.flatMap((gain) =>
    trendsOf(season).flatMap((trend) =>
      (season === "none" ? [0] : SEASON_GAINS).map((seasonGain) => ({ season, gain, trend, seasonGain })),
    ),
  ),
);

/** Values from which on the season of a smoother comes again, where one of p is known. */
const turnOf = ({ season }: Smoother, p: number): number => (season === "none" ? 1 : p);

/** Where a level is that has moved by so much since, with its season. */
function ahead({ season }: Smoother, level: number, moved: number, s: number): number {
  return season === "multiply" ? levelAhead(level, moved) * s : level + moved + s;
}

/**
 * Exponential smoothing averaged over what it may be: level l, trend b and season s (Hyndman, Koehler, Ord & Snyder 2008) of z, here
 * with an additive season,
 *
 *     e = z - (l + φ b + s),   l ← l + φ b + α e,   b ← φ b + α β e,   s ← s + (1-α) γ e,   ŷ(t+h) = l + (φ + … + φ^h) b + s(t+h-p)
 *
 * in all 108 forms. z are the values, without a season, with one that is added, or with one that multiplies (there levels fall by a
 * share of themselves, as in Holt-Winters), or their logarithms with one: what grows by a share, and its season with it. The trend is
 * none, one that fades, or one that stays (not of logarithms); there are four α and three γ. Each starts from the classical season of
 * the first three and a line through ten values. With n values, k numbers found and S_j the mean squared error j steps ahead (m: a
 * season or the horizon, what is shorter; of logarithms times the squared geometric mean of the values),
 *
 *     log w = -(n (¾ log S_1 + ¼ log S_m) + AICc penalty of k) / (2 · 6)
 *
 * with errors of at most five usual steps of the series, by which the trend and the season, too, learn. Values that are not all
 * positive have no factors and no logarithms, and what leaps by factors is not looked at in logarithms.
 *
 * They are compared over the last 240 values, at first at each event, then whenever a twentieth of the values is new, of more than 240
 * a fifth; the best eight go on from there, and their forecasts are averaged by w. A second season is taken off first and added again.
 * Seasons of up to 48 steps. Cost per event and target: 8 H, and 30,000 smoothing steps where they are compared; state 421 numbers.
 */
export class ExponentialSmoothing implements Expert {
  readonly name = "exponential-smoothing";
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #state: Slice<Float64Array>;
  readonly #z = new Float64Array(WINDOW);
  readonly #logs = new Float64Array(WINDOW);
  /** z without the season, where there is one. */
  readonly #plain = new Float64Array(START_VALUES + LONGEST_SMOOTHED);
  /** The seasons that smoothers start from. */
  readonly #starts = {
    none: new Float64Array(1),
    add: new Float64Array(LONGEST_SMOOTHED),
    multiply: new Float64Array(LONGEST_SMOOTHED),
    logarithms: new Float64Array(LONGEST_SMOOTHED),
  };
  readonly #season = new Float64Array(LONGEST_SMOOTHED);
  /** What was forecast for the values to come, when smoothers are compared. */
  readonly #ahead = new Float64Array(LONGEST_SMOOTHED);
  readonly #likely = new Float64Array(SMOOTHERS.length);
  /** Usual steps of the values and of their logarithms, and the mean of these. */
  #usual = 0;
  #logStep = 0;
  #meanLog = 0;
  /** Level and trend of the smoother at work. */
  #level = 0;
  #trend = 0;

  constructor(layout: Layout, shape: Shape, features: Features) {
    this.#shape = shape;
    this.#features = features;
    this.#state = layout.float64("exponential-smoothing", FIELDS * shape.targets);
  }

  learn(): void {}

  step(features: Features): void {
    for (let d = 0; d < this.#shape.targets; d++) {
      const s = this.#of(d);
      const age = features.age.view[d];
      const p = this.#period(age);
      const renewed = s[AGE] < WINDOW ? RENEWED * s[AGE] : RENEWED_LATER * WINDOW;
      const due = age >= s[AGE] + Math.max(1, Math.floor(renewed));
      const v = features.last.view[d] - features.beyond(d, 0);
      this.#usual = features.scaling.step(d);
      if (due || p !== s[PERIOD] || (s[POSITIVE] === 1 && !(v > 0))) this.#compareAll(d, s, age, p);
      else this.#goOn(s, v);
    }
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    for (let d = 0; d < D; d++) {
      const s = this.#of(d);
      const n = Math.min(WINDOW, features.age.view[d]);
      const turn = features.season.period(0);
      // A whole season, and not yet as much as it takes to smooth it, comes again as it was.
      const again = n >= LEAST && smoothable(turn) && turn <= n && s[PERIOD] === 0;
      const smooth = !again && s[FIRST + WEIGHT] > 0;
      const last = features.last.view[d];
      for (let h = 1; h <= H; h++) {
        const at = (h - 1) * D + d;
        out[at] = last;
        if (smooth) out[at] += features.beyond(d, h) - features.beyond(d, 0);
        else if (again) {
          const back = turn - 1 - ((h - 1) % turn);
          out[at] = features.past(d, back) - features.beyond(d, -back) + features.beyond(d, h);
        }
      }
      if (smooth) this.#average(s, last - features.beyond(d, 0), out, d);
    }
  }

  #of(d: number): Float64Array {
    return this.#state.view.subarray(d * FIELDS, (d + 1) * FIELDS);
  }

  /** Adds to `out`, for target d, how the smoothers that are kept leave value `last`. */
  #average(s: Float64Array, last: number, out: Float64Array, d: number): void {
    const { targets: D, horizon: H } = this.#shape;
    for (let at = FIRST; at < FIELDS && s[at + WEIGHT] > 0; at += KEPT_FIELDS) {
      const smoother = SMOOTHERS[s[at + WHICH]];
      const turn = turnOf(smoother, s[PERIOD]);
      const [level, trend] = [s[at + LEVEL], s[at + TREND]];
      let carried = 0;
      for (let h = 1; h <= H; h++) {
        carried = smoother.trend.damping * (1 + carried);
        const season = s[at + SEASON + ((s[PHASE] + h - 1) % turn)];
        const said = ahead(smoother, level, carried * trend, season);
        const value = smoother.season === "logarithms" ? Math.exp(said) : said;
        out[(h - 1) * D + d] += s[at + WEIGHT] * (value - last);
      }
    }
  }

  /** Takes the next value into the smoothers that are kept. */
  #goOn(s: Float64Array, v: number): void {
    const log = s[POSITIVE] === 1 ? Math.log(v) : 0;
    this.#logStep = s[LOG_STEP];
    for (let at = FIRST; at < FIELDS && s[at + WEIGHT] > 0; at += KEPT_FIELDS) {
      const smoother = SMOOTHERS[s[at + WHICH]];
      this.#level = s[at + LEVEL];
      this.#trend = s[at + TREND];
      const z = smoother.season === "logarithms" ? log : v;
      this.#take(smoother, z, s, at + SEASON + (s[PHASE] % turnOf(smoother, s[PERIOD])));
      s[at + LEVEL] = this.#level;
      s[at + TREND] = this.#trend;
    }
    if (s[PERIOD] > 0) s[PHASE] = (s[PHASE] + 1) % s[PERIOD];
  }

  /** Compares all smoothers over the last values, and keeps the best as they stand at the last of them. */
  #compareAll(d: number, s: Float64Array, age: number, p: number): void {
    const z = this.#look(d);
    if (z === undefined) return;
    s[AGE] = age;
    s[PERIOD] = p;
    s[POSITIVE] = p > 0 && z.every((v) => v > 0) ? 1 : 0;
    s[PHASE] = p > 0 ? z.length % p : 0;
    this.#compare(z, p, s[POSITIVE] === 1);
    s[LOG_STEP] = this.#logStep;
    this.#keep(s, z, p);
  }

  /** The last values of target d, oldest first, without their second season; nothing before there are four. */
  #look(d: number): Float64Array | undefined {
    const features = this.#features;
    const n = Math.min(WINDOW, features.age.view[d]);
    if (n < LEAST) return undefined;
    const z = this.#z.subarray(0, n);
    features.recent(d, z);
    if (features.season.period(1) > 0) for (let i = 0; i < n; i++) z[i] -= features.beyond(d, i + 1 - n);
    return z;
  }

  /** The season that can be smoothed in so many values; 0 for none. */
  #period(values: number): number {
    const p = this.#features.season.period(0);
    return smoothable(p) && values >= 2 * p ? p : 0;
  }

  /** Log weights of all smoothers into `#likely`; -∞ for those that n values cannot tell. */
  #compare(z: Float64Array, p: number, positive: boolean): void {
    const n = z.length;
    this.#start(z, p, positive);
    for (const [i, smoother] of SMOOTHERS.entries()) {
      const { season, trend, seasonGain } = smoother;
      const found = 1 + (trend.gain > 0 ? 2 : 0) + (season === "none" ? 0 : p) + (seasonGain > 0 ? 1 : 0);
      const possible =
        season === "none" ||
        (p > 0 && season === "add") ||
        (positive && (season === "multiply" || this.#logStep <= LARGEST_LOG_STEP));
      if (!possible || n - found - 1 <= 0) {
        this.#likely[i] = Number.NEGATIVE_INFINITY;
        continue;
      }
      const penalty = 2 * found + (2 * found * (found + 1)) / (n - found - 1);
      const log = (n * this.#run(smoother, z, p) + penalty) / (-2 * TEMPER);
      this.#likely[i] = Number.isNaN(log) ? Number.NEGATIVE_INFINITY : log;
    }
  }

  /** Keeps the best smoothers by `#likely`, with their weights and what they have come to at the end of z. */
  #keep(s: Float64Array, z: Float64Array, p: number): void {
    const likely = this.#likely;
    const highest = Math.max(...likely);
    let sum = 0;
    for (let at = FIRST; at < FIELDS; at += KEPT_FIELDS) {
      let best = 0;
      for (let i = 1; i < likely.length; i++) if (likely[i] > likely[best]) best = i;
      const w = likely[best] > Number.NEGATIVE_INFINITY ? Math.exp(likely[best] - highest) : 0;
      s.fill(0, at, at + KEPT_FIELDS);
      s[at + WHICH] = best;
      s[at + WEIGHT] = w;
      sum += w;
      likely[best] = Number.NEGATIVE_INFINITY;
      if (w === 0) continue;
      const smoother = SMOOTHERS[best];
      this.#run(smoother, z, p);
      s[at + LEVEL] = this.#level;
      s[at + TREND] = this.#trend;
      s.set(this.#season.subarray(0, turnOf(smoother, p)), at + SEASON);
    }
    if (sum > 0) for (let at = FIRST; at < FIELDS; at += KEPT_FIELDS) s[at + WEIGHT] /= sum;
  }

  /** Finds the logarithms of z where it is `positive`, and the seasons that smoothers start from. */
  #start(z: Float64Array, p: number, positive: boolean): void {
    this.#logStep = 0;
    if (p === 0) return;
    const { add, multiply, logarithms } = this.#starts;
    const first = z.subarray(0, START_SEASONS * p);
    classicalSeason(first, p, false, add);
    if (!positive) return;
    classicalSeason(first, p, true, multiply);
    for (let k = 0; k < p; k++) multiply[k] = Math.max(LEAST_FACTOR, multiply[k]);
    const logs = this.#logs.subarray(0, z.length);
    let [sum, squares] = [0, 0];
    for (let i = 0; i < z.length; i++) {
      logs[i] = Math.log(z[i]);
      sum += logs[i];
      if (i > 0) squares += (logs[i] - logs[i - 1]) ** 2;
    }
    this.#meanLog = sum / z.length;
    this.#logStep = Math.sqrt(squares / (z.length - 1));
    classicalSeason(logs.subarray(0, START_SEASONS * p), p, false, logarithms);
  }

  /** Runs a smoother over the values. Returns what its errors come to: ¾ log S_1 + ¼ log S_m. */
  #run(smoother: Smoother, values: Float64Array, p: number): number {
    const { season, trend } = smoother;
    const { damping } = trend;
    const turn = turnOf(smoother, p);
    const n = values.length;
    const logarithms = season === "logarithms";
    const z = logarithms ? this.#logs : values;
    const s = this.#season;
    s.set(this.#starts[season]);
    this.#begin(z.subarray(0, Math.min(n, Math.max(START_VALUES, turn))), smoother, turn);
    const far = Math.min(this.#shape.horizon, p > 0 ? p : AHEAD);
    let carried = 0;
    for (let h = 1; h <= far; h++) carried = damping * (1 + carried);
    const reachAhead = Math.sqrt(far) * this.#reach(season);
    let [near, further, k] = [0, 0, 0];
    for (let t = 0; t < n; t++) {
      near += this.#take(smoother, z[t], s, k) ** 2;
      if (++k === turn) k = 0;
      const slot = t % far;
      if (t >= far) further += clip(z[t] - this.#ahead[slot], reachAhead) ** 2;
      this.#ahead[slot] = ahead(smoother, this.#level, carried * this.#trend, s[(t + far) % turn]);
    }
    const unit = logarithms ? 2 * this.#meanLog : 0;
    const one = Math.log(near / n + Number.MIN_VALUE);
    if (n <= far) return unit + one;
    return unit + one + AHEAD_SHARE * (Math.log(further / (n - far) + Number.MIN_VALUE) - one);
  }

  /** The largest error that counts in full. */
  #reach(season: Smoother["season"]): number {
    return LARGEST * (season === "logarithms" ? this.#logStep : this.#usual);
  }

  /** Takes z into the smoother at work, whose season at this phase is element k of s; returns its error, as far as it counts. */
  #take({ season, gain, trend, seasonGain }: Smoother, z: number, s: Float64Array, k: number): number {
    const multiplies = season === "multiply";
    const level = this.#level + trend.damping * this.#trend;
    const factor = s[k];
    const e = z - (multiplies ? level * factor : level + factor);
    // A leap is a matter of the level: it neither sets a trend nor is it the season's.
    const usual = clip(e, this.#reach(season));
    const per = multiplies ? 1 / factor : 1;
    this.#level = level + gain * per * e;
    this.#trend = trend.damping * this.#trend + gain * trend.gain * per * usual;
    const turned = (1 - gain) * seasonGain * usual;
    if (!multiplies) s[k] = factor + turned;
    else if (level !== 0) s[k] = Math.max(LEAST_FACTOR, factor + turned / level);
    return usual;
  }

  /** The level and the trend that a smoother starts with: a line through the first values, or their mean. */
  #begin(first: Float64Array, { season, trend }: Smoother, turn: number): void {
    const n = first.length;
    const plain = this.#plain;
    let mean = 0;
    for (let i = 0; i < n; i++) {
      const s = this.#season[i % turn];
      plain[i] = season === "multiply" ? first[i] / s : first[i] - s;
      mean += plain[i] / n;
    }
    this.#level = mean;
    this.#trend = 0;
    if (trend.gain === 0) return;
    this.#trend = slope(plain.subarray(0, n));
    this.#level = mean - ((n + 1) / 2) * this.#trend;
  }
}
