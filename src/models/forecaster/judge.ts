import type { Layout, Slice } from "../kernels/layout.ts";
import { AGREED, FarReadings, tenTo } from "./far-readings.ts";
import type { Measure, Units } from "./units.ts";

/** A reading this many usual errors from what was forecast is far. */
const FAR = 15;
/** The usual error is at least this share of the root mean square over a long memory: where most are nothing, the others count. */
const SQUARE_SHARE = 0.4;
const SQUARE_MEMORY = 2000;
/** … and at most so many medians: what is usual is not changed by a few readings in a row. */
const MOST_MEDIANS = 4;
const MEDIAN_RATE = 0.03;
/** An error counts as at most so many usual ones there. */
const LARGEST = 50;
/** With n labels the usual error is known to some FAR_YOUNG / n: the distance is larger by as much. */
const FAR_YOUNG = 20;
/** Where so few readings have come since a spike, the distance is this much shorter: they come in bursts. */
const WARY_FOR = 8;
const WARY = 0.4;
/** … unless far readings have come more often than so many times of late: they are the way of the series. */
const WARY_WIDENINGS = 1.9;
/** Labels before which every reading is taken. */
const LEAST_LABELS = 8;
/** Where a series was constant so far, this share of its value stands for the usual error; errors this small are none. */
const CONSTANT_SHARE = 0.02;
const ROUNDING = 1e-12;
/** The range that a column has had of late remembers so many readings, and so many seasons, to twice as many. */
const RANGE_MEMORY = 100;
const RANGE_SEASONS = 2;
/** A reading is outside of that range by more than this share of it. */
const OUTSIDE = 0.5;
/** Where far readings come more often than this, they are the way of the series: each makes the distance larger, by e^0.35. */
const USUAL_RATE = 0.02;
const WIDENING = 0.35;

/** Far readings that must agree before they are believed; more where many of late did not (1 + log₂ of how many), or where those believed last have not lasted, … */
const AGREE = 2;
/** … and at least so many that lie on one side, where that is further off than can be. */
const AGREE_FAR_OFF = 4;
const DOUBTS_KEPT = 0.9;
/** … unless believing has been right this many times more often than not: then one is enough. */
const TRUSTED = 2;
/** What is remembered of how often it was right. */
const REMEMBERED = 0.98;
/** … and for so many readings. */
const REMEMBERED_FOR = 1000;
/** While a far reading is in doubt a forecast follows it by how likely it is to stay: at first so often to so often … */
const PRIOR_STAYED = 4;
const PRIOR_SPIKES = 1;
/** A spike counts for more: a forecast that followed one looked foolish. */
const SPIKE_WEIGHT = 2;
/** … and hardly at all when it is this many times the range away. */
const ABSURD = 8;
/** The range is at least so many deviations. */
const DEVIATIONS = 4;
/** A value this many times the range away that comes again, to the last digit, is an error code. */
const CODE_FAR = 2;
/** After so many far readings whatever comes is what there is. */
const PATIENCE = 40;
/** A single reading may be one in another unit where that is by so many powers of ten, at so many usual errors, with such evidence. */
const SCALED_TENS = 2;
const SCALED_AWAY = 3;
const SCALED_EVIDENCE = 7;
/** An error code, or a temperature in degrees of another kind, is told from what was forecast at this share of the distance from which a reading is far. */
const ODD = 0.5;
/** A reading this close, in usual errors, to what was forecast by the measure before brings that measure back, or within a share of how far the zero went. */
const BACK = 3;
const BACK_SHARE = 0.05;
/** More changes of measure than this, among so many readings, are the way of the column. */
const MOST_JUMPS = 2.5;
const JUMPS_MEMORY = 3000;
/** Readings after which what was believed of far ones has lasted. */
const LASTED = 10;
/** A measure that was not kept for so many readings was none to come back to. */
const SETTLED = 50;
/** Far readings further apart than this are separate events. */
const BRIEF = 3;

/** A column is stuck when it repeats one value this many times, … */
const LEAST_RUN = 8;
/** … and this many times the longest usual run, … */
const RUNS = 3;
/** … having changed so often before. */
const LIVELY = 50;
/** Repeats after which it is taken to be constant. */
const LONGEST_STUCK = 300;
/** A column whose longest usual run is longer than this repeats values by its nature. */
const SELDOM_REPEATS = 2;

const NEAR = 0;
const FAR_WITHIN = 1;
const FAR_OUTSIDE = 2;

