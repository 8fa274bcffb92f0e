import type { Layout, Slice } from "../kernels/layout.ts";
import type { Units } from "./units.ts";

/** A reading this many usual errors from what was forecast is far. */
const FAR = 15;
/** The usual error is at least this share of the root mean square over a long memory: where most are nothing, the others count. */
const SQUARE_SHARE = 0.4;
const SQUARE_MEMORY = 2000;
/** An error counts as at most so many usual ones there. */
const LARGEST = 50;
/** With n labels the usual error is known to some FAR_YOUNG / n: the distance is larger by as much. */
const FAR_YOUNG = 20;
/** Labels before which every reading is taken. */
const LEAST_LABELS = 8;
/** Where a series was constant so far, this share of its value stands for the usual error; errors this small are none. */
const CONSTANT_SHARE = 0.02;
const ROUNDING = 1e-12;
/** The range that a column has had of late remembers so many readings, and so many seasons, to twice as many. */
const RANGE_MEMORY = 100;
const RANGE_SEASONS = 2;
/** A reading is outside of that range by more than this share of it. */
const OUTSIDE = 0.05;
/** Where far readings come more often than this, they are the way of the series: each makes the distance larger, by e^0.3. */
const USUAL_RATE = 0.02;
const WIDENING = 0.3;

/** Far readings that must agree before they are believed, … */
const AGREE = 2;
/** … unless believing has been right this many times more often than not: then one is enough. */
const TRUSTED = 2;
/** What is remembered of how often it was right. */
const REMEMBERED = 0.98;
/** They agree when they lie this close to the forecasts as measured anew, in usual errors, or within a share of how far they went … */
const AGREED = 3;
/** … that grows with their number. */
const CLOSE: readonly number[] = [0.05, 0.05, 0.05, 0.1, 0.1, 0.2];
/** Outside of the range it is enough when they lie on one side, none more than this many times as far as another. */
const ALIKE = 2;
/** While a far reading is in doubt a forecast follows it by how likely it is to stay: at first so often to so often … */
const PRIOR_STAYED = 4;
const PRIOR_SPIKES = 1;
/** A spike counts for more: a forecast that followed one looked foolish. */
const SPIKE_WEIGHT = 2;
/** … and hardly at all when it is this many times the range away. */
const ABSURD = 8;
/** The range is at least so many deviations. */
const DEVIATIONS = 4;
/** After so many far readings whatever comes is what there is. */
const PATIENCE = 40;
/** A change of unit is at least this factor. */
const LEAST_FACTOR = 1.5;
/** A factor this close to a power of ten, or as close as the readings can tell, is one. */
const ROUND = 0.02;
/** What must speak for a change of unit over one of the zero, in log likelihood: by a power of ten, by another factor. */
const ROUND_EVIDENCE = 3;
const ODD_EVIDENCE = 9;
/** Where the usual error is more than this share of the values themselves, their ratio tells nothing. */
const RATIO_UNKNOWN = 0.5;
/** A reading this close, in usual errors, to what was forecast by the measure before brings that measure back. */
const BACK = 3;
/** More changes of measure than this, among so many readings, are the way of the column. */
const MOST_JUMPS = 2.5;
const JUMPS_MEMORY = 3000;
/** Readings after which a change of measure has lasted. */
const LASTED = 10;
/** A measure that was not kept for so many readings was none to come back to. */
const SETTLED = 50;
/** One that was given up within so many readings was a mistake; far readings further apart are separate events. */
const BRIEF = 3;

/** A column is stuck when it repeats one value this many times, … */
const LEAST_RUN = 8;
/** … and this many times the longest usual run, … */
const RUNS = 3;
/** … having changed so often before. */
const LIVELY = 50;
/** Repeats after which it is taken to be constant. */
const LONGEST_STUCK = 300;

