import { EddyError } from "../../models/errors.ts";
import type { Clock } from "../../storage/clock.ts";

export interface AdmissionOptions {
  /** Bytes of bodies that may be in memory, from the first byte received until the answer. */
  readonly bytes: number;
  /**
   * Bytes of bodies that may be read and taken in at a time; one body always may. A few small ones: what is read and waits for
   * the engine is ten times as large as its bytes, and the collector has to carry it along.
   */
  readonly working: number;
  /** Milliseconds that a body admitted now may have to wait for its answer, by the pace of the last ones. */
  readonly delay: number;
  /** Milliseconds that a request may wait, unread, for room. */
  readonly patience: number;
  /** Requests that may wait so. */
  readonly waiting: number;
  /** The journal takes no more just now. */
  readonly full: () => boolean;
}

export const ADMISSION_DEFAULTS = {
  bytes: 64 * 2 ** 20,
  working: 2 ** 17,
  delay: 5_000,
  patience: 1_000,
  waiting: 1_000,
} as const;

const busy = (): EddyError =>
  new EddyError("busy", "intake", {
    expected: "room for a body",
    received: "more than can be taken in soon",
    hint: "send it again in a second",
  });

/** How fast the pace forgets: some twenty bodies. */
const FORGET = 0.95;

/**
 * Decides about a body before it is read. Under more load than can be borne, work done for what is then refused is work
 * taken from what could be answered: so a request waits outside, unread, for a moment (which also holds back a
 * client that would try again at once), and is told `busy` when there is still no room. What was let in is answered.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  #held = 0;
  #working = 0;
  readonly #outside = new Set<() => void>();
  readonly #received: { readonly bytes: number; readonly begin: () => void }[] = [];
  /** Bytes answered and milliseconds they took, of late. */
  #bytes = 0;
  #milliseconds = 0;
  #lastEnd = 0;
  /** Bodies that were not let in. */
  refused = 0;
  /** Lines of bodies that could not be read as observations. */
  linesRefused = 0;

  constructor(options: AdmissionOptions, clock: Pick<Clock, "monotonic" | "after">) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Bytes of bodies in memory. */
  get held(): number {
    return this.#held;
  }

  /** Requests that wait unread. */
  get outside(): number {
    return this.#outside.size;
  }

  get #full(): boolean {
    if (this.#options.full()) return true;
    if (this.#held === 0) return false;
    const pace = this.#bytes > 0 ? this.#milliseconds / this.#bytes : 0;
    return this.#held >= this.#options.bytes / 2 || this.#held * pace > this.#options.delay;
  }

  /**
   * Resolves when a body may be read.
   *
   * @throws EddyError `busy` when there is no room for it in time
   */
  async enter(): Promise<void> {
    if (!this.#full) return;
    if (this.#outside.size < this.#options.waiting) {
      await new Promise<void>((resolve) => {
        const inside = (): void => {
          cancel();
          this.#outside.delete(inside);
          resolve();
        };
        const cancel = this.#clock.after(this.#options.patience, inside);
        this.#outside.add(inside);
      });
      if (!this.#full) return;
    }
    this.refused++;
    throw busy();
  }

  /** Counts bytes that came in. @throws EddyError `busy` when they are more than may be in memory */
  hold(bytes: number): void {
    if (this.#held > 0 && this.#held + bytes > this.#options.bytes) {
      this.refused++;
      throw busy();
    }
    this.#held += bytes;
  }

  /** Counts bytes that are no longer in memory. */
  release(bytes: number): void {
    this.#held -= bytes;
    // One at a time: what it brings is not known yet.
    const [first] = this.#outside;
    if (first !== undefined && !this.#full) first();
  }

  /** Does the work of a received body when it is its turn, in the order of arrival. */
  async work<T>(bytes: number, task: () => Promise<T>): Promise<T> {
    if (this.#working > 0 && (this.#received.length > 0 || this.#working + bytes > this.#options.working)) {
      await new Promise<void>((begin) => this.#received.push({ bytes, begin }));
    } else this.#working += bytes;
    const begun = this.#clock.monotonic();
    try {
      return await task();
    } finally {
      const now = this.#clock.monotonic();
      this.#milliseconds = this.#milliseconds * FORGET + now - Math.max(begun, this.#lastEnd);
      this.#bytes = this.#bytes * FORGET + bytes;
      this.#lastEnd = now;
      this.#working -= bytes;
      this.#next();
    }
  }

  #next(): void {
    for (;;) {
      const [first] = this.#received;
      if (first === undefined) return;
      if (this.#working > 0 && this.#working + first.bytes > this.#options.working) return;
      this.#received.shift();
      // Before it goes on, so that nobody else takes its place.
      this.#working += first.bytes;
      first.begin();
    }
  }
}
