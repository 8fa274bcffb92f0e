import type { Layout, Slice } from "../kernels/layout.ts";
import { CALENDAR_FEATURES, calendarFeatures, seasonFeatures } from "./calendar.ts";
import type { EventClock } from "./event-clock.ts";

import { PeriodFinder } from "./period-finder.ts";
import { Profile } from "./profile.ts";
import { Scaling } from "./scaling.ts";
import { Season } from "./season.ts";
import type { Shape } from "./shape.ts";

/** Steps back that autoregressions read. */
export const LAGS = 24;
/** Time scales in steps of the leaky averages. */
export const TIME_SCALES = [4, 16, 64, 256] as const;
/** Anomalies from the seasonal profile are averaged over these many steps. */
export const ANOMALY_SCALES = [20, 170] as const;

/** Rates at which the profiles of the first and of the second season forget. */
const SEASON_RATE = 0.04;
const SECOND_SEASON_RATE = 0.15;
/** Reliability that the profile of the second season has by chance. */
const CHANCE_RELIABILITY = 0.4;
const SEASON_BINS = 288;
const SECOND_SEASON_BINS = 1008;
/** Values that are remembered at least, however short the seasons are that were given. */
export const REMEMBERED = 2016;
const LONGEST_GIVEN = 10_080;

const clip = (v: number, bound: number): number => Math.max(-bound, Math.min(bound, v));

/**
 * What experts read of the series as it stands: the values themselves (in units), their running scales, lagged steps,
 * leaky averages, seasonal profiles and anomalies, and the calendar. One place computes them, so that an expert is only
 * what it makes of them. Letters: C columns (targets first, then inputs), D targets, H horizon, z standardised.
 */
export class Features {
  readonly columns: number;
  readonly scaling: Scaling;
  readonly season: Season;
  readonly clock: EventClock;
  /** Values of this event [C]; NaN where missing. */
  readonly y: Float64Array;
  /** The last value of each column [C]; where readings are missing, what was expected in their place. */
  readonly last: Slice<Float64Array>;
  /** Steps since the last reading of each column [C]: 0 at a reading. */
  readonly gap: Slice<Float64Array>;
  /** Events since the first reading of each column, with it [C]; 0 before it. */
  readonly age: Slice<Float64Array>;
  /** (last - mean) / deviation, within ±6 [C]. */
  readonly z: Float64Array;
  /** (anomaly - level) / deviation, within ±6 [C]. */
  readonly anomaly: Float64Array;
  readonly calendar = new Float64Array(CALENDAR_FEATURES);
  /** How many of `calendar` are filled at this event. */
  calendarFilled = 0;
  /** What the trusted season added to each column at this event before the event was learned [C]. */
  readonly expected: Float64Array;
  readonly #profile: Profile;
  readonly #second: Profile;
  readonly #finder: PeriodFinder;
  readonly #steps: Slice<Float64Array>;
  readonly #averages: Slice<Float64Array>;
  /** Leaky averages over the first and over the second season [C x 2]. */
  readonly #level: Slice<Float64Array>;
  readonly #anomalies: Slice<Float64Array>;
  readonly #past: Slice<Float64Array>;
  readonly #pastRows: number;
  readonly #u: Float64Array;
  readonly #sizes: Float64Array;
  /** Shares of the profiles that are used at this event [C]. */
  readonly #firstUsed: Float64Array;
  readonly #secondUsed: Float64Array;

  constructor(layout: Layout, shape: Shape, clock: EventClock, periods: readonly number[]) {
    const C = shape.columns;
    this.columns = C;
    this.clock = clock;
    this.scaling = new Scaling(layout, C);
    this.season = new Season(layout, periods);
    this.last = layout.float64("last", C);
    this.gap = layout.float64("gap", C);
    this.age = layout.float64("age", C);
    this.#profile = new Profile(layout, "profile", C, SEASON_BINS);
    this.#second = new Profile(layout, "second-profile", C, SECOND_SEASON_BINS);
    this.#finder = new PeriodFinder(layout, shape.targets);
    this.#steps = layout.float64("steps", C * LAGS);
    this.#averages = layout.float64("averages", C * TIME_SCALES.length);
    this.#level = layout.float64("level", 2 * C);
    this.#anomalies = layout.float64("anomalies", C * ANOMALY_SCALES.length);
    const longest = Math.min(LONGEST_GIVEN, Math.max(REMEMBERED, ...periods));
    this.#pastRows = longest + shape.horizon + 1;
    this.#past = layout.float64("past", this.#pastRows * shape.targets);
    this.y = new Float64Array(C);
    this.z = new Float64Array(C);
    this.anomaly = new Float64Array(C);
    this.expected = new Float64Array(C);
    this.#u = new Float64Array(shape.targets);
    this.#sizes = new Float64Array(shape.targets);
    this.#firstUsed = new Float64Array(C);
    this.#secondUsed = new Float64Array(C);
  }

  /** Events taken. */
  get events(): number {
    return this.clock.events;
  }

