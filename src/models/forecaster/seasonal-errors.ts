import type { Layout, Slice } from "../kernels/layout.ts";
import type { Features } from "./features.ts";
import { Profile } from "./profile.ts";
import type { Shape } from "./shape.ts";

/** Phases told apart. */
const BINS = 48;
const RATE = 0.04;
/** Seasons over which the usual size is known. */
const LEVEL_SEASONS = 4;
/** An error this many times smaller or larger than usual says no more than one at that. */
const MOST = 50;
/** What a profile of noise may find alike. */
const CHANCE = 0.1;

/**
 * How large errors are in each phase of the season, beside what is usual: nothing at night and much at noon where the sun is
 * measured. With a = |e| / s the errors of an event in sizes of the fan,
 *
 *     factor(φ) = exp(g S(φ)),   S the seasonal profile of log a less its running mean, g how much more alike than by chance it finds one turn and the next
 *
 * A season of more than 48 steps shares them in 48. 1 without a season. State: 102 per target.
 */
export class SeasonalErrors {
  readonly #features: Features;
  readonly #profile: Profile;
  /** Per target: events so far, the mean of log a, and the length of the season they are of. */
  readonly #level: Slice<Float64Array>;
  /** Factors that have been asked for since the last errors, per target and bin; NaN before. */
  readonly #known: Float64Array;

  constructor(layout: Layout, { targets }: Shape, features: Features) {
    this.#features = features;
    this.#profile = new Profile(layout, "seasonal-errors", targets, BINS);
    this.#level = layout.float64("seasonal-errors.level", 3 * targets);
    this.#known = new Float64Array(targets * BINS).fill(Number.NaN);
  }

  /** How much larger than usual the errors of target d are `ahead` events from now. */
  factor(d: number, ahead: number): number {
    const { season } = this.#features;
    const p = season.period(0);
    if (p === 0 || this.#level.view[3 * d + 2] !== p) return 1;
    const phase = season.phase(0, ahead);
    const at = d * BINS + this.#profile.bin(phase, p);
    const known = this.#known[at];
    if (!Number.isNaN(known)) return known;
    // Anything agrees a little by chance.
    const g = (this.#profile.reliability(d, p) - CHANCE) / (1 - CHANCE);
    const factor = g > 0 ? Math.exp(g * this.#profile.value(d, phase, p)) : 1;
    this.#known[at] = factor;
    return factor;
  }

  /** Call after the state was restored. */
  refresh(): void {
    this.#known.fill(Number.NaN);
  }

  /** Takes the errors of target d at this event, in sizes of the fan. */
  take(d: number, size: number): void {
    const { season } = this.#features;
    const p = season.period(0);
    if (p === 0 || Number.isNaN(size)) return;
    const level = this.#level.view.subarray(3 * d, 3 * d + 3);
    this.#known.fill(Number.NaN, d * BINS, (d + 1) * BINS);
    if (level[2] !== p) {
      // A season of another length has been found.
      this.#profile.clear(d);
      level.set([0, 0, p]);
    }
    const log = Math.log(Math.min(MOST, Math.max(1 / MOST, size)));
    level[1] += Math.max(1 / ++level[0], 1 / (LEVEL_SEASONS * p)) * (log - level[1]);
    if (level[0] > p) this.#profile.add(d, season.phase(0), p, log - level[1], RATE);
  }
}
