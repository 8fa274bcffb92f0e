import { EddyError } from "../errors.ts";
import type { Arena } from "../kernels/arena.ts";
import { type Block, Layout } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";
import { take, whole } from "../kinds.ts";
import { ConformalBounds } from "./conformal-bounds.ts";
import { type Crossing, crossingOf, LONGEST_WITHIN, type Range } from "./crossing.ts";
import { ErrorPaths } from "./error-paths.ts";
import { EventClock } from "./event-clock.ts";
import type { Expert, Settlement } from "./expert.ts";
import { openExperts, readModel } from "./experts/open.ts";
import { Fan } from "./fan.ts";
import { type FarAhead, FarTrend } from "./far-trend.ts";
import { Features } from "./features.ts";
import { FirstPassage } from "./first-passage.ts";
import { Judge } from "./judge.ts";
import { Ledger } from "./ledger.ts";
import { Limits, type Rounding } from "./limits.ts";
import { LongRange } from "./long-range.ts";
import { combinations, Mixture } from "./mixture/mixture.ts";
import { Opening } from "./opening.ts";
import { Recalibration } from "./recalibration.ts";
import { SeasonalErrors } from "./seasonal-errors.ts";
import type { Shape } from "./shape.ts";
import type { ForecasterSpecification } from "./specification.ts";
import { SUMS, Totals } from "./totals.ts";
import { TrackRecord } from "./track-record.ts";
import { Units } from "./units.ts";

const PERSISTENCE = 0;
/** Rows of the ledger after the combinations: the forecast as the models see it, then as it is issued: mean, bounds, quantiles. */
const MEAN = 1;
const LOWER = 2;
const UPPER = 3;
const QUANTILES = 4;

const COMBINED = -1;
const EQUAL = -2;

/** Most steps that are gone through one by one where readings are absent; a longer silence begins with one jump in time. */
const MOST_ABSENT = 512;
/** An error counts as at most this many usual ones, once there are LEAST_LABELS to know them by. */
const INFLUENCE = 10;
const INFLUENCE_SHARE = 0.7;
const LEAST_LABELS = 20;
/** No reading is told to be less likely than this. */
const LEAST_SURPRISE = 1e-300;
/** Events of which the forecast is persistence: there is nothing yet to choose by. */
const FIRST_EVENTS = 2;

/**
 * Judge + features + experts + ledger + mixture + fan for one series. All of its state is one block of bytes.
 *
 * Per event: units, judge, features, settle the ledger (labels that exist now), experts learn, state steps, experts predict,
 * mixture, bounds and quantiles, forecast (issued), ledger. Where a series that comes at even intervals has left some out, the
 * missing steps are gone through first, each as an event without a value. Cost per event and memory are constant.
 */
export class Forecaster {
  readonly specification: ForecasterSpecification;
  readonly #shape: Shape;
  readonly #clock: EventClock;
  readonly #units: Units;
  readonly #limits: Limits;
  readonly #totals: Totals;
  /** Whether each target only counts up. */
  readonly #counts: readonly boolean[];
  readonly #judge: Judge;
  readonly #opening: Opening;
  readonly #features: Features;
  readonly #experts: readonly Expert[];
  readonly #names: readonly string[];
  readonly #ledger: Ledger;
  /** Row of the ledger where the two naive forecasts stand as they would be said. */
  readonly #naive: number;
  readonly #mixture: Mixture;
  /** Rows of the ledger that are the mixture's. */
  readonly #combinations: number;
  /** Which expert forecasts alone, or COMBINED, or EQUAL. */
  readonly #only: number;
  readonly #longRange: LongRange;
  readonly #fan: Fan;
  /** The published rule that intervals are compared with, when asked for. */
  readonly #conformal: ConformalBounds | undefined;
  readonly #record: TrackRecord;
  readonly #paths: ErrorPaths;
  readonly #recalibration: Recalibration;
  readonly #far: FarTrend;
  readonly #passage = new FirstPassage();
  readonly #weights: Float64Array;
  readonly #block: Block;
  /** The reading in powers of two, and what was expected in its place [C]. */
  readonly #u: Float64Array;
  readonly #expected: Float64Array;
  readonly #errors: Float64Array;
  readonly #nothing: Float64Array;

