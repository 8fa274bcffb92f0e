import type { Observable } from "rxjs";
import type { AlertTransition } from "../../models/alert.ts";
import type { Issue } from "../../models/issue.ts";
import type { Observation } from "../../models/observation.ts";
import type { Clock } from "../../storage/clock.ts";
import type { Outbox } from "../../storage/outbox.ts";
import type { LoggedIssue, LogPlace, LogRow, Retention } from "../../storage/store.ts";
import type { AlertRule } from "../../streams/alerts/rule.ts";
import type { Found, StandingRule } from "../../streams/alerts/telling.ts";

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
  /** The first hundred. */
  readonly refused: readonly RefusedObservation[];
  /** How many were refused beyond those; absent when there are none. */
  readonly moreRefused?: number;
}

export type { LoggedIssue, LogPlace, LogRow };

/** Some rows of the log of forecasts, in its order. */
export interface LogPage {
  readonly rows: readonly LogRow[];
  /** The place after the last of them; null when they reach the end of the log. */
  readonly next: LogPlace | null;
}

/** What part of a past is asked for: event times from `from` to `to`, both included, epoch milliseconds. */
export interface HistoryRange {
  readonly from: number;
  readonly to: number;
  /** Journal position after which nothing of it was known yet; absent: all of it. */
  readonly upTo?: number;
  /** Readings, or issues of forecasts, of one page at most. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly cursor?: string;
}

export interface HistoryPage<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null when there is none. It may be there although nothing more is found. */
  readonly next: string | null;
}

