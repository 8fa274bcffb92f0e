import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import type { Shape } from "./shape.ts";

/** Readings that the straight lines remember: of each the weights fall by 1 - 1/τ per step. */
const SCALES = [16, 64, 256, 1024, 4096, 16_384] as const;
/** Of a line: sums of w, w a, w a², w y, w a y, with a the age of a reading in steps. */
const SUMS = 5;
/** Ways on: it stays, or goes on as it did over a quarter of the distance, the distance, and four times the distance. */
const REACHES = [0, 0.25, 1, 4] as const;
const WAYS = REACHES.length;
/** Each of them without the season and with it. */
const RULES = 2 * WAYS;
/** Distances 2 H, 4 H, … up to this, and forecasts that are on their way to each of them. */
const LONGEST = 32_768;
const PENDING = 8;
/** Of a distance: forecasts made, labels, then the running errors of each rule, and twice those of what is said below it and above. */
const MADE = 0;
const LABELS = 1;
const ERRORS = 2;
const SIDES = ERRORS + RULES;
const FIELDS = SIDES + 2;
/** Labels that the running errors remember. */
const MEMORY = 64;
/** An error counts as at most this many usual ones, for the choice between rules. */
const LARGEST_RATIO = 10;
/** What grows from the distance before counts as so many independent labels. */
const GROWTH_LABELS = 1;
/** Errors are at least this share of those at half the distance. */
const LEAST_SHARE = 0.7;
/** A step this many usual ones long is one to another level, and says nothing about the way. */
const JUMP = 8;
/** Nothing is said further ahead than this many times as far as there have been readings, … */
const AHEAD = 4;
/** … not counting those of so many times the shortest distance: until then nothing that was said so far ahead has come or not. */
const UNTRIED = 2;

/** What is expected far ahead: where, and how far off that is, below and above, in the mean. */
export interface FarAhead {
  readonly value: number;
  readonly sizes: readonly [below: number, above: number];
  /** The larger of the two grows there like this power of the distance. */
  readonly growth: number;
}

/**
 * Where a target will be far beyond the horizon, up to tens of thousands of steps: its level of late, and straight lines through its
 * readings by least squares with weights that fall with age, one for each of several memories. Rules for a distance x:
 *
 *     v           it stays at v, its level of late
 *     v + x b_j   it goes on as it has over some x/4, x and 4 x steps, b_j the slope of the line with that memory
 *
 * and each of these with what the season adds there and does not add now.
 *
 * What is said weighs them by the fourth power of 1 / |e|, e their errors at the nearest distance where there are any. These are
 * measured and not assumed: at distances 2 H, 4 H, … eight forecasts each are kept until their time has come. Errors of a
 * distance that nobody has waited for yet grow from those of half the distance like the distance (a slope that is off) or like
 * its root (a walk), by which of the rules is right.
 *
 * A jump (a file deleted, a meter set back) moves the lines with the level; as an error of the forecasts before it, it counts.
 *
 * State: per target 33 for the lines and 84 per distance. Cost per event and target: some 60 operations.
 */
export class FarTrend {
  readonly #horizon: number;
  readonly #distances: readonly number[];
  readonly #lines: Slice<Float64Array>;
  /** Per target: events since its first reading, its last one, the usual step. */
  readonly #last: Slice<Float64Array>;
  readonly #errors: Slice<Float64Array>;
  /** Per target, distance and forecast on its way: what each rule says, then what is said [(RULES + 1)]. */
  readonly #pending: Slice<Float64Array>;
  readonly #said = new Float64Array(RULES + 1);

