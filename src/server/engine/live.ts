import { type Observable, Subject } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import type { Issue } from "../../models/issue.ts";
import type { Observation } from "../../models/observation.ts";
import type { Clock } from "../../storage/clock.ts";
import type { Outbox } from "../../storage/outbox.ts";
import type { LoggedIssue, LogPlace, Retention, Store } from "../../storage/store.ts";
import { SeriesAdmission } from "./admission.ts";
import { Alerts } from "./alerts/alerts.ts";
import { AlertDesk } from "./alerts/desk.ts";
import { Checkpointer } from "./checkpointer.ts";
import { Commits } from "./commit.ts";
import type {
  AlertService,
  Engine,
  EngineLog,
  EngineSettings,
  HistoryPage,
  HistoryRange,
  IngestOptions,
  LogPage,
  PipelineSummary,
  Receipt,
  SeriesSummary,
  TakenBack,
} from "./contract.ts";
import { Derivation } from "./derivation.ts";
import { Loop, SLICE_MILLISECONDS } from "./loop.ts";
import { EngineMetrics } from "./metrics.ts";
import type { EngineParts } from "./parts.ts";
import { Past } from "./past.ts";
import { Queries, readingAt } from "./queries.ts";
import { Queue } from "./queue.ts";
import { recover } from "./recovery.ts";
import type { SeriesMaker } from "./series.ts";
import { SeriesRefusals } from "./series-refusals.ts";
import { SeriesTable } from "./table.ts";

const DEFAULT_RETENTION: Retention = {
  journalRows: 5_000_000,
  journalDays: 30,
  forecastRows: 2_000_000,
  forecastDays: 30,
  idRows: 1_000_000,
  rollUpDays: 730,
  transitionRows: 100_000,
};

const silent: EngineLog = { info() {}, warn() {}, error() {} };

/** The engine proper, over any store: queue, loop, queries and changes of the past, put together. */
export class LiveEngine implements Engine {
  readonly epoch: string;
  readonly issues$: Observable<LoggedIssue>;
  readonly ahead: number;
  readonly #published = new Subject<LoggedIssue>();
  readonly #parts: EngineParts;
  readonly #queue: Queue;
  readonly #commits: Commits;
  readonly #checkpointer: Checkpointer;
  readonly #loop: Loop;
  readonly #queries: Queries;
  readonly #past: Past;
  readonly #alerts: AlertDesk;
  #closing: Promise<void> | undefined;