  /** The forecast as last issued, in the units of the observations: element (h - 1) * D + d. */
  readonly mean: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** One array per level of `specification.quantiles`, not falling from level to level. */
  readonly quantiles: readonly Float64Array[];
  /** The last event's readings of the targets [D], NaN where there was none. */
  readonly observed: Float64Array;
  /**
   * Per target [D], how surprising the last reading was: the share of readings that lie at least as far from what was
   * forecast for them, from the distribution as issued; NaN without a reading or a forecast for it.
   */
  readonly surprise: Float64Array;
  /** Per target [D]: 1 when the last reading was taken, 0 when it was held at arm's length, NaN when there was none. */
  readonly taken: Float64Array;

  constructor(specification: ForecasterSpecification, arena: Arena) {
    this.specification = specification;
    const { targets, inputs, horizon, coverage, quantiles, periods, counter } = specification;
    this.#shape = { targets: targets.length, columns: targets.length + inputs.length, horizon };
    const { columns: C, targets: D } = this.#shape;
    const layout = new Layout(arena);
    this.#clock = new EventClock(layout);
    this.#units = new Units(layout, C);
    this.#limits = new Limits(specification);
    this.#counts = targets.map((target) => counter.includes(target));
    this.#totals = new Totals(layout, this.#units, this.#counts, C);
    // Sums of increments are only totals while the increments are measured alike.
    this.#judge = new Judge(layout, C, this.#units, (c) => this.#counts[c] === true);
    this.#opening = new Opening(layout, C);
    this.#features = new Features(layout, this.#shape, this.#clock, periods);
    const { experts, alone } = openExperts(layout, this.#shape, specification, this.#features);
    this.#experts = experts;
    this.#names = this.#experts.map((expert) => expert.name);
    const E = this.#experts.length;
    const choice = readModel(specification.model);
    if (alone !== undefined) this.#only = experts.indexOf(alone);
    else this.#only = choice.combination === "equal" ? EQUAL : COMBINED;
    this.#combinations = combinations(D);
    const rows = E + this.#combinations + QUANTILES + quantiles.length;
    // Of targets that count up the naive forecasts say increments, and are measured as totals.
    this.#naive = counter.length > 0 ? rows : PERSISTENCE;
    this.#ledger = new Ledger(layout, this.#shape, rows + (counter.length > 0 ? SUMS - 1 : 0));
    this.#mixture = new Mixture(layout, this.#shape, experts);
    const tail = (1 - coverage) / 2;
    this.#longRange = new LongRange(layout, this.#shape, this.#features);
    this.#fan = new Fan(layout, this.#shape, [tail, 1 - tail, ...quantiles], {
      promised: 2,
      longRange: this.#longRange,
      seasonal: new SeasonalErrors(layout, this.#shape, this.#features),
    });
    if (choice.intervals === "aci") this.#conformal = new ConformalBounds(layout, this.#shape, coverage);
    this.#record = new TrackRecord(layout, this.#shape);
    this.#paths = new ErrorPaths(layout, this.#shape);
    this.#recalibration = new Recalibration(layout, this.#shape);
    this.#far = new FarTrend(layout, this.#shape);
    this.#weights = new Float64Array(E);
    this.#block = layout.allocate();
    this.#u = new Float64Array(C);
    this.#expected = new Float64Array(C);
    this.#errors = new Float64Array(horizon);
    this.#nothing = new Float64Array(C).fill(Number.NaN);
    const cells = horizon * D;
    this.mean = new Float64Array(cells);
    this.lower = new Float64Array(cells);
    this.upper = new Float64Array(cells);
    this.quantiles = quantiles.map(() => new Float64Array(cells));
    this.observed = new Float64Array(D).fill(Number.NaN);
    this.surprise = new Float64Array(D).fill(Number.NaN);
    this.taken = new Float64Array(D).fill(Number.NaN);
  }

  /** Events gone through so far, with those that were absent. */
  get events(): number {
    return this.#clock.events;
  }

