import { randomUUID } from "node:crypto";
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import Database from "better-sqlite3";
import { EddyError } from "../../models/errors.ts";
import { type Issue, moment } from "../../models/issue.ts";
import { type Clock, systemClock } from "../clock.ts";
import { packIssue, unpackIssue } from "../packed-issue.ts";
import type {
  CheckpointBatch,
  Commit,
  Derived,
  Generation,
  IssuePlace,
  JournalRow,
  LoggedIssue,
  LogRow,
  Opened,
  RollUp,
  Store,
  StoredSeries,
  StoreSize,
  TakeBack,
  TrimRequest,
} from "../store.ts";
import { DatabaseFiles } from "./files.ts";
import { type Lock, realPath, takeLock } from "./lock.ts";
import { checkLog } from "./log-check.ts";
import { LogCopier } from "./log-copier.ts";
import { OpenRecord, type OpenRecordContent, readOpenRecord } from "./open-record.ts";
import { Removal } from "./removal.ts";
import { prepareSchema } from "./schema.ts";
import {
  INSERT_SERIES,
  SELECT_SERIES,
  type SeriesRow,
  seriesParameters,
  storedSeries,
} from "./series-row.ts";

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

const DAY = 86_400_000;
const MINUTE = 60_000;
/** Of a database made here. */
const PAGE_BYTES = 8192;
/** Milliseconds that a write waits for another process at most: the event loop waits with it. */
const BUSY_MILLISECONDS = 20;
/** Milliseconds between two looks at the files. */
const WATCH_EVERY = 500;
/** Rows read at a time, so that no read statement stays open while others write. */
const READ_ROWS = 512;

interface ForecastRow {
  position: number;
  ordinal: number;
  series: number;
  payload: Uint8Array;
}

/** One SQLite file in WAL mode. Every commit of the live path is one transaction and, by default, one sync. */
export class SqliteStore implements Store {
  readonly path: string;
  readonly #lock: Lock;
  readonly #db: Database.Database;
  readonly #failpoint: (name: string) => void;
  readonly #durability: "power" | "process";
  readonly #clock: Clock;
  readonly #say: (level: "warn" | "error", message: string) => void;
  readonly #pageBytes: number;
  readonly #files: DatabaseFiles;
  readonly #record: OpenRecord;
  /** Milliseconds that the database had been open before, and the monotonic clock when it was opened now. */
  readonly #ranBefore: number;
  readonly #openedAt: number;
  #cancelWatch = (): void => {};
  /** The log has a hole, and closing the database would copy what is around it. */
  #torn = false;
  readonly #names = new Map<number, string>();
  readonly #statements;
  readonly #removal: Removal;
  readonly #copier: LogCopier;
  #position = 0;
  #failed: EddyError | undefined;
  #damagedForecasts = 0;
  #copyFailures = 0;

  constructor(options: SqliteStoreOptions) {
    const given = resolve(options.path);
    this.#failpoint = options.failpoint ?? (() => {});
    this.#durability = options.durability ?? "power";
    this.#clock = options.clock ?? systemClock;
    this.#say = options.say ?? (() => {});
    try {
      mkdirSync(dirname(given), { recursive: true });
      this.path = realPath(given);
      this.#lock = takeLock(this.path);
    } catch (error) {
      throw storageError(given, error);
    }
    let db: Database.Database | undefined;
    try {
      const left = readOpenRecord(this.path);
      const cut = checkLog(this.path, left !== undefined && left.reached > 0, options.reset ?? false);
      const logBytes = statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      db = new Database(this.path);
      db.pragma(`page_size = ${PAGE_BYTES}`);
      prepareSchema(db, this.path, randomUUID);
      if (db.pragma("journal_mode = WAL", { simple: true }) !== "wal") {
        throw new EddyError("storage", this.path, {
          expected: "a file system that can hold a write-ahead log",
        });
      }
      this.#pageBytes = Number(db.pragma("page_size", { simple: true }));
      if (options.maxBytes !== undefined) {
        db.pragma(`max_page_count = ${Math.max(1, Math.floor(options.maxBytes / this.#pageBytes))}`);
      }
      this.#db = db;
      this.#statements = this.#prepare();
      this.#position = this.#lastPosition();
      if (cut !== undefined) this.#say("warn", `${this.path}: ${cut}`);
      this.#checkComplete(left, logBytes, options.reset ?? false);
      this.#ranBefore = MINUTE * Number(this.#statements.newestMinute.get() ?? 0);
      this.#openedAt = this.#clock.monotonic();
      this.#removal = new Removal(db);
      this.#copier = new LogCopier(db, this.path, this.#failpoint, (error) => {
        this.#copyFailures++;
        const { message } = this.#note(error);
        this.#say("error", `the log was not copied into the database: ${message}`);
      });
      this.#markOpen(1);
      // In the file itself, where it is found if everything beside it gets lost.
      db.pragma("wal_checkpoint(PASSIVE)");
      db.pragma(`busy_timeout = ${BUSY_MILLISECONDS}`);
      this.#files = new DatabaseFiles(this.path, this.#pageBytes);
      this.#record = new OpenRecord(this.path, this.#position);
      this.#watch();
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

