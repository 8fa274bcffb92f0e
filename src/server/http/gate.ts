import { EddyError } from "../../models/errors.ts";

/** Lets so much work in at a time; so much more waits for its turn, in order, and what comes then is told to come back. */
export class Gate {
  readonly #places: number;
  readonly #room: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(places: number, room: number) {
    this.#places = places;
    this.#room = room;
  }

  /** @throws EddyError `busy` when too much waits already */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#places) {
      if (this.#waiting.length >= this.#room) {
        throw new EddyError("busy", "queries", {
          expected: `at most ${this.#places} at a time and ${this.#room} waiting`,
          received: "one more",
          hint: "send it again in a second",
        });
      }
      // Its place is kept by whoever lets it in.
      await new Promise<void>((enter) => this.#waiting.push(enter));
    } else this.#inside++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside--;
      else next();
    }
  }
}