  /** A forecast is issued from the second event on, counted from the first that has a value of a target. */
  get ready(): boolean {
    return this.events >= 2 || this.#opening.restarted;
  }

  /** Whether target d has ever had a reading: before it there is nothing to say of it. */
  knows(d: number): boolean {
    return this.#features.age.view[d] > 0;
  }

  /** Readings of column c (targets first, then inputs) that were held at arm's length so far: they could not be, and taught nothing. */
  held(c: number): number {
    return this.#judge.held(c);
  }

  /** How often column c was found to be measured otherwise from then on. */
  changes(c: number): number {
    return this.#judge.changes(c);
  }

  /** Usual milliseconds between events. */
  get stepMilliseconds(): number {
    return this.#clock.stepMilliseconds;
  }

  /** Names of the experts in the order of `weights`. */
  get experts(): readonly string[] {
    return this.#names;
  }

  /** Season lengths in steps in use, given or found; 0 for none. */
  get periods(): readonly [number, number] {
    return [this.#features.season.period(0), this.#features.season.period(1)];
  }

  /**
   * Takes one event: `time` in epoch milliseconds, not before the last; `values` [C], targets then inputs, NaN where
   * missing. Afterwards `mean`, `lower`, `upper` and `quantiles` hold the forecast from here (once `ready`).
   */
  observe(time: number, values: Float64Array): void {
    if (this.events === 0 && !this.#opening.restarted && !this.#tells(values)) return;
    const opening = this.#opening;
    if (opening.open && opening.add(time, values)) {
      const kept = opening.keep();
      this.#block.begin();
      this.#fan.refresh();
      this.#mixture.refresh();
      for (const event of opening.restart(kept)) {
        if (this.events > 0 || this.#tells(event.subarray(1))) this.#reading(event[0], event.subarray(1));
      }
      for (let c = 0; c < this.#shape.columns; c++) this.#judge.hold(c, opening.count(c));
      for (let d = 0; d < this.#shape.targets; d++) {
        this.observed[d] = values[d];
        if (opening.misleads(d)) this.taken[d] = 0;
      }
      return;
    }
    this.#reading(time, values);
  }

  #tells(values: Float64Array): boolean {
    for (let d = 0; d < this.#shape.targets; d++) if (!Number.isNaN(values[d])) return true;
    return false;
  }

  #reading(time: number, values: Float64Array): void {
    const clock = this.#clock;
    const interval = time - clock.time;
    if (clock.regular) {
      const usual = clock.stepMilliseconds;
      const absent = Math.min(MOST_ABSENT, Math.round(interval / usual) - 1);
      for (let i = absent; i >= 1; i--) {
        clock.tick(time - i * usual);
        this.#take(this.#nothing, false);
      }
    }
    clock.tick(time, interval);
    this.#take(values, true);
  }

  /** Takes the event whose time the clock has; `told`: its forecast is issued, and not merely gone through. */
  #take(values: Float64Array, told: boolean): void {
    const features = this.#features;
    const ledger = this.#ledger;
    features.advance();
    this.#fan.refresh();
    this.observed.set(values.subarray(0, this.#shape.targets));
    this.#units.toUnits(this.#u, this.#totals.increments(values, this.#clock.dt, this.events === 1));
    this.#judgeReadings();
    features.take(this.#expected);
    this.#longRange.note();
    this.#noteTrend();
    this.#settle();
    for (const expert of this.#experts) expert.step(features);
    if (told) {
      for (let e = 0; e < this.#experts.length; e++) {
        const row = ledger.row(e);
        this.#experts[e].predict(row);
        this.#hold(row);
      }
      this.#combine();
      this.#bound();
    }
    // A forecast that nobody was told has no record.
    this.#record.issue(ledger.issued, this.#units, told && this.ready);
    this.#fan.issueMade();
    this.#paths.issueMade();
    ledger.issue(features.gap.view);
    this.#practise(told);
  }

  /** Learns from what was said of limits, and asks itself about the next. */
  #practise(told: boolean): void {
    const { targets: D } = this.#shape;
    for (let d = 0; d < D; d++) {
      // Of a total that only grows nothing has to be learned.
      if (this.#counts[d]) continue;
      this.#recalibration.take(d, this.observed[d]);
      if (!told || !this.ready || !this.knows(d)) continue;
      for (const asked of this.#recalibration.questions(d, this.observed[d])) {
        this.#recalibration.asked(d, asked, this.#crossing(d, asked, asked.within, false).probability);
      }
    }
  }

  /** What is expected of each column at this event, and what of the readings the models shall see. */
  #judgeReadings(): void {
    const { targets: D, columns: C } = this.#shape;
    const features = this.#features;
    const fan = this.#fan;
    this.#judge.season(features.season.period(0));
    for (let c = 0; c < C; c++) {
      const u = this.#u[c];
      const x = features.gap.view[c] + 1;
      const m = this.#expect(c, x);
      this.#expected[c] = m;
      const known = features.age.view[c] > 0;
      if (c >= D) {
        const usual = features.scaling.step(c) * Math.sqrt(x);
        features.y[c] = known
          ? this.#judge.take(c, u, m, usual, features.age.view[c], features.scaling.of(c))
          : u;
        continue;
      }
      const labels = fan.labels(c);
      const size = known && labels > 0 ? fan.size(c, x, 0) : 0;
      // By the forecast as it was issued, before the reading can change the measure.
      this.surprise[c] =
        known && labels > 0 && !Number.isNaN(u)
          ? this.#surprise(c, x, this.#units.seen(c, u) - m)
          : Number.NaN;
      const y = known ? this.#judge.take(c, u, m, size, labels, features.scaling.of(c)) : u;
      this.taken[c] = Number.isNaN(u) ? Number.NaN : Number.isNaN(y) ? 0 : 1;
      features.y[c] = y;
      if (!Number.isNaN(y) && known) this.#longRange.measure(c, y);
      const run = this.#judge.stuck(c);
      if (run > 2 && features.gap.view[c] === 0) {
        // Only the first of the repeated readings was one: what is expected goes on from there.
        this.#expected[c] = this.#expect(c, run - 1);
        features.gap.view[c] = run - 2;
      }
    }
  }

  /** What is expected of column c at this event, x events after its last reading: as forecast there or, further on, with its season. */
  #expect(c: number, x: number): number {
    const { targets: D, horizon: H } = this.#shape;
    const { values, rowLength, issued } = this.#ledger;
    const forecast = (this.#experts.length + this.#combinations) * rowLength;
    const said = c < D && x <= H && issued >= x && this.#ledger.sound(x, c);
    if (said) return values[this.#ledger.settled(x) + forecast + c];
    const far = c < D && x > H ? this.#longRange.expect(c, x) : Number.NaN;
    if (!Number.isNaN(far)) return far;
    return this.#features.carried(c, this.#features.gap.view[c] === 0 ? x : 1);
  }

  /** Share of readings that lie at least as far from the forecast as `error`: a Laplace tail through the bound of the interval. */
  #surprise(d: number, x: number, error: number): number {
    if (error === 0) return 1;
    const reach = error < 0 ? -this.#fan.offset(d, x, 0, 0) : this.#fan.offset(d, x, 0, 1);
    const away = Math.abs(error) / Math.max(reach, Number.MIN_VALUE);
    return Math.max(LEAST_SURPRISE, power(1 - this.specification.coverage, away));
  }

  #settle(): void {
    const { targets: D } = this.#shape;
    const ledger = this.#ledger;
    const fan = this.#fan;
    const settlement = ledger.settle(this.#features.y);
    const { values, rowLength, issued } = ledger;
    const { labels, steps } = settlement;
    const forecast = (this.#experts.length + this.#combinations) * rowLength;
    const naive = this.#naive * rowLength;
    for (let d = 0; d < D; d++) {
      const u = this.#u[d];
      // What was said of a target that counts up were totals.
      const said = this.#counts[d] ? this.#totals.label(d, u) : u;
      this.#paths.take(d, (h) => {
        if (h > steps || !ledger.sound(h, d)) return Number.NaN;
        const mean = values[ledger.settled(h) + d + forecast + MEAN * rowLength];
        return this.#record.measured(issued - h, d, said) - mean;
      });
      if (Number.isNaN(u)) continue;
      this.#errors.fill(Number.NaN);
      for (let h = 1; h <= steps; h++) {
        const at = ledger.settled(h) + d;
        const issue = at + forecast;
        const lower = values[issue + LOWER * rowLength];
        const upper = values[issue + UPPER * rowLength];
        const label = labels[(h - 1) * D + d];
        if (Number.isNaN(label)) {
          this.#record.enter(issued - h, h, d, said, [lower, upper]);
          continue;
        }
        const y = this.#counts[d] ? said : label;
        const mean = values[issue + MEAN * rowLength];
        this.#errors[h - 1] = y - mean;
        this.#record.enter(issued - h, h, d, said, [
          lower,
          upper,
          mean,
          values[at + naive],
          values[at + naive + rowLength],
        ]);
        this.#conformal?.judge(h, d, mean, y);
      }
      this.#bindErrors(settlement, d);
      fan.takeErrors(d, this.#errors, (h, level) => {
        const at = ledger.settled(h) + forecast + d;
        return values[at + (LOWER + level) * rowLength] - values[at + MEAN * rowLength];
      });
    }
    if (this.#only === COMBINED) this.#mixture.learn(ledger, settlement);
    for (const expert of this.#experts) expert.learn(settlement);
  }

  /** How large an error of target d may count: a few usual ones, so that no single reading outweighs all others; and what is usual now. */
  #bindErrors({ reach, noise, steps }: Settlement, d: number): void {
    const { targets: D } = this.#shape;
    const fan = this.#fan;
    noise[d] = fan.factor(d, 0);
    if (fan.labels(d) < LEAST_LABELS) return;
    const size = fan.usual(d, 1, 0);
    const usual =
      size > 0
        ? (INFLUENCE * Math.max(this.#judge.usual(d, size), INFLUENCE_SHARE * this.#judge.square(d))) / size
        : INFLUENCE;
    for (let h = 1; h <= steps; h++) {
      // The errors of a total are those of many increments: a label is one of them.
      const size = fan.usual(d, this.#counts[d] ? 1 : h, 0);
      if (size > 0) reach[(h - 1) * D + d] = usual * size;
    }
  }

  /** Takes the readings as they are told, in powers of two: where a limit is does not move when a column is measured otherwise. */
  #noteTrend(): void {
    for (let d = 0; d < this.#shape.targets; d++) {
      const taken = this.taken[d] === 1;
      this.#far.take(d, taken ? this.#totals.label(d, this.#u[d]) : Number.NaN, this.#season(d));
    }
  }

  /** What the seasons add to target d so many steps ahead, in powers of two. */
  #season(d: number): (ahead: number) => number {
    if (this.#counts[d]) return () => 0;
    const scale = this.#units.scale(d);
    return (ahead) => scale * this.#features.whole(d, ahead);
  }

  /** Keeps an expert's forecasts within a generous band around the last value: one that runs away harms nobody. */
  #hold(row: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    for (let d = 0; d < D; d++) {
      const v = features.last.view[d];
      for (let h = 1; h <= H; h++) {
        const at = (h - 1) * D + d;
        row[at] = features.within(d, h, row[at], v);
      }
    }
  }

  #combine(): void {
    const ledger = this.#ledger;
    const E = this.#experts.length;
    const mean = ledger.row(E + this.#combinations);
    if (this.#only === COMBINED) {
      this.#mixture.combine(ledger, mean);
      if (this.events <= FIRST_EVENTS) mean.set(ledger.row(PERSISTENCE));
    } else if (this.#only >= 0) mean.set(ledger.row(this.#only));
    else {
      mean.fill(0);
      for (let e = 0; e < E; e++) {
        const row = ledger.row(e);
        for (let i = 0; i < mean.length; i++) mean[i] += row[i] / E;
      }
    }
  }

  /** Adds the bounds and quantiles, and says it all in the units of the observations. */
  #bound(): void {
    const { targets: D, horizon: H } = this.#shape;
    const { values, rowLength, current } = this.#ledger;
    const fan = this.#fan;
    const first = current + (this.#experts.length + this.#combinations) * rowLength;
    for (let d = 0; d < D; d++) {
      const gap = this.#features.gap.view[d];
      // While no label has told, anything of the size of the value itself may come.
      fan.issue(d, Math.abs(this.#features.last.view[d]), gap, (h) => this.#mixture.apart[(h - 1) * D + d]);
      const held = this.taken[d] === 0;
      const reading = this.#units.seen(d, this.#u[d]);
      this.#paths.issue(d, (h) => fan.spread(d, h + gap, h), reading, held ? this.#judge.stays(d, 1) : 0);
      for (let h = 1; h <= H; h++) {
        const at = (h - 1) * D + d;
        const x = h + gap;
        let seen = values[first + at];
        const reach = this.#conformal?.radius(h, d);
        let below = reach ?? Math.max(0, -fan.offset(d, x, h, 0));
        let above = reach ?? Math.max(0, fan.offset(d, x, h, 1));
        // A reading that is held may be there to stay: where that is as likely as a bound is to fail, what is told allows for it;
        // what is learned does not.
        const stays = held ? this.#judge.stays(d, h) : 0;
        const tail = (1 - this.specification.coverage) / 2;
        const doubted = stays > tail;
        // How far the forecast follows it: bounds span both, but for what is less likely than a bound is to fail.
        const follows = doubted ? stays * (reading - seen) : 0;
        const back = 1 - stays > tail ? follows : 0;
        const low = reading < seen;
        seen += follows;
        if (doubted) {
          below = Math.max(below + back, seen - reading);
          above = Math.max(above - back, reading - seen);
        }
        const mean = this.#issuable(d, this.#totals.said(0, h, d, seen), "mean");
        const lower = this.#issuable(d, mean - below, "lower");
        const upper = this.#issuable(d, mean + above, "upper");
        values[first + MEAN * rowLength + at] = mean;
        values[first + LOWER * rowLength + at] = lower;
        values[first + UPPER * rowLength + at] = upper;
        this.mean[at] = this.#units.fromUnits(d, mean);
        this.lower[at] = this.#units.fromUnits(d, lower);
        this.upper[at] = this.#units.fromUnits(d, upper);
        for (let k = 0; k < SUMS - 1 && this.#naive > 0; k++) {
          const said = this.#totals.said(k + 1, h, d, values[current + k * rowLength + at]);
          values[current + (this.#naive + k) * rowLength + at] = said;
        }
        // Levels are learned one by one and may cross: what is issued is their running maximum.
        let quantile = Number.NEGATIVE_INFINITY;
        for (let k = 0; k < this.quantiles.length; k++) {
          const level = this.specification.quantiles[k];
          const far = doubted && (low ? level <= stays : level >= 1 - stays);
          quantile = Math.max(quantile, mean + (far ? reading - seen : fan.offset(d, x, h, 2 + k) - back));
          const issued = this.#issuable(d, quantile, "quantile");
          values[first + (QUANTILES + k) * rowLength + at] = issued;
          this.quantiles[k][at] = this.#units.fromUnits(d, issued);
        }
      }
    }
  }

  /** `x`, of target d as the models see it, within what is known of it beforehand. */
  #issuable(d: number, x: number, rounding: Rounding): number {
    if (this.#limits.free(d)) return x;
    const v = this.#units.fromUnits(d, x);
    const held = this.#limits.hold(d, v, rounding, this.#totals.floor(d));
    return held === v ? x : this.#units.inUnits(d, held);
  }

  /**
   * Skill of step `h`, target `d` over the last 401 to 500 readings: 1 - squared error / that of persistence (or of the seasonal naive
   * forecast); null before a label.
   */
  skill(h: number, d: number, against: "persistence" | "seasonal" = "persistence"): number | null {
    return this.#record.skill(h, d, against);
  }

  /** Share of the last 401 to 500 readings that the intervals of step `h`, target `d` held; null before the first. */
  coverage(h: number, d: number): number | null {
    return this.#record.coverage(h, d);
  }

  /**
   * How likely the readings of target d leave a range within the next 1..`within` steps, and when they first do: of whole paths,
   * from the distribution of the forecast as it was last issued. Asking changes nothing.
   *
   * @throws EddyError `bad-argument` when the range is none, or `within` not a whole number from 1 to 100,000
   */
  crossing(d: number, range: Range, within: number): Crossing {
    take(whole(1, LONGEST_WITHIN), within, "within");
    if (!(range.low <= range.high)) {
      throw new EddyError("bad-argument", "range", {
        expected: "low at most high",
        received: `${range.low} and ${range.high}`,
      });
    }
    const known = this.ready && this.knows(d);
    if (!known) {
      const nothing = new Float64Array(within).fill(Number.NaN);
      return { probability: nothing, steps: [Number.NaN, Number.NaN, Number.NaN] };
    }
    return this.#crossing(d, range, within, true);
  }

  /** The same of what is known; `recalibrated`: as what was said so far has come. */
  #crossing(d: number, range: Range, within: number, recalibrated: boolean): Crossing {
    const { targets: D, horizon: H } = this.#shape;
    const ledger = this.#ledger;
    const issue = ((ledger.issued - 1) % H) * ledger.rows * ledger.rowLength;
    // Of a total that grows, as it was issued; else as the models see it: a reading that is held may stay, or not.
    const row = this.#experts.length + this.#combinations + (this.#counts[d] ? MEAN : 0);
    const mean = issue + row * ledger.rowLength + d;
    const gap = this.#features.gap.view[d];
    const [held, stays] = this.#counts[d] ? [0, 0] : this.#paths.held(d);
    const [scale, zero] = [this.#units.scale(d), this.#units.zero(d)];
    const issued = (h: number): number => ledger.values[mean + (h - 1) * D];
    const size = (h: number): number => this.#fan.spread(d, h + gap, h);
    const outlook = {
      horizon: H,
      farthest: this.#far.farthest(d),
      gap,
      mean: issued,
      held,
      stays,
      size,
      far: (h: number): FarAhead => {
        const told = this.#far.ahead(d, h, zero + scale * issued(H), scale * size(H), this.#season(d));
        const [below, above] = told.sizes;
        return { ...told, value: (told.value - zero) / scale, sizes: [below / scale, above / scale] };
      },
      errors: this.#paths.known(d),
      rises: this.#counts[d],
      passage: this.#passage,
      worth: (h: number, p: number): number => (recalibrated ? this.#recalibration.tell(d, h, p) : p),
    };
    const limits = {
      low: this.#units.inUnits(d, this.#limits.below(d, range.low, this.#totals.floor(d))),
      high: this.#units.inUnits(d, this.#limits.above(d, range.high)),
    };
    return crossingOf(outlook, limits, within);
  }

  /** Weights of the experts for step `h`, target `d`. The array is reused by the next call. */
  weights(h: number, d: number): Float64Array {
    if (this.#only === COMBINED) return this.#mixture.weights(h, d);
    if (this.#only === EQUAL) return this.#weights.fill(1 / this.#weights.length);
    this.#weights.fill(0);
    this.#weights[this.#only] = 1;
    return this.#weights;
  }

  /** Bytes of a checkpoint. */
  get byteLength(): number {
    return this.#block.byteLength;
  }

  /** A checkpoint: everything that shapes a future forecast. */
  save(): Uint8Array {
    return this.#block.save();
  }

  /** Writes the checkpoint into `bytes` from `at` on. */
  saveTo(bytes: Uint8Array, at: number): void {
    bytes.set(this.#block.bytes, at);
  }

  /** Goes on from a checkpoint of the same specification; throws `bad-state` when the size does not fit. */
  restore(bytes: Uint8Array): void {
    if (bytes.byteLength !== this.#block.byteLength) {
      throw new EddyError("bad-state", "checkpoint", {
        expected: `${this.#block.byteLength} bytes`,
        received: `${bytes.byteLength} bytes`,
      });
    }
    this.#block.bytes.set(bytes);
    this.#features.refresh();
    this.#fan.refresh();
    this.#mixture.refresh();
    this.#paths.forget();
  }

  /** Gives the memory back. The forecaster cannot be used afterwards. */
  release(): void {
    this.#block.release();
  }
}
