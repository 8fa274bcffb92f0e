import { EddyError } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "./driver.ts";
import { busyError, isFatal, sqliteCode, storageError } from "./errors.ts";
import type { DatabaseFiles } from "./files.ts";
import type { Lock } from "./lock.ts";
import type { LogCopier } from "./log-copier.ts";
import type { OpenRecord } from "./open-record.ts";

/** Milliseconds between two looks at the files. */
const WATCH_EVERY = 500;

/** What is guarded. */
export interface Guarded {
  readonly path: string;
  readonly db: Database;
  readonly files: DatabaseFiles;
  readonly lock: Lock;
  readonly record: OpenRecord;
  readonly copier: LogCopier;
  /** Whether a write that is to be synced waits for the disk. */
  readonly durability: "power" | "process";
  readonly clock: Clock;
  readonly say: (level: "warn" | "error", message: string) => void;
}

/**
 * Whatever reads or writes an open database does it through here: failures are put into words, its files are looked at again and
 * again, and once it cannot be trusted to take writes, none is tried.
 */
export class Guard {
  readonly #is: Guarded;
  #failed: EddyError | undefined;
  /** The log has a hole, and closing the database would copy what is around it. */
  #torn = false;
  #cancelWatch = (): void => {};

  constructor(guarded: Guarded) {
    this.#is = guarded;
    this.#watch();
  }

  get failed(): EddyError | undefined {
    return this.#failed;
  }

  /** Whether the database may be closed by SQLite: with a hole in its log, that would harm it. */
  get torn(): boolean {
    return this.#torn;
  }

  /** No more looks at the files. */
  stop(): void {
    this.#cancelWatch();
  }

  /** Looks at the files again and again, so that it is known within a second when one is gone. */
  #watch(): void {
    this.#cancelWatch = this.#is.clock.after(WATCH_EVERY, () => {
      try {
        if (this.#failed === undefined) this.look();
      } catch (error) {
        this.#failed ??= storageError(this.#is.path, error);
        this.#is.say("error", this.#failed.message);
      }
      this.#watch();
    });
  }

  /** Whether the files are there; throws what is wrong, and leaves the signs of life. */
  look(): void {
    this.#assertPresent();
    this.#is.lock.renew();
    this.#is.record.renew();
  }

  /**
   * One transaction; afterwards all of it is there, or none. What is not synced here is so by the next one that is, or by
   * the copier: a power cut takes transactions from the end only, so none that was synced is ever without those before it.
   */
  write(sync: boolean, body: () => void): void {
    if (this.#failed) throw this.#failed;
    this.#assertPresent();
    this.read(() => {
      this.#is.db.pragma(`synchronous = ${sync && this.#is.durability === "power" ? "FULL" : "NORMAL"}`);
      this.#is.db.transaction(body).immediate();
    });
    this.#is.copier.committed();
  }

  /** Files that were deleted, replaced or cut still take writes, into nothing. What is in a log that is out of reach is saved. */
  #assertPresent(): void {
    const flaw = this.#is.files.flaw(this.#is.copier.length);
    if (flaw === undefined) return;
    const { expected, received, rescuable } = flaw;
    const rescued = rescuable && this.#rescue();
    this.#torn = !rescued;
    this.#failed = new EddyError("storage", this.#is.path, {
      expected,
      received,
      hint: rescued
        ? "intake has stopped; all that was acknowledged is in the database: restart"
        : "intake has stopped; put the file back or restart",
    });
    this.#is.say("error", this.#failed.message);
    throw this.#failed;
  }

  /** Copies everything in the log, which only this process can still read, into the database. */
  #rescue(): boolean {
    try {
      this.#is.db.pragma("synchronous = FULL");
      const [done] = this.#is.db.pragma("wal_checkpoint(PASSIVE)") as {
        busy: number;
        log: number;
        checkpointed: number;
      }[];
      return done?.busy === 0 && done.checkpointed === done.log;
    } catch {
      return false;
    }
  }

  /** Runs `body`; a failure of the disk is put into words. */
  read<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      // Without a code it is no failure of the disk.
      if (sqliteCode(error) === "") throw error;
      if (sqliteCode(error).startsWith("SQLITE_BUSY")) throw busyError(this.#is.path, error);
      throw this.note(error);
    }
  }

  /** In words; a failure after which the file cannot be trusted is the last one, and may have its cause in lost files. */
  note(error: unknown): EddyError {
    const storage = storageError(this.#is.path, error);
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
