import type { Clock } from "../clock.ts";
import type { Statements } from "./statements.ts";

const DAY = 86_400_000;
const MINUTE = 60_000;

/**
 * Time as retention counts it: that in which the database has been open, by a clock that does not go back. No wall clock that
 * jumps deletes anything.
 */
export class OpenTime {
  readonly #clock: Clock;
  readonly #statements: Statements;
  /** Milliseconds that the database had been open before, and the monotonic clock when it was opened now. */
  readonly #ranBefore: number;
  readonly #openedAt: number;

  constructor(statements: Statements, clock: Clock) {
    this.#clock = clock;
    this.#statements = statements;
    this.#ranBefore = MINUTE * Number(statements.newestMinute.get() ?? 0);
    this.#openedAt = clock.monotonic();
  }

  /** The minute `days` ago, of those that the database has been open. */
  minute(days: number): number {
    const ran = this.#ranBefore + this.#clock.monotonic() - this.#openedAt;
    return Math.floor((ran - days * DAY) / MINUTE);
  }

  /**
   * The wall clock, unless it may have jumped ahead: the least it has said while observations came in over the last day.
   * Undefined until there is a day to look back on.
   */
  steadyNow(): number | undefined {
    const yesterday = this.minute(1);
    const since = this.#statements.clockSince.get(yesterday);
    if (typeof since !== "number" || this.#statements.minuteBefore.get(yesterday) === undefined)
      return undefined;
    return Math.min(since, this.#clock.now());
  }
}
