import { type Observable, Subject } from "rxjs";
import { EddyError, printable } from "../models/errors.ts";
import { type Issue, moment } from "../models/issue.ts";
import type { Observation } from "../models/observation.ts";
import type { Clock } from "../storage/clock.ts";
import { isTakenBack, packValues, unpackValues } from "../storage/journal.ts";
import type { JournalEntry, LoggedIssue, LogRow, Retention, Store } from "../storage/store.ts";
import { Checkpointer } from "./engine-checkpointer.ts";
import type {
  Engine,
  EngineLog,
  EngineSettings,
  HistoryPage,
  HistoryRange,
  IngestOptions,
  LogPage,
  LogPlace,
  Receipt,
  SeriesSummary,
  TakenBack,
} from "./engine-contract.ts";
import { Derivation, lastIssue } from "./engine-derivation.ts";
import { forecastHistory, observationHistory } from "./engine-history.ts";
import { EngineMetrics } from "./engine-metrics.ts";
import { SERIES_BYTES } from "./engine-prices.ts";
import { recover } from "./engine-recovery.ts";
import type { SeriesEntry, SeriesMaker } from "./engine-series.ts";
import { SeriesTable } from "./engine-table.ts";
import { takeBack } from "./engine-taking-back.ts";
import { Refusals } from "./refusals.ts";

/** Rows of one commit: some milliseconds, so that a huge request cannot hold up everyone else. */
const COMMIT_ROWS = 1024;
/** Milliseconds of work between two yields to the event loop. */
const SLICE_MILLISECONDS = 10;
/** New series that may come at once, in seconds of their rate. */
const NEW_SERIES_BURST = 10;
const DAY = 86_400_000;
/** Forecasts wait this long for a commit to ride on before they get one of their own. */
const DERIVED_DELAY = 100;

const DEFAULT_RETENTION: Retention = {
  journalRows: 5_000_000,
  journalDays: 30,
  forecastRows: 2_000_000,
  forecastDays: 30,
  idRows: 1_000_000,
  rollUpDays: 730,
};

const silent: EngineLog = { info() {}, warn() {}, error() {} };

/** One call of `ingest` on its way. */
interface Request {
  readonly sources: Readonly<Record<string, string>>;
  readonly reached: IngestOptions["reached"];
  readonly paced: boolean;
  /** An observation was refused that is to be sent again: how far a source has been read says no more from there on. */
  stalled: boolean;
  readonly refusals: Refusals;
  accepted: number;
  duplicate: number;
  late: number;
  done: boolean;
  resolve(receipt: Receipt): void;
  reject(error: unknown): void;
}

/** One observation on its way. `last` marks the end of its request. */
interface Waiting {
  readonly request: Request;
  readonly observation: Observation;
  readonly line: number;
  readonly last: boolean;
}

/** A row of the group being applied. */
interface Admitted extends Waiting {
  readonly entry: SeriesEntry;
}

/** Observations that are made durable together. */
interface Group {
  /** All that were taken from the queue. */
  readonly waiting: Waiting[];
  /** Those of them that are written and applied, beside their rows. */
  readonly admitted: Admitted[];
  readonly entries: JournalEntry[];
  readonly sources: Map<string, string>;
  /** Requests that end within it. */
  readonly ended: Set<Request>;
}

/**
 * The engine proper, over any store. One loop: take what waits, commit it, apply it in slices, answer. An observation
 * is applied only after the commit that holds it, and its forecasts are published only after that.
 */
export class LiveEngine implements Engine {
  readonly epoch: string;
  readonly issues$: Observable<LoggedIssue>;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #table: SeriesTable;
  readonly #derivation: Derivation;
  readonly #checkpointer: Checkpointer;
  readonly #metrics: EngineMetrics;
  readonly #published = new Subject<LoggedIssue>();
  readonly #queueLimit: number;
  readonly #seriesLimit: number;
  readonly #seriesBytes: number;
  readonly #newSeries: Allowance;
  readonly ahead: number;
  rewrites = 0;
  readonly #sources: Map<string, string>;
  #queue: Waiting[] = [];
  /** Series opened by the group under way and not yet durable: nobody is told of them. */
  readonly #unborn = new Set<SeriesEntry>();
  /** What is to be done when no group is under way. */
  #between: (() => void)[] = [];
  #working = false;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  readonly #rebuilds = new Set<Promise<unknown>>();
  #cancelFlush: (() => void) | undefined;