  constructor(layout: Layout, { targets: D, horizon: H }: Shape) {
    this.#horizon = H;
    const distances = [Math.max(PENDING, 2 * H)];
    while (2 * (distances.at(-1) as number) <= LONGEST) distances.push(2 * (distances.at(-1) as number));
    this.#distances = distances;
    const M = distances.length;
    this.#lines = layout.float64("far-trend.lines", D * SCALES.length * SUMS);
    this.#last = layout.float64("far-trend.last", 3 * D);
    this.#errors = layout.float64("far-trend.errors", D * M * FIELDS);
    this.#pending = layout.float64("far-trend.pending", D * M * PENDING * (RULES + 1));
    layout.whenAllocated(() => this.#pending.view.fill(Number.NaN));
  }

  /** Takes an event: reading y of target d, NaN where there is none; `season` says what the season adds so many steps ahead. */
  take(d: number, y: number, season: (ahead: number) => number): void {
    const last = this.#last.view;
    const at = 3 * d;
    const seen = !Number.isNaN(y);
    if (!seen && last[at] === 0) return;
    const events = ++last[at];
    this.#age(d);
    if (seen) this.#add(d, y, events);
    for (let m = 0; m < this.#distances.length; m++) {
      const x = this.#distances[m];
      const every = Math.max(1, Math.floor(x / PENDING));
      if (events % every === 0) this.#look(d, m, y, x, season);
    }
  }

  /** Every reading is a step older. */
  #age(d: number): void {
    const sums = this.#lines.view;
    for (let j = 0; j < SCALES.length; j++) {
      const at = (d * SCALES.length + j) * SUMS;
      const keep = 1 - 1 / SCALES[j];
      sums[at + 2] = keep * (sums[at + 2] + 2 * sums[at + 1] + sums[at]);
      sums[at + 1] = keep * (sums[at + 1] + sums[at]);
      sums[at + 4] = keep * (sums[at + 4] + sums[at + 3]);
      sums[at] *= keep;
      sums[at + 3] *= keep;
    }
  }

