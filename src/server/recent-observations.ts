import type { Forecast } from "../models/forecast.ts";
import type { Observation } from "../models/observation.ts";

/** Observations kept of one series. */
const PER_SERIES = 400;
/** Series of which any are kept; a page that shows more would not be looked at. */
const SERIES = 1_000;

interface Recent {
  times: number[];
  readonly values: Map<string, (number | null)[]>;
}

/** The last observations of each series that led to a forecast, in memory, for whoever wants to draw them. Bounded. */
export class RecentObservations {
  readonly #series = new Map<string, Recent>();

  /** Notes the value that led to a forecast. Targets of one observation come one after the other. */
  add(forecast: Forecast, value: number | null): void {
    let recent = this.#series.get(forecast.series);
    if (recent === undefined) {
      if (this.#series.size >= SERIES) return;
      recent = { times: [], values: new Map() };
      this.#series.set(forecast.series, recent);
    }
    const time = Date.parse(forecast.issuedAt);
    const { times, values } = recent;
    if (times.at(-1) !== time) times.push(time);
    let column = values.get(forecast.target);
    if (column === undefined) {
      column = [];
      values.set(forecast.target, column);
    }
    while (column.length < times.length - 1) column.push(null);
    column[times.length - 1] = value;
    // Cut in blocks: shifting at every event would cost as much as the ring is long.
    if (times.length >= 2 * PER_SERIES) {
      times.splice(0, PER_SERIES);
      for (const column of values.values()) column.splice(0, PER_SERIES);
    }
  }

  /** Oldest first. */
  of(series: string): Observation[] {
    const recent = this.#series.get(series);
    if (recent === undefined) return [];
    const { times, values } = recent;
    return times.slice(-PER_SERIES).map((time, i, kept) => {
      const row: Record<string, number | null> = Object.create(null);
      const at = times.length - kept.length + i;
      for (const [target, column] of values) row[target] = column[at] ?? null;
      return { series, time, values: row };
    });
  }
}
