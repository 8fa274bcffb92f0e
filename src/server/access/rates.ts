interface Bucket {
  left: number;
  at: number;
}

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
    const bucket = this.#reckoned(key, perSecond, burst);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#most) break;
      this.#buckets.delete(oldest);
    }
    if (bucket.left < 1) return (1 - bucket.left) / perSecond;
    bucket.left--;
    return 0;
  }

  /** In how many seconds one more would be allowed. */
  wait(key: string): number {
    if (!this.#buckets.has(key)) return 0;
    const { left } = this.#reckoned(key, this.#perSecond, this.#burst);
    return left < 1 ? (1 - left) / this.#perSecond : 0;
  }

  #reckoned(key: string, perSecond: number, burst: number): Bucket {
    const now = this.#monotonic();
    const bucket = this.#buckets.get(key) ?? { left: burst, at: now };
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    return bucket;
  }
}
