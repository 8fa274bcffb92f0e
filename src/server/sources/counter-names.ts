/** Names remembered at most; what is forgotten is opened as any other series. */
const MOST = 100_000;

/**
 * Series whose senders say that they only ever grow, but for beginning anew: new ones of them are opened as counters. How a
 * series was opened is kept with it, so that nothing of this need survive the process.
 */
export class CounterNames {
  readonly #names = new Set<string>();

  add(series: string): void {
    if (this.#names.size < MOST) this.#names.add(series);
  }

  has(series: string): boolean {
    return this.#names.has(series);
  }
}
