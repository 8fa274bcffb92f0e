import { Bucket } from "../bucket.ts";
import { keepNewest } from "../newest.ts";

/**
 * How often each of many may do something: so many a second, and `burst` at once. Of more than `most` at a time those that have been
 * quiet longest are forgotten, and begin anew.
 */
export class Rates {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #most: number;
  readonly #monotonic: () => number;
  /** The one used last comes last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, burst: number, most: number, monotonic: () => number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#most = most;
    this.#monotonic = monotonic;
  }

  /** Those that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Counts one; answers 0, or in how many seconds it would be allowed and then counts nothing. */
  spend(key: string, perSecond = this.#perSecond, burst = this.#burst): number {
    const now = this.#monotonic();
    const bucket = this.#buckets.get(key) ?? new Bucket(burst, now);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    keepNewest(this.#buckets, this.#most);
    return bucket.take(perSecond, burst, now);
  }

  /** In how many seconds one more would be allowed. */
  wait(key: string): number {
    return this.#buckets.get(key)?.wait(this.#perSecond, this.#burst, this.#monotonic()) ?? 0;
  }
}
