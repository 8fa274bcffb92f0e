import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { AlertTransition } from "../../models/alert.ts";
import type { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { type Clock, systemClock } from "../clock.ts";
import type {
  CheckpointBatch,
  Commit,
  Derived,
  IssuePlace,
  JournalRow,
  LoggedIssue,
  LogRow,
  Opened,
  RollUp,
  Store,
  StoreSize,
  TakeBack,
  TrimRequest,
} from "../store.ts";
import { AlertLog } from "./alert-log.ts";
import { announce } from "./announcing.ts";
import { checkComplete } from "./completeness.ts";
import type { Database } from "./driver.ts";
import { storageError } from "./errors.ts";
import { DatabaseFiles } from "./files.ts";
import { ForecastLog } from "./forecast-log.ts";
import { Guard } from "./guard.ts";
import { type Lock, realPath, takeLock } from "./lock.ts";
import { LogCopier } from "./log-copier.ts";
import { openDatabase, readOpened } from "./open-database.ts";
import { OpenRecord } from "./open-record.ts";
import { OpenTime } from "./open-time.ts";
import { SqliteOutbox } from "./outbox.ts";
import { Removal } from "./removal.ts";
import { seriesParameters } from "./series-row.ts";
import { prepareStatements, type Statements } from "./statements.ts";
import { trim } from "./trimming.ts";

export interface SqliteStoreOptions {
  readonly path: string;
  /**
   * `power`: what was acknowledged survives a power cut (a sync per group commit). `process`: it survives the death of
   * the process; a power cut may take the last moments, and takes them whole.
   */
  readonly durability?: "power" | "process";
  /** Upper bound of the database file in bytes; reaching it is a full disk. */
  readonly maxBytes?: number;
  /** Called at named points inside a commit, a checkpoint and the copying of the log; a test kills the process there. */
  readonly failpoint?: (name: string) => void;
  /** Measures how long things are kept, and asks now and then whether the files are still there. */
  readonly clock?: Clock;
  /** Go on with what the database holds although acknowledged observations are missing from it. */
  readonly reset?: boolean;
  /** Told what a user must know: the log could not be copied, files are gone, observations are missing. */
  readonly say?: (level: "warn" | "error", message: string) => void;
}

/** Milliseconds that a write waits for another process at most: the event loop waits with it. */
const BUSY_MILLISECONDS = 20;
/** Rows read at a time, so that no read statement stays open while others write. */
const READ_ROWS = 512;

/** One SQLite file in WAL mode. Every commit of the live path is one transaction and, by default, one sync. */
export class SqliteStore implements Store {
  readonly path: string;
  readonly outbox: SqliteOutbox;
  readonly #lock: Lock;
  readonly #db: Database;
  readonly #failpoint: (name: string) => void;
  readonly #clock: Clock;
  readonly #say: (level: "warn" | "error", message: string) => void;
  readonly #pageBytes: number;
  readonly #record: OpenRecord;
  readonly #names = new Map<number, string>();
  readonly #statements: Statements;
  readonly #time: OpenTime;
  readonly #removal: Removal;
  readonly #copier: LogCopier;
  readonly #guard: Guard;
  readonly #log: ForecastLog;
  readonly #alerts: AlertLog;
  #position = 0;
  #copyFailures = 0;

  constructor(options: SqliteStoreOptions) {
    const given = resolve(options.path);
    this.#failpoint = options.failpoint ?? (() => {});
    const { durability = "power", reset = false } = options;
    this.#clock = options.clock ?? systemClock;
    this.#say = options.say ?? (() => {});
    try {
      mkdirSync(dirname(given), { recursive: true });
      this.path = realPath(given);
      this.#lock = takeLock(this.path);
    } catch (error) {
      throw storageError(given, error);
    }
    let db: Database | undefined;
    try {
      const opened = openDatabase(this.path, reset, options.maxBytes);
      db = opened.db;
      const { cut, left, logBytes } = opened;
      this.#pageBytes = opened.pageBytes;
      this.#db = db;
      this.#statements = prepareStatements(db);
      this.#position = this.#lastPosition();
      if (cut !== undefined) this.#say("warn", `${this.path}: ${cut}`);
      const closed = Number(this.#statements.getFact.get("open") ?? 0) === 0;
      const position = this.#position;
      const found = { path: this.path, db, left, logBytes, position, closed, durability };
      const missing = checkComplete(found, reset);
      if (missing !== undefined) this.#say("warn", missing);
      this.#time = new OpenTime(this.#statements, this.#clock);
      this.#removal = new Removal(db);
      this.#alerts = new AlertLog(db);
      this.#copier = new LogCopier(db, this.path, this.#failpoint, (error) => {
        this.#copyFailures++;
        const { message } = this.#guard.note(error);
        this.#say("error", `the log was not copied into the database: ${message}`);
      });
      this.#markOpen(1);
      // In the file itself, where it is found if everything beside it gets lost.
      db.pragma("wal_checkpoint(PASSIVE)");
      db.pragma(`busy_timeout = ${BUSY_MILLISECONDS}`);
      this.#record = new OpenRecord(this.path, this.#position);
      this.#guard = new Guard({
        path: this.path,
        db,
        files: new DatabaseFiles(this.path, this.#pageBytes),
        lock: this.#lock,
        record: this.#record,
        copier: this.#copier,
        durability,
        clock: this.#clock,
        say: this.#say,
      });
      this.#log = new ForecastLog(this.#statements, this.#guard, this.#names);
      this.outbox = new SqliteOutbox(db, this.#guard, () => this.#time.minute(0));
    } catch (error) {
      db?.close();
      this.#lock.release();
      throw storageError(this.path, error);
    }
  }

  /** The highest position ever given, even if retention has emptied the journal since. */
  #lastPosition(): number {
    const { newestRow, getFact } = this.#statements;
    return Math.max(
      Number(newestRow.get() ?? 0),
      Number(getFact.get("derivedUpTo")),
      Number(this.#db.prepare("SELECT max(position) FROM minutes").pluck().get() ?? 0),
    );
  }

  #markOpen(open: 0 | 1): void {
    this.#statements.setFact.run(open, "open");
  }

  get failed(): EddyError | undefined {
    return this.#guard.failed;
  }

  open(): Opened {
    return this.#guard.read(() => {
      const opened = readOpened(this.#db, this.#position, this.#removal, this.#alerts);
      for (const { id, name } of opened.series) this.#names.set(id, name);
      return opened;
    });
  }

  commit(commit: Commit): Float64Array {
    const positions = new Float64Array(commit.entries.length);
    let position = this.#position;
    const last = new Map<number, number>();
    this.#writeWithOutbox(true, () => {
      const { addSeries, addRow, addId, setSource, setMinute } = this.#statements;
      this.#writeDerived(commit.derived);
      for (const stored of commit.series) addSeries.run(...seriesParameters(stored));
      this.#failpoint("commit:begun");
      for (const [i, { series, applied, time, payload, id, follows }] of commit.entries.entries()) {
        if (follows && positions[i - 1] === 0) continue;
        if (id !== undefined && addId.run(position + 1, series, id).changes === 0) continue;
        positions[i] = ++position;
        addRow.run(position, series, last.get(series) ?? applied, time, payload);
        last.set(series, position);
      }
      for (const [name, reached] of commit.sources) setSource.run(name, reached);
      if (position > this.#position) setMinute.run(this.#time.minute(0), position, this.#clock.now());
      this.#failpoint("commit:written");
    });
    this.#failpoint("commit:durable");
    if (position > this.#position) this.#record.reached(position);
    this.#position = position;
    for (const { id, name } of commit.series) this.#names.set(id, name);
    return positions;
  }

  /** A transaction that may add to the outbox. */
  #writeWithOutbox(sync: boolean, body: () => void): void {
    try {
      this.#guard.write(sync, body);
    } catch (error) {
      this.outbox.undone();
      throw error;
    }
    this.outbox.committed();
  }

  #writeDerived(derived: Derived): void {
    const { setFact } = this.#statements;
    this.#log.write(derived.issued);
    this.#addRollUps(derived.rollUps);
    this.#alerts.write(derived.alerts);
    announce(derived.alerts, this.outbox);
    setFact.run(derived.upTo, "derivedUpTo");
  }

  #addRollUps(rollUps: readonly RollUp[]): void {
    for (const { series, hour, observations, count, absoluteError, held } of rollUps) {
      this.#statements.addRollUp.run(hour, series, observations, count, absoluteError, held);
    }
  }

  writeCheckpoints({ checkpoints, keep, derived, checkpointedUpTo }: CheckpointBatch): void {
    // Nobody may be told of what a power cut could take.
    const sync = checkpoints.length === 0 || derived.alerts.transitions.length > 0;
    this.#writeWithOutbox(sync, () => {
      const { addCheckpoint, dropCheckpoints, setFact } = this.#statements;
      this.#writeDerived(derived);
      setFact.run(checkpointedUpTo, "checkpointedUpTo");
      for (const { series, generation, position, framed } of checkpoints) {
        dropCheckpoints.run(series, generation - keep, generation);
        addCheckpoint.run(series, generation, position, framed);
        this.#failpoint("checkpoint:row");
      }
      this.#failpoint("checkpoint:written");
    });
    this.#failpoint("checkpoint:committed");
  }

  readCheckpoint(series: number, generation: number): Uint8Array | undefined {
    return this.#guard.read(
      () => this.#statements.getCheckpoint.get(series, generation) as Uint8Array | undefined,
    );
  }

  *rows(after: number, upTo: number, series?: number): Iterable<JournalRow> {
    let from = after;
    for (;;) {
      const rows = this.#guard.read(() =>
        series === undefined
          ? this.#statements.rows.all(from, upTo, READ_ROWS)
          : this.#statements.rowsOf.all(from, upTo, series, READ_ROWS),
      );
      yield* rows;
      if (rows.length < READ_ROWS) return;
      from = itemAt(rows, rows.length - 1).position;
    }
  }

  oldestRow(): number {
    return this.#guard.read(() => Number(this.#statements.oldestRow.get() ?? this.#position + 1));
  }

  issuedSince(since: number, limit: number, ordinal = Number.MAX_SAFE_INTEGER): readonly LogRow[] | null {
    return this.#log.since(since, limit, ordinal);
  }

  issuedAsOf(series: number, time: number): LogRow | undefined {
    return this.#log.asOf(series, time);
  }

  issuedOf(series: number, from: number, before: IssuePlace, limit: number): readonly LogRow[] {
    return this.#log.of(series, from, before, limit);
  }

  transitionsAfter(sequence: number, limit: number): readonly AlertTransition[] | null {
    return this.#guard.read(() => this.#alerts.after(sequence, limit));
  }

  transitionsBefore(sequence: number, limit: number): readonly AlertTransition[] {
    return this.#guard.read(() => this.#alerts.before(sequence, limit));
  }

  removeSeries(series: number, last: number): void {
    this.#guard.write(true, () => this.#removal.remove(series, last));
    this.#names.delete(series);
  }

  takeBack(taken: TakeBack): void {
    this.#guard.write(true, () => {
      this.#removal.takeBack(taken);
      this.#addRollUps(taken.rollUps);
      for (const { hour, series } of taken.rollUps) this.#removal.tidyRollUp(hour, series);
    });
  }

  reissue(issued: readonly LoggedIssue[]): void {
    this.#guard.write(false, () => this.#log.write(issued));
  }

  rebuilt(series: number, rollUps: readonly RollUp[]): void {
    this.#guard.write(true, () => {
      this.#removal.rebuilt(series);
      this.#addRollUps(rollUps);
    });
  }

  trim(request: TrimRequest): number {
    let changes = 0;
    this.#guard.write(false, () => {
      changes = this.#removal.purge(request.limit) + trim(request, this.#statements, this.#time);
      changes += this.#alerts.trim(request.retention.transitionRows, request.limit);
    });
    return changes;
  }

  size(): StoreSize {
    return this.#guard.read(() => {
      const pages = Number(this.#db.pragma("page_count", { simple: true }));
      const oldest = Number(this.#statements.oldestRow.get() ?? this.#position + 1);
      const oldestForecast = Number(this.#statements.oldestForecast.get() ?? this.#position + 1);
      const oldestId = Number(this.#statements.oldestId.get() ?? this.#position + 1);
      return {
        databaseBytes: pages * this.#pageBytes,
        journalRows: this.#position + 1 - oldest,
        forecastRows: this.#position + 1 - oldestForecast,
        idRows: this.#position + 1 - oldestId,
        damagedForecasts: this.#log.damaged,
        logBytes: this.#copier.length * this.#pageBytes,
        copyFailures: this.#copyFailures,
      };
    });
  }

  settled(): Promise<void> {
    return this.#copier.settled();
  }

  async close(): Promise<void> {
    this.#guard.stop();
    await this.#copier.close();
    let inOrder = false;
    try {
      if (this.#guard.failed === undefined) {
        this.#guard.look();
        this.#markOpen(0);
        inOrder = true;
      }
    } catch (error) {
      this.#say("error", `${this.path} was not closed in order: ${(error as Error).message}`);
    }
    try {
      if (!this.#guard.torn) this.#db.close();
    } finally {
      this.#record.close(inOrder);
      this.#lock.release();
    }
  }
}
