/** Waits between attempts: any length up to a bound that doubles ("full jitter"), so that many clients do not come back at once. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  readonly #random: () => number;
  #attempts = 0;

  /** Milliseconds of the first bound, and of the largest. */
  constructor(random: () => number, first = 500, most = 30_000) {
    this.#random = random;
    this.#first = first;
    this.#most = most;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const bound = Math.min(this.#most, this.#first * 2 ** Math.min(this.#attempts++, 30));
    return this.#random() * bound;
  }

  /** It went well: the next wait is short again. */
  reset(): void {
    this.#attempts = 0;
  }
}
