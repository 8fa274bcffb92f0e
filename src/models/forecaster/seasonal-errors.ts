import type { Layout, Slice } from "../kernels/layout.ts";
import type { Features } from "./features.ts";
import { Profile } from "./profile.ts";
import type { Shape } from "./shape.ts";

/** Phases of the first and of the second season that are told apart. */
const BINS = [48, 84] as const;
const RATE = 0.04;
/** Seasons over which the usual size is known. */
const LEVEL_SEASONS = 4;
/** An error this many times smaller or larger than usual says no more than one at that. */
const MOST = 50;
/** What a profile of noise may find alike. */
const CHANCE = 0.1;

/** Per target: events so far, the mean of log a, and the lengths of the seasons that the profiles are of. */
const COUNT = 0;
const MEAN = 1;
const PERIOD = 2;
const FIELDS = PERIOD + BINS.length;

/**
 * How large errors are in each phase of the seasons, beside what is usual: nothing at night and much at noon where the sun is
 * measured, less at weekends where people are counted. With a = |e| / s the errors of an event in sizes of the fan,
 *
 *     factor(φ) = exp(g₁ S₁(φ₁) + g₂ S₂(φ₂))
 *
 * S₁ is the seasonal profile of log a less its running mean, S₂ that of the second season of what is left; g says how much more
 * alike than by chance each finds one turn and the next. A season of more than 48 or 84 steps shares them in as many. 1 without
 * a season. State: 276 per target.
 */
export class SeasonalErrors {
  readonly #features: Features;
  readonly #profiles: readonly [Profile, Profile];
  readonly #state: Slice<Float64Array>;
  /** Factors that have been asked for since then, per target and events ahead; NaN before. */
  readonly #known: Float64Array;
  readonly #steps: number;

  constructor(layout: Layout, { targets, horizon }: Shape, features: Features) {
    this.#features = features;
    this.#profiles = [
      new Profile(layout, "seasonal-errors", targets, BINS[0]),
      new Profile(layout, "second-seasonal-errors", targets, BINS[1]),
    ];
    this.#state = layout.float64("seasonal-errors.state", FIELDS * targets);
    this.#steps = horizon + 1;
    this.#known = new Float64Array(targets * this.#steps).fill(Number.NaN);
  }

  /** How much larger than usual the errors of target d are `ahead` events from now. */
  factor(d: number, ahead: number): number {
    const at = d * this.#steps + ahead;
    if (ahead < this.#steps && !Number.isNaN(this.#known[at])) return this.#known[at];
    const factor = Math.exp(this.#adds(0, d, ahead) + this.#adds(1, d, ahead));
    if (ahead < this.#steps) this.#known[at] = factor;
    return factor;
  }

  /** What season k adds to log a. */
  #adds(k: 0 | 1, d: number, ahead: number): number {
    const { season } = this.#features;
    const p = season.period(k);
    if (p === 0 || this.#state.view[FIELDS * d + PERIOD + k] !== p) return 0;
    const g = (this.#profiles[k].reliability(d, season.period(0)) - CHANCE) / (1 - CHANCE);
    return g > 0 ? g * this.#profiles[k].value(d, season.phase(k, ahead), p) : 0;
  }

  /** Call when an event has come, as what is so far ahead is another phase then, and after the state was restored. */
  refresh(): void {
    this.#known.fill(Number.NaN);
  }

  /** Takes the errors of target d at this event, in sizes of the fan. */
  take(d: number, size: number): void {
    const { season } = this.#features;
    const periods = [season.period(0), season.period(1)] as const;
    if (periods[0] === 0 || Number.isNaN(size)) return;
    const state = this.#state.view.subarray(FIELDS * d, FIELDS * (d + 1));
    for (const k of [0, 1] as const) {
      // A season of another length has been found.
      if (state[PERIOD + k] === periods[k]) continue;
      this.#profiles[k].clear(d);
      state[PERIOD + k] = periods[k];
      if (k === 0) state.fill(0, COUNT, PERIOD);
    }
    const log = Math.log(Math.min(MOST, Math.max(1 / MOST, size)));
    state[MEAN] +=
      Math.max(1 / ++state[COUNT], 1 / (LEVEL_SEASONS * Math.max(...periods))) * (log - state[MEAN]);
    if (state[COUNT] <= periods[0]) return;
    const above = log - state[MEAN];
    const left = above - this.#adds(0, d, 0);
    this.#profiles[0].add(d, season.phase(0), periods[0], above, RATE);
    if (periods[1] > 0) this.#profiles[1].add(d, season.phase(1), periods[1], left, RATE);
    this.#known.fill(Number.NaN, d * this.#steps, (d + 1) * this.#steps);
  }
}
