import type { Observation } from "../../models/observation.ts";
import { DEPARTURES } from "./departures.ts";

const HOUR = 3_600_000;
/** Monday, 1 January 2001; the hours are those of the clocks of the airports. */
const BEGIN = Date.UTC(2001, 0, 1);
/** Whole weeks, so that what comes after the end goes on with the right day of the week. */
const HOURS = 25 * 7 * 24;

/** What each column is called. */
const NAMES: Readonly<Record<string, string>> = {
  all: "departures/all airports",
  ATL: "departures/Atlanta",
  ORD: "departures/Chicago",
  LAX: "departures/Los Angeles",
};

/** Time between two readings of the recording. */
export const READING_MILLISECONDS = HOUR;
/** Readings that are replayed at once when there is nothing yet, so that the first forecasts seen are good ones: six weeks. */
export const WARM_UP = 6 * 7 * 24;

/**
 * How many flights left airports of the United States in each hour of the first half of 2001, of all airports together and of three
 * of them (Bureau of Transportation Statistics). It begins again where it ends, while its time goes on.
 */
export class Flights {
  /** Names of the series, and their values hour by hour. */
  readonly #columns: readonly { readonly series: string; readonly values: readonly number[] }[];

  constructor() {
    const [heading = "", ...rows] = DEPARTURES.trim().split("\n");
    const hours = rows.slice(0, HOURS).map((row) => row.split(",").map(Number));
    this.#columns = heading.split(",").map((column, c) => ({
      series: NAMES[column] ?? `departures/${column}`,
      values: hours.map((row) => row[c] ?? Number.NaN),
    }));
  }

  /** Reading `k` of every series, from 0 without end. */
  reading(k: number): Observation[] {
    return this.#columns.map(({ series, values }) => ({
      series,
      time: BEGIN + k * HOUR,
      values: { value: values[k % values.length] ?? null },
    }));
  }
}
