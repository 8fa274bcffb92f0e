import type { DeliveryWorld } from "../../../src/server/alerts/delivery/receiver.ts";
import { deliveryWorld } from "../../../src/server/alerts/delivery/world.ts";

/** Time that passes only when it is told to. */
export class HandClock {
  #time = 0;
  #tasks: { at: number; task: () => void }[] = [];

  /** A world by this clock; chance always falls on `random`. */
  world(given: Partial<DeliveryWorld> = {}, random = 1): DeliveryWorld {
    return deliveryWorld({
      now: () => Date.UTC(2026, 5, 1) + this.#time,
      monotonic: () => this.#time,
      after: (milliseconds, task) => this.after(milliseconds, task),
      random: () => random,
      ...given,
    });
  }

  get time(): number {
    return this.#time;
  }

  after(milliseconds: number, task: () => void): () => void {
    const planned = { at: this.#time + milliseconds, task };
    this.#tasks.push(planned);
    return () => {
      this.#tasks = this.#tasks.filter((one) => one !== planned);
    };
  }

  /** Lets so much time pass, and all that comes of it happen. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#time + milliseconds;
    for (;;) {
      await settled();
      const next = this.#tasks.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#tasks = this.#tasks.filter((one) => one !== next);
      this.#time = Math.max(this.#time, next.at);
      next.task();
    }
    this.#time = end;
  }
}

/** Whatever follows from promises that are settled has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