  /** Recovers every series to the bits it had. */
  constructor(store: Store, maker: SeriesMaker, clock: Clock, settings: EngineSettings = {}) {
    const log = settings.log ?? silent;
    this.issues$ = this.#published.asObservable();
    const opened = store.open();
    this.epoch = opened.epoch;
    const metrics = new EngineMetrics();
    const alerts = new Alerts(opened.alerts, settings.alerts ?? {}, { clock, metrics, log });
    const derivation = new Derivation(opened.derivedUpTo, alerts);
    const table = new SeriesTable(store, maker, metrics, log, {
      memoryBytes: settings.memoryBytes ?? 2 * 2 ** 30,
      generations: settings.generations ?? 2,
      reset: settings.reset ?? false,
      derivation,
    });
    const refusals = new SeriesRefusals();
    const parts: EngineParts = { store, clock, log, metrics, table, derivation, alerts, refusals };
    this.#parts = parts;
    maker.hosting.read = (position) => readingAt(position, parts);
    recover(opened, parts);
    // One that was changed since it was saved is told of now.
    for (const name of maker.hosting.names) if (table.get(name)) table.hosted(name);
    this.#queue = new Queue(settings.queueLimit ?? 100_000, metrics);
    this.#commits = new Commits(parts, opened.sources);
    this.#checkpointer = new Checkpointer(parts, {
      every: settings.checkpointEvery ?? 30_000,
      sliceMilliseconds: SLICE_MILLISECONDS,
      retention: { ...DEFAULT_RETENTION, ...settings.retention },
    });
    const admission = new SeriesAdmission(parts, settings);
    this.ahead = admission.ahead;
    this.#loop = new Loop(parts, {
      queue: this.#queue,
      admission,
      commits: this.#commits,
      publish: (issue) => this.#published.next(issue),
    });
    this.#queries = new Queries(parts);
    const closing = (): boolean => this.#closing !== undefined;
    this.#past = new Past(parts, this.#loop, this.#commits, this.#checkpointer, closing);
    this.#alerts = new AlertDesk(parts, this.#loop, this.#commits, settings.alerts ?? {}, closing);
    this.#checkpointer.start();
  }

  get offset(): number {
    return this.#parts.table.reached;
  }

  get alerts(): AlertService {
    return this.#alerts;
  }

  get sources(): ReadonlyMap<string, string> {
    return this.#commits.sources;
  }

  get outbox(): Outbox {
    return this.#parts.store.outbox;
  }

  get room(): number {
    return this.#queue.room;
  }

  get failed(): Error | undefined {
    return this.#parts.store.failed;
  }

  get rewrites(): number {
    return this.#past.rewrites;
  }

  async ingest(batch: readonly Observation[], options: IngestOptions = {}): Promise<Receipt> {
    this.#assertOpen();
    const answered = this.#queue.add(batch, options);
    if (this.#queue.length > 0) this.#loop.wake();
    return answered;
  }

  async remove(series: string): Promise<boolean> {
    this.#assertOpen();
    this.#parts.refusals.forget(series);
    return this.#past.remove(series);
  }

  async takeBack(series: string, from: number, to: number): Promise<TakenBack> {
    this.#assertOpen();
    return this.#past.takeBack(series, from, to);
  }

  #assertOpen(): void {
    if (this.#closing) throw new EddyError("busy", "the server is stopping");
    if (this.#parts.store.failed) throw this.#parts.store.failed;
  }

  names(): Iterable<string> {
    return this.#queries.names();
  }

  series(): readonly SeriesSummary[] {
    return this.#queries.series();
  }

  summary(series: string): SeriesSummary | undefined {
    return this.#queries.summary(series);
  }

  refusals(series: string): Readonly<Record<string, number>> {
    return this.#parts.refusals.of(series);
  }

  lastTime(series: string): number {
    return this.#queries.lastTime(series);
  }

  latest(series: string): Issue | undefined {
    return this.#queries.latest(series);
  }

  latestLogged(series: string): LoggedIssue | undefined {
    return this.#queries.latestLogged(series);
  }

  issuedAfter(place: LogPlace, limit: number): LogPage | null {
    return this.#queries.issuedAfter(place, limit);
  }

  issuedAsOf(series: string, time: number): Issue | undefined {
    return this.#queries.issuedAsOf(series, time);
  }

  loggedAsOf(series: string, time: number): LoggedIssue | undefined {
    return this.#queries.loggedAsOf(series, time);
  }

  pipelines(): readonly PipelineSummary[] {
    return this.#queries.pipelines();
  }

  observationHistory(series: string, range: HistoryRange): HistoryPage<Observation> {
    return this.#queries.observationHistory(series, range);
  }

  forecastHistory(series: string, range: HistoryRange): HistoryPage<LoggedIssue> {
    return this.#queries.forecastHistory(series, range);
  }

  recent(series: string, limit: number): readonly Observation[] {
    return this.#queries.recent(series, limit);
  }

  metrics(): Readonly<Record<string, number>> {
    return { ...this.#queries.metrics(), ...this.#parts.alerts.metrics(), queue: this.#queue.length };
  }

  checkpoint(): Promise<void> {
    return this.#checkpointer.round();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { log, store, table } = this.#parts;
    this.#alerts.stop();
    await this.#past.settled();
    await this.#loop.end();
    await this.#checkpointer.stop();
    try {
      this.#commits.flush();
      await this.#checkpointer.round();
    } catch (error) {
      log.error(`the last checkpoint was not written: ${(error as Error).message}`);
    }
    this.#published.complete();
    this.#parts.alerts.end();
    table.release();
    await store.close();
  }
}
