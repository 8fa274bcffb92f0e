import type { Clock } from "../storage/clock.ts";

/** Milliseconds of one turn; whoever else waits (sockets, timers, the engine) comes between two of them. */
const TURN_MILLISECONDS = 8;

interface Job {
  readonly step: () => boolean;
}

/**
 * Shares the event loop among long pieces of work. A piece is a generator that yields often; all of them together get one
 * turn of some milliseconds, go on where they stood in the next one, and take it in rotation, so that a large request
 * delays neither a small one nor anything else by more than a turn.
 */
export class Turns {
  readonly #clock: Pick<Clock, "monotonic" | "soon">;
  #jobs: Job[] = [];

  constructor(clock: Pick<Clock, "monotonic" | "soon">) {
    this.#clock = clock;
  }

  /** Runs a generator to its end; resolves with what it returns, rejects with what it throws. */
  run<T>(work: Generator<unknown, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const step = (): boolean => {
        try {
          const { done, value } = work.next();
          if (done) resolve(value as T);
          return done === true;
        } catch (error) {
          reject(error);
          return true;
        }
      };
      this.#jobs.push({ step });
      if (this.#jobs.length === 1) this.#clock.soon(() => this.#turn());
    });
  }

  #turn(): void {
    const until = this.#clock.monotonic() + TURN_MILLISECONDS;
    for (;;) {
      const [job] = this.#jobs;
      if (job === undefined) break;
      let done = job.step();
      while (!done && this.#clock.monotonic() < until) done = job.step();
      this.#jobs.shift();
      if (!done) this.#jobs.push(job);
      if (this.#clock.monotonic() >= until) break;
    }
    if (this.#jobs.length > 0) this.#clock.soon(() => this.#turn());
  }
}
