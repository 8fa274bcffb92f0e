import type { Observable } from "rxjs";
import type { Forecast } from "../models/forecast.ts";
import type { Observation } from "../models/observation.ts";

/** One observation that was not taken, and why. `line` counts from 1 within the request. */
export interface RefusedObservation {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** The answer to a batch, given once everything accepted is durable. */
export interface Receipt {
  readonly accepted: number;
  readonly duplicate: number;
  readonly late: number;
  readonly refused: readonly RefusedObservation[];
}

/** What a series is and how it does. */
export interface SeriesSummary {
  readonly series: string;
  readonly targets: readonly string[];
  readonly inputs: readonly string[];
  readonly model: string;
  readonly horizon: number;
  readonly observations: number;
  readonly lastTime: string | null;
  /** Journal position of its last observation. */
  readonly offset: number;
  readonly skill: number | null;
}

/**
 * The live code path: journal, then forecasters, then whoever subscribes. One per process and database.
 */
export interface Engine {
  /** Names this journal: offsets of two different epochs cannot be compared. */
  readonly epoch: string;
  /** Journal position of the last observation applied. */
  readonly offset: number;
  /** Forecasts of observations that are durable, in journal order. Hot; never errors. */
  readonly forecasts$: Observable<Forecast>;
  /** Takes a batch; resolves once every accepted observation is durable and applied. Rejects with `busy` when full. */
  ingest(batch: readonly Observation[]): Promise<Receipt>;
  series(): readonly SeriesSummary[];
  summary(series: string): SeriesSummary | undefined;
  /** The latest forecast of each target of a series. */
  latest(series: string): readonly Forecast[];
  /** Forecasts as issued with offset greater than `since`, oldest first, at most `limit`; null when no longer kept. */
  issuedSince(since: number, limit: number, series?: (name: string) => boolean): readonly Forecast[] | null;
  /** Counters and gauges by name, for /metrics; names never hold a series. */
  metrics(): Readonly<Record<string, number>>;
  /** Stops intake, writes a last checkpoint, closes the database. */
  close(): Promise<void>;
}
