import { itemAt } from "../models/item-at.ts";
import type { TimedEvent } from "./ordering.ts";
import { savedNumber } from "./saved-numbers.ts";
import type { Aggregate } from "./series-specification.ts";

/** Most empty intervals that are filled in one by one; a longer silence is one jump in time. */
export const MAX_EMPTY = 512;

/** Numbers saved per column. */
const SAVED = 6;

/** What is kept of a column of the interval being filled. */
class Filling {
  count = 0;
  mean = 0;
  sum = 0;
  last = 0;
  least = Number.POSITIVE_INFINITY;
  greatest = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.count += 1;
    this.mean += (value - this.mean) / this.count;
    this.sum += value;
    this.last = value;
    this.least = Math.min(this.least, value);
    this.greatest = Math.max(this.greatest, value);
  }

  value(aggregate: Aggregate): number {
    if (aggregate === "count") return this.count;
    if (this.count === 0) return Number.NaN;
    switch (aggregate) {
      case "mean":
        return this.mean;
      case "sum":
        return this.sum;
      case "last":
        return this.last;
      case "min":
        return this.least;
      case "max":
        return this.greatest;
    }
  }

  save(): number[] {
    return [this.count, this.mean, this.sum, this.last, this.least, this.greatest];
  }

  restore(state: Float64Array): void {
    this.count = savedNumber(state, 0);
    this.mean = savedNumber(state, 1);
    this.sum = savedNumber(state, 2);
    this.last = savedNumber(state, 3);
    this.least = savedNumber(state, 4);
    this.greatest = savedNumber(state, 5);
  }
}

/**
 * Turns readings into steps of one length, in order of time. Intervals are cut at whole multiples of `every` since 1970, and
 * are closed by the first reading beyond them. An interval is stamped with its end: only then is all of it known.
 */
export class Resampling {
  readonly #every: number;
  readonly #aggregate: Aggregate;
  readonly #last: readonly boolean[];
  /** By column. */
  #filling: Filling[];
  /** Number of the interval being filled; -Infinity before the first reading. */
  #interval = Number.NEGATIVE_INFINITY;
  #offset = 0;
  /** Empty intervals that a long silence left out. */
  #skipped = 0;

  /** `last`: columns whose value is their last reading, whatever `aggregate` says. */
  constructor(every: number, aggregate: Aggregate, columns: number, last: readonly number[] = []) {
    this.#last = Array.from({ length: columns }, (_, c) => last.includes(c));
    this.#every = every;
    this.#aggregate = aggregate;
    this.#filling = Array.from({ length: columns }, () => new Filling());
  }

  /** Takes a reading; `emit` is called with each interval that it closes. */
  push(event: TimedEvent, emit: (event: TimedEvent) => void): void {
    const interval = Math.floor(event.time / this.#every);
    if (interval > this.#interval) {
      this.#close(emit);
      const empty = Number.isFinite(this.#interval) ? interval - this.#interval - 1 : 0;
      const filled = Math.min(empty, MAX_EMPTY);
      this.#skipped += empty - filled;
      // The last ones before the reading, so that the jump comes first and the steps around the reading are even.
      for (let i = interval - filled; i < interval; i++) this.#emit(i, emit);
      this.#interval = interval;
    }
    this.#offset = event.offset;
    for (const [c, column] of this.#filling.entries()) {
      const value = itemAt(event.values, c);
      if (!Number.isNaN(value)) column.add(value);
    }
  }

  /** Closes the interval being filled: the input has ended. */
  end(emit: (event: TimedEvent) => void): void {
    this.#close(emit);
    this.#interval = Number.NEGATIVE_INFINITY;
  }

  /** Empty intervals that were left out of a long silence. */
  get skipped(): number {
    return this.#skipped;
  }

  save(): number[] {
    return [this.#interval, this.#offset, this.#skipped, ...this.#filling.flatMap((column) => column.save())];
  }

  /** Goes on from `save`; returns how many numbers it read. */
  restore(state: Float64Array): number {
    this.#interval = savedNumber(state, 0);
    this.#offset = savedNumber(state, 1);
    this.#skipped = savedNumber(state, 2);
    let at = 3;
    for (const column of this.#filling) {
      column.restore(state.subarray(at, at + SAVED));
      at += SAVED;
    }
    return at;
  }

  #close(emit: (event: TimedEvent) => void): void {
    if (!Number.isFinite(this.#interval)) return;
    this.#emit(this.#interval, emit);
  }

  #emit(interval: number, emit: (event: TimedEvent) => void): void {
    const values = Float64Array.from(this.#filling, (column, c) =>
      column.value(this.#last[c] ? "last" : this.#aggregate),
    );
    this.#filling = this.#filling.map(() => new Filling());
    emit({ time: (interval + 1) * this.#every, offset: this.#offset, values });
  }
}
