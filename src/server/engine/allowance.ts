import type { Clock } from "../../storage/clock.ts";

/** A number of events a second, some seconds' worth at once. */
export class Allowance {
  readonly rate: number;
  readonly #most: number;
  readonly #clock: Clock;
  #left: number;
  #reckonedAt: number;

  constructor(rate: number, seconds: number, clock: Clock) {
    this.rate = rate;
    this.#most = Math.max(1, rate * seconds);
    this.#clock = clock;
    this.#left = this.#most;
    this.#reckonedAt = clock.monotonic();
  }

  take(): boolean {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#most, this.#left + ((now - this.#reckonedAt) / 1000) * this.rate);
    this.#reckonedAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
