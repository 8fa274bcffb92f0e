import type { TimedEvent } from "./ordering.ts";
import type { Aggregate } from "./series-specification.ts";

/** Most empty intervals that are filled in one by one; a longer silence is one jump in time. */
export const MAX_EMPTY = 512;

/** Numbers kept per column of the interval being filled: count, mean, sum, last, least, greatest. */
const KEPT = 6;

/**
 * Turns readings into steps of one length, in order of time. Intervals are cut at whole multiples of `every` since 1970, and
 * are closed by the first reading beyond them. An interval is stamped with its end: only then is all of it known.
 */
export class Resampling {
  readonly #every: number;
  readonly #aggregate: Aggregate;
  readonly #columns: number;
  readonly #last: readonly boolean[];
  readonly #kept: Float64Array;
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
    this.#columns = columns;
    this.#kept = new Float64Array(columns * KEPT);
    this.#clear();
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
    const kept = this.#kept;
    for (let c = 0; c < this.#columns; c++) {
      const v = event.values[c];
      if (Number.isNaN(v)) continue;
      const at = c * KEPT;
      kept[at] += 1;
      kept[at + 1] += (v - kept[at + 1]) / kept[at];
      kept[at + 2] += v;
      kept[at + 3] = v;
      kept[at + 4] = Math.min(kept[at + 4], v);
      kept[at + 5] = Math.max(kept[at + 5], v);
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
    return [this.#interval, this.#offset, this.#skipped, ...this.#kept];
  }

  /** Goes on from `save`; returns how many numbers it read. */
  restore(state: Float64Array): number {
    [this.#interval, this.#offset, this.#skipped] = state;
    this.#kept.set(state.subarray(3, 3 + this.#kept.length));
    return 3 + this.#kept.length;
  }

  #close(emit: (event: TimedEvent) => void): void {
    if (!Number.isFinite(this.#interval)) return;
    this.#emit(this.#interval, emit);
  }

  #emit(interval: number, emit: (event: TimedEvent) => void): void {
    const values = new Float64Array(this.#columns);
    for (let c = 0; c < this.#columns; c++)
      values[c] = this.#value(c * KEPT, this.#last[c] ? "last" : this.#aggregate);
    this.#clear();
    emit({ time: (interval + 1) * this.#every, offset: this.#offset, values });
  }

  #value(at: number, aggregate: Aggregate): number {
    const [count, mean, sum, last, least, greatest] = this.#kept.subarray(at, at + KEPT);
    if (aggregate === "count") return count;
    if (count === 0) return Number.NaN;
    switch (aggregate) {
      case "mean":
        return mean;
      case "sum":
        return sum;
      case "last":
        return last;
      case "min":
        return least;
      case "max":
        return greatest;
    }
  }

  #clear(): void {
    for (let at = 0; at < this.#kept.length; at += KEPT) {
      this.#kept.set([0, 0, 0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], at);
    }
  }
}