  /** Moves the season on to the event whose time the clock has: comes before `take`, so that the event can be judged first. */
  advance(): void {
    const { clock, season } = this;
    const n = clock.events;
    const steps = n === 1 ? 0 : Math.max(1, Math.round(clock.dt));
    const changed = season.advance(n, clock.time, clock.stepMilliseconds, steps, this.#finder);
    for (let c = 0; c < this.columns; c++) this.#believe(c);
    if (changed && season.found) this.#lookBack();
  }

  /** Makes what follows from the state anew: it has been restored. */
  refresh(): void {
    for (let c = 0; c < this.columns; c++) this.#believe(c);
  }

  /** A season has been found: its profiles learn what is remembered of the targets. */
  #lookBack(): void {
    const { season } = this;
    const D = this.#u.length;
    const n = Math.min(this.clock.events - 1, this.#pastRows - 1);
    const [p, q] = [season.period(0), season.period(1)];
    if (q === 0) this.#profile.clear();
    this.#second.clear();
    for (let d = 0; d < D; d++) {
      const longest = Math.max(p, q);
      let level = 0;
      for (let back = n; back >= 1; back--) {
        // `past` counts from the event before this one, as this one is not taken yet.
        const v = this.#past.view[((this.clock.events - 1 - back) % this.#pastRows) * D + d];
        const seen = n - back + 1;
        level += Math.max(1 / seen, 1 / longest) * (v - level);
        if (seen < p || this.age.view[d] < back) continue;
        if (q === 0) this.#profile.add(d, season.phase(0, -back), p, v - level, SEASON_RATE);
        else if (seen >= q) {
          const first = this.seasonal(d, -back);
          this.#second.add(d, season.phase(1, -back), q, v - level - first, SECOND_SEASON_RATE);
        }
      }
      if (q > 0) this.#level.view[2 * d + 1] = level;
      this.#believe(d);
    }
  }

  /** Takes an event whose values are in `y`; where one is missing, `instead` [C] has what to go on with. */
  take(instead: Float64Array): void {
    const { clock, season } = this;
    const n = clock.events;
    const last = this.last.view;
    const C = this.columns;
    const D = this.#u.length;
    for (let c = 0; c < C; c++) {
      this.expected[c] = this.known(c, 0);
      const y = this.y[c];
      const seen = !Number.isNaN(y);
      this.gap.view[c] = seen ? 0 : this.gap.view[c] + 1;
      if (!seen && this.age.view[c] === 0) continue;
      const first = ++this.age.view[c] === 1;
      const v = seen ? y : instead[c];
      const before = first ? v : last[c];
      if (seen) this.scaling.add(c, v, before);
      last[c] = v;
      this.#move(c, v, v - before, seen);
    }
    for (let d = 0; d < D; d++) {
      this.#past.view[((n - 1) % this.#pastRows) * D + d] = last[d];
      this.#u[d] = this.step(d, 0);
    }
    if (season.found) {
      for (let d = 0; d < D; d++) this.#sizes[d] = this.scaling.step(d);
      this.#finder.add(this.#u, this.#sizes, (d, back) => this.past(d, back));
    }
    if (season.byCalendar || season.period(0) === 0) {
      this.calendarFilled = calendarFeatures(this.calendar, clock.time, clock.stepMilliseconds);
    } else this.calendarFilled = seasonFeatures(this.calendar, season);
    for (let c = 0; c < C; c++) {
      const deviation = this.scaling.deviation(c);
      const per = deviation > 0 ? 1 / deviation : 0;
      this.z[c] = clip((last[c] - this.scaling.mean(c)) * per, 6);
      this.anomaly[c] = clip((this.base(c) - this.#level.view[2 * c]) * per, 6);
    }
  }

  #move(c: number, v: number, step: number, seen: boolean): void {
    const { season } = this;
    const n = this.age.view[c];
    const p = season.period(0);
    const q = season.period(1);
    const level = this.#level.view;
    level[2 * c] += Math.max(1 / n, p > 0 ? 1 / p : 0.02) * (v - level[2 * c]);
    level[2 * c + 1] += Math.max(1 / n, q > 0 ? 1 / q : 0.02) * (v - level[2 * c + 1]);
    if (p > 0 && seen) {
      const first = this.seasonal(c, 0);
      this.#profile.add(c, season.phase(0), p, v - level[2 * c], SEASON_RATE);
      if (q > 0) this.#second.add(c, season.phase(1), q, v - level[2 * c + 1] - first, SECOND_SEASON_RATE);
      this.#believe(c);
    }
    const averages = this.#averages.view;
    for (let k = 0; k < TIME_SCALES.length; k++) {
      const at = c * TIME_SCALES.length + k;
      averages[at] += Math.max(1 / n, 1 / TIME_SCALES[k]) * (v - averages[at]);
    }
    const anomaly = v - this.whole(c, 0);
    const anomalies = this.#anomalies.view;
    for (let k = 0; k < ANOMALY_SCALES.length; k++) {
      const at = c * ANOMALY_SCALES.length + k;
      anomalies[at] += Math.max(1 / n, 1 / ANOMALY_SCALES[k]) * (anomaly - anomalies[at]);
    }
    const lags = this.#steps.view;
    const at = c * LAGS;
    lags.copyWithin(at + 1, at, at + LAGS - 1);
    lags[at] = step;
  }

  /** The last value of column c, of `back` events ago, with its season carried on to this event, before the event is taken. */
  carried(c: number, back = 1): number {
    return this.last.view[c] + this.whole(c, 0) - this.whole(c, -back);
  }

  /** `v`, a forecast of column c h steps ahead, held within a generous band that spans `centre` and the running mean. */
  within(c: number, h: number, v: number, centre: number): number {
    const widest = this.scaling.reach(c, h);
    const mean = this.average(c, TIME_SCALES.length - 1);
    const low = Math.min(centre, mean) - widest;
    return Number.isNaN(v) ? centre : Math.max(low, Math.min(Math.max(centre, mean) + widest, v));
  }

  /** The step of column c made `lag` events ago, by its usual size, within ±10. */
  step(c: number, lag: number): number {
    const size = this.scaling.step(c);
    return size > 0 ? clip(this.#steps.view[c * LAGS + lag] / size, 10) : 0;
  }

  /** Leaky average k of column c: μ ← μ + (v - μ) / τ_k. */
  average(c: number, k: number): number {
    return this.#averages.view[c * TIME_SCALES.length + k];
  }

  /** (last - average k) / deviation of column c, within ±6. */
  above(c: number, k: number): number {
    const deviation = this.scaling.deviation(c);
    return deviation > 0 ? clip((this.last.view[c] - this.average(c, k)) / deviation, 6) : 0;
  }

  /** Leaky average k of the anomalies of column c. */
  anomalyAverage(c: number, k: number): number {
    return this.#anomalies.view[c * ANOMALY_SCALES.length + k];
  }

  /** What the season adds to column c `ahead` steps from now, by as much as its profile is to be believed. */
  seasonal(c: number, ahead: number): number {
    const p = this.season.period(0);
    if (p === 0) return 0;
    return this.#firstUsed[c] * this.#profile.value(c, this.season.phase(0, ahead), p);
  }

  /** How far the profile of column c is to be believed, 0 to 1: how alike it finds one turn and the next. */
  reliability(c: number): number {
    return this.#firstUsed[c];
  }

  /** How far the profiles of column c are to be believed, until they learn more. */
  #believe(c: number): void {
    this.#firstUsed[c] = this.#profile.reliability(c);
    // Comparisons within one turn of the first season are much alike: they count as one together.
    const reliability = this.#second.reliability(c, this.season.period(0));
    // Slow swings agree a little with anything: only what agrees better than that is used.
    this.#secondUsed[c] = Math.max(0, (reliability - CHANCE_RELIABILITY) / (1 - CHANCE_RELIABILITY));
  }

  /** What both seasons add, the second by as much as it is to be believed. */
  whole(c: number, ahead: number): number {
    return this.seasonal(c, ahead) + this.beyond(c, ahead);
  }

  /** What the second season adds to the first, by as much as it is to be believed. */
  beyond(c: number, ahead: number): number {
    const q = this.season.period(1);
    if (q === 0) return 0;
    return this.#secondUsed[c] * this.#second.value(c, this.season.phase(1, ahead), q);
  }

  /** What both seasons add, the second as it was; the first alone where the second has not seen the phase. */
  secondSeasonal(c: number, ahead: number): number {
    const q = this.season.period(1);
    return this.seasonal(c, ahead) + (q > 0 ? this.#second.value(c, this.season.phase(1, ahead), q) : 0);
  }

  /** Whether both profiles of column c know now and `ahead`. */
  knowsSecond(c: number, ahead: number): boolean {
    const p = this.season.period(1);
    if (p === 0) return false;
    return (
      this.#second.seen(c, this.season.phase(1, ahead), p) && this.#second.seen(c, this.season.phase(1), p)
    );
  }

  /** What a trusted season adds to column c `ahead` steps from now; 0 without one. */
  known(c: number, ahead: number): number {
    return this.season.trusted ? this.whole(c, ahead) : 0;
  }

  /** The last value of column c without its trusted season: what changes of are learned. */
  base(c: number): number {
    return this.last.view[c] - this.known(c, 0);
  }

  /** Fills `out` with the last values of target d, oldest first (missing ones filled); so many have to be remembered. */
  recent(d: number, out: Float64Array): void {
    const D = this.#u.length;
    const past = this.#past.view;
    const rows = this.#pastRows;
    let row = (this.clock.events - out.length) % rows;
    if (D === 1) {
      const first = past.subarray(row, Math.min(rows, row + out.length));
      out.set(first);
      out.set(past.subarray(0, out.length - first.length), first.length);
      return;
    }
    for (let i = 0; i < out.length; i++) {
      out[i] = past[row * D + d];
      if (++row === rows) row = 0;
    }
  }

  /** The value of target d `back` events ago (missing ones filled); NaN where it is not remembered. */
  past(d: number, back: number): number {
    const n = this.clock.events;
    if (back < 0 || back >= n || back >= this.#pastRows) return Number.NaN;
    return this.#past.view[((n - 1 - back) % this.#pastRows) * this.#u.length + d];
  }
}
