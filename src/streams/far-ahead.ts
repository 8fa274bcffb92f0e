import { EddyError } from "../models/errors.ts";
import { itemAt } from "../models/item-at.ts";
import type { TimedEvent } from "./ordering.ts";
import { savedNumber } from "./saved-numbers.ts";

/** Readings that have to agree on a time far ahead before it is believed. */
export const CONFIRMING = 5;
/** A time is far ahead only if it is more than this many usual steps after the last one. */
const FAR_STEPS = 100;
/** Recent intervals between readings, whose median is the usual step. */
const RECENT = 16;

/**
 * Keeps one reading with a wrong date from moving the time of its series: after a reading of 2099, everything of today would
 * be late, for ever. It sees the readings of one series as they arrive, before they are put in order.
 *
 * A reading is *far ahead* when it is more than `ahead` and more than 100 usual steps after the last one.
 * - Where there is a clock (`now`), the clock decides. A reading within `ahead` of it is taken, however long the silence before:
 *   the sensor was off, or has got the time at last. One further ahead of the clock, in a series that was going along with
 *   it, is refused at once.
 * - Else it is held aside. It is refused when a reading goes on from the old time, or comes before it by more than `ahead`;
 *   it is taken, with those that came after it, when five have come without such a one, or two and then the end.
 *
 * A series that is dated in the future as a whole is so taken as it is. The first reading waits for the second, unless the clock vouches for it:
 * if the second lies far before it, the third decides which of the two is wrong.
 *
 * With `ahead` 0 every reading is taken as it comes: somebody else has seen to it, as the server does by its clock at intake.
 *
 * Memory: 5 readings. With the same readings and the same `now` the same are taken; the state is saved whole.
 */
export class FarAhead {
  readonly #ahead: number;
  #last = Number.NaN;
  #intervals = 0;
  readonly #recent = new Float64Array(RECENT);
  /** In order of arrival. */
  #aside: TimedEvent[] = [];

  constructor(ahead: number) {
    this.#ahead = ahead;
  }

  /** Readings held aside. */
  get aside(): number {
    return this.#aside.length;
  }

  /**
   * Takes a reading. `pass` is called with each that is taken, `refuse` with each that is not: this one, earlier ones, or none yet.
   * `now`: the clock, epoch milliseconds; NaN where there is none, as for a recording.
   */
  push(
    event: TimedEvent,
    now: number,
    pass: (event: TimedEvent) => void,
    refuse: (event: TimedEvent) => void,
  ): void {
    const { time } = event;
    const ahead = this.#ahead;
    if (ahead === 0) {
      pass(event);
      return;
    }
    const vouched = Math.abs(time - now) <= ahead;
    if (Number.isNaN(this.#last)) {
      if (vouched || this.#aside.length > 0) this.#begin(event, now, pass, refuse);
      else this.#aside.push(event);
      return;
    }
    const apart = time - this.#last;
    if (apart <= ahead || vouched) {
      this.#take(event, pass, refuse);
      return;
    }
    const usual = this.#usual();
    const far = Math.max(ahead, FAR_STEPS * usual);
    const live = this.#last >= now - far && this.#last <= now + ahead;
    if (live && time > now + ahead && apart > 2 * usual) {
      refuse(event);
      return;
    }
    if (apart <= far || this.#intervals === 0) {
      this.#take(event, pass, refuse);
      return;
    }
    this.#aside = this.#aside.filter((held) => this.#agrees(held, event, refuse));
    this.#aside.push(event);
    if (this.#aside.length >= CONFIRMING) this.#release(pass);
  }

  /** Settles what is held aside: the input has ended. */
  end(pass: (event: TimedEvent) => void, refuse: (event: TimedEvent) => void): void {
    if (this.#aside.length === 1 && !Number.isNaN(this.#last)) refuse(this.#aside.pop() as TimedEvent);
    this.#release(pass);
  }

  save(): number[] {
    const state = [this.#last, this.#intervals, ...this.#recent, this.#aside.length];
    for (const { time, offset, values } of this.#aside) state.push(time, offset, ...values);
    return state;
  }

  /** Goes on from `save`, with `columns` values per reading; returns how many numbers it read. */
  restore(state: Float64Array, columns: number): number {
    let at = 2 + RECENT;
    const held = savedNumber(state, at++);
    if (!(held >= 0 && held < CONFIRMING)) {
      throw new EddyError("bad-state", "series state", {
        expected: `fewer than ${CONFIRMING} readings held aside`,
        received: String(held),
      });
    }
    this.#last = savedNumber(state, 0);
    this.#intervals = savedNumber(state, 1);
    this.#recent.set(state.subarray(2, 2 + RECENT));
    this.#aside = [];
    for (let i = 0; i < held; i++, at += 2 + columns) {
      const values = state.slice(at + 2, at + 2 + columns);
      this.#aside.push({ time: savedNumber(state, at), offset: savedNumber(state, at + 1), values });
    }
    return at;
  }

  /** The readings before there is a time to go by. */
  #begin(
    event: TimedEvent,
    now: number,
    pass: (event: TimedEvent) => void,
    refuse: (event: TimedEvent) => void,
  ): void {
    const [first, second] = this.#aside;
    const before = (held: TimedEvent | undefined) =>
      held !== undefined && event.time < held.time - this.#ahead;
    if (before(first) && event.time <= now + this.#ahead && (first as TimedEvent).time > now + this.#ahead) {
      this.#aside.shift();
      refuse(first as TimedEvent);
      this.push(event, now, pass, refuse);
      return;
    }
    if (second === undefined && before(first)) {
      this.#aside.push(event);
      return;
    }
    if (second !== undefined && before(first)) {
      // Two against one: the first is wrong.
      this.#aside = [second];
      refuse(first as TimedEvent);
      this.push(event, now, pass, refuse);
      return;
    }
    // In the order they came: a second one far before the first is late now.
    const began = this.#aside;
    this.#aside = [];
    for (const held of began) this.#pass(held, pass);
    this.#pass(event, pass);
  }

  /** Takes a reading, and with it those aside that it does not contradict. */
  #take(event: TimedEvent, pass: (event: TimedEvent) => void, refuse: (event: TimedEvent) => void): void {
    // A late one says nothing about the time.
    if (this.#aside.length === 0 || event.time < this.#last) {
      this.#pass(event, pass);
      return;
    }
    this.#aside = this.#aside.filter((held) => this.#agrees(held, event, refuse));
    this.#aside.push(event);
    this.#release(pass);
  }

  #agrees(held: TimedEvent, event: TimedEvent, refuse: (event: TimedEvent) => void): boolean {
    const agrees = held.time - event.time <= this.#ahead;
    if (!agrees) refuse(held);
    return agrees;
  }

  #release(pass: (event: TimedEvent) => void): void {
    const released = this.#aside.sort((a, b) => a.time - b.time);
    this.#aside = [];
    for (const event of released) this.#pass(event, pass);
  }

  #pass(event: TimedEvent, pass: (event: TimedEvent) => void): void {
    const interval = event.time - this.#last;
    if (interval > 0) this.#recent[this.#intervals++ % RECENT] = interval;
    if (!(interval <= 0)) this.#last = event.time;
    pass(event);
  }

  /** Usual milliseconds between readings; 0 before two. */
  #usual(): number {
    const n = Math.min(RECENT, this.#intervals);
    return n === 0 ? 0 : itemAt(this.#recent.slice(0, n).sort(), (n - 1) >> 1);
  }
}