  /** Whether everything that was acknowledged is there, as far as what is left of the last process can tell. */
  #checkComplete(left: OpenRecordContent | undefined, logBytes: number, reset: boolean): void {
    const missing =
      left !== undefined
        ? left.reached > this.#position && {
            expected: `observations up to position ${left.reached}, which were acknowledged`,
            received: this.#position === 0 ? "none" : `observations up to ${this.#position}`,
          }
        : logBytes === 0 &&
          Number(this.#statements.getFact.get("open") ?? 0) !== 0 && {
            expected: `the write-ahead log ${this.path}-wal beside it, as it was not closed in order`,
            received: "none",
          };
    if (missing === false) return;
    const problem = new EddyError("storage", this.path, {
      ...missing,
      hint: "its log was deleted, cut or left behind: put it back, restore a savepoint, or go on without what is missing by --reset",
    });
    // What was not synced may be gone after a power cut; nobody was promised more.
    if (!reset && (left === undefined || this.#durability === "power")) throw problem;
    const [flaw] = this.#db.pragma("quick_check(1)") as { quick_check: string }[];
    if (flaw.quick_check !== "ok") {
      throw new EddyError("storage", this.path, {
        expected: "whole pages",
        received: `damaged ones: ${flaw.quick_check}`,
        hint: "restore a savepoint or another copy",
      });
    }
    this.#say("warn", `${problem.message}: going on without`);
  }

  #markOpen(open: 0 | 1): void {
    this.#statements.setFact.run(open, "open");
  }

  /** Looks at the files again and again, so that it is known within a second when one is gone. */
  #watch(): void {
    this.#cancelWatch = this.#clock.after(WATCH_EVERY, () => {
      try {
        if (this.#failed === undefined) this.#look();
      } catch (error) {
        this.#failed ??= storageError(this.path, error);
        this.#say("error", this.#failed.message);
      }
      this.#watch();
    });
  }

  #look(): void {
    this.#assertPresent();
    this.#lock.renew();
    this.#record.renew();
  }

  get failed(): EddyError | undefined {
    return this.#failed;
  }

  #prepare() {
    const db = this.#db;
    return {
      addSeries: db.prepare<ReturnType<typeof seriesParameters>>(INSERT_SERIES),
      addRow: db.prepare<[number, number, number, number, Uint8Array]>(
        "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
      ),
      addId: db.prepare<[number, number, string]>("INSERT OR IGNORE INTO ids VALUES (?, ?, ?)"),
      setSource: db.prepare<[string, string]>(
        "INSERT INTO sources VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET reached = excluded.reached",
      ),
      addForecast: db.prepare<[number, number, number, number, Uint8Array]>(
        "INSERT OR REPLACE INTO forecasts VALUES (?, ?, ?, ?, ?)",
      ),
      addRollUp: db.prepare<[number, number, number, number, number, number]>(
        `INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hour, series) DO UPDATE SET
           observations = observations + excluded.observations, settled = settled + excluded.settled,
           absolute_error = absolute_error + excluded.absolute_error, held = held + excluded.held`,
      ),
      setFact: db.prepare<[number, string]>("UPDATE facts SET value = ? WHERE name = ?"),
      newestMinute: db.prepare("SELECT max(minute) FROM minutes").pluck(),
      getFact: db.prepare<[string]>("SELECT value FROM facts WHERE name = ?").pluck(),
      setMinute: db.prepare<[number, number, number]>(
        `INSERT INTO minutes VALUES (?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
           position = excluded.position, clock = min(clock, excluded.clock)`,
      ),
      clockSince: db.prepare<[number]>("SELECT min(clock) FROM minutes WHERE minute > ?").pluck(),
      minuteBefore: db.prepare<[number]>("SELECT 1 FROM minutes WHERE minute <= ? LIMIT 1").pluck(),
      addCheckpoint: db.prepare<[number, number, number, Uint8Array]>(
        "INSERT INTO checkpoints VALUES (?, ?, ?, ?)",
      ),
      // What is too old, and refused ones that bear the number of the new one or a later one.
      dropCheckpoints: db.prepare<[number, number, number]>(
        "DELETE FROM checkpoints WHERE series = ? AND (generation <= ? OR generation >= ?)",
      ),
      getCheckpoint: db
        .prepare<[number, number]>("SELECT framed FROM checkpoints WHERE series = ? AND generation = ?")
        .pluck(),
      rows: db.prepare<[number, number, number], JournalRow>(
        "SELECT position, series, previous, time, payload FROM journal WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
      ),
      rowsOf: db.prepare<[number, number, number, number], JournalRow>(
        `SELECT position, series, previous, time, payload FROM journal
         WHERE position > ? AND position <= ? AND series = ? ORDER BY position LIMIT ?`,
      ),
      oldestRow: db.prepare("SELECT min(position) FROM journal").pluck(),
      newestRow: db.prepare("SELECT max(position) FROM journal").pluck(),
      issuedSince: db.prepare<[number, number, number], ForecastRow>(
        `SELECT position, ordinal, series, payload FROM forecasts WHERE (position, ordinal) > (?, ?)
         ORDER BY position, ordinal LIMIT ?`,
      ),
      issuedAsOf: db.prepare<[number, number], ForecastRow>(
        `SELECT position, ordinal, series, payload FROM forecasts WHERE series = ? AND issued <= ?
         ORDER BY issued DESC, position DESC, ordinal DESC LIMIT 1`,
      ),
      issuedOf: db.prepare<[number, number, number, number, number, number, number], ForecastRow>(
        `SELECT position, ordinal, series, payload FROM forecasts
         WHERE series = ? AND issued >= ? AND issued <= ? AND (issued, position, ordinal) < (?, ?, ?)
         ORDER BY issued DESC, position DESC, ordinal DESC LIMIT ?`,
      ),
      positionAtMinute: db.prepare<[number]>("SELECT max(position) FROM minutes WHERE minute <= ?").pluck(),
      oldestForecast: db.prepare("SELECT min(position) FROM forecasts").pluck(),
      trimRows: db.prepare<[number, number]>("DELETE FROM journal WHERE position <= ? AND position < ?"),
      trimForecasts: db.prepare<[number, number]>(
        "DELETE FROM forecasts WHERE position <= ? AND position < ?",
      ),
      oldestId: db.prepare("SELECT min(position) FROM ids").pluck(),
      trimIds: db.prepare<[number, number]>("DELETE FROM ids WHERE position <= ? AND position < ?"),
      trimMinutes: db.prepare<[number]>(
        // The newest one tells how long the database has been open.
        "DELETE FROM minutes WHERE minute < ? AND minute < (SELECT max(minute) FROM minutes)",
      ),
      trimRollUps: db.prepare<[number, number]>(
        "DELETE FROM rollups WHERE (hour, series) IN (SELECT hour, series FROM rollups WHERE hour < ? LIMIT ?)",
      ),
      countForecasts: db.prepare("SELECT count(*) FROM forecasts").pluck(),
    };
  }

  open(): Opened {
    return this.#guard(() => {
      const db = this.#db;
      const series: StoredSeries[] = [];
      for (const row of db.prepare<[], SeriesRow>(`${SELECT_SERIES} ORDER BY id`).all()) {
        series.push(storedSeries(row));
        this.#names.set(row.id, row.name);
      }
      const fact = (name: string): unknown => this.#statements.getFact.get(name);
      return {
        epoch: String(fact("epoch")),
        position: this.#position,
        derivedUpTo: Number(fact("derivedUpTo")),
        checkpointedUpTo: Number(fact("checkpointedUpTo")),
        series,
        generations: db
          .prepare<[], Generation>(
            "SELECT series, generation, position FROM checkpoints ORDER BY series, generation",
          )
          .all(),
        sources: new Map(
          db
            .prepare<[], { name: string; reached: string }>("SELECT name, reached FROM sources")
            .all()
            .map(({ name, reached }) => [name, reached]),
        ),
        ...this.#removal.underWay(),
      };
    });
  }

  commit(commit: Commit): Float64Array {
    const positions = new Float64Array(commit.entries.length);
    let position = this.#position;
    const last = new Map<number, number>();
    this.#write(true, () => {
      const { addSeries, addRow, addId, setSource, setMinute } = this.#statements;
      this.#writeDerived(commit.derived);
      for (const stored of commit.series) addSeries.run(...seriesParameters(stored));
      this.#failpoint("commit:begun");
      for (let i = 0; i < commit.entries.length; i++) {
        const { series, applied, time, payload, id } = commit.entries[i];
        if (id !== undefined && addId.run(position + 1, series, id).changes === 0) continue;
        positions[i] = ++position;
        addRow.run(position, series, last.get(series) ?? applied, time, payload);
        last.set(series, position);
      }
      for (const [name, reached] of commit.sources) setSource.run(name, reached);
      if (position > this.#position) setMinute.run(this.#minute(0), position, this.#clock.now());
      this.#failpoint("commit:written");
    });
    this.#failpoint("commit:durable");
    if (position > this.#position) this.#record.reached(position);
    this.#position = position;
    for (const { id, name } of commit.series) this.#names.set(id, name);
    return positions;
  }

  #writeDerived(derived: Derived): void {
    const { setFact } = this.#statements;
    this.#writeIssued(derived.issued);
    this.#addRollUps(derived.rollUps);
    setFact.run(derived.upTo, "derivedUpTo");
  }

  #addRollUps(rollUps: readonly RollUp[]): void {
    for (const { series, hour, observations, count, absoluteError, held } of rollUps) {
      this.#statements.addRollUp.run(hour, series, observations, count, absoluteError, held);
    }
  }

  #writeIssued(issued: readonly LoggedIssue[]): void {
    for (const { position, ordinal, series, issue } of issued) {
      this.#statements.addForecast.run(position, ordinal, series, moment(issue.time), packIssue(issue));
    }
  }

  writeCheckpoints({ checkpoints, keep, derived, checkpointedUpTo }: CheckpointBatch): void {
    this.#write(checkpoints.length === 0, () => {
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
    return this.#guard(
      () => this.#statements.getCheckpoint.get(series, generation) as Uint8Array | undefined,
    );
  }

  *rows(after: number, upTo: number, series?: number): Iterable<JournalRow> {
    let from = after;
    for (;;) {
      const rows = this.#guard(() =>
        series === undefined
          ? this.#statements.rows.all(from, upTo, READ_ROWS)
          : this.#statements.rowsOf.all(from, upTo, series, READ_ROWS),
      );
      yield* rows;
      if (rows.length < READ_ROWS) return;
      from = rows[rows.length - 1].position;
    }
  }

  oldestRow(): number {
    return this.#guard(() => Number(this.#statements.oldestRow.get() ?? this.#position + 1));
  }

  issuedSince(since: number, limit: number, ordinal = Number.MAX_SAFE_INTEGER): readonly LogRow[] | null {
    return this.#guard(() => {
      const trimmedTo = Number(this.#statements.getFact.get("forecastsAfter"));
      if (since < trimmedTo || (since === trimmedTo && since > 0 && ordinal < Number.MAX_SAFE_INTEGER))
        return null;
      return this.#statements.issuedSince.all(since, ordinal, limit).map((row) => this.#unpack(row));
    });
  }

  removeSeries(series: number, last: number): void {
    this.#write(true, () => this.#removal.remove(series, last));
    this.#names.delete(series);
  }

  takeBack(taken: TakeBack): void {
    this.#write(true, () => {
      this.#removal.takeBack(taken);
      this.#addRollUps(taken.rollUps);
      for (const { hour, series } of taken.rollUps) this.#removal.tidyRollUp(hour, series);
    });
  }

  reissue(issued: readonly LoggedIssue[]): void {
    this.#write(false, () => this.#writeIssued(issued));
  }

  rebuilt(series: number, rollUps: readonly RollUp[]): void {
    this.#write(true, () => {
      this.#removal.rebuilt(series);
      this.#addRollUps(rollUps);
    });
  }

  issuedAsOf(series: number, time: number): LogRow | undefined {
    return this.#guard(() => {
      const row = this.#statements.issuedAsOf.get(series, time);
      return row && this.#unpack(row);
    });
  }

  issuedOf(series: number, from: number, before: IssuePlace, limit: number): readonly LogRow[] {
    const { issued, position, ordinal } = before;
    return this.#guard(() =>
      this.#statements.issuedOf
        .all(series, from, issued, issued, position, ordinal, limit)
        .map((row) => this.#unpack(row)),
    );
  }

  #unpack({ position, ordinal, series, payload }: ForecastRow): LogRow {
    let issue: Issue | null = null;
    const name = this.#names.get(series);
    // Of a series that was removed.
    if (name === undefined) return { position, ordinal, series, issue };
    try {
      issue = unpackIssue(payload, name);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      this.#damagedForecasts++;
    }
    return { position, ordinal, series, issue };
  }

  /** The minute `days` ago, of those that the database has been open. */
  #minute(days: number): number {
    const ran = this.#ranBefore + this.#clock.monotonic() - this.#openedAt;
    return Math.floor((ran - days * DAY) / MINUTE);
  }

  /**
   * The wall clock, unless it may have jumped ahead: the least it has said while observations came in over the last day.
   * Undefined until there is a day to look back on.
   */
  #steadyNow(): number | undefined {
    const yesterday = this.#minute(1);
    const since = this.#statements.clockSince.get(yesterday);
    if (typeof since !== "number" || this.#statements.minuteBefore.get(yesterday) === undefined)
      return undefined;
    return Math.min(since, this.#clock.now());
  }

  trim({ needed, reached, retention, limit }: TrimRequest): number {
    const s = this.#statements;
    const bound = (rows: number, days: number): number => {
      const aged = Number(s.positionAtMinute.get(this.#minute(days)) ?? 0);
      return Math.max(reached - rows, aged);
    };
    let changes = 0;
    this.#write(false, () => {
      changes += this.#removal.purge(limit);
      const oldest = Number(s.oldestRow.get() ?? Number.POSITIVE_INFINITY);
      const journalTo = Math.min(needed, bound(retention.journalRows, retention.journalDays));
      if (oldest <= journalTo) changes += s.trimRows.run(journalTo, oldest + limit).changes;

      const forecastsTo = bound(retention.forecastRows, retention.forecastDays);
      const oldestForecast = Number(s.oldestForecast.get() ?? Number.POSITIVE_INFINITY);
      if (oldestForecast <= forecastsTo) {
        const trimmedTo = Math.min(forecastsTo, oldestForecast + limit - 1);
        changes += s.trimForecasts.run(forecastsTo, oldestForecast + limit).changes;
        s.setFact.run(trimmedTo, "forecastsAfter");
      }

      const idsTo = reached - retention.idRows;
      const oldestId = Number(s.oldestId.get() ?? Number.POSITIVE_INFINITY);
      if (oldestId <= idsTo) changes += s.trimIds.run(idsTo, oldestId + limit).changes;

      const keepMinutes = Math.max(retention.journalDays, retention.forecastDays) + 1;
      changes += s.trimMinutes.run(this.#minute(keepMinutes)).changes;
      const now = this.#steadyNow();
      if (now === undefined) return;
      // Readings of long ago make such roll-ups as long as they come in: only a full slice says that there is more to do.
      const rolled = s.trimRollUps.run(now - retention.rollUpDays * DAY, limit).changes;
      if (rolled === limit) changes += rolled;
    });
    return changes;
  }

  size(): StoreSize {
    return this.#guard(() => {
      const pages = Number(this.#db.pragma("page_count", { simple: true }));
      const oldest = Number(this.#statements.oldestRow.get() ?? this.#position + 1);
      const oldestForecast = Number(this.#statements.oldestForecast.get() ?? this.#position + 1);
      const oldestId = Number(this.#statements.oldestId.get() ?? this.#position + 1);
      return {
        databaseBytes: pages * this.#pageBytes,
        journalRows: this.#position + 1 - oldest,
        forecastRows: this.#position + 1 - oldestForecast,
        idRows: this.#position + 1 - oldestId,
        damagedForecasts: this.#damagedForecasts,
        logBytes: this.#copier.length * this.#pageBytes,
        copyFailures: this.#copyFailures,
      };
    });
  }

  settled(): Promise<void> {
    return this.#copier.settled();
  }

  async close(): Promise<void> {
    this.#cancelWatch();
    await this.#copier.close();
    let inOrder = false;
    try {
      if (this.#failed === undefined) {
        this.#look();
        this.#markOpen(0);
        inOrder = true;
      }
    } catch (error) {
      this.#say("error", `${this.path} was not closed in order: ${(error as Error).message}`);
    }
    try {
      if (!this.#torn) this.#db.close();
    } finally {
      this.#record.close(inOrder);
      this.#lock.release();
    }
  }

  /**
   * One transaction; afterwards all of it is there, or none. What is not synced here is so by the next one that is, or by
   * the copier: a power cut takes transactions from the end only, so none that was synced is ever without those before it.
   */
  #write(sync: boolean, body: () => void): void {
    if (this.#failed) throw this.#failed;
    this.#assertPresent();
    this.#guard(() => {
      this.#db.pragma(`synchronous = ${sync && this.#durability === "power" ? "FULL" : "NORMAL"}`);
      this.#db.transaction(body).immediate();
    });
    this.#copier.committed();
  }

  /** Files that were deleted, replaced or cut still take writes, into nothing. What is in a log that is out of reach is saved. */
  #assertPresent(): void {
    const flaw = this.#files.flaw(this.#copier.length);
    if (flaw === undefined) return;
    const { expected, received, rescuable } = flaw;
    const rescued = rescuable && this.#rescue();
    this.#torn = !rescued;
    this.#failed = new EddyError("storage", this.path, {
      expected,
      received,
      hint: rescued
        ? "intake has stopped; all that was acknowledged is in the database: restart"
        : "intake has stopped; put the file back or restart",
    });
    this.#say("error", this.#failed.message);
    throw this.#failed;
  }

  /** Copies everything in the log, which only this process can still read, into the database. */
  #rescue(): boolean {
    try {
      this.#db.pragma("synchronous = FULL");
      const [{ busy, log, checkpointed }] = this.#db.pragma("wal_checkpoint(PASSIVE)") as {
        busy: number;
        log: number;
        checkpointed: number;
      }[];
      return busy === 0 && checkpointed === log;
    } catch {
      return false;
    }
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      // Without a code it is no failure of the disk.
      if (sqliteCode(error) === "") throw error;
      if (sqliteCode(error).startsWith("SQLITE_BUSY")) throw busyError(this.path, error);
      throw this.#note(error);
    }
  }

  /** In words; a failure after which the file cannot be trusted is the last one, and may have its cause in lost files. */
  #note(error: unknown): EddyError {
    const storage = storageError(this.path, error);
    if (!isFatal(error) || this.#failed) return storage;
    try {
      this.#assertPresent();
      this.#failed = storage;
    } catch {
      // It is told, and stands in `#failed`.
    }
    return this.#failed ?? storage;
  }
}

