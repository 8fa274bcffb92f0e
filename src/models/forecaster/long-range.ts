import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import type { Features } from "./features.ts";
import type { Shape } from "./shape.ts";

/** Longest distance at which errors are measured. */
const LONGEST = 512;
/** Readings that the running errors remember. */
const MEMORY = 300;
/** An error counts as at most this many usual ones. */
const LARGEST_RATIO = 10;
/** Errors grow like a random walk's until readings say otherwise: that counts as so many independent ones. */
const GROWTH = 0.5;
const GROWTH_READINGS = 6;

/** Events from one mean distance from the season that is kept to the next. */
const EVERY = 8;

const RULES = 4;
/** After the errors of the rules: that of what they say together, how many readings have told, … */
const TOGETHER = RULES;
const COUNT = RULES + 1;
/** … the last error with its sign, and the running means of its square and of its product with the one before. */
const ERROR = RULES + 2;
const SQUARE = RULES + 3;
const PRODUCT = RULES + 4;
const FIELDS = RULES + 5;
const ROWS = LONGEST / EVERY + 1;

/**
 * What to expect of a target further from its last reading than the horizon, and how far off that is. Four rules, with v the
 * last reading, x steps ago, S what the seasons add, a = y - S, and q the longest season:
 *
 *     v + S(t) - S(t - x)                        it stays as far from its season as it was
 *     m + S(t)                                   it is back at m, the mean of a as it was then
 *     y(t - k q)                                 it is as it was a season ago, k the fewest seasons back to a reading
 *     v + S(t) - S(t - x) + a(t - x) - a(t - 2 x)    it goes on as it went
 *
 * At every reading each rule is measured at distances of 2 H, 4 H, … steps, by running means of |e|, and what is expected weighs
 * them by the fourth power of 1 / |e| at the nearest distance.
 *
 * Errors of a far distance are much alike from one reading to the next: n of them count as n (1 - r) / (1 + r) independent ones, r
 * their correlation, and by as much as these are few the size is that of a random walk, √2 times that at half the distance.
 *
 * State: 9 per target and distance, and 65 means. Cost per event and target: a few operations per distance.
 */
export class LongRange {
  readonly #features: Features;
  readonly #horizon: number;
  readonly #distances: readonly number[];
  readonly #errors: Slice<Float64Array>;
  /** The mean distance from the season, every 8 events [ROWS x D]. */
  readonly #means: Slice<Float64Array>;
  readonly #targets: number;
  readonly #said = new Float64Array(RULES);

  constructor(layout: Layout, { targets, horizon }: Shape, features: Features) {
    this.#features = features;
    this.#horizon = horizon;
    const distances = [2 * horizon];
    while (2 * (distances.at(-1) as number) <= LONGEST) distances.push(2 * (distances.at(-1) as number));
    this.#distances = distances;
    this.#targets = targets;
    this.#means = layout.float64("long-range.means", ROWS * targets);
    this.#errors = layout.float64("long-range", FIELDS * distances.length * targets);
  }

