/** One reading of one series at one event time, as it travels inside Eddy. */
export interface Observation {
  /** Makes a repeat harmless: an id already seen for this series is acknowledged and not applied again. */
  readonly id?: string;
  readonly series: string;
  /** Event time, epoch milliseconds; `UNTIMED` when none was given: a server stamps it with its arrival. */
  readonly time: number;
  /** One number per column; null (or absent) where a value is missing. */
  readonly values: Readonly<Record<string, number | null>>;
}

/** The time of an observation that names none. */
export const UNTIMED = Number.NaN;

/** The column of an observation given as `{ value }`. */
export const VALUE = "value";

/** The last moment that a date can tell, epoch milliseconds; the first one is as far on the other side. */
export const MAX_TIME = 8.64e15;
