import { moment } from "./issue.ts";

/** When a limit is crossed, epoch milliseconds: one chance in ten before `from`, as likely before as after `at`, one in ten after `to`. */
export interface Crosses {
  readonly from: number;
  readonly at: number;
  /** Infinity: not within what can be told. */
  readonly to: number;
}

/** An alert begins or ends. This is what is delivered and kept. */
export interface AlertTransition {
  /** Its place in the log of transitions, from 1. */
  readonly sequence: number;
  /** The same whenever it is derived again: a receiver drops repeats by it. */
  readonly id: string;
  /** The same for the beginning of an alert and its end. */
  readonly alert: string;
  readonly rule: string;
  readonly series: string;
  /** Empty where a rule is about the whole series. */
  readonly target: string;
  readonly state: "firing" | "resolved";
  /** Event time, epoch milliseconds; of a silence: the server's clock. */
  readonly time: number;
  /** Journal position of the observation that it follows from; of a silence: the last one. */
  readonly offset: number;
  readonly value: number | null;
  readonly limit: number | readonly [number, number] | null;
  readonly probability: number | null;
  readonly crosses: Crosses | null;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Receivers that are told. */
  readonly to: readonly string[];
}

/** A moment as it is told; null beyond what a date can tell. */
const told = (time: number): string | null =>
  Number.isFinite(time) ? new Date(moment(time)).toISOString() : null;

/** When a limit is crossed, as it is told. */
export const crossesInWords = (crosses: Crosses | null) =>
  crosses === null ? null : { from: told(crosses.from), at: told(crosses.at), to: told(crosses.to) };

/** A transition as JSON tells it: times in ISO 8601. */
export const transitionInWords = ({ time, crosses, ...rest }: AlertTransition) => ({
  ...rest,
  time: told(time),
  crosses: crossesInWords(crosses),
});
