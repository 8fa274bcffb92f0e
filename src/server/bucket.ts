/** A token bucket: it fills at so many events a second, holds so many at most, and each event takes one. */
export class Bucket {
  #left: number;
  #at: number;

  /** Full. `now`: milliseconds of a clock that does not go back. */
  constructor(full: number, now: number) {
    this.#left = full;
    this.#at = now;
  }

  /** In how many seconds there is one; 0 when there is. */
  wait(perSecond: number, full: number, now: number): number {
    this.#left = Math.min(full, this.#left + ((now - this.#at) / 1000) * perSecond);
    this.#at = now;
    return this.#left < 1 ? (1 - this.#left) / perSecond : 0;
  }

  /** Takes one; answers 0, or in how many seconds there is one, and then takes none. */
  take(perSecond: number, full: number, now: number): number {
    const wait = this.wait(perSecond, full, now);
    if (wait === 0) this.#left--;
    return wait;
  }
}