/** What taking readings back led to. */
export interface TakenBack {
  readonly takenBack: number;
  /** The series as it stands now. */
  readonly series: SeriesSummary;
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

/** What a hosted pipeline is and how it does. */
export interface PipelineSummary {
  readonly name: string;
  /** Names and patterns of the series that it reads. */
  readonly series: readonly string[];
  /** Readings it has taken. */
  readonly readings: number;
  /** Outputs it has given; null while it is not in memory. */
  readonly outputs: number | null;
  /** Journal position of the last of them. */
  readonly offset: number;
  /** Why it takes nothing more; null while it runs. */
  readonly stopped: string | null;
  /** Its stages whose state is kept. */
  readonly stages: readonly string[];
  /** Figures of its stages by name, such as `recurrent.loss`. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface IngestOptions {
  /** How far each named source has been read once this batch is in; committed together with it. */
  readonly sources?: Readonly<Record<string, string>>;
  /**
   * The same once the observation of a line (from 1) is in: committed together with that line, however the batch is cut into
   * commits. After an observation that is refused as `busy`, and is to be sent again, nothing more of the batch is recorded.
   */
  readonly reached?: ReadonlyMap<number, Readonly<Record<string, string>>>;
  /** New series are not held to their rate: whoever hands them in waits for each answer, and bounds their number. */
  readonly paced?: boolean;
}

/** An alert that waits to be told, or has been. */
export interface ActiveAlert extends Found {
  /** Its name, once it has been told. */
  readonly alert: string | null;
  readonly series: string;
  /** Empty where its rule is about the whole series. */
  readonly target: string;
  readonly state: "pending" | "firing";
  /** Since when it is so, epoch milliseconds. */
  readonly since: number;
  readonly summary: string;
  readonly standing: StandingRule;
}

/** Rules, the alerts they have led to, and the log of what has been told of them. */
export interface AlertService {
  /** What has been told, once it is durable, in its order. Hot; never errors. */
  readonly transitions$: Observable<AlertTransition>;
  /** Place of the newest transition that is durable; 0 when there is none. */
  readonly sequence: number;
  /** Rules in the order of their names. */
  rules(): readonly StandingRule[];
  rule(name: string): StandingRule | undefined;
  /** Series that a rule is about now. */
  matches(rule: StandingRule): number;
  /** Alerts that are pending or firing, lazily. */
  active(): Iterable<ActiveAlert>;
  /**
   * Puts a rule in the place of the one of its name; resolves once it is durable. It holds for every reading from then on.
   *
   * @throws EddyError naming the field that is wrong; `bad-state` for a rule of the configuration; `too-large` for one too many
   */
  put(name: string, given: unknown): Promise<StandingRule>;
  /** Takes a rule away, and ends its alerts; resolves with whether there was one. `bad-state` for a rule of the configuration. */
  remove(name: string): Promise<boolean>;
  /** Transitions after a place in their log, oldest first; null when some of them are no longer kept. */
  after(sequence: number, limit: number): readonly AlertTransition[] | null;
  /** Transitions before a place in their log, the newest first. */
  before(sequence: number, limit: number): readonly AlertTransition[];
}

export interface AlertSettings {
  /** Rules of the configuration. */
  readonly rules?: readonly AlertRule[];
  /** Names that rules may name as receivers. */
  readonly receivers?: readonly string[];
  /** In which unit a target is read, for the words of an alert; empty when it is not known. */
  readonly unit?: (series: string, target: string) => string;
  /** Rules at most. Default 1,000. */
  readonly rulesLimit?: number;
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
  /** What receivers of alerts have still to be told. */
  readonly outbox: Outbox;
  /** What is forecast after observations that are durable, in journal order. Hot; never errors. */
  readonly issues$: Observable<LoggedIssue>;
  /** Observations that may still be handed in before `ingest` answers `busy`. */
  readonly room: number;
  /** How far beyond this machine's clock the time of an observation may lie, milliseconds. */
  readonly ahead: number;
  /** Takes a batch; resolves once every accepted observation is durable and applied. Rejects with `busy` when full. */
  ingest(batch: readonly Observation[], options?: IngestOptions): Promise<Receipt>;
  series(): readonly SeriesSummary[];
  /** Names of all series, lazily: there may be a million. */
  names(): Iterable<string>;
  /** Newest time taken of a series, epoch milliseconds; NaN when there is none. */
  lastTime(series: string): number;
  summary(series: string): SeriesSummary | undefined;
  /** How many readings of a series were not taken since the start, by the code of why. */
  refusals(series: string): Readonly<Record<string, number>>;
  /** The pipelines that are hosted, and those that stand still in the database. */
  pipelines(): readonly PipelineSummary[];
  /** What was forecast last of a series. */
  latest(series: string): Issue | undefined;
  /** The same with its place in the log. */
  latestLogged(series: string): LoggedIssue | undefined;
  /** At most `limit` rows of the log after a place; null when some of them are no longer kept. */
  issuedAfter(place: LogPlace, limit: number): LogPage | null;
  readonly alerts: AlertService;
  /** Grows whenever the past changes: a series was removed, or readings were taken back. */
  readonly rewrites: number;
  /**
   * Removes a series and all that is kept of it; resolves with whether there was one, once that is durable. Rejects with
   * `busy` while readings of it are being taken back.
   */
  remove(series: string): Promise<boolean>;
  /**
   * Takes back the readings of a series whose time lies from `from` to `to` (epoch milliseconds, both included): it then
   * is what it would be had they never come, forecasts since then among it. Readings refused as late because of them are taken
   * now. Until it resolves, new observations of the series are refused as `busy`; the others go on.
   * Rejects with `bad-state` when neither the journal nor a checkpoint reaches back before them.
   */
  takeBack(series: string, from: number, to: number): Promise<TakenBack>;
  /** What a series had forecast last at event time `time` (epoch milliseconds). */
  issuedAsOf(series: string, time: number): Issue | undefined;
  /** The same with its place in the log. */
  loggedAsOf(series: string, time: number): LoggedIssue | undefined;
  /** The readings of a series as they came, by their time, the last one first; as far back as the journal reaches. */
  observationHistory(series: string, range: HistoryRange): HistoryPage<Observation>;
  /** The forecasts of a series as they were issued, by the time at which they were made, the newest first. */
  forecastHistory(series: string, range: HistoryRange): HistoryPage<LoggedIssue>;
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
  /** How far beyond the clock the time of an observation may lie, milliseconds; beyond it: `ahead`. Default a day. */
  readonly ahead?: number;
  /** Bytes of state of one series at most; a new one that would take more is refused. Default 32 MiB. */
  readonly seriesBytes?: number;
  /** New series a second, ten seconds' worth at once; one more is refused as `busy`. Default 100. */
  readonly newSeriesPerSecond?: number;
  readonly retention?: Partial<Retention>;
  readonly alerts?: AlertSettings;
  /** Go on although no checkpoint of a series is good any more: that series begins anew. */
  readonly reset?: boolean;
}