  /** Measures by reading y of target d, not yet taken, how far off the rules would have been. */
  measure(d: number, y: number): void {
    const errors = this.#errors.view;
    const season = this.#features.whole(d, 0);
    this.#distances.forEach((x, k) => {
      const at = this.#at(d, k);
      const together = this.#expect(d, x, at, season);
      if (Number.isNaN(together)) return;
      const rate = Math.max(1 / ++errors[at + COUNT], 1 / MEMORY);
      const most = LARGEST_RATIO * errors[at + TOGETHER];
      const signed = most > 0 ? Math.max(-most, Math.min(most, y - together)) : y - together;
      errors[at + SQUARE] += rate * (signed * signed - errors[at + SQUARE]);
      errors[at + PRODUCT] += rate * (signed * errors[at + ERROR] - errors[at + PRODUCT]);
      errors[at + ERROR] = signed;
      for (let r = 0; r <= TOGETHER; r++) {
        const said = r === TOGETHER ? together : this.#said[r];
        if (Number.isNaN(said)) continue;
        const before = errors[at + r];
        const error = Math.abs(y - said);
        errors[at + r] =
          before > 0 ? before + rate * (Math.min(error, LARGEST_RATIO * before) - before) : error;
      }
    });
  }

  /** Keeps what an event has left, once it is taken. */
  note(): void {
    const n = this.#features.events;
    if (n % EVERY !== 0) return;
    const row = ((n / EVERY) % ROWS) * this.#targets;
    for (let d = 0; d < this.#targets; d++) this.#means.view[row + d] = this.#features.anomalyAverage(d, 1);
  }

  /** The mean distance of target d from its season as it was x events ago; as it is where that is not kept. */
  #mean(d: number, x: number): number {
    const then = Math.floor((this.#features.events - x) / EVERY);
    if (x > LONGEST || then < 1) return this.#features.anomalyAverage(d, 1);
    return this.#means.view[(then % ROWS) * this.#targets + d];
  }

  /** What is expected of target d at this event, not yet taken, x steps after its last reading; NaN where nothing is remembered. */
  expect(d: number, x: number): number {
    let k = 0;
    while (k + 1 < this.#distances.length && x > Math.SQRT2 * this.#distances[k]) k++;
    return this.#expect(d, x, this.#at(d, k), this.#features.whole(d, 0));
  }

  /** The size of the errors of target d at a distance of x steps, beyond the horizon, where it is `size` at the horizon. */
  size(d: number, x: number, size: number): number {
    let [from, low] = [this.#horizon, size];
    for (let k = 0; k < this.#distances.length; k++) {
      const at = this.#at(d, k);
      if (this.#errors.view[at + COUNT] === 0) break;
      const to = this.#distances[k];
      const n = this.#independent(at);
      const walk = low * power(to / from, GROWTH);
      const told = n * this.#errors.view[at + TOGETHER] + GROWTH_READINGS * walk;
      const high = Math.max(low, told / (n + GROWTH_READINGS));
      if (x <= to) return low * power(high / low, Math.log(x / from) / Math.log(to / from));
      [from, low] = [to, high];
    }
    return low * power(x / from, from < LONGEST / 2 ? GROWTH : 0);
  }

  /** How many independent readings have told of the errors at a distance. */
  #independent(at: number): number {
    const errors = this.#errors.view;
    const n = Math.min(errors[at + COUNT], MEMORY);
    if (!(errors[at + SQUARE] > 0)) return n;
    const r = Math.max(0, Math.min(1, errors[at + PRODUCT] / errors[at + SQUARE]));
    return (n * (1 - r)) / (1 + r);
  }

  #at(d: number, k: number): number {
    return FIELDS * (d * this.#distances.length + k);
  }

  /** `season`: what the seasons add at this event. */
  #expect(d: number, x: number, at: number, season: number): number {
    const features = this.#features;
    const said = this.#said;
    const q = features.season.period(1) || features.season.period(0);
    const last = features.past(d, x);
    const anomaly = last - features.whole(d, -x);
    said[0] = anomaly + season;
    said[1] = this.#mean(d, x) + season;
    said[3] = 2 * anomaly - (features.past(d, 2 * x) - features.whole(d, -2 * x)) + season;
    said[2] = q > 0 ? features.past(d, Math.ceil(x / q) * q) : Number.NaN;
    if (Number.isNaN(last)) return Number.NaN;
    const errors = this.#errors.view;
    let least = Number.POSITIVE_INFINITY;
    for (let r = 0; r < RULES; r++) if (errors[at + r] > 0) least = Math.min(least, errors[at + r]);
    if (least === Number.POSITIVE_INFINITY) return said[0];
    let [sum, total] = [0, 0];
    for (let r = 0; r < RULES; r++) {
      if (Number.isNaN(said[r]) || !(errors[at + r] > 0)) continue;
      const ratio = (errors[at + r] / least) ** 2;
      const w = 1 / (ratio * ratio);
      sum += w * said[r];
      total += w;
    }
    return total > 0 ? sum / total : said[0];
  }
}
