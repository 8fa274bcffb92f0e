import type { Clock } from "../../storage/clock.ts";
import { Bucket } from "../bucket.ts";

/** A number of events a second, some seconds' worth at once. */
export class Allowance {
  readonly rate: number;
  readonly #most: number;
  readonly #clock: Clock;
  readonly #bucket: Bucket;

  constructor(rate: number, seconds: number, clock: Clock) {
    this.rate = rate;
    this.#most = Math.max(1, rate * seconds);
    this.#clock = clock;
    this.#bucket = new Bucket(this.#most, clock.monotonic());
  }

  take(): boolean {
    return this.#bucket.take(this.rate, this.#most, this.#clock.monotonic()) === 0;
  }
}
