import type { Observer } from "rxjs";

/** An event that an operator set aside, and why. */
export interface RefusedEvent<T> {
  readonly event: T;
  /** A stable word, such as `late`, `duplicate-time`, `bad-number`, `too-many-series`. */
  readonly reason: string;
}

/** Where an operator sends what it sets aside, such as a `Subject`. Without one they are only counted out. */
export type RefusedOutput<T> = Pick<Observer<RefusedEvent<T>>, "next">;
