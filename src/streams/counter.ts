import { savedNumber } from "./saved-numbers.ts";

/** Where counters begin anew at 0: widths in bits, and numbers of digits of mechanical ones. */
const WRAPS = [
  ...[16, 31, 32, 48, 63, 64].map((bits) => 2 ** bits),
  ...Array.from({ length: 9 }, (_, i) => 10 ** (4 + i)),
].sort((a, b) => a - b);

/** A fall of less than this share of the total is a correction (rounding, a late tick), no new beginning. */
const CORRECTION = 0.1;

/** What may have been counted since the last reading: this many times the fastest pace of late. */
const REACH = 16;
/** A wrap brings a usual increment: at most this many times the fastest pace. */
const USUAL = 1.5;
/** A step to where the count stood before it began anew is a return if it is this many times as fast as any of late. */
const RETURN = 2;
/** How the fastest pace is forgotten, per reading. */
const FORGET = 0.999;

/** Numbers of `save`. */
const SAVED = 10;

/** Where a count stood. */
interface Stand {
  readonly reading: number;
  readonly time: number;
  /** What was added to the reading. */
  readonly offset: number;
}

const NOWHERE: Stand = { reading: Number.NaN, time: Number.NaN, offset: Number.NaN };

/**
 * Makes an unbroken total of the readings of a counter, which count up and now and then begin anew. The total begins at 0 with the
 * first reading, and grows by what is counted between two readings however far apart they are: a missing one loses nothing.
 *
 * A reading that falls by more than a tenth
 * - has wrapped, when the way up to a power of two or ten and on from 0 is a usual one (1.5 times the fastest pace of late):
 *   the increment is that way;
 * - else has begun anew at 0: the increment is the reading. When that is further than the counter can have gone (16 times the
 *   fastest pace), it was set or replaced, and what was counted meanwhile is not known: the increment is 0.
 *
 * A smaller fall is a correction, and is followed. A jump up to where the count stood before it began anew undoes that: a
 * device that says 0 until it remembers. Any other jump beyond reach is missing until the next reading either goes on from it (it
 * was counted, all at once) or goes back (it never was).
 *
 * State: 10 numbers per counter. Pure: no clock.
 */
export class Counter {
  /** The last reading, and its time. */
  #last = Number.NaN;
  #time = Number.NaN;
  /** What is added to a reading to make it an unbroken total. */
  #offset = Number.NaN;
  /** Fastest count per millisecond of late; 0 before one is known. */
  #pace = Number.NaN;
  /** Where the count stood before it last began anew. */
  #before = NOWHERE;
  /** A reading too far up to be believed before the next one: NaN when there is none. */
  #doubted = Number.NaN;
  /** Milliseconds between the last two readings of different times: readings closer than these count as so far apart. */
  #apart = Number.NaN;
  #resets = 0;

  /** Times that it began anew or wrapped. */
  get resets(): number {
    return this.#resets;
  }

  /** What is to be taken from an unbroken total to have it as the counter tells it now. */
  get offset(): number {
    return this.#offset || 0;
  }

  /** The unbroken total of a reading at `time`, epoch milliseconds, not before the last one; NaN where it is missing. */
  take(time: number, reading: number): number {
    if (Number.isNaN(reading)) return Number.NaN;
    if (Number.isNaN(this.#last)) {
      this.#offset = -reading;
      this.#pace = 0;
      this.#apart = 0;
      this.#time = time;
      return this.#settle(time, reading);
    }
    const doubted = this.#doubted;
    if (!Number.isNaN(doubted)) {
      this.#doubted = Number.NaN;
      if (!fell(doubted, reading)) return this.#settle(time, reading);
      // Unless it is back where it was, the jump was counted, whatever has happened since.
      if (!this.#may(this.#last, this.#time, time, reading)) this.#last = doubted;
    }
    const last = this.#last;
    if (fell(last, reading)) {
      this.#begin(time, reading);
      return this.#settle(time, reading, 1);
    }
    const rise = reading - last;
    const before = this.#before;
    if (
      last <= CORRECTION * before.reading &&
      rise > this.#reach(this.#time, time, RETURN) &&
      this.#may(before.reading, before.time, time, reading)
    ) {
      this.#offset = before.offset;
      this.#before = NOWHERE;
      this.#last = before.reading;
      this.#resets--;
    } else if (this.#pace > 0 && rise > this.#reach(this.#time, time, REACH)) {
      this.#doubted = reading;
      return Number.NaN;
    }
    return this.#settle(time, reading);
  }

  save(): number[] {
    const { reading, time, offset } = this.#before;
    return [
      this.#resets,
      this.#last,
      this.#time,
      this.#offset,
      this.#pace,
      reading,
      time,
      offset,
      this.#doubted,
      this.#apart,
    ];
  }

  /** Goes on from `save`; returns how many numbers it read. */
  restore(state: Float64Array): number {
    let at = 0;
    const next = (): number => savedNumber(state, at++);
    this.#resets = next();
    this.#last = next();
    this.#time = next();
    this.#offset = next();
    this.#pace = next();
    this.#before = { reading: next(), time: next(), offset: next() };
    this.#doubted = next();
    this.#apart = next();
    return SAVED;
  }

  /** The counter has begun anew on its way from the last reading to this one. */
  #begin(time: number, reading: number): void {
    const last = this.#last;
    const paced = this.#pace > 0;
    const reach = paced ? this.#reach(this.#time, time, REACH) : Number.POSITIVE_INFINITY;
    const wrap = WRAPS.find((value) => value > last) ?? Number.POSITIVE_INFINITY;
    this.#before = { reading: last, time: this.#time, offset: this.#offset };
    // Without a pace nothing tells a wrap from a new beginning but how near the end the counter was.
    const usual = paced ? this.#reach(this.#time, time, USUAL) : wrap / 1024;
    const wrapped = wrap - last + reading <= usual;
    const anew = wrapped ? last - wrap : reading <= reach ? 0 : reading;
    this.#offset += last - anew;
    this.#last = anew;
    this.#resets++;
  }

  /** Takes a reading as counted since the last one; the fastest pace grows `most` times at most. */
  #settle(time: number, reading: number, most = REACH): number {
    const apart = time - this.#time;
    if (apart > 0) this.#apart = apart;
    if (this.#apart > 0) {
      const pace = Math.max(0, reading - this.#last) / this.#apart;
      this.#pace = Math.max(this.#pace * FORGET, this.#pace > 0 ? Math.min(pace, most * this.#pace) : pace);
    }
    this.#last = reading;
    this.#time = time;
    return reading + this.#offset;
  }

  /** How far `times` the fastest pace of late leads from one time to another. */
  #reach(from: number, to: number, times: number): number {
    return times * this.#pace * Math.max(this.#apart, to - from);
  }

  /** Whether a count that stood at `total` may be at `reading` by `time`. */
  #may(total: number, from: number, time: number, reading: number): boolean {
    return !fell(total, reading) && reading - total <= this.#reach(from, time, REACH);
  }
}

/** Whether a count has fallen further than a correction. */
const fell = (from: number, to: number): boolean => to < from - CORRECTION * Math.abs(from);