const FAR_RUN = 1;
const CODE = 2;

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
/** How the run of one value began: near, far, or with an error code. */
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
/** What far readings were believed last, FAR_WITHIN or FAR_OUTSIDE of the range, as long as that has not yet lasted; else NEAR. */
const BELIEVED = 25;
/** Readings since the last far one. */
const CALM = 26;
/** Readings since far ones were believed. */
const AFTER = 27;
/** The median error: of absolute value, over a long time. */
const MEDIAN = 28;
/** Far readings of late that were not believed. */
const DOUBTS = 29;
/** Errors that the median has seen. */
const MEDIAN_OF = 30;
/** The values last held that were far outside of the range. */
const CODES = 31;
const KEPT_CODES = 2;
const PENDING = CODES + KEPT_CODES;
const FIELDS = PENDING + 2 * KEPT;

/**
 * Judges every reading by the forecast that was issued for it before any model sees it. One that is far from it is held at arm's
 * length: the models go on as if it were missing. What follows tells a spike from a change:
 *
 * - the next reading is as forecast: it was a spike, and nothing has learned from it;
 * - the next one agrees with it. Inside of the range that the column has had of late, or not far outside, both are then what they
 *   are. Well outside, or where the forecast in a unit a hundred times larger or smaller explains them, the column is measured
 *   otherwise now, from another zero or in another unit (the likelier of the two, by a Laplace density of the usual error), or both
 *   at once as degrees Celsius and Fahrenheit are: its `Units` change, and the models go on as if nothing had happened. A reading
 *   that fits the measure before brings that one back at once;
 * - several disagree: they come in bursts, so more of them must agree, and less than usual is far for a while;
 * - forty in a row that agree on nothing: another zero and a wider scale.
 *
 * Where far readings have been there to stay before, one is enough; where they are common, they are not far. What is usual is
 * bounded by the median error, so that a burst does not become usual by itself. A value repeated far longer than usual is held
 * too, as of a sensor that is stuck, until it has lasted.
 *
 * Letters: u the reading in powers of two, m what was forecast for it, s the usual error there. Cost: a few operations per column and
 * event, some fifty while a far reading is explained. State: 49 per column.
 */
export class Judge {
  readonly #units: Units;
  readonly #fixed: readonly boolean[];
  readonly #state: Slice<Float64Array>;
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

  /** The usual error of column c one step ahead, of size s of late: not less than a share of the root mean square over a long memory. */
  usual(c: number, s: number): number {
    const state = this.#state.view;
    const at = FIELDS * c;
    const most = MOST_MEDIANS * state[at + MEDIAN];
    return Math.max(most > 0 ? Math.min(s, most) : s, SQUARE_SHARE * Math.sqrt(state[at + SQUARE]));
  }

  /** Root mean square of the errors of column c over a long memory. */
  square(c: number): number {
    return Math.sqrt(this.#state.view[FIELDS * c + SQUARE]);
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
    this.#tick(at);
    const known = this.usual(c, s);
    const usual = known > ROUNDING * Math.abs(m) ? known : CONSTANT_SHARE * Math.abs(m);
    const judged = labels >= LEAST_LABELS && usual > 0;
    const far = judged ? this.#look(c, u, m, usual, labels, usual === known) : NEAR;
    if (state[at + RUN] === 1)
      state[at + ENTERED_FAR] = far === NEAR ? 0 : this.#isCode(at, u) ? CODE : FAR_RUN;
    if (far !== NEAR) {
      const repeats = this.#repeats(at);
      const absurdity = this.#absurdity(c, u, m, usual, deviation);
      if (repeats || !this.#believes(c, u, m, far, usual, step, absurdity > 1)) {
        this.#doubt(at, u, far, absurdity, repeats);
        return Number.NaN;
      }
    } else {
      if (state[at + FAR_SO_FAR] > 0) this.#turnsOut(c, at, this.#units.seen(c, u));
      state[at + FAR_SO_FAR] = 0;
      if (stuck) {
        state[at + STUCK] = state[at + RUN];
        state[at + HELD]++;
        return Number.NaN;
      }
    }
    const y = this.#units.seen(c, u);
    const error = Math.abs(y - m);
    this.#learn(at, y, judged ? Math.min(error, LARGEST * usual) : error);
    return y;
  }

  /** Another reading has come: what is remembered fades. */
  #tick(at: number): void {
    const state = this.#state.view;
    state[at + STUCK] = 0;
    state[at + DOUBT] = 0;
    state[at + SINCE]++;
    for (let i = SPIKES; i < SQUARE; i++) state[at + i] -= state[at + i] / REMEMBERED_FOR;
    if (state[at + BELIEVED] > 0 && ++state[at + AFTER] >= LASTED) this.#settle(at, true);
  }

