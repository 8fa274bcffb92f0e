import { EddyError } from "../models/errors.ts";

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

/**
 * Puts the events of one series in order. An event is held until one has been seen that is `lateness` newer (the watermark
 * passes it); then it goes on, oldest first. What comes for a time already gone on is late; what comes for the very time of
 * an event held or just gone on is a duplicate, unless `repeats` lets it by (resampling takes every reading).
 *
 * Memory: at most MAX_HELD events. The order of what goes on depends on the events alone, never on a clock.
 */
export class Ordering {
  readonly #lateness: number;
  readonly #repeats: boolean;
  /** Oldest first. */
  #held: TimedEvent[] = [];
  #newest = Number.NEGATIVE_INFINITY;
  #gone = Number.NEGATIVE_INFINITY;

  constructor(lateness: number, repeats: boolean) {
    this.#lateness = lateness;
    this.#repeats = repeats;
  }

  /** Takes an event; `emit` is called with each that goes on. */
  push(event: TimedEvent, emit: (event: TimedEvent) => void): "late" | "duplicate-time" | undefined {
    if (event.time < this.#gone) return "late";
    if (event.time === this.#gone && !this.#repeats) return "duplicate-time";
    const held = this.#held;
    let at = held.length;
    while (at > 0 && held[at - 1].time > event.time) at--;
    if (at > 0 && held[at - 1].time === event.time && !this.#repeats) return "duplicate-time";
    held.splice(at, 0, event);
    this.#newest = Math.max(this.#newest, event.time);
    const watermark = this.#newest - this.#lateness;
    let n = Math.max(0, held.length - MAX_HELD);
    while (n < held.length && held[n].time <= watermark) n++;
    if (n > 0) this.#release(n, emit);
    return undefined;
  }

  /** Lets everything go on: the input has ended. */
  end(emit: (event: TimedEvent) => void): void {
    this.#release(this.#held.length, emit);
  }

  /** Events held back. */
  get held(): number {
    return this.#held.length;
  }

  #release(n: number, emit: (event: TimedEvent) => void): void {
    const released = this.#held.splice(0, n);
    for (const event of released) {
      this.#gone = event.time;
      emit(event);
    }
  }

  save(): number[] {
    const state = [this.#newest, this.#gone, this.#held.length];
    for (const { time, offset, values } of this.#held) state.push(time, offset, ...values);
    return state;
  }

  /** Goes on from `save`, with `columns` values per event; returns how many numbers it read. */
  restore(state: Float64Array, columns: number): number {
    const held = state[2];
    if (!(held >= 0 && held <= MAX_HELD)) {
      throw new EddyError("bad-state", "series state", {
        expected: `at most ${MAX_HELD} events held back`,
        received: String(held),
      });
    }
    [this.#newest, this.#gone] = state;
    const size = 2 + columns;
    this.#held = Array.from({ length: held }, (_, i) => {
      const at = 3 + i * size;
      return { time: state[at], offset: state[at + 1], values: state.slice(at + 2, at + size) };
    });
    return 3 + held * size;
  }
}
