import { itemAt } from "../models/item-at.ts";
import type { Observation } from "../models/observation.ts";
import { isTime } from "./checked-observation.ts";
import { Counter } from "./counter.ts";
import { FarAhead } from "./far-ahead.ts";
import { Ordering, orderingNumbers, readOrdering, type TimedEvent } from "./ordering.ts";
import { Resampling } from "./resampling.ts";
import { savedNumber } from "./saved-numbers.ts";
import type { SeriesSpecification } from "./series-specification.ts";

/** Why an observation was set aside. Every one is counted; nothing is dropped in silence. */
export const REFUSALS = [
  "duplicate-time",
  "late",
  "far-ahead",
  "unknown-column",
  "no-values",
  "bad-number",
  "bad-time",
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** What has been given so far, as far as steps go. */
export interface StepCounts extends Readonly<Record<Refusal, number>> {
  /** Observations taken. */
  readonly taken: number;
  /** Values of columns that the series does not know, in observations that were taken for their others. */
  readonly "ignored-values": number;
  /** Values below the least or above the greatest that their column can have, taken as missing. */
  readonly "out-of-range": number;
  /** Times that counters began anew or wrapped. */
  readonly resets: number;
  /** Steps left out of a silence too long to be filled in. */
  readonly "skipped-steps": number;
  /** Observations held back until the watermark passes them. */
  readonly held: number;
  /** Observations held aside until the next ones tell whether their time, far ahead, is right. */
  readonly aside: number;
}

/** An observation that was set aside after it had been held. */
export interface SetAside {
  readonly offset: number;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly refused: Refusal;
}

/** A value that its column cannot have, in an observation that was taken for its time and its other values. */
export interface OutOfRange {
  readonly column: string;
  readonly value: number;
}

/** What a forecaster is given at once. */
export interface Step extends TimedEvent {
  /** Per target: what has to be taken from its value to have it as the readings tell it; NaN where there was no reading. */
  readonly added: Float64Array;
}

/** What is read of a column. */
interface Column {
  /** Its place in a step. */
  readonly place: number;
  /** Least and greatest value that it can have. */
  readonly low: number;
  readonly high: number;
}

/** What decides how observations become steps. */
export type StepsSpecification = Pick<
  SeriesSpecification,
  "targets" | "inputs" | "lateness" | "every" | "aggregate" | "steps" | "min" | "max" | "counter" | "ahead"
>;

/**
 * Turns the observations of one series into the steps that its forecaster sees: values in the order of the columns, events in
 * the order of time, intervals of one length when asked. It knows no forecaster.
 */
export class Steps {
  readonly #columns: ReadonlyMap<string, Column>;
  readonly #targets: number;
  readonly #farAhead: FarAhead;
  readonly #ordering: Ordering;
  /** By column; undefined for one that does not count up. */
  readonly #counters: readonly (Counter | undefined)[];
  /** Readings that carry no time of their own are paced by their number. */
  readonly #counted: boolean;
  readonly #resampling: Resampling | undefined;
  /** `events`: those that went on in order of time. */
  readonly #counts = { taken: 0, ignored: 0, outOfRange: 0, events: 0 };
  readonly #refusals = new Map<Refusal, number>(REFUSALS.map((reason) => [reason, 0]));
  #outOfRange: OutOfRange[] = [];

  constructor(specification: StepsSpecification) {
    const { targets, inputs, lateness, every, aggregate, steps, min, max, counter, ahead } = specification;
    const columns = [...targets, ...inputs];
    this.#targets = targets.length;
    // A sum or a number of readings has the limits of the column; a single reading has others.
    const single = every === 0 || !(aggregate === "sum" || aggregate === "count");
    const limit = (limits: Readonly<Record<string, number>>, column: string, none: number): number =>
      (single || counter.includes(column)) && Object.hasOwn(limits, column) ? (limits[column] ?? none) : none;
    this.#columns = new Map(
      columns.map((column, place) => [
        column,
        {
          place,
          low: limit(min, column, Number.NEGATIVE_INFINITY),
          high: limit(max, column, Number.POSITIVE_INFINITY),
        },
      ]),
    );
    this.#farAhead = new FarAhead(ahead);
    this.#counted = steps === "count";
    // Readings that carry no time of their own may well arrive within one millisecond.
    this.#ordering = new Ordering(lateness, every > 0 || this.#counted);
    this.#counters = columns.map((column) => (counter.includes(column) ? new Counter() : undefined));
    if (every > 0) {
      // Totals are not averaged: the last one of an interval is that of the interval, as is what was added to it.
      const last = columns.flatMap((_, c) => (this.#counters[c] ? [c] : []));
      const added = targets.map((_, d) => columns.length + d);
      this.#resampling = new Resampling(every, aggregate, columns.length + targets.length, [
        ...last,
        ...added,
      ]);
    }
  }

  /**
   * Takes an observation; `emit` is called with each step that it completes, `later` with each earlier one that is set aside only
   * now. `now`: the clock, where the input is live. Returns why the observation itself was set aside, if it was.
   */
  push(
    observation: Observation,
    offset: number,
    emit: (step: Step) => void,
    later: (aside: SetAside) => void = () => {},
    now = Number.NaN,
  ): Refusal | undefined {
    if (this.#outOfRange.length > 0) this.#outOfRange = [];
    const values = this.#read(observation);
    if (typeof values === "string") return this.#count(values);
    const event = { time: observation.time, offset, values };
    let refused: Refusal | undefined;
    this.#farAhead.push(
      event,
      now,
      (passed) => {
        const reason = this.#order(passed, emit);
        if (passed === event) refused = reason;
        else if (reason !== undefined) later({ offset: passed.offset, time: passed.time, refused: reason });
      },
      (far) => {
        const reason = this.#count("far-ahead");
        if (far === event) refused = reason;
        else later({ offset: far.offset, time: far.time, refused: reason });
      },
    );
    return refused;
  }

  /** Lets go of what is held back and closes the interval being filled: the input has ended. */
  end(emit: (step: Step) => void, later: (aside: SetAside) => void = () => {}): void {
    this.#farAhead.end(
      (passed) => {
        const reason = this.#order(passed, emit);
        if (reason !== undefined) later({ offset: passed.offset, time: passed.time, refused: reason });
      },
      ({ offset, time }) => later({ offset, time, refused: this.#count("far-ahead") }),
    );
    this.#ordering.end((event) => this.#total(event, emit));
    this.#resampling?.end((event) => this.#emit(event, emit));
  }

  /** Values of the last observation that were taken as missing. */
  get outOfRange(): readonly OutOfRange[] {
    return this.#outOfRange;
  }

  /** Observations held aside because their time is far ahead. */
  get aside(): number {
    return this.#farAhead.aside;
  }

  get counts(): StepCounts {
    return {
      ...(Object.fromEntries(this.#refusals) as Record<Refusal, number>),
      taken: this.#counts.taken,
      "ignored-values": this.#counts.ignored,
      "out-of-range": this.#counts.outOfRange,
      resets: this.#counters.reduce((sum, counter) => sum + (counter?.resets ?? 0), 0),
      "skipped-steps": this.#resampling?.skipped ?? 0,
      held: this.#ordering.held,
      aside: this.#farAhead.aside,
    };
  }

  save(): number[] {
    const { taken, ignored, outOfRange, events } = this.#counts;
    return [
      ...[taken, ignored, outOfRange, events],
      ...this.#refusals.values(),
      ...this.#farAhead.save(),
      ...orderingNumbers(this.#ordering.state),
      ...this.#counters.flatMap((counter) => counter?.save() ?? []),
      ...(this.#resampling?.save() ?? []),
    ];
  }

  /** Goes on from `save`; returns how many numbers it read. */
  restore(state: Float64Array): number {
    let at = 0;
    const next = (): number => savedNumber(state, at++);
    Object.assign(this.#counts, { taken: next(), ignored: next(), outOfRange: next(), events: next() });
    for (const reason of REFUSALS) this.#refusals.set(reason, next());
    at += this.#farAhead.restore(state.subarray(at), this.#columns.size);
    const ordering = readOrdering(state.subarray(at), this.#columns.size);
    this.#ordering.state = ordering.state;
    at += ordering.length;
    for (const counter of this.#counters) at += counter?.restore(state.subarray(at)) ?? 0;
    at += this.#resampling?.restore(state.subarray(at)) ?? 0;
    return at;
  }

  #count(refused: Refusal): Refusal {
    this.#refusals.set(refused, (this.#refusals.get(refused) ?? 0) + 1);
    return refused;
  }

  #order(event: TimedEvent, emit: (step: Step) => void): Refusal | undefined {
    const refused = this.#ordering.push(event, (next) => this.#total(next, emit));
    if (refused !== undefined) return this.#count(refused);
    this.#counts.taken++;
    return undefined;
  }

  /** The values in the order of the columns, or why there are none. */
  #read({ time, values }: Observation): Float64Array | Refusal {
    if (!isTime(time)) return "bad-time";
    const read = new Float64Array(this.#columns.size).fill(Number.NaN);
    let known = 0;
    let unknown = 0;
    for (const [name, value] of Object.entries(values)) {
      const column = this.#columns.get(name);
      if (column === undefined) unknown++;
      else if (value !== null && !Number.isFinite(value)) return "bad-number";
      else {
        known++;
        if (value === null) continue;
        if (value >= column.low && value <= column.high) read[column.place] = value;
        else this.#outOfRange.push({ column: name, value });
      }
    }
    if (known === 0) return unknown === 0 ? "no-values" : "unknown-column";
    this.#counts.ignored += unknown;
    this.#counts.outOfRange += this.#outOfRange.length;
    return read;
  }

  /** Makes unbroken totals of counters, and notes per target what was added to its reading. */
  #total(event: TimedEvent, emit: (step: Step) => void): void {
    const { time, offset } = event;
    const C = this.#columns.size;
    const values = new Float64Array(C + this.#targets).fill(Number.NaN, C);
    values.set(event.values);
    const pace = this.#counted ? 1000 * this.#counts.events++ : time;
    for (const [d, counter] of this.#counters.slice(0, this.#targets).entries()) {
      if (counter === undefined) continue;
      const total = counter.take(pace, itemAt(values, d));
      values[d] = total;
      if (!Number.isNaN(total)) values[C + d] = counter.offset;
    }
    if (this.#resampling === undefined) this.#emit({ time, offset, values }, emit);
    else this.#resampling.push({ time, offset, values }, (step) => this.#emit(step, emit));
  }

  #emit({ time, offset, values }: TimedEvent, emit: (step: Step) => void): void {
    const C = this.#columns.size;
    emit({ time, offset, values: values.subarray(0, C), added: values.subarray(C) });
  }
}