  /** How far reading u of column c is from forecast m: NEAR, FAR_WITHIN or FAR_OUTSIDE. `pattern`: there is one, with errors of its own. */
  #look(c: number, u: number, m: number, usual: number, labels: number, pattern: boolean): number {
    const state = this.#state.view;
    const at = FIELDS * c;
    const y = this.#units.seen(c, u);
    // Where all was constant until now, few errors have told how large they are.
    const told = pattern ? Math.max(1, Math.min(labels, state[at + MEDIAN_OF])) : labels;
    const limit = this.#limit(at, told) * usual;
    const scaled = this.#scaled(c, u, m, usual);
    const away = Math.abs(y - m);
    const odd = away > ODD * FAR * usual;
    const converted = odd && this.#readings([u], [m], c, usual).asTemperature() !== undefined;
    const [low, high] = this.#range(at);
    const known = converted || (odd && this.#isCode(at, u));
    const far = scaled || known || away > limit * (this.#wary(at) ? WARY : 1);
    const margin = OUTSIDE * (high - low);
    const beyond = scaled || ((converted || away > limit) && (y < low - margin || y > high + margin));
    state[at + JUMPS] -= state[at + JUMPS] / JUMPS_MEMORY;
    // A column that jumps by nature is measured as it always was; where nothing has ever been wrong there is no pattern to go on with.
    const changes = beyond && pattern && !(state[at + JUMPS] > MOST_JUMPS) && !this.#fixed[c];
    // Far readings close together are one event; those that are known for what they are make no others likely.
    const wider = far && !known && state[at + CALM] >= BRIEF ? WIDENING : 0;
    state[at + CALM] = far ? 0 : state[at + CALM] + 1;
    state[at + DOUBTS] *= DOUBTS_KEPT;
    state[at + WIDER] = Math.max(0, state[at + WIDER] + wider - USUAL_RATE * WIDENING);
    if (this.#goesBack(c, at, u, m, usual, far)) {
      state[at + FAR_SO_FAR] = 0;
      return NEAR;
    }
    if (!far) return NEAR;
    return changes ? FAR_OUTSIDE : FAR_WITHIN;
  }

  /** Whether far reading u is believed, with those before it. */
  #believes(
    c: number,
    u: number,
    m: number,
    far: number,
    usual: number,
    step: number,
    absurd: boolean,
  ): boolean {
    const state = this.#state.view;
    const at = FIELDS * c;
    const kept = at + PENDING + 2 * (state[at + FAR_SO_FAR] % KEPT);
    state[at + FAR_SO_FAR]++;
    state[kept] = u;
    state[kept + 1] = m;
    if (!this.#explain(c, at, far - FAR_WITHIN, usual, step, absurd)) return false;
    if (state[at + BELIEVED] > 0) this.#settle(at, false);
    state[at + BELIEVED] = far;
    state[at + AFTER] = 0;
    state[at + FAR_SO_FAR] = 0;
    state.fill(0, at + CODES, at + CODES + KEPT_CODES);
    return true;
  }

  /** How many times further away u is than can be: by a multiple of the range of late. */
  #absurdity(c: number, u: number, m: number, usual: number, deviation: number): number {
    const [low, high] = this.#range(FIELDS * c);
    // What has been constant so far may go as far as its own value.
    const range = Math.max(high - low, DEVIATIONS * deviation, usual, high === low ? Math.abs(m) : 0);
    return Math.abs((this.#units.seen(c, u) - m) / range / ABSURD);
  }

  /** Far reading u is held; how likely it is there to stay. One that only repeats the one before it is no further doubt. */
  #doubt(at: number, u: number, far: number, absurdity: number, repeats: boolean): void {
    const state = this.#state.view;
    state[at + HELD]++;
    if (!repeats) state[at + DOUBTS]++;
    if (state[at + BELIEVED] === FAR_WITHIN) this.#settle(at, false);
    const outside = far - FAR_WITHIN;
    const stayed = PRIOR_STAYED + state[at + STAYED + outside];
    // Those before it in this row that agree on nothing have not stayed.
    const spikes = state[at + SPIKES + outside] + Math.max(0, state[at + FAR_SO_FAR] - 1);
    const likely = stayed / (stayed + PRIOR_SPIKES + SPIKE_WEIGHT * spikes);
    state[at + DOUBT] = state[at + ENTERED_FAR] === CODE ? 0 : likely / (1 + absurdity ** 2 * absurdity ** 2);
    if (absurdity * ABSURD > CODE_FAR && !this.#isCode(at, u)) {
      state[at + CODES + 1] = state[at + CODES];
      state[at + CODES] = u;
    }
  }

  /** Learns from y, that was taken, and from its error. */
  #learn(at: number, y: number, error: number): void {
    const state = this.#state.view;
    state[at + COUNT]++;
    this.#extend(at, y);
    if (error > 0) {
      const rate = Math.max(1 / ++state[at + MEDIAN_OF], MEDIAN_RATE);
      const median = state[at + MEDIAN];
      state[at + MEDIAN] = median === 0 ? error : median * Math.exp(rate * Math.sign(error - median));
    }
    state[at + SQUARE] +=
      Math.max(1 / state[at + COUNT], 1 / SQUARE_MEMORY) * (error * error - state[at + SQUARE]);
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
    const state = this.#state.view;
    return FAR * (1 + FAR_YOUNG / labels) * Math.exp(state[at + WIDER]);
  }