const KEPT = 8;
const COUNT = 0;
const LOW = 1;
const HIGH = 2;
const WIDER = 3;
const FAR_SO_FAR = 4;
const LAST = 5;
const RUN = 6;
const USUAL_RUN = 7;
const LIFE = 8;
const ENTERED_FAR = 9;
const STUCK = 10;
const HELD = 11;
const CHANGES = 12;
const FITS = 13;
const SINCE = 14;
const DOUBT = 15;
/** Far readings that were spikes and that were there to stay, inside of the range and outside. */
const SPIKES = 16;
const STAYED = 18;
const SQUARE = 20;
/** The range of the block of readings before, and how many the one being filled has. */
const LOW_BEFORE = 21;
const HIGH_BEFORE = 22;
const BLOCK = 23;
/** Changes of measure of late. */
const JUMPS = 24;
/** 1 after a change of measure that has not yet lasted. */
const JUMPED = 25;
/** Readings since the last far one. */
const CALM = 26;
const PENDING = 27;
const FIELDS = PENDING + 2 * KEPT;

/**
 * Judges every reading by the forecast that was issued for it before any model sees it. One that is far from it is held at arm's
 * length: the models go on as if it were missing. What follows tells a spike from a change:
 *
 * - the next reading is as forecast: it was a spike, and nothing has learned from it;
 * - the next one agrees with it. Inside of the range that the column has had of late both are then what they are. Outside of it
 *   the column is measured otherwise now, from another zero or in another unit (the likelier of the two, by a Laplace density of
 *   the usual error): its `Units` change, and the models go on as if nothing had happened. A reading that fits the measure
 *   before brings that one back at once;
 * - forty in a row that agree on nothing: another zero and a wider scale.
 *
 * Where far readings have been there to stay before, one is enough; where they are common, they are not far. A value repeated
 * far longer than usual is held too, as of a sensor that is stuck, until it has lasted.
 *
 * Letters: u the reading in powers of two, m what was forecast for it, s the usual error there. Cost: a few operations per column and
 * event, some fifty while a far reading is explained. State: 43 per column.
 */
export class Judge {
  readonly #units: Units;
  readonly #fixed: readonly boolean[];
  readonly #state: Slice<Float64Array>;
  readonly #sorted = new Float64Array(KEPT);
  #memory = RANGE_MEMORY;

  /** `fixed`: columns whose measure may not change. */
  constructor(layout: Layout, columns: number, units: Units, fixed: (c: number) => boolean = () => false) {
    this.#units = units;
    this.#fixed = Array.from({ length: columns }, (_, c) => fixed(c));
    this.#state = layout.float64("judge", FIELDS * columns);
  }

  /** Says how long the season is, in steps, before the readings of an event are judged; 0: none is known. */
  season(period: number): void {
    this.#memory = Math.max(RANGE_MEMORY, RANGE_SEASONS * period);
  }

  /** Readings of column c held at arm's length so far. */
  held(c: number): number {
    return this.#state.view[FIELDS * c + HELD];
  }

  /** Counts readings of column c that were found misleading before this saw them. */
  hold(c: number, readings: number): void {
    this.#state.view[FIELDS * c + HELD] += readings;
  }

  /** Changes of measure of column c so far. */
  changes(c: number): number {
    return this.#state.view[FIELDS * c + CHANGES];
  }

  /** How often column c has repeated its value, while it is held for being stuck; else 0. */
  stuck(c: number): number {
    return this.#state.view[FIELDS * c + STUCK];
  }

  /**
   * While the last reading of column c is held: how likely the column is to be there h events on. What has been repeated n times is
   * repeated h times more with probability n / (n + h); a far reading stays by how often such ones have.
   */
  stays(c: number, h: number): number {
    const state = this.#state.view;
    const run = state[FIELDS * c + STUCK];
    return run > 0 ? run / (run + h) : state[FIELDS * c + DOUBT];
  }

