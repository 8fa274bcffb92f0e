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

const LAST = 0;
const TIME = 1;
/** What is added to a reading to make it an unbroken total. */
const OFFSET = 2;
/** Fastest count per millisecond of late; 0 before one is known. */
const PACE = 3;
/** Where the count stood before it last began anew: reading, time, offset. */
const BEFORE = 4;
/** A reading too far up to be believed before the next one: NaN when there is none. */
const DOUBTED = 7;
/** Milliseconds between the last two readings of different times: readings closer than these count as so far apart. */
const APART = 8;
const KEPT = 9;

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
  readonly #kept = new Float64Array(KEPT).fill(Number.NaN);
  #resets = 0;

  /** Times that it began anew or wrapped. */
  get resets(): number {
    return this.#resets;
  }

  /** What is to be taken from an unbroken total to have it as the counter tells it now. */
  get offset(): number {
    return this.#kept[OFFSET] || 0;
  }

  /** The unbroken total of a reading at `time`, epoch milliseconds, not before the last one; NaN where it is missing. */
  take(time: number, reading: number): number {
    const kept = this.#kept;
    if (Number.isNaN(reading)) return Number.NaN;
    if (Number.isNaN(kept[LAST])) {
      kept[OFFSET] = -reading;
      kept[PACE] = 0;
      kept[APART] = 0;
      kept[TIME] = time;
      return this.#settle(time, reading);
    }
    const doubted = kept[DOUBTED];
    if (!Number.isNaN(doubted)) {
      kept[DOUBTED] = Number.NaN;
      if (!fell(doubted, reading)) return this.#settle(time, reading);
      // Unless it is back where it was, the jump was counted, whatever has happened since.
      if (!this.#may(kept[LAST], kept[TIME], time, reading)) kept[LAST] = doubted;
    }
    const last = kept[LAST];
    if (fell(last, reading)) {
      this.#begin(time, reading);
      return this.#settle(time, reading, 1);
    }
    const rise = reading - last;
    const before = kept[BEFORE];
    if (
      last <= CORRECTION * before &&
      rise > this.#reach(kept[TIME], time, RETURN) &&
      this.#may(before, kept[BEFORE + 1], time, reading)
    ) {
      kept[OFFSET] = kept[BEFORE + 2];
      kept[BEFORE] = Number.NaN;
      kept[LAST] = before;
      this.#resets--;
    } else if (kept[PACE] > 0 && rise > this.#reach(kept[TIME], time, REACH)) {
      kept[DOUBTED] = reading;
      return Number.NaN;
    }
    return this.#settle(time, reading);
  }

  save(): number[] {
    return [this.#resets, ...this.#kept];
  }

  /** Goes on from `save`; returns how many numbers it read. */
  restore(state: Float64Array): number {
    this.#resets = state[0];
    this.#kept.set(state.subarray(1, 1 + KEPT));
    return 1 + KEPT;
  }

  /** The counter has begun anew on its way from the last reading to this one. */
  #begin(time: number, reading: number): void {
    const kept = this.#kept;
    const last = kept[LAST];
    const paced = kept[PACE] > 0;
    const reach = paced ? this.#reach(kept[TIME], time, REACH) : Number.POSITIVE_INFINITY;
    const wrap = WRAPS.find((value) => value > last) ?? Number.POSITIVE_INFINITY;
    kept.set([last, kept[TIME], kept[OFFSET]], BEFORE);
    // Without a pace nothing tells a wrap from a new beginning but how near the end the counter was.
    const usual = paced ? this.#reach(kept[TIME], time, USUAL) : wrap / 1024;
    const wrapped = wrap - last + reading <= usual;
    const anew = wrapped ? last - wrap : reading <= reach ? 0 : reading;
    kept[OFFSET] += last - anew;
    kept[LAST] = anew;
    this.#resets++;
  }

  /** Takes a reading as counted since the last one; the fastest pace grows `most` times at most. */
  #settle(time: number, reading: number, most = REACH): number {
    const kept = this.#kept;
    const apart = time - kept[TIME];
    if (apart > 0) kept[APART] = apart;
    if (kept[APART] > 0) {
      const pace = Math.max(0, reading - kept[LAST]) / kept[APART];
      kept[PACE] = Math.max(kept[PACE] * FORGET, kept[PACE] > 0 ? Math.min(pace, most * kept[PACE]) : pace);
    }
    kept[LAST] = reading;
    kept[TIME] = time;
    return reading + kept[OFFSET];
  }

  /** How far `times` the fastest pace of late leads from one time to another. */
  #reach(from: number, to: number, times: number): number {
    return times * this.#kept[PACE] * Math.max(this.#kept[APART], to - from);
  }

  /** Whether a count that stood at `total` may be at `reading` by `time`. */
  #may(total: number, from: number, time: number, reading: number): boolean {
    return !fell(total, reading) && reading - total <= this.#reach(from, time, REACH);
  }
}

/** Whether a count has fallen further than a correction. */
const fell = (from: number, to: number): boolean => to < from - CORRECTION * Math.abs(from);
