import type { Layout, Slice } from "../../kernels/layout.ts";
import { power } from "../../kernels/power.ts";
import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import { LARGEST_LOG_STEP, LONGEST_SMOOTHED, smoothable } from "./classical.ts";

/**
 * θ and Θ: how much of the last error, and of that one season ago, was chance. Every pair makes two models, of the values and of their
 * logarithms.
 */
const THETAS = [0.2, 0.5, 0.8] as const;
const SEASON_THETAS = [0.3, 0.6, 0.85] as const;
const PAIRS = THETAS.flatMap((theta) => SEASON_THETAS.map((season) => [theta, season] as const));
const MODELS = 2 * PAIRS.length;
/** Values by whose errors the models are weighed. */
const MEMORY = 100;
const FADE = 1 - 1 / MEMORY;
/** A likelihood counts by its third root: the models are much alike. */
const TEMPER = 3;
/** A smaller share of a model or of a kind of them is left out. */
const LEAST_SHARE = 1e-6;
/** Values of a season, a step and this event are kept. */
const ROWS = LONGEST_SMOOTHED + 2;

/**
 * Per target: values so far and the season they were taken with, how many of the last ones in a row were positive, and of these,
 * discounted, Σ of the logarithms, of their squared steps and of 1.
 */
const COUNT = 0;
const PERIOD = 1;
const POSITIVE = 2;
const LOGARITHMS = 3;
const LOG_STEPS = 4;
const WEIGHTS = 5;
/** The last values, value t in row t mod 50, and their logarithms. */
const VALUES = 6;
const LOGS = VALUES + ROWS;
/** Per model: Σ e², then the last errors, in rows likewise. */
const MODEL = LOGS + ROWS;
const SQUARES = 0;
const ERRORS = 1;
const MODEL_FIELDS = ERRORS + ROWS;
const FIELDS = MODEL + MODELS * MODEL_FIELDS;

/** Σ of the weights of n errors, each less than the next by `FADE`; at least 1. */
const faded = (n: number): number => (1 - power(FADE, Math.max(1, n))) / (1 - FADE);

/**
 * The airline model, ARIMA(0,1,1)(0,1,1)_p (Box & Jenkins 1970): with z the values or their logarithms and e the errors,
 *
 *     z(t) = z(t-1) + z(t-p) - z(t-p-1) - θ e(t-1) - Θ e(t-p) + θ Θ e(t-p-1) + e(t)
 *
 * for three θ and three Θ, of values and, where the last two seasons were all positive and did not leap by factors, of logarithms:
 * growth by a share, and a season that grows with it. Errors before the first season and step are 0. The models are averaged by
 * w ∝ σ^(-n / 3), σ² the mean squared error over the last 100 values, of logarithms times the squared geometric mean of the values. A
 * second season is taken off first and added again. Without a season of 2 to 48 steps, and before one and a step have been seen, it is
 * the last value. Cost per event and target: 18 models of 8 operations, for the value and each step ahead. State: 1,024 numbers per
 * target.
 */
export class SeasonalArima implements Expert {
  readonly name = "seasonal-arima";
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #state: Slice<Float64Array>;
  /** Of one model: values, or logarithms, of a season and a step, then those ahead; its errors. */
  readonly #z: Float64Array;
  readonly #e: Float64Array;
  readonly #weights = new Float64Array(MODELS);
  readonly #moves: Float64Array;

  constructor(layout: Layout, shape: Shape, features: Features) {
    this.#shape = shape;
    this.#features = features;
    this.#state = layout.float64("seasonal-arima", FIELDS * shape.targets);
    this.#z = new Float64Array(ROWS + shape.horizon);
    this.#e = new Float64Array(ROWS + shape.horizon);
    this.#moves = new Float64Array(shape.horizon);
  }

  learn(): void {}

  step(features: Features): void {
    const p = features.season.period(0);
    if (!smoothable(p)) return;
    for (let d = 0; d < this.#shape.targets; d++) {
      if (features.age.view[d] === 0) continue;
      const s = this.#of(d);
      if (s[PERIOD] !== p) {
        // A season of another length has been found.
        s.fill(0);
        s[PERIOD] = p;
      }
      this.#take(s, features.last.view[d] - features.beyond(d, 0), features.gap.view[d] === 0);
    }
  }

