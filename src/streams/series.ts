import { MONTH, monthsPerStep } from "../models/calendar-step.ts";
import { EddyError, printable } from "../models/errors.ts";
import type { Crossing, Range } from "../models/forecaster/crossing.ts";
import { Forecaster } from "../models/forecaster/forecaster.ts";
import type { Issue } from "../models/issue.ts";
import { itemAt } from "../models/item-at.ts";
import type { Arena } from "../models/kernels/arena.ts";
import type { Observation } from "../models/observation.ts";
import { onlyKnown } from "../models/options.ts";
import { issueOf } from "./issuing.ts";
import {
  SERIES_OPTIONS,
  type SeriesOptions,
  type SeriesSpecification,
  seriesSpecification,
} from "./series-specification.ts";
import { type OutOfRange, type Refusal, type SetAside, type Step, type StepCounts, Steps } from "./steps.ts";

export type { OutOfRange, Refusal, SeriesOptions, SeriesSpecification, SetAside };

/** What a series has been given so far. */
export interface SeriesCounts extends StepCounts {
  /** Readings held at arm's length: far from all that was forecast, and not confirmed by the next ones. */
  readonly doubted: number;
}

/** What one observation led to. */
export interface Outcome {
  /** What was forecast, one issue per step, oldest first. */
  readonly issues: readonly Issue[];
  /** Set when the observation itself was set aside. */
  readonly refused?: Refusal;
  /** Earlier observations that were held aside, and are set aside now. */
  readonly later?: readonly SetAside[];
  /** Values that were taken as missing, since their columns cannot have them. */
  readonly outOfRange?: readonly OutOfRange[];
}

/** What the end of an input led to. */
export type Ending = Pick<Outcome, "issues" | "later">;

/**
 * Called after each step that reached the forecaster, with what it was given; `mean`, `lower`, `upper` and `quantiles` then stand
 * in the forecaster as issued.
 */
export type Stepped = (time: number, offset: number, values: Float64Array) => void;

/** "EDSE" as a number, and the version of the layout that follows it. */
const MAGIC = 0x45445345;
const STATE_FORMAT = 14;

/** Recent intervals whose median is the usual step of a series that counts its steps. */
const RECENT_INTERVALS = 16;
const COUNTED_STEP = 1000;

/**
 * One series, end to end: puts its events in order, resamples them when asked, feeds its forecaster, makes an issue of what that
 * forecasts. The columns are those of the specification or, where it names none, those of the first observation, sorted by name.
 *
 * An observation whose time has gone by is set aside as late, one for a time already taken as a duplicate (the first one
 * stands). Columns that the series does not know are ignored and counted; with no other, the observation is set aside.
 *
 * @example
 * ```ts
 * const series = Series.open({ series: "tank", time: 0, values: { level: 3 } }, { horizon: 2, model: "persistence" }, new Arena());
 * series.push({ series: "tank", time: 0, values: { level: 3 } }, 0);
 * const { issues } = series.push({ series: "tank", time: 1000, values: { level: 4 } }, 1);
 * issues[0].targets[0].mean[1]; // 4
 * series.push({ series: "tank", time: 500, values: { level: 9 } }, 2).refused; // "late"
 * ```
 */
export class Series {
  readonly name: string;
  readonly specification: SeriesSpecification;
  readonly #forecaster: Forecaster;
  readonly #steps: Steps;
  /** Steps, time of the last one, then a ring of recent intervals. */
  readonly #clock = new Float64Array(2 + RECENT_INTERVALS);
  /** Per target: what has to be taken from its forecasts to have them as its readings are told. */
  readonly added: Float64Array;
  readonly #stepped: Stepped | undefined;

  /** `stepped` is for whoever wants to look at the forecaster after each step. */
  constructor(name: string, specification: SeriesOptions, arena: Arena, stepped?: Stepped) {
    this.name = name;
    this.specification = seriesSpecification(specification);
    this.#steps = new Steps(this.specification);
    this.#forecaster = new Forecaster(this.specification, arena);
    this.added = new Float64Array(this.specification.targets.length);
    this.#stepped = stepped;
  }

  /**
   * Opens a series for its first observation. Where the columns are those of the observation, limits of other columns are left
   * aside: one set of options may hold for series of different columns.
   */
  static open(first: Observation, options: SeriesOptions, arena: Arena, stepped?: Stepped): Series {
    return new Series(first.series, Series.plan(first, options), arena, stepped);
  }

  /** What a series is opened with for its first observation: its columns are settled by it, unless the options name them. */
  static plan(first: Observation, options: SeriesOptions): SeriesSpecification {
    if (options.targets !== undefined) return seriesSpecification(options);
    const targets = Object.keys(first.values)
      .filter((column) => !options.inputs?.includes(column))
      .sort();
    const known = onlyKnown(SERIES_OPTIONS, options, targets, options.inputs ?? []);
    return seriesSpecification({ ...known, targets });
  }

  get forecaster(): Forecaster {
    return this.#forecaster;
  }

  get counts(): SeriesCounts {
    const { targets, inputs } = this.specification;
    let doubted = 0;
    for (let c = 0; c < targets.length + inputs.length; c++) doubted += this.#forecaster.held(c);
    return { ...this.#steps.counts, doubted };
  }

  /** Observations held aside because their time is far ahead; a later `push` or the end tells what becomes of them. */
  get aside(): number {
    return this.#steps.aside;
  }

  /**
   * Takes one observation. `offset` is its position in the journal or the input; `now` the clock in epoch milliseconds, where
   * the input is live: see `FarAhead`.
   */
  push(observation: Observation, offset: number, now = Number.NaN): Outcome {
    const issues: Issue[] = [];
    const later: SetAside[] = [];
    const refused = this.#steps.push(
      observation,
      offset,
      (step) => this.#step(step, issues),
      (one) => later.push(one),
      now,
    );
    const { outOfRange } = this.#steps;
    return {
      issues,
      ...(refused === undefined ? {} : { refused }),
      ...(later.length === 0 ? {} : { later }),
      ...(outOfRange.length === 0 ? {} : { outOfRange }),
    };
  }