  /** Whether a reading has been held so lately that another one is likely. */
  #wary(at: number): boolean {
    const state = this.#state.view;
    if (state[at + WIDER] > WARY_WIDENINGS * WIDENING) return false;
    return state[at + HELD] > 0 && state[at + CALM] < WARY_FOR && state[at + BELIEVED] === 0;
  }

  /** Whether u is what was forecast in a unit a hundred times larger or smaller, or more, and much rather than what was forecast. */
  #scaled(c: number, u: number, m: number, usual: number): boolean {
    const units = this.#units;
    const [scale, zero] = [units.scale(c), units.zero(c)];
    const forecast = zero + scale * m;
    const tens = Math.round(Math.log10(u / forecast));
    if (!(Math.abs(tens) >= SCALED_TENS && Number.isFinite(tens))) return false;
    // Near nothing everything is many times more.
    if (Math.abs(forecast) < SCALED_AWAY * scale * usual) return false;
    const away = Math.abs(u - forecast) / (scale * usual);
    const then = Math.abs(u / tenTo(tens) - forecast) / (scale * usual);
    return then <= AGREED && away - then - tens * Math.LN10 > SCALED_EVIDENCE && away > SCALED_AWAY;
  }

  /** What was believed has lasted, or has not. */
  #settle(at: number, lasted: boolean): void {
    const state = this.#state.view;
    const outside = state[at + BELIEVED] - FAR_WITHIN;
    this.#remember(at, (lasted ? STAYED : SPIKES) + outside);
    if (lasted) state[at + JUMPS] += outside;
    state[at + BELIEVED] = NEAR;
  }

  /** Notes how a far reading turned out. */
  #remember(at: number, kind: number): void {
    const state = this.#state.view;
    for (let i = SPIKES; i < SQUARE; i++) state[at + i] *= REMEMBERED;
    state[at + kind]++;
  }

  /** A reading y that is not far tells what the far one before it was: a spike, or the first to be where the column is now. */
  #turnsOut(c: number, at: number, y: number): void {
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
      // A far value that was given up again says nothing of how often others repeat.
      if (!(state[at + ENTERED_FAR] > 0 && state[at + RUN] <= LEAST_RUN))
        state[at + USUAL_RUN] = Math.max(state[at + USUAL_RUN], Math.min(state[at + RUN], 2 * longest));
      state[at + RUN] = 1;
      state[at + LAST] = u;
      state[at + LIFE]++;
      return false;
    }
    const run = ++state[at + RUN];
    if (state[at + LIFE] < LIVELY || state[at + ENTERED_FAR] > 0) return false;
    return run > longest && run <= LONGEST_STUCK;
  }

  #change(c: number, at: number, measure: Measure): void {
    const state = this.#state.view;
    this.#units.change(c, measure, state[at + SINCE] >= SETTLED || state[at + CHANGES] === 0);
    state[at + CHANGES]++;
    state[at + SINCE] = 0;
    state[at + FITS] = 0;
  }

  /** Whether the measure before the last change is right again. */
  #goesBack(c: number, at: number, u: number, m: number, usual: number, far: boolean): boolean {
    const units = this.#units;
    const [now, before] = [units.measure(c), units.before(c)];
    if (now.scale === before.scale && now.zero === before.zero) return false;
    const state = this.#state.view;
    const awayThen = Math.abs((u - before.zero) / before.scale - m) / usual;
    const awayNow = Math.abs(units.seen(c, u) - m) / usual;
    // What was told meanwhile did not fit to the last: so much is left of how far the zero went.
    const left = now.scale === before.scale ? BACK_SHARE * Math.abs(now.zero - before.zero) : 0;
    const back = Math.max(BACK, left / before.scale / usual);
    // Where the scale has grown, readings near the measure before look calm in the new one: a few of them decide.
    const fits = awayThen < back && awayThen + Math.log(before.scale) < awayNow + Math.log(now.scale);
    state[at + FITS] = fits ? state[at + FITS] + 1 : 0;
    if (!(fits && (far || state[at + FITS] >= BACK))) return false;
    if (state[at + BELIEVED] > 0) this.#settle(at, false);
    this.#change(c, at, before);
    return true;
  }

  /** Whether the column seldom repeats a value: one that comes again is no chance. */
  #seldomRepeats(at: number): boolean {
    const state = this.#state.view;
    return state[at + LIFE] >= LIVELY && state[at + USUAL_RUN] <= SELDOM_REPEATS;
  }

  /** Whether u is an error code: a value that was far outside of the range before, to the last digit. Nothing is told of 0, which is a reading as often. */
  #isCode(at: number, u: number): boolean {
    const state = this.#state.view;
    return u !== 0 && (u === state[at + CODES] || u === state[at + CODES + 1]) && this.#seldomRepeats(at);
  }

  /** Whether a far value has only come again, some times, where values seldom do: it says nothing new by that. */
  #repeats(at: number): boolean {
    const state = this.#state.view;
    if (!this.#seldomRepeats(at)) return false;
    return state[at + RUN] > 1 && state[at + RUN] <= LEAST_RUN && state[at + FAR_SO_FAR] > 0;
  }

  /** Whether the far readings so far agree on something; changes the measure of the column if that is what they say. */
  #explain(c: number, at: number, outside: number, usual: number, step: number, absurd: boolean): boolean {
    const state = this.#state.view;
    const far = state[at + FAR_SO_FAR];
    // Inside of the range a reading is believed until one has been a spike; outside, only after one has stayed.
    const trusted = state[at + STAYED + outside] >= TRUSTED * state[at + SPIKES + outside] + 1;
    const doubts = state[at + DOUBTS];
    const more = Math.round(Math.log2(Math.max(1, doubts))) + (state[at + BELIEVED] > 0 ? 1 : 0);
    const least = trusted && more === 0 && !absurd ? 1 : AGREE + more;
    // Outside of the range it is enough when they lie on one side.
    const sameWay = absurd ? Math.max(least, AGREE_FAR_OFF) : least;
    if (far < least) return false;
    const most = Math.min(far, KEPT);
    // The latest readings, as many as agree.
    for (let n = most; n >= least; n--) {
      const latest = Array.from({ length: n }, (_, i) => far - n + i);
      const readings = this.#readings(
        latest.map((i) => this.#far(at, i)),
        latest.map((i) => this.#forecast(at, i)),
        c,
        usual,
      );
      if (outside === 0) {
        if (readings.agree) return true;
        continue;
      }
      let measure = readings.measure() ?? (n === sameWay ? readings.sameWay() : undefined);
      if (measure === undefined && n === least && far >= PATIENCE) {
        let moved = 0;
        for (let i = 1; i < most; i++)
          moved += (this.#far(at, far - i) - this.#far(at, far - i - 1)) ** 2 / (most - 1);
        measure = readings.onTheWhole(step > 0 ? Math.sqrt(moved) / step : 0);
      }
      if (measure === undefined) continue;
      this.#change(c, at, measure);
      return true;
    }
    return far >= PATIENCE;
  }

  /** Readings u of column c, forecast as m, by its measure so far. */
  #readings(u: readonly number[], m: readonly number[], c: number, usual: number): FarReadings {
    const units = this.#units;
    return new FarReadings(
      Float64Array.from(u),
      Float64Array.from(m),
      units.measure(c),
      units.unit(c),
      usual,
    );
  }

  /** Far reading number i since the first. */
  #far(at: number, i: number): number {
    return this.#state.view[at + PENDING + 2 * (i % KEPT)];
  }

  /** What was forecast for it. */
  #forecast(at: number, i: number): number {
    return this.#state.view[at + PENDING + 2 * (i % KEPT) + 1];
  }
}