  #of(d: number): Float64Array {
    return this.#state.view.subarray(d * FIELDS, (d + 1) * FIELDS);
  }

  /** Takes a value, or, where the reading is missing (not `seen`), what was expected in its place: models are not weighed by that. */
  #take(s: Float64Array, v: number, seen: boolean): void {
    const t = s[COUNT]++;
    const p = s[PERIOD];
    const positive = v > 0;
    const [now, one, turn, both] = [0, 1, p, p + 1].map((back) => (t + ROWS - back) % ROWS);
    s[VALUES + now] = v;
    s[LOGS + now] = positive ? Math.log(v) : 0;
    s[POSITIVE] = positive ? s[POSITIVE] + 1 : 0;
    const step = s[POSITIVE] > 1 ? s[LOGS + now] - s[LOGS + one] : 0;
    s[LOGARITHMS] = positive ? FADE * s[LOGARITHMS] + s[LOGS + now] : 0;
    s[LOG_STEPS] = positive ? FADE * s[LOG_STEPS] + step * step : 0;
    s[WEIGHTS] = positive ? FADE * s[WEIGHTS] + 1 : 0;
    if (t <= p) return;
    for (let k = 0; k < MODELS; k++) {
      const z = k < PAIRS.length ? VALUES : LOGS;
      const at = MODEL + k * MODEL_FIELDS;
      if (z === LOGS && s[POSITIVE] < p + 2) {
        s.fill(0, at, at + MODEL_FIELDS);
        continue;
      }
      const [theta, season] = PAIRS[k % PAIRS.length];
      const e = at + ERRORS;
      const moving = theta * s[e + one] + season * (s[e + turn] - theta * s[e + both]);
      const error = s[z + now] - (s[z + one] + s[z + turn] - s[z + both] - moving);
      s[e + now] = error;
      if (seen) s[at + SQUARES] = FADE * s[at + SQUARES] + error * error;
    }
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    for (let d = 0; d < D; d++) {
      const s = this.#of(d);
      const ready = features.season.period(0) === s[PERIOD] && s[PERIOD] > 0 && s[COUNT] > s[PERIOD];
      const last = features.last.view[d];
      for (let h = 1; h <= H; h++) {
        out[(h - 1) * D + d] = ready ? last + features.beyond(d, h) - features.beyond(d, 0) : last;
      }
      if (!ready) continue;
      this.#weigh(s);
      this.#add(s, VALUES, out, d);
      this.#add(s, LOGS, out, d);
    }
  }

  /** Adds to `out`, for target d, how the models of values, or of logarithms, leave the last one. */
  #add(s: Float64Array, from: typeof VALUES | typeof LOGS, out: Float64Array, d: number): void {
    const { targets: D, horizon: H } = this.#shape;
    const share = this.#ahead(s, from);
    if (share === 0) return;
    const last = s[VALUES + ((s[COUNT] - 1) % ROWS)];
    for (let h = 1; h <= H; h++) {
      const move = this.#moves[h - 1];
      out[(h - 1) * D + d] += share * (from === LOGS ? last * (Math.exp(move) - 1) : move);
    }
  }

  /** How far each model is to be believed, into `#weights`. */
  #weigh(s: Float64Array): void {
    const w = this.#weights;
    const n = Math.min(MEMORY, s[COUNT] - s[PERIOD] - 1);
    // Models of logarithms begin anew after a value that was not positive.
    const [errors, ofPositive] = [s[COUNT], s[POSITIVE]].map((values) => faded(values - s[PERIOD] - 1));
    const unit = s[WEIGHTS] > 0 ? s[LOGARITHMS] / s[WEIGHTS] : 0;
    const grows =
      s[POSITIVE] >= Math.min(s[COUNT], 2 * s[PERIOD]) && s[LOG_STEPS] <= LARGEST_LOG_STEP ** 2 * s[WEIGHTS];
    let highest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < MODELS; k++) {
      const ofLogs = k >= PAIRS.length;
      const square = s[MODEL + k * MODEL_FIELDS + SQUARES] / (ofLogs ? ofPositive : errors);
      const deviation = Math.log(square + Number.MIN_VALUE) / 2;
      w[k] = ofLogs && !grows ? Number.NEGATIVE_INFINITY : (-n * (deviation + (ofLogs ? unit : 0))) / TEMPER;
      highest = Math.max(highest, w[k]);
    }
    let sum = 0;
    for (let k = 0; k < MODELS; k++) {
      w[k] = Math.exp(w[k] - highest);
      sum += w[k];
    }
    for (let k = 0; k < MODELS; k++) w[k] /= sum;
  }

  /**
   * Mean of how far the models of values, or of logarithms, see the last one move in the steps ahead, into `#moves`. Returns their
   * share among all.
   */
  #ahead(s: Float64Array, from: typeof VALUES | typeof LOGS): number {
    const H = this.#shape.horizon;
    const p = s[PERIOD];
    const w = this.#weights;
    const moves = this.#moves.fill(0);
    const first = from === VALUES ? 0 : PAIRS.length;
    let share = 0;
    for (let k = first; k < first + PAIRS.length; k++) share += w[k];
    if (share < LEAST_SHARE) return 0;
    const [z, e] = [this.#z, this.#e];
    const oldest = s[COUNT] - 1 - p;
    for (let i = 0; i <= p; i++) z[i] = s[from + ((oldest + i) % ROWS)];
    e.fill(0, p + 1);
    for (let k = first; k < first + PAIRS.length; k++) {
      const weight = w[k] / share;
      if (weight < LEAST_SHARE) continue;
      const at = MODEL + k * MODEL_FIELDS + ERRORS;
      for (let i = 0; i <= p; i++) e[i] = s[at + ((oldest + i) % ROWS)];
      const [theta, season] = PAIRS[k % PAIRS.length];
      for (let i = p + 1; i <= p + H; i++) {
        const moving = theta * e[i - 1] + season * (e[i - p] - theta * e[i - p - 1]);
        z[i] = z[i - 1] + z[i - p] - z[i - p - 1] - moving;
        moves[i - p - 1] += weight * (z[i] - z[p]);
      }
    }
    return share;
  }
}
