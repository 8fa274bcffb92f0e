import type { Observable } from "rxjs";
import type { Forecast } from "../models/forecast.ts";
import type { Observation } from "../models/observation.ts";
import type { Clock } from "../storage/clock.ts";
import type { Retention } from "../storage/store.ts";

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

export interface IngestOptions {
  /** How far each named source has been read once this batch is in; committed together with it. */
  readonly sources?: Readonly<Record<string, string>>;
}

/**
 * The live code path: journal, then forecasters, then whoever subscribes. One per process and database.
 */
export interface Engine {
  /** Names this journal: offsets of two different epochs cannot be compared. */
  readonly epoch: string;
  /** Journal position of the last observation applied. */
  readonly offset: number;
  /** How far each named source had been read as of the last commit. */
  readonly sources: ReadonlyMap<string, string>;
  /** Set once the database can no longer be written: intake refuses with this error until a restart. */
  readonly failed: Error | undefined;
  /** Forecasts of observations that are durable, in journal order. Hot; never errors. */
  readonly forecasts$: Observable<Forecast>;
  /** Takes a batch; resolves once every accepted observation is durable and applied. Rejects with `busy` when full. */
  ingest(batch: readonly Observation[], options?: IngestOptions): Promise<Receipt>;
  series(): readonly SeriesSummary[];
  summary(series: string): SeriesSummary | undefined;
  /** The latest forecast of each target of a series. */
  latest(series: string): readonly Forecast[];
  /** Forecasts as issued with offset greater than `since`, oldest first, at most `limit`; null when no longer kept. */
  issuedSince(since: number, limit: number, series?: (name: string) => boolean): readonly Forecast[] | null;
  /** The forecasts of a series as they stood at event time `time` (epoch milliseconds), one per target. */
  issuedAsOf(series: string, time: number): readonly Forecast[];
  /** The last observations of a series that the journal still holds, at most `limit`, oldest event first. */
  recent(series: string, limit: number): readonly Observation[];
  /** Counters and gauges by name, for /metrics; names never hold a series. */
  metrics(): Readonly<Record<string, number>>;
  /** Writes a checkpoint of every series that changed; resolves once all are durable. Intake goes on meanwhile. */
  checkpoint(): Promise<void>;
  /** Stops intake, writes a last checkpoint, closes the database. */
  close(): Promise<void>;
}

/** Where the engine says aloud what a user must know: a damaged checkpoint, a full disk. Pino's logger fits. */
export interface EngineLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface EngineSettings {
  readonly clock?: Clock;
  readonly log?: EngineLog;
  /** Milliseconds between the start of one round of checkpoints and the next. Default 30,000. */
  readonly checkpointEvery?: number;
  /** Checkpoints kept of each series. Default 2. */
  readonly generations?: number;
  /** Bytes of model state held in memory; the series used least recently go to disk beyond it. Default 2 GiB. */
  readonly memoryBytes?: number;
  /** Observations waiting to be made durable; `ingest` rejects with `busy` beyond it. Default 100,000. */
  readonly queueLimit?: number;
  /** Series in the database at most. Default 1,000,000. */
  readonly seriesLimit?: number;
  readonly retention?: Partial<Retention>;
  /** Go on although no checkpoint of a series is good any more: that series begins anew. */
  readonly reset?: boolean;
}
