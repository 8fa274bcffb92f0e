import type { Clock } from "../../src/storage/clock.ts";

/** A clock turned by hand: tasks run one at a time, when asked, in an order drawn by `random` among those that are due. */
export class TurnedClock implements Clock {
  #time = 1_700_000_000_000;
  #tasks: { at: number; task: () => void }[] = [];
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  now(): number {
    return Math.floor(this.#time);
  }

  /** Every look takes some time, so that slices of work end at arbitrary places. */
  monotonic(): number {
    this.#time += this.#random() * 4;
    return this.#time;
  }

  after(milliseconds: number, task: () => void): () => void {
    const planned = { at: this.#time + milliseconds, task };
    this.#tasks.push(planned);
    return () => {
      this.#tasks = this.#tasks.filter((one) => one !== planned);
    };
  }

  soon(task: () => void): void {
    this.#tasks.push({ at: this.#time, task });
  }

  /** Runs one task, letting time pass to it if none is due; false when there is none. */
  turn(): boolean {
    if (this.#tasks.length === 0) return false;
    const first = Math.min(...this.#tasks.map(({ at }) => at));
    this.#time = Math.max(this.#time, first);
    const due = this.#tasks.filter(({ at }) => at <= this.#time);
    const chosen = due[Math.floor(this.#random() * due.length)];
    this.#tasks = this.#tasks.filter((one) => one !== chosen);
    chosen.task();
    return true;
  }

  /** The process died: nothing that was planned happens. */
  forget(): void {
    this.#tasks = [];
  }
}