const sqliteCode = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code ?? "");

/** After these nobody knows what is on the disk; only a restart, which reads it anew, does. */
function isFatal(error: unknown): boolean {
  const code = sqliteCode(error);
  return (
    /^SQLITE_(CORRUPT|NOTADB)/.test(code) ||
    /^SQLITE_IOERR_(FSYNC|WRITE|DIR_FSYNC|TRUNCATE|SHORT_READ|READ)/.test(code)
  );
}

const MEANINGS: readonly (readonly [RegExp, string, string])[] = [
  [/^(SQLITE_FULL|ENOSPC)/, "a full disk", "free some space; intake goes on by itself"],
  [
    /^(SQLITE_READONLY|EROFS|EACCES|EPERM|SQLITE_PERM)/,
    "one that may not be written",
    "check its permissions",
  ],
  [/^SQLITE_(CORRUPT|NOTADB)/, "damaged pages", "restore a savepoint or another copy"],
  [/^SQLITE_BUSY/, "one busy with another process", "try again"],
  [
    /^(SQLITE_CANTOPEN|ENOENT|ENOTDIR|EISDIR)/,
    "one that cannot be opened",
    "check the path and its permissions",
  ],
];

const busyError = (path: string, cause: unknown): EddyError =>
  new EddyError("busy", path, {
    expected: "a database that no other process is writing",
    received: `one that another process has locked (${sqliteCode(cause)})`,
    hint: "send again in a second",
    cause,
  });

/** What SQLite and the file system say, as one line a user can act on. */
export function storageError(path: string, error: unknown): EddyError {
  if (error instanceof EddyError) return error;
  const code = sqliteCode(error);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(code));
  return new EddyError("storage", path, {
    expected: "a database that can be read and written",
    received: meaning ? `${meaning[1]} (${code})` : `${code || "failure"}: ${(error as Error).message}`,
    ...(meaning ? { hint: meaning[2] } : {}),
    cause: error,
  });
}
