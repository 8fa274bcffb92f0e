/** Lets so many messages a second pass, and as many at once after a pause: less than the server allows, so that it never has to refuse. */
export class Pace {
  readonly #rate: number;
  readonly #most: number;
  #allowance: number;
  #reckonedAt: number;

  /** `messagesPerSecond` as the server allows them, which lets twice as many come at once. */
  constructor(messagesPerSecond: number, now: number) {
    this.#rate = Math.max(0.1, 0.8 * messagesPerSecond);
    this.#most = Math.max(1, messagesPerSecond);
    this.#allowance = this.#most;
    this.#reckonedAt = now;
  }

  /** Milliseconds until one may pass, 0 for now. */
  wait(now: number): number {
    this.#allowance = Math.min(
      this.#most,
      this.#allowance + (Math.max(0, now - this.#reckonedAt) / 1000) * this.#rate,
    );
    this.#reckonedAt = now;
    return this.#allowance >= 1 ? 0 : Math.ceil(((1 - this.#allowance) / this.#rate) * 1000);
  }

  /** One passes. */
  take(): void {
    this.#allowance--;
  }
}