  #add(d: number, level: number, events: number): void {
    const sums = this.#lines.view;
    const last = this.#last.view;
    const step = events > 1 ? level - last[3 * d + 1] : 0;
    const usual = last[3 * d + 2];
    const jump = events > 8 && usual > 0 && Math.abs(step) > JUMP * usual ? step : 0;
    const size = jump === 0 ? Math.abs(step) : JUMP * usual;
    if (events > 1) last[3 * d + 2] += Math.max(1 / (events - 1), 1 / 256) * (size - usual);
    last[3 * d + 1] = level;
    for (let j = 0; j < SCALES.length; j++) {
      const at = (d * SCALES.length + j) * SUMS;
      if (jump !== 0) {
        sums[at + 3] += jump * sums[at];
        sums[at + 4] += jump * sums[at + 1];
      }
      sums[at]++;
      sums[at + 3] += level;
    }
  }

  /** A forecast that was made for now is compared with reading y, and another one goes on its way. */
  #look(d: number, m: number, y: number, x: number, season: (ahead: number) => number): void {
    const errors = this.#errors.view;
    const at = this.#at(d, m);
    const pending = this.#pending.view;
    const place = ((d * this.#distances.length + m) * PENDING + (errors[at + MADE] % PENDING)) * (RULES + 1);
    errors[at + MADE]++;
    if (!Number.isNaN(y) && !Number.isNaN(pending[place])) {
      const rate = Math.max(1 / ++errors[at + LABELS], 1 / MEMORY);
      for (let r = 0; r < RULES; r++) {
        const before = errors[at + ERRORS + r];
        const error = Math.abs(y - pending[place + r]);
        const counted = before > 0 ? Math.min(error, LARGEST_RATIO * before) : error;
        errors[at + ERRORS + r] += rate * (counted - before);
      }
      const error = y - pending[place + RULES];
      errors[at + SIDES] += rate * (2 * Math.max(0, -error) - errors[at + SIDES]);
      errors[at + SIDES + 1] += rate * (2 * Math.max(0, error) - errors[at + SIDES + 1]);
    }
    this.#rules(d, x, season);
    this.#said[RULES] = this.#weigh(this.#told(d, m));
    for (let r = 0; r <= RULES; r++) pending[place + r] = this.#said[r];
  }

  /** What the rules say of target d, x steps ahead. */
  #rules(d: number, x: number, season: (ahead: number) => number): void {
    const [v] = this.#line(d, 0);
    const more = season(x) - season(0);
    for (let way = 0; way < WAYS; way++) {
      const reach = REACHES[way];
      let j = 0;
      while (j + 1 < SCALES.length && SCALES[j] * 2 < reach * x) j++;
      this.#said[way] = reach === 0 ? v : v + x * this.#line(d, j)[1];
      this.#said[WAYS + way] = this.#said[way] + more;
    }
  }

  /** Level now and slope of a line. */
  #line(d: number, j: number): [level: number, slope: number] {
    const sums = this.#lines.view;
    const at = (d * SCALES.length + j) * SUMS;
    const [w, a, aa, y, ay] = [sums[at], sums[at + 1], sums[at + 2], sums[at + 3], sums[at + 4]];
    const spread = w * aa - a * a;
    if (!(spread > 1e-9 * w * aa)) return [w > 0 ? y / w : 0, 0];
    return [(y * aa - a * ay) / spread, (a * y - w * ay) / spread];
  }

  /** What the rules say together, by their errors at place `at`. */
  #weigh(at: number): number {
    const errors = this.#errors.view;
    const said = this.#said;
    let least = Number.POSITIVE_INFINITY;
    if (at >= 0) for (let r = 0; r < RULES; r++) least = Math.min(least, errors[at + ERRORS + r]);
    if (!(least > 0 && least < Infinity)) return (said[0] + said[2]) / 2;
    let [sum, total] = [0, 0];
    for (let r = 0; r < RULES; r++) {
      const ratio = (least / errors[at + ERRORS + r]) ** 2;
      sum += ratio * ratio * said[r];
      total += ratio * ratio;
    }
    return sum / total;
  }

  /** The nearest distance to number m, not beyond it, that labels have told of; -1 for none. */
  #told(d: number, m: number): number {
    for (let k = Math.min(m, this.#distances.length - 1); k >= 0; k--) {
      const at = this.#at(d, k);
      if (this.#errors.view[at + LABELS] > 0) return at;
    }
    return -1;
  }

  /** The farthest step of which something can be said of target d. */
  farthest(d: number): number {
    const tried = this.#last.view[3 * d] - UNTRIED * this.#distances[0];
    return Math.max(this.#horizon, Math.min(2 * LONGEST, AHEAD * tried));
  }

  /**
   * What is expected of target d x steps ahead, beyond the horizon, where what is forecast is `mean`, off by `size`. `season` says
   * what the season adds so many steps ahead.
   */
  ahead(d: number, x: number, mean: number, size: number, season: (ahead: number) => number): FarAhead {
    const H = this.#horizon;
    const m = this.#distances.findIndex((distance) => x <= Math.SQRT2 * distance);
    const told = this.#told(d, m < 0 ? this.#distances.length - 1 : m);
    this.#rules(d, H, season);
    const near = this.#weigh(told);
    this.#rules(d, x, season);
    // What is forecast for the horizon says more than the rules do; with the distance that is forgotten.
    const value = this.#weigh(told) + (mean - near) * (H / x);
    const trend = this.#trend(told);
    const [below, above] = [this.#size(d, 0, x, size, trend), this.#size(d, 1, x, size, trend)];
    const larger = below[0] > above[0] ? below : above;
    return { value, sizes: [below[0], above[0]], growth: larger[1] };
  }

  /** The size of the errors on one side x steps ahead, and how it grows there. */
  #size(d: number, side: number, x: number, size: number, trend: number): [size: number, growth: number] {
    const errors = this.#errors.view;
    let [from, low, doubt] = [this.#horizon, size, 2];
    for (let k = 0; k < this.#distances.length; k++) {
      const at = this.#at(d, k);
      const n = Math.min(errors[at + LABELS], MEMORY) / PENDING;
      if (n === 0) break;
      const to = this.#distances[k];
      const grown = low * power(to / from, trend);
      const told = (n * errors[at + SIDES + side] + GROWTH_LABELS * grown) / (n + GROWTH_LABELS);
      const high = Math.max(LEAST_SHARE * low, told);
      const growth = low > 0 ? Math.log(high / low) / Math.log(to / from) : 1;
      doubt = 1 + 0.95 / Math.max(1, n);
      if (x <= to) return [doubt * low * power(x / from, growth), growth];
      [from, low] = [to, high];
    }
    return [doubt * low * power(x / from, trend), trend];
  }

  /** How errors grow where none have been measured: with the distance where slopes say more than the level, else like a walk's. */
  #trend(at: number): number {
    if (at < 0) return 1;
    const errors = this.#errors.view;
    let [slopes, stays] = [Infinity, Infinity];
    for (let r = 0; r < RULES; r++) {
      const error = errors[at + ERRORS + r];
      if (r % WAYS === 0) stays = Math.min(stays, error);
      else slopes = Math.min(slopes, error);
    }
    if (!(slopes + stays > 0)) return 1;
    const share = (stays / (stays + slopes)) ** 2;
    return 0.5 + 0.5 * (share / (share + (1 - Math.sqrt(share)) ** 2));
  }

  #at(d: number, m: number): number {
    return (d * this.#distances.length + m) * FIELDS;
  }
}
