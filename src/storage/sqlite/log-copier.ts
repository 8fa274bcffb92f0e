import { Worker } from "node:worker_threads";
import { type Database, SQLITE_PACKAGE } from "./driver.ts";

/** Pages that wait before the thread is asked to copy them. */
const COPY_PAGES = 128;
/** Length in pages from which on the thread is asked after every commit, until it has copied all and the log begins anew. */
const LONG_PAGES = 2048;
/** Length in pages at which the writer copies whatever is left: commits come so fast that the thread never catches up. */
const LIMIT_PAGES = 8192;

/** What SQLite says of the log, in pages: its length, and how many from its start are in the database. */
interface LogState {
  readonly log: number;
  readonly checkpointed: number;
}

interface Failure {
  readonly code: string;
  readonly message: string;
}

/**
 * Syncs the write-ahead log and copies it into the database from a thread of its own, beside commits: left to SQLite, some
 * commit would do it and intake would wait for it. The log is begun anew by the first commit that finds all of it copied.
 *
 * A transaction of another process that reads for long keeps the log from being begun anew: it grows until that ends.
 */
export class LogCopier {
  readonly #path: string;
  readonly #failpoint: (name: string) => void;
  readonly #onFailure: (error: unknown) => void;
  readonly #measure;
  readonly #copy;
  #thread: Worker | undefined;
  /** Resolved, and undefined again, once the copying under way has ended. */
  #underway: { readonly ended: Promise<void>; readonly end: () => void } | undefined;
  #length = 0;
  /** Length from which on it is worth trying: beyond the last one, if that could not copy everything. */
  #again = 0;

  constructor(
    db: Database,
    path: string,
    failpoint: (name: string) => void,
    onFailure: (error: unknown) => void,
  ) {
    this.#path = path;
    this.#failpoint = failpoint;
    this.#onFailure = onFailure;
    db.pragma("wal_autocheckpoint = 0");
    // A log that had to grow gives the space back when it is begun anew.
    db.pragma(`journal_size_limit = ${LIMIT_PAGES * Number(db.pragma("page_size", { simple: true }))}`);
    this.#measure = db.prepare<[], LogState>("PRAGMA wal_checkpoint(NOOP)");
    this.#copy = db.prepare<[], LogState>("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** Pages in the log. */
  get length(): number {
    return this.#length;
  }

  /** To be called after every commit. Never throws: what has been committed is in the log, copied or not. */
  committed(): void {
    this.#attempt(() => {
      const { log, checkpointed } = this.#measure.get()!;
      if (log < this.#length) this.#again = 0;
      this.#length = log;
      if (log < this.#again) return;
      const left = log - checkpointed;
      if (log >= LIMIT_PAGES) this.#copyHere();
      else if (!this.#underway && left >= (log < LONG_PAGES ? COPY_PAGES : 1)) this.#ask();
    });
  }

  /** Resolves once no copying is under way. */
  async settled(): Promise<void> {
    await this.#underway?.ended;
  }

  /** Ends the thread and its connection. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (!thread) return;
    thread.ref();
    await new Promise<unknown>((resolve) => {
      thread.once("exit", resolve);
      thread.postMessage("close");
    });
  }

  #copyHere(): void {
    this.#copied(this.#copy.get()!);
    this.#failpoint("copy:last");
  }

  #ask(): void {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#underway = { ended, end };
    this.#thread ??= this.#start();
    // While somebody may be waiting for it, it keeps the process alive; otherwise not.
    this.#thread.ref();
    this.#thread.postMessage("copy");
    this.#failpoint("copy:asked");
  }

  #start(): Worker {
    const thread = new Worker(new URL("./log-copier-thread.mjs", import.meta.url), {
      workerData: { path: this.#path, sqlite: SQLITE_PACKAGE },
      execArgv: [],
    });
    thread.on("message", (answer: LogState | Failure) => {
      this.#end();
      this.#attempt(() => {
        if ("code" in answer) throw Object.assign(new Error(answer.message), { code: answer.code });
        this.#copied(answer);
        this.#failpoint("copy:done");
      });
    });
    thread.on("error", (error) => this.#failed(error));
    thread.on("exit", () => {
      this.#thread = undefined;
      this.#end();
    });
    return thread;
  }

  #end(): void {
    this.#thread?.unref();
    this.#underway?.end();
    this.#underway = undefined;
  }

  #copied({ log, checkpointed }: LogState): void {
    if (checkpointed < log) this.#wait();
  }

  /** Something stands in the way; the longer the log, the more every look at it costs. */
  #wait(): void {
    this.#again = this.#length + (this.#length < LIMIT_PAGES ? COPY_PAGES : LONG_PAGES);
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#end();
    this.#wait();
    this.#onFailure(error);
  }
}
