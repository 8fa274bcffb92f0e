import type { Observation } from "../models/observation.ts";
import { Ordering, type TimedEvent } from "./ordering.ts";
import { Resampling } from "./resampling.ts";
import type { SeriesSpecification } from "./series-specification.ts";
import { MAX_TIME } from "./wording.ts";

/** Why an observation was set aside. Every one is counted; nothing is dropped in silence. */
export const REFUSALS = [
  "duplicate-time",
  "late",
  "unknown-column",
  "no-values",
  "bad-number",
  "bad-time",
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** What a series has been given so far. */
export interface SeriesCounts extends Readonly<Record<Refusal, number>> {
  /** Observations taken. */
  readonly taken: number;
  /** Values of columns that the series does not know, in observations that were taken for their others. */
  readonly "ignored-values": number;
  /** Steps left out of a silence too long to be filled in. */
  readonly "skipped-steps": number;
  /** Observations held back until the watermark passes them. */
  readonly held: number;
}

/** What decides how observations become steps. */
export type StepsSpecification = Pick<
  SeriesSpecification,
  "targets" | "inputs" | "lateness" | "every" | "aggregate" | "steps"
>;

/**
 * Turns the observations of one series into the steps that its forecaster sees: values in the order of the columns, events in
 * the order of time, intervals of one length when asked. It knows no forecaster.
 */
export class Steps {
  readonly #columns: ReadonlyMap<string, number>;
  readonly #ordering: Ordering;
  readonly #resampling: Resampling | undefined;
  /** taken, ignored values, then one per refusal. */
  readonly #counts = new Float64Array(2 + REFUSALS.length);

  constructor(specification: StepsSpecification) {
    const { targets, inputs, lateness, every, aggregate, steps } = specification;
    this.#columns = new Map([...targets, ...inputs].map((column, c) => [column, c]));
    // Readings that carry no time of their own may well arrive within one millisecond.
    this.#ordering = new Ordering(lateness, every > 0 || steps === "count");
    this.#resampling = every > 0 ? new Resampling(every, aggregate, this.#columns.size) : undefined;
  }

  /** Takes an observation; `emit` is called with each step that it completes. Returns why it was set aside, if it was. */
  push(observation: Observation, offset: number, emit: (step: TimedEvent) => void): Refusal | undefined {
    const values = this.#read(observation);
    const refused =
      typeof values === "string"
        ? values
        : this.#ordering.push({ time: observation.time, offset, values }, (event) =>
            this.#resample(event, emit),
          );
    this.#counts[refused === undefined ? 0 : 2 + REFUSALS.indexOf(refused)]++;
    return refused;
  }

  /** Lets go of what is held back and closes the interval being filled: the input has ended. */
  end(emit: (step: TimedEvent) => void): void {
    this.#ordering.end((event) => this.#resample(event, emit));
    this.#resampling?.end(emit);
  }

  get counts(): SeriesCounts {
    const refusals = Object.fromEntries(REFUSALS.map((reason, i) => [reason, this.#counts[2 + i]]));
    return {
      ...(refusals as Record<Refusal, number>),
      taken: this.#counts[0],
      "ignored-values": this.#counts[1],
      "skipped-steps": this.#resampling?.skipped ?? 0,
      held: this.#ordering.held,
    };
  }

  save(): number[] {
    return [...this.#counts, ...this.#ordering.save(), ...(this.#resampling?.save() ?? [])];
  }

  /** Goes on from `save`; returns how many numbers it read. */
  restore(state: Float64Array): number {
    let at = this.#counts.length;
    this.#counts.set(state.subarray(0, at));
    at += this.#ordering.restore(state.subarray(at), this.#columns.size);
    at += this.#resampling?.restore(state.subarray(at)) ?? 0;
    return at;
  }

  /** The values in the order of the columns, or why there are none. */
  #read({ time, values }: Observation): Float64Array | Refusal {
    if (!(Math.abs(time) <= MAX_TIME)) return "bad-time";
    const read = new Float64Array(this.#columns.size).fill(Number.NaN);
    let known = 0;
    let unknown = 0;
    for (const column of Object.keys(values)) {
      const c = this.#columns.get(column);
      const value = values[column];
      if (c === undefined) unknown++;
      else if (value !== null && !Number.isFinite(value)) return "bad-number";
      else {
        known++;
        if (value !== null) read[c] = value;
      }
    }
    if (known === 0) return unknown === 0 ? "no-values" : "unknown-column";
    this.#counts[1] += unknown;
    return read;
  }

  #resample(event: TimedEvent, emit: (step: TimedEvent) => void): void {
    if (this.#resampling === undefined) emit(event);
    else this.#resampling.push(event, emit);
  }
}