  /**
   * What the models shall see of reading u of column c: y, or NaN when it is held. `m` was forecast for it, with usual errors of
   * size `s` learned from so many `labels`; `step` and `deviation` are those of the column.
   */
  take(
    c: number,
    u: number,
    m: number,
    s: number,
    labels: number,
    { step, deviation }: { step: number; deviation: number },
  ): number {
    if (Number.isNaN(u)) return u;
    const state = this.#state.view;
    const at = FIELDS * c;
    const stuck = this.#run(at, u);
    state[at + STUCK] = 0;
    state[at + DOUBT] = 0;
    state[at + SINCE]++;
    if (state[at + JUMPED] === 1 && state[at + SINCE] >= LASTED) {
      state[at + JUMPED] = 0;
      state[at + JUMPS]++;
    }
    const known = Math.max(s, SQUARE_SHARE * Math.sqrt(state[at + SQUARE]));
    const usual = known > ROUNDING * Math.abs(m) ? known : CONSTANT_SHARE * Math.abs(m);
    let y = this.#units.seen(c, u);
    let far = false;
    let outside = 0;
    if (labels >= LEAST_LABELS && usual > 0) {
      far = Math.abs(y - m) > this.#limit(at, labels) * usual;
      const [low, high] = this.#range(at);
      const margin = OUTSIDE * (high - low);
      const beyond = y < low - margin || y > high + margin;
      state[at + JUMPS] -= state[at + JUMPS] / JUMPS_MEMORY;
      // A column that jumps by nature is measured as it always was.
      const jumps = state[at + JUMPS] > MOST_JUMPS;
      // Where nothing has ever been wrong there is no pattern to go on with by another measure.
      outside = beyond && usual === known && !jumps && !this.#fixed[c] ? 1 : 0;
      // Far readings close together are one event.
      const wider = far && state[at + CALM] >= BRIEF ? WIDENING : 0;
      state[at + CALM] = far ? 0 : state[at + CALM] + 1;
      state[at + WIDER] = Math.max(0, state[at + WIDER] + wider - USUAL_RATE * WIDENING);
      if (this.#goesBack(c, at, u, m, usual, far)) {
        far = false;
        state[at + FAR_SO_FAR] = 0;
        y = this.#units.seen(c, u);
      }
    }
    if (state[at + RUN] === 1) state[at + ENTERED_FAR] = far ? 1 : 0;
    if (far) {
      const kept = at + PENDING + 2 * (state[at + FAR_SO_FAR] % KEPT);
      state[at + FAR_SO_FAR]++;
      state[kept] = u;
      state[kept + 1] = m;
      if (!this.#explain(c, at, outside, usual, step)) {
        state[at + HELD]++;
        const [low, high] = this.#range(at);
        const range = Math.max(high - low, DEVIATIONS * deviation, usual);
        const stayed = PRIOR_STAYED + state[at + STAYED + outside];
        const likely = stayed / (stayed + PRIOR_SPIKES + SPIKE_WEIGHT * state[at + SPIKES + outside]);
        state[at + DOUBT] = likely / (1 + ((y - m) / range / ABSURD) ** 2 * ((y - m) / range / ABSURD) ** 2);
        return Number.NaN;
      }
      this.#remember(at, STAYED + outside);
      state[at + JUMPED] = outside;
      state[at + FAR_SO_FAR] = 0;
      y = this.#units.seen(c, u);
    } else {
      if (state[at + FAR_SO_FAR] > 0) this.#concludes(c, at, y);
      state[at + FAR_SO_FAR] = 0;
      if (stuck) {
        state[at + STUCK] = state[at + RUN];
        state[at + HELD]++;
        return Number.NaN;
      }
    }
    state[at + COUNT]++;
    this.#extend(at, y);
    const error = Math.min(
      Math.abs(y - m),
      labels >= LEAST_LABELS ? LARGEST * usual : Number.POSITIVE_INFINITY,
    );
    state[at + SQUARE] +=
      Math.max(1 / state[at + COUNT], 1 / SQUARE_MEMORY) * (error * error - state[at + SQUARE]);
    return y;
  }

  /** Takes y into the range of the block being filled. */
  #extend(at: number, y: number): void {
    const state = this.#state.view;
    if (state[at + BLOCK] >= this.#memory) {
      state[at + LOW_BEFORE] = state[at + LOW];
      state[at + HIGH_BEFORE] = state[at + HIGH];
      state[at + BLOCK] = 0;
    }
    const first = state[at + BLOCK]++ === 0;
    state[at + LOW] = first ? y : Math.min(state[at + LOW], y);
    state[at + HIGH] = first ? y : Math.max(state[at + HIGH], y);
    if (state[at + COUNT] > this.#memory) return;
    state[at + LOW_BEFORE] = state[at + LOW];
    state[at + HIGH_BEFORE] = state[at + HIGH];
  }