  constructor(store: Store, maker: SeriesMaker, clock: Clock, settings: EngineSettings = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#log = settings.log ?? silent;
    this.#queueLimit = settings.queueLimit ?? 100_000;
    this.#seriesLimit = settings.seriesLimit ?? 1_000_000;
    this.#seriesBytes = settings.seriesBytes ?? SERIES_BYTES;
    this.#newSeries = new Allowance(settings.newSeriesPerSecond ?? 100, NEW_SERIES_BURST, clock);
    this.ahead = settings.ahead ?? DAY;
    this.issues$ = this.#published.asObservable();
    const opened = store.open();
    this.epoch = opened.epoch;
    this.#sources = new Map(opened.sources);
    this.#metrics = new EngineMetrics();
    this.#derivation = new Derivation(opened.derivedUpTo);
    this.#table = new SeriesTable(store, maker, this.#metrics, this.#log, {
      memoryBytes: settings.memoryBytes ?? 2 * 2 ** 30,
      generations: settings.generations ?? 2,
      reset: settings.reset ?? false,
      derivation: this.#derivation,
    });
    recover(opened, store, this.#table, this.#derivation, this.#metrics, this.#log);
    this.#checkpointer = new Checkpointer(store, this.#table, clock, this.#log, this.#metrics, {
      every: settings.checkpointEvery ?? 30_000,
      sliceMilliseconds: SLICE_MILLISECONDS,
      retention: { ...DEFAULT_RETENTION, ...settings.retention },
    });
    this.#checkpointer.start();
    if (this.#derivation.waiting) this.#scheduleFlush();
  }

  get offset(): number {
    return this.#table.reached;
  }

  get sources(): ReadonlyMap<string, string> {
    return this.#sources;
  }

  get room(): number {
    return this.#queueLimit - this.#queue.length;
  }

  get failed(): Error | undefined {
    return this.#store.failed;
  }

  ingest(batch: readonly Observation[], options: IngestOptions = {}): Promise<Receipt> {
    if (this.#closing) return Promise.reject(new EddyError("busy", "the server is stopping"));
    if (this.#store.failed) return Promise.reject(this.#store.failed);
    if (this.#queue.length + batch.length > this.#queueLimit && this.#queue.length > 0) {
      this.#metrics.add("ingest_busy_total", 1);
      return Promise.reject(
        new EddyError("busy", "intake", {
          expected: `at most ${this.#queueLimit} observations waiting`,
          received: String(this.#queue.length + batch.length),
          hint: "send again in a second",
        }),
      );
    }
    return new Promise((resolve, reject) => {
      const request: Request = {
        sources: options.sources ?? {},
        reached: options.reached,
        paced: options.paced ?? false,
        stalled: false,
        refusals: new Refusals(),
        accepted: 0,
        duplicate: 0,
        late: 0,
        done: false,
        resolve,
        reject,
      };
      if (batch.length === 0) {
        this.#answer(request);
        return;
      }
      const n = batch.length;
      for (let i = 0; i < n; i++) {
        this.#queue.push({ request, observation: batch[i], line: i + 1, last: i === n - 1 });
      }
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#working) return;
    this.#working = true;
    this.#clock.soon(() => this.#gatherGroup());
  }

  /**
   * Takes what waits, up to one commit's worth or one slice of work; then it is made durable, and then applied, each in a turn of
   * its own: the event loop is held by one of them at a time.
   */
  #gatherGroup(): void {
    for (const task of this.#between.splice(0)) task();
    if (this.#queue.length === 0) {
      this.#next();
      return;
    }
    const group: Group = {
      waiting: [],
      admitted: [],
      entries: [],
      sources: new Map(),
      ended: new Set(),
    };
    const until = this.#clock.monotonic() + SLICE_MILLISECONDS;
    const latestTime = this.#clock.now() + this.ahead;
    let taken = 0;
    while (taken < this.#queue.length && group.waiting.length < COMMIT_ROWS) {
      const waiting = this.#queue[taken++];
      const { last, request } = waiting;
      if (request.done) continue;
      const { observation } = waiting;
      // Opening series, and fetching them from the disk, takes long: the rest of a slice's worth comes with the next group.
      const ready = this.#table.get(observation.series)?.live !== undefined;
      const over = group.waiting.length > 0 && this.#clock.monotonic() > until;
      if (!ready && (over || !this.#table.fits(observation))) {
        taken--;
        break;
      }
      group.waiting.push(waiting);
      const row = this.#admit(waiting, latestTime, group);
      if (row) group.admitted.push(row);
      const reached = request.stalled ? undefined : request.reached?.get(waiting.line);
      if (reached) for (const [name, place] of Object.entries(reached)) group.sources.set(name, place);
      if (last) {
        for (const [name, place] of Object.entries(request.sources)) group.sources.set(name, place);
        group.ended.add(request);
      }
    }
    if (taken === this.#queue.length) this.#queue = [];
    else this.#queue.splice(0, taken);
    this.#clock.soon(() => this.#commitGroup(group));
  }

  #commitGroup(group: Group): void {
    const { entries, sources } = group;
    const born = this.#unborn;
    if (born.size === 0 && entries.length === 0 && sources.size === 0) {
      this.#apply(group, new Float64Array(0), 0);
      return;
    }
    let positions: Float64Array;
    const started = this.#clock.monotonic();
    try {
      positions = this.#store.commit({
        series: Array.from(born, ({ stored }) => stored),
        entries,
        sources,
        derived: this.#derivation.take(),
      });
    } catch (error) {
      this.#derivation.giveBack();
      this.#table.unpin();
      for (const { stored } of born) this.#table.forget(stored.name);
      born.clear();
      this.#metrics.add("commit_failures_total", 1);
      this.#log.error(`observations were not taken: ${(error as Error).message}`);
      const requests = new Set(group.waiting.map((row) => row.request));
      for (const request of requests) {
        request.done = true;
        request.reject(error);
      }
      this.#next();
      return;
    }
    born.clear();
    this.#derivation.written();
    this.#metrics.add("commits_total", 1);
    this.#metrics.set("commit_milliseconds", this.#clock.monotonic() - started);
    for (const [name, reached] of sources) this.#sources.set(name, reached);
    this.#clock.soon(() => this.#apply(group, positions, 0));
  }

  /** An observation with its series, opened when it is new; undefined when the observation was refused. */
  #admit(row: Waiting, latestTime: number, { entries }: Group): Admitted | undefined {
    const { observation, request, line } = row;
    const refuse = (code: string, message: string): undefined => {
      request.refusals.add(line, () => ({ code, message }));
      request.stalled ||= code === "busy";
      this.#metrics.add("refused_total", 1);
    };
    const wrong = flaw(observation);
    if (wrong) return refuse(...wrong);
    if (observation.time > latestTime) {
      this.#metrics.add("ahead_total", 1);
      const [time, bound] = [observation.time, latestTime].map((t) => new Date(t).toISOString());
      return refuse("ahead", `time: expected ${bound} at the latest, by the server's clock, got ${time}`);
    }
    let entry = this.#table.get(observation.series);
    if (entry && this.#table.rebuilding.has(entry)) {
      const name = printable(observation.series);
      return refuse("busy", `series ${name}: readings of it are being taken back; send it again in a moment`);
    }
    if (!entry) {
      const refusal = this.#refuseNew(observation, request.paced);
      if (refusal) return refuse(...refusal);
      try {
        entry = this.#table.open(observation, this.#table.reached);
      } catch (error) {
        if (!(error instanceof EddyError)) throw error;
        return refuse(error.code, error.message);
      }
      this.#unborn.add(entry);
    }
    const { columns } = entry.stored;
    try {
      this.#table.load(entry);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      return refuse(error.code, error.message);
    }
    this.#table.pin(entry);
    const known = knownValues(observation, columns);
    if (known === undefined) {
      return refuse("unknown-column", `values: expected one of ${columns.join(", ")}`);
    }
    this.#metrics.add("ignored_values_total", Object.keys(observation.values).length - known.count);
    entries.push({
      series: entry.stored.id,
      applied: entry.applied,
      time: observation.time,
      payload: packValues(known.observation, columns),
      ...(observation.id === undefined ? {} : { id: observation.id }),
    });
    return { ...row, entry, observation: known.observation };
  }

  /** Why a series may not be opened, as code and message; makes room for it otherwise. */
  #refuseNew(first: Observation, paced: boolean): [string, string] | undefined {
    if (this.#table.size >= this.#seriesLimit) {
      return ["too-large", `series: expected at most ${this.#seriesLimit}, got a new one`];
    }
    let price: number;
    try {
      price = this.#table.price(first);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      return [error.code, error.message];
    }
    if (price > this.#seriesBytes) {
      const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
      const columns = Object.keys(first.values).length;
      return [
        "too-large",
        `series ${printable(first.series)}: expected at most ${mebibytes(this.#seriesBytes)} of state, got ` +
          `${mebibytes(price)} for ${columns} columns (fewer columns, a lighter model, or storage.seriesBytes)`,
      ];
    }
    if (!paced && !this.#newSeries.take()) {
      this.#metrics.add("new_series_refused_total", 1);
      const name = printable(first.series);
      return [
        "busy",
        `series ${name}: expected at most ${this.#newSeries.rate} new series a second; send it again in a second`,
      ];
    }
    this.#table.makeRoom(price);
    return undefined;
  }

  /** Applies the rows of a committed group from `from` on, as far as one slice of time goes, then yields. */
  #apply(group: Group, positions: Float64Array, from: number): void {
    const { admitted: rows, ended } = group;
    const until = this.#clock.monotonic() + SLICE_MILLISECONDS;
    let i = from;
    for (; i < rows.length; i++) {
      const { request, entry, observation, line } = rows[i];
      const position = positions[i];
      if (position === 0) {
        request.duplicate++;
        this.#metrics.add("duplicates_total", 1);
        continue;
      }
      const outcome = this.#table.push(entry, observation, position);
      this.#metrics.add("observations_total", 1);
      const issued = this.#derivation.add(entry, observation, position, outcome);
      if (outcome.refused === "late") {
        request.late++;
        this.#metrics.add("late_total", 1);
      } else if (outcome.refused !== undefined) {
        const { refused: code, message } = outcome;
        request.refusals.add(line, () => ({ code, message }));
        this.#metrics.add("refused_total", 1);
      } else request.accepted++;
      for (const logged of issued) this.#published.next(logged);
      if (this.#clock.monotonic() > until && i + 1 < rows.length) {
        this.#clock.soon(() => this.#apply(group, positions, i + 1));
        return;
      }
    }
    for (const request of ended) this.#answer(request);
    this.#table.unpin();
    this.#table.evict();
    this.#next();
  }

  #answer(request: Request): void {
    const { accepted, duplicate, late, refusals } = request;
    request.done = true;
    request.resolve({ accepted, duplicate, late, ...refusals.receipt });
  }

  #next(): void {
    this.#working = false;
    if (this.#queue.length > 0 || this.#between.length > 0) {
      this.#wake();
      return;
    }
    if (this.#derivation.waiting) this.#scheduleFlush();
    this.#idle?.();
  }

  #scheduleFlush(): void {
    if (this.#cancelFlush) return;
    this.#cancelFlush = this.#clock.after(DERIVED_DELAY, () => {
      this.#cancelFlush = undefined;
      if (!this.#working) this.#flush();
    });
  }

  /** Writes the forecasts that no commit has carried yet. */
  #flush(): void {
    if (!this.#derivation.waiting || this.#store.failed) return;
    const derived = this.#derivation.take();
    try {
      this.#store.commit({ series: [], entries: [], sources: new Map(), derived });
      this.#derivation.written();
    } catch (error) {
      this.#derivation.giveBack();
      this.#metrics.add("commit_failures_total", 1);
      this.#log.error(`forecasts were not written: ${(error as Error).message}`);
    }
  }

  /** Does something when no group of observations is under way. */
  #betweenGroups<T>(task: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#between.push(() => {
        try {
          resolve(task());
        } catch (error) {
          reject(error);
        }
      });
      this.#wake();
    });
  }

  async remove(series: string): Promise<boolean> {
    this.#assertOpen();
    const removed = await this.#betweenGroups(() => {
      const entry = this.#table.get(series);
      if (!entry) return false;
      this.#assertUntouched(entry);
      const { id } = entry.stored;
      this.#store.removeSeries(id, entry.applied);
      this.#derivation.forget(id);
      this.#table.forget(series);
      this.rewrites++;
      this.#metrics.add("series_removed_total", 1);
      this.#log.warn(`series ${printable(series)} was removed`);
      return true;
    });
    if (removed) {
      this.#checkpointer
        .tidy()
        .catch((error: Error) => this.#log.error(`a removed series was not deleted yet: ${error.message}`));
    }
    return removed;
  }

  async takeBack(series: string, from: number, to: number): Promise<TakenBack> {
    this.#assertOpen();
    const entry = await this.#betweenGroups(() => {
      const found = this.#table.get(series);
      if (!found)
        throw new EddyError("bad-argument", "series", {
          expected: "one that exists",
          received: printable(series),
        });
      this.#assertUntouched(found);
      this.#table.rebuilding.add(found);
      this.#table.rebuilds++;
      return found;
    });
    const work = takeBack(entry, from, to, {
      store: this.#store,
      table: this.#table,
      clock: this.#clock,
      between: (task) => this.#betweenGroups(task),
      changing: (id, first) => {
        // What waits to be written of it is about to be wrong.
        this.#flush();
        if (this.#derivation.waiting)
          throw new EddyError("busy", "forecasts before it could not be written yet");
        this.#derivation.forget(id, first);
        this.rewrites++;
      },
      closing: () => this.#closing !== undefined,
    }).finally(() => {
      this.#table.rebuilding.delete(entry);
      this.#rebuilds.delete(work);
    });
    this.#rebuilds.add(work);
    const takenBack = await work;
    this.#metrics.add("taken_back_total", takenBack);
    if (takenBack > 0) this.#log.warn(`series ${printable(series)}: ${takenBack} readings were taken back`);
    return { takenBack, series: summarise(entry) };
  }

  #assertUntouched(entry: SeriesEntry): void {
    if (!this.#table.rebuilding.has(entry)) return;
    throw new EddyError("busy", `series ${printable(entry.stored.name)}`, {
      expected: "one of which no readings are being taken back",
      received: "one of which they are",
      hint: "try again in a moment",
    });
  }

  #assertOpen(): void {
    if (this.#closing) throw new EddyError("busy", "the server is stopping");
    if (this.#store.failed) throw this.#store.failed;
  }

  *names(): Iterable<string> {
    for (const name of this.#table.names()) if (this.#known(name)) yield name;
  }

  #known(series: string): SeriesEntry | undefined {
    const entry = this.#table.get(series);
    return entry && this.#unborn.has(entry) ? undefined : entry;
  }

  lastTime(series: string): number {
    return this.#table.get(series)?.lastTime ?? Number.NaN;
  }

  series(): readonly SeriesSummary[] {
    return [...this.#table.entries()].filter((entry) => !this.#unborn.has(entry)).map(summarise);
  }

  summary(series: string): SeriesSummary | undefined {
    const entry = this.#known(series);
    return entry && summarise(entry);
  }

  latest(series: string): Issue | undefined {
    return this.#table.get(series)?.latest;
  }

  issuedAfter({ position, ordinal }: LogPlace, limit: number): LogPage | null {
    const written = this.#store.issuedSince(position, limit, ordinal);
    if (written === null) return null;
    const rows: LogRow[] = [...written];
    // What is not written yet comes after all that is.
    for (const logged of this.#derivation.issued) {
      if (rows.length >= limit) break;
      if (logged.position > position || (logged.position === position && logged.ordinal > ordinal)) {
        rows.push(logged);
      }
    }
    const last = rows.at(-1);
    return {
      rows,
      next: last && rows.length >= limit ? { position: last.position, ordinal: last.ordinal } : null,
    };
  }

  issuedAsOf(series: string, time: number): Issue | undefined {
    const entry = this.#table.get(series);
    if (!entry) return undefined;
    const { id } = entry.stored;
    const waiting = this.#derivation.issued.findLast(
      ({ series, issue }) => series === id && moment(issue.time) <= time,
    );
    return waiting?.issue ?? lastIssue(this.#store, id, time);
  }

  observationHistory(series: string, range: HistoryRange): HistoryPage<Observation> {
    const entry = this.#table.get(series);
    return entry ? observationHistory(this.#store, entry, range) : { items: [], next: null };
  }

  forecastHistory(series: string, range: HistoryRange): HistoryPage<Issue> {
    const entry = this.#table.get(series);
    if (!entry) return { items: [], next: null };
    return forecastHistory(this.#store, this.#derivation.issued, entry, range);
  }

  recent(series: string, limit: number): readonly Observation[] {
    const entry = this.#table.get(series);
    if (!entry) return [];
    const { id, name, columns } = entry.stored;
    const found: Observation[] = [];
    let position = entry.applied;
    while (found.length < limit) {
      const [row] = this.#store.rows(position - 1, position);
      if (row?.series !== id) break;
      position = row.previous;
      if (isTakenBack(row.payload)) continue;
      found.push({
        series: name,
        time: row.time,
        values: unpackValues(row.payload, columns, row.time, row.position),
      });
    }
    return found.sort((a, b) => a.time - b.time);
  }

  metrics(): Readonly<Record<string, number>> {
    const size = this.#store.size();
    return {
      ...this.#metrics.all(),
      series: this.#table.size - this.#unborn.size,
      series_in_memory: this.#table.loaded,
      state_bytes_in_memory: this.#table.loadedBytes,
      queue: this.#queue.length,
      offset: this.#table.reached,
      database_bytes: size.databaseBytes,
      journal_rows: size.journalRows,
      forecast_rows: size.forecastRows,
      id_rows: size.idRows,
      log_bytes: size.logBytes,
      log_copy_failures_total: size.copyFailures,
      forecasts_damaged_total: size.damagedForecasts,
      storage_failed: this.#store.failed ? 1 : 0,
    };
  }

  checkpoint(): Promise<void> {
    return this.#checkpointer.round();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#rebuilds);
    if (this.#working) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    this.#cancelFlush?.();
    await this.#checkpointer.stop();
    try {
      this.#flush();
      await this.#checkpointer.round();
    } catch (error) {
      this.#log.error(`the last checkpoint was not written: ${(error as Error).message}`);
    }
    this.#published.complete();
    this.#table.release();
    await this.#store.close();
  }
}

/** A number of events a second, some seconds' worth at once. */
class Allowance {
  readonly rate: number;
  readonly #most: number;
  readonly #clock: Clock;
  #left: number;
  #reckonedAt: number;

  constructor(rate: number, seconds: number, clock: Clock) {
    this.rate = rate;
    this.#most = Math.max(1, rate * seconds);
    this.#clock = clock;
    this.#left = this.#most;
    this.#reckonedAt = clock.monotonic();
  }

  take(): boolean {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#most, this.#left + ((now - this.#reckonedAt) / 1000) * this.rate);
    this.#reckonedAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

function summarise(entry: SeriesEntry): SeriesSummary {
  const { specification, stored, latest } = entry;
  const skills = latest?.targets.map(({ skill }) => skill).filter((skill) => !Number.isNaN(skill)) ?? [];
  return {
    series: stored.name,
    targets: specification.targets,
    inputs: specification.inputs,
    model: specification.model,
    horizon: specification.horizon,
    observations: entry.observations,
    lastTime: Number.isFinite(entry.lastTime) ? new Date(entry.lastTime).toISOString() : null,
    offset: entry.applied,
    skill: skills.length > 0 ? skills.reduce((sum, skill) => sum + skill, 0) / skills.length : null,
  };
}

/** The observation as the journal holds it, without columns that its series does not know; undefined when it knows none. */
function knownValues(
  observation: Observation,
  columns: readonly string[],
): { observation: Observation; count: number } | undefined {
  const given = Object.keys(observation.values);
  const known = given.filter((column) => columns.includes(column));
  if (known.length === 0) return undefined;
  if (known.length === given.length) return { observation, count: given.length };
  const values = Object.fromEntries(known.map((column) => [column, observation.values[column]]));
  return { observation: { ...observation, values }, count: known.length };
}

const MAX_NAME = 1024;
/** The last instant a JavaScript date can name. */
const LAST_TIME = 8.64e15;

/** What is wrong with an observation in itself, as code and message; nothing that reaches the journal may fail later. */
function flaw({ id, series, time, values }: Observation): [string, string] | undefined {
  if (typeof series !== "string" || series === "" || series.length > MAX_NAME) {
    return ["bad-observation", `series: expected a name of 1 to ${MAX_NAME} characters`];
  }
  if (id !== undefined && (typeof id !== "string" || id === "" || id.length > MAX_NAME)) {
    return ["bad-observation", `id: expected 1 to ${MAX_NAME} characters`];
  }
  if (!(Math.abs(time) <= LAST_TIME))
    return ["bad-time", `time: expected epoch milliseconds, got ${printable(time)}`];
  const columns = Object.keys(values);
  if (columns.length === 0) return ["no-values", "values: expected at least one"];
  for (const column of columns) {
    const value = values[column];
    if (value !== null && !(typeof value === "number" && Number.isFinite(value))) {
      return [
        "bad-number",
        `${printable(column, 128).slice(1, -1)}: expected a number or null, got ${printable(value)}`,
      ];
    }
  }
  return undefined;
}
