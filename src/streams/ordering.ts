import { EddyError } from "../models/errors.ts";
import { itemAt } from "../models/item-at.ts";
import { savedNumber } from "./saved-numbers.ts";

/** An event on its way to the forecaster: NaN where a value is missing. */
export interface TimedEvent {
  /** Epoch milliseconds. */
  readonly time: number;
  /** Position of its observation in the journal or the input. */
  readonly offset: number;
  readonly values: Float64Array;
}

/** Most events held back by one series. When there are more, the oldest goes on early. */
export const MAX_HELD = 4096;

/** What can be put in order. */
interface Timed {
  /** Epoch milliseconds. */
  readonly time: number;
}

/**
 * Puts the events of one series in order. An event is held until one has been seen that is `lateness` newer (the watermark
 * passes it); then it goes on, oldest first. What comes for a time already gone on is late; what comes for the very time of
 * an event held or just gone on is a duplicate, unless `repeats` lets it by (resampling takes every reading).
 *
 * Memory: at most MAX_HELD events. The order of what goes on depends on the events alone, never on a clock.
 */
export class Ordering<E extends Timed = TimedEvent> {
  readonly #lateness: number;
  readonly #repeats: boolean;
  /** Oldest first. */
  #held: E[] = [];
  #newest = Number.NEGATIVE_INFINITY;
  #gone = Number.NEGATIVE_INFINITY;

  constructor(lateness: number, repeats: boolean) {
    this.#lateness = lateness;
    this.#repeats = repeats;
  }

  /** Takes an event; `emit` is called with each that goes on. */
  push(event: E, emit: (event: E) => void): "late" | "duplicate-time" | undefined {
    if (event.time < this.#gone) return "late";
    if (event.time === this.#gone && !this.#repeats) return "duplicate-time";
    const held = this.#held;
    const before = held.findLastIndex(({ time }) => time <= event.time);
    if (held[before]?.time === event.time && !this.#repeats) return "duplicate-time";
    held.splice(before + 1, 0, event);
    this.#newest = Math.max(this.#newest, event.time);
    const watermark = this.#newest - this.#lateness;
    let n = Math.max(0, held.length - MAX_HELD);
    while (n < held.length && itemAt(held, n).time <= watermark) n++;
    if (n > 0) this.#release(n, emit);
    return undefined;
  }

  /** Lets everything go on: the input has ended. */
  end(emit: (event: E) => void): void {
    this.#release(this.#held.length, emit);
  }

  /** Events held back. */
  get held(): number {
    return this.#held.length;
  }

  #release(n: number, emit: (event: E) => void): void {
    const released = this.#held.splice(0, n);
    for (const event of released) {
      this.#gone = event.time;
      emit(event);
    }
  }

  /** All that is remembered: newest time seen, time last gone on, events held back. */
  get state(): OrderingState<E> {
    return { newest: this.#newest, gone: this.#gone, held: this.#held };
  }

  set state({ newest, gone, held }: OrderingState<E>) {
    if (!(held.length <= MAX_HELD)) {
      throw new EddyError("bad-state", "events held back", {
        expected: `at most ${MAX_HELD}`,
        received: String(held.length),
      });
    }
    this.#newest = newest;
    this.#gone = gone;
    this.#held = [...held];
  }
}

export interface OrderingState<E> {
  readonly newest: number;
  readonly gone: number;
  /** Oldest first. */
  readonly held: readonly E[];
}

/** The state of an ordering of events with values, as numbers. */
export function orderingNumbers({ newest, gone, held }: OrderingState<TimedEvent>): number[] {
  const numbers = [newest, gone, held.length];
  for (const { time, offset, values } of held) numbers.push(time, offset, ...values);
  return numbers;
}

/** The state within `orderingNumbers` of events with so many columns, and how many numbers it takes. */
export function readOrdering(
  numbers: Float64Array,
  columns: number,
): { readonly state: OrderingState<TimedEvent>; readonly length: number } {
  const count = savedNumber(numbers, 2);
  if (!(count >= 0 && count <= MAX_HELD)) {
    throw new EddyError("bad-state", "series state", {
      expected: `at most ${MAX_HELD} events held back`,
      received: String(count),
    });
  }
  const size = 2 + columns;
  const held = Array.from({ length: count }, (_, i) => {
    const at = 3 + i * size;
    return {
      time: savedNumber(numbers, at),
      offset: savedNumber(numbers, at + 1),
      values: numbers.slice(at + 2, at + size),
    };
  });
  return {
    state: { newest: savedNumber(numbers, 0), gone: savedNumber(numbers, 1), held },
    length: 3 + count * size,
  };
}
