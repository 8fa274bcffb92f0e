/** Counters and gauges of one engine by name. */
export class EngineMetrics {
  readonly #values = new Map<string, number>();

  add(name: string, amount: number): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + amount);
  }

  set(name: string, value: number): void {
    this.#values.set(name, value);
  }

  /** Keeps the largest value seen. */
  peak(name: string, value: number): void {
    this.#values.set(name, Math.max(value, this.#values.get(name) ?? 0));
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.#values);
  }
}