  /** The least and the greatest that the column has been of late. */
  #range(at: number): [number, number] {
    const state = this.#state.view;
    return [
      Math.min(state[at + LOW], state[at + LOW_BEFORE]),
      Math.max(state[at + HIGH], state[at + HIGH_BEFORE]),
    ];
  }

  #limit(at: number, labels: number): number {
    return FAR * (1 + FAR_YOUNG / labels) * Math.exp(this.#state.view[at + WIDER]);
  }

  /** Notes how a far reading turned out. */
  #remember(at: number, kind: number): void {
    const state = this.#state.view;
    for (let i = SPIKES; i < SQUARE; i++) state[at + i] *= REMEMBERED;
    state[at + kind]++;
  }

  /** A reading y that is not far tells what the far one before it was: a spike, or the first to be where the column is now. */
  #concludes(c: number, at: number, y: number): void {
    const state = this.#state.view;
    const last = state[at + FAR_SO_FAR] - 1;
    const far = this.#units.seen(c, this.#far(at, last));
    const [low, high] = this.#range(at);
    const outside = far < low || far > high ? 1 : 0;
    const stayed = Math.abs(y - far) < Math.abs(y - this.#forecast(at, last));
    this.#remember(at, (stayed ? STAYED : SPIKES) + outside);
  }

  /** Counts repeats of one value; whether there are too many of them. */
  #run(at: number, u: number): boolean {
    const state = this.#state.view;
    const longest = Math.max(LEAST_RUN, RUNS * state[at + USUAL_RUN]);
    if (u !== state[at + LAST] || state[at + RUN] === 0) {
      state[at + USUAL_RUN] = Math.max(state[at + USUAL_RUN], Math.min(state[at + RUN], 2 * longest));
      state[at + RUN] = 1;
      state[at + LAST] = u;
      state[at + LIFE]++;
      return false;
    }
    const run = ++state[at + RUN];
    if (state[at + LIFE] < LIVELY || state[at + ENTERED_FAR] === 1) return false;
    return run > longest && run <= LONGEST_STUCK;
  }

  #change(c: number, at: number, scale: number, zero: number): void {
    const state = this.#state.view;
    this.#units.change(c, scale, zero, state[at + SINCE] >= SETTLED || state[at + CHANGES] === 0);
    state[at + CHANGES]++;
    state[at + SINCE] = 0;
    state[at + FITS] = 0;
  }

  /** Whether the measure before the last change is right again. */
  #goesBack(c: number, at: number, u: number, m: number, usual: number, far: boolean): boolean {
    const units = this.#units;
    const [scale, before] = [units.scale(c), units.scaleBefore(c)];
    if (scale === before && units.zero(c) === units.zeroBefore(c)) return false;
    const state = this.#state.view;
    const then = Math.abs((u - units.zeroBefore(c)) / before - m) / usual;
    const now = Math.abs(units.seen(c, u) - m) / usual;
    // Where the scale has grown, readings near the measure before look calm in the new one: a few of them decide.
    const fits = then < BACK && then + Math.log(before) < now + Math.log(scale);
    state[at + FITS] = fits ? state[at + FITS] + 1 : 0;
    if (!(fits && (far || state[at + FITS] >= BACK))) return false;
    if (state[at + SINCE] <= BRIEF) {
      state[at + STAYED + 1] = Math.max(0, state[at + STAYED + 1] - 1);
      this.#remember(at, SPIKES + 1);
    }
    this.#change(c, at, before, units.zeroBefore(c));
    return true;
  }

  /** Whether the far readings so far agree on something; changes the measure of the column if that is what they say. */
  #explain(c: number, at: number, outside: number, usual: number, step: number): boolean {
    const state = this.#state.view;
    const far = state[at + FAR_SO_FAR];
    // Inside of the range a reading is believed until one has been a spike; outside, only after one has stayed.
    const trusted = state[at + STAYED + outside] >= TRUSTED * state[at + SPIKES + outside] + outside;
    const least = trusted ? 1 : AGREE;
    if (far < least) return false;
    const most = Math.min(far, KEPT);
    const units = this.#units;
    const [scale, zero] = [units.scale(c), units.zero(c)];
    // The latest readings, as many as agree.
    for (let n = most; n >= least; n--) {
      const from = far - n;
      const u = (i: number): number => this.#far(at, from + i);
      const m = (i: number): number => this.#forecast(at, from + i);
      const byZero = this.#median(n, (i) => u(i) - scale * m(i));
      const zeroAway = this.#mean(n, (i) => u(i) - scale * m(i) - byZero) / (scale * usual);
      const middle = this.#median(n, u);
      const forecast = this.#median(n, m);
      const went = Math.abs(middle - zero - scale * forecast);
      let widest = 0;
      for (let i = 0; i < n; i++) widest = Math.max(widest, Math.abs(u(i) - middle));
      const together = widest <= CLOSE[Math.min(n, CLOSE.length - 1)] * went;
      if (outside === 0) {
        if (zeroAway <= AGREED || together) return true;
        continue;
      }
      const [factor, needed] = this.#factor(n, u, (i) => zero + scale * m(i), scale * usual);
      if (factor > 0) {
        const scaleAway = this.#mean(n, (i) => u(i) / factor - zero - scale * m(i)) / (scale * usual);
        // One reading of each kind is spent on finding the zero or the factor.
        const evidence = (n - 1) * (zeroAway - scaleAway - Math.log(factor));
        if (scaleAway <= AGREED && evidence > needed) {
          this.#change(c, at, scale * factor, zero * factor);
          return true;
        }
      }
      if (zeroAway <= AGREED || together) {
        this.#change(c, at, scale, byZero);
        return true;
      }
      if (n === AGREE && this.#alike(n, (i) => u(i) - zero - scale * m(i))) {
        this.#change(c, at, scale, u(n - 1) - scale * m(n - 1));
        return true;
      }
      if (n > least || far < PATIENCE) continue;
      let moved = 0;
      for (let i = 1; i < most; i++)
        moved += (this.#far(at, far - i) - this.#far(at, far - i - 1)) ** 2 / (most - 1);
      const wider = step > 0 ? Math.max(scale, Math.sqrt(moved) / step) : scale;
      this.#change(c, at, wider, middle - wider * forecast);
      return true;
    }
    return far >= PATIENCE;
  }

  /** Whether readings went the same way, and about as far. */
  #alike(n: number, went: (i: number) => number): boolean {
    for (let i = 0; i < n; i++) {
      const ratio = went(i) / went(0);
      if (!(ratio <= ALIKE && ratio >= 1 / ALIKE)) return false;
    }
    return true;
  }

  /** By how much the far readings are what was forecast, and the evidence that this needs; 0 when it is no change of unit. */
  #factor(
    n: number,
    u: (i: number) => number,
    forecast: (i: number) => number,
    usual: number,
  ): [number, number] {
    let least = Number.POSITIVE_INFINITY;
    let alike = true;
    for (let i = 0; i < n; i++) {
      const ratio = u(i) / forecast(i);
      if (!(ratio > 0 && ratio < Number.POSITIVE_INFINITY)) return [0, 0];
      least = Math.min(least, Math.abs(forecast(i)));
      alike &&= u(i) === u(0);
    }
    const unknown = (AGREED * usual) / least / Math.sqrt(n);
    if (alike || unknown > RATIO_UNKNOWN) return [0, 0];
    const factor = this.#median(n, (i) => u(i) / forecast(i));
    const tens = Math.round(Math.log10(factor));
    const round = Number(`1e${tens}`);
    if (tens !== 0 && Math.abs(factor / round - 1) < Math.max(ROUND, unknown)) return [round, ROUND_EVIDENCE];
    return Math.abs(Math.log(factor)) > Math.log(LEAST_FACTOR) ? [factor, ODD_EVIDENCE] : [0, 0];
  }

  /** Far reading number i since the first. */
  #far(at: number, i: number): number {
    return this.#state.view[at + PENDING + 2 * (i % KEPT)];
  }

  /** What was forecast for it. */
  #forecast(at: number, i: number): number {
    return this.#state.view[at + PENDING + 2 * (i % KEPT) + 1];
  }

  #mean(n: number, of: (i: number) => number): number {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.abs(of(i)) / n;
    return sum;
  }

  #median(n: number, of: (i: number) => number): number {
    const sorted = this.#sorted.subarray(0, n);
    for (let i = 0; i < n; i++) sorted[i] = of(i);
    sorted.sort();
    return n % 2 === 1 ? sorted[n >> 1] : (sorted[(n >> 1) - 1] + sorted[n >> 1]) / 2;
  }
}