  /**
   * How likely the readings of a target leave a range within the next 1..`within` steps, and when they first do, as of the last
   * forecast. Asking changes nothing.
   *
   * @throws EddyError `bad-argument` for a target that is not forecast, a range that is none, a `within` that is no whole number
   */
  crossing(target: string, { low, high }: Range, within: number): Crossing {
    const { targets } = this.specification;
    const d = targets.indexOf(target);
    if (d < 0) {
      throw new EddyError("bad-argument", "target", {
        expected: `one of ${targets.map(printable).join(", ")}`,
        received: printable(target),
      });
    }
    const added = itemAt(this.added, d);
    return this.#forecaster.crossing(d, { low: low + added, high: high + added }, within);
  }

  /** Lets go of what is held back and closes the interval being filled: the input has ended. */
  end(): Ending {
    const issues: Issue[] = [];
    const later: SetAside[] = [];
    this.#steps.end(
      (step) => this.#step(step, issues),
      (one) => later.push(one),
    );
    return later.length === 0 ? { issues } : { issues, later };
  }

  /** Usual milliseconds between steps; months of a mean length where they are months of the calendar. */
  get stepMilliseconds(): number {
    if (this.specification.every > 0) return this.specification.every;
    const steps = itemAt(this.#clock, 0);
    const n = Math.min(RECENT_INTERVALS, steps - 1);
    const recent = Array.from({ length: Math.max(0, n) }, (_, i) =>
      itemAt(this.#clock, 2 + ((steps - 2 - i) % RECENT_INTERVALS)),
    );
    const months = monthsPerStep(itemAt(this.#clock, 1), recent);
    if (months > 0) return months * MONTH;
    if (this.specification.steps === "event") return this.#forecaster.stepMilliseconds;
    if (n < 1) return COUNTED_STEP;
    recent.sort((a, b) => a - b);
    // Readings that came in one piece have no interval to tell.
    return recent[n >> 1] || COUNTED_STEP;
  }

  /** Bytes of `save` as things stand. */
  get stateBytes(): number {
    return (
      16 +
      8 * (this.#clock.length + this.added.length + this.#steps.save().length) +
      this.#forecaster.byteLength
    );
  }

  /** Everything that shapes a future forecast of this series, after `headroom` bytes that are left free. */
  save(headroom = 0): Uint8Array {
    const numbers = Float64Array.from([...this.#clock, ...this.added, ...this.#steps.save()]);
    const model = headroom + 16 + numbers.byteLength;
    const bytes = new Uint8Array(model + this.#forecaster.byteLength);
    const header = new DataView(bytes.buffer, headroom);
    header.setUint32(0, MAGIC, true);
    header.setUint32(4, STATE_FORMAT, true);
    header.setUint32(8, numbers.length, true);
    bytes.set(new Uint8Array(numbers.buffer), headroom + 16);
    this.#forecaster.saveTo(bytes, model);
    return bytes;
  }

  /** Goes on from `save` of a series of the same specification; throws `bad-state` when it is not one. */
  restore(bytes: Uint8Array): void {
    const bad = (expected: string, received: unknown) =>
      new EddyError("bad-state", "series state", { expected, received: printable(received) });
    if (bytes.byteLength < 16) throw bad("at least 16 bytes", bytes.byteLength);
    const header = new DataView(bytes.buffer, bytes.byteOffset, 16);
    if (header.getUint32(0, true) !== MAGIC) throw bad("the state of a series", "other bytes");
    const format = header.getUint32(4, true);
    if (format !== STATE_FORMAT) throw bad(`format ${STATE_FORMAT}`, `format ${format}`);
    const length = header.getUint32(8, true);
    const end = 16 + 8 * length;
    if (bytes.byteLength < end) throw bad(`at least ${end} bytes`, bytes.byteLength);
    const numbers = new Float64Array(bytes.slice(16, end).buffer);
    this.#clock.set(numbers.subarray(0, this.#clock.length));
    let at = this.#clock.length;
    this.added.set(numbers.subarray(at, at + this.added.length));
    at += this.added.length;
    at += this.#steps.restore(numbers.subarray(at));
    if (at !== length) throw bad(`${at} numbers`, length);
    this.#forecaster.restore(bytes.subarray(end));
  }

  release(): void {
    this.#forecaster.release();
  }

  #step({ time, offset, values, added }: Step, issues: Issue[]): void {
    for (const [d, one] of added.entries()) if (!Number.isNaN(one)) this.added[d] = one;
    const clock = this.#clock;
    const n = itemAt(clock, 0);
    if (n > 0) clock[2 + ((n - 1) % RECENT_INTERVALS)] = time - itemAt(clock, 1);
    clock[0] = n + 1;
    clock[1] = time;
    this.#forecaster.observe(this.specification.steps === "event" ? time : n * COUNTED_STEP, values);
    this.#stepped?.(time, offset, values);
    const issue = issueOf(this.#forecaster, {
      series: this.name,
      time,
      offset,
      step: this.stepMilliseconds,
      detail: this.specification.detail,
      added: this.added,
    });
    if (issue !== undefined) issues.push(issue);
  }
}
