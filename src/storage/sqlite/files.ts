import { statSync } from "node:fs";

/** Bytes of a write-ahead log before its first page, and before each page. */
export const LOG_HEADER = 32;
export const FRAME_HEADER = 24;

/** What became of the files of a database, as a user reads it. */
export interface FileFlaw {
  readonly expected: string;
  readonly received: string;
  /** The log is whole, though nobody else can find it: what it holds can still be copied into the database. */
  readonly rescuable: boolean;
}

/**
 * The files of an open database: itself, its log, the index of the log. The process goes on reading and writing them after
 * they were deleted, moved or replaced, and then writes into nothing; a log that was cut gets a hole.
 */
export class DatabaseFiles {
  readonly #path: string;
  readonly #pageBytes: number;
  readonly #inodes: readonly (number | undefined)[];

  /** Of a database that is open, with a log. */
  constructor(path: string, pageBytes: number) {
    this.#path = path;
    this.#pageBytes = pageBytes;
    this.#inodes = ENDINGS.map((ending) => statSync(path + ending, { throwIfNoEntry: false })?.ino);
  }

  /** What is wrong with them, `logPages` pages having been written to the log. */
  flaw(logPages: number): FileFlaw | undefined {
    const database = this.#changed(0);
    if (database !== undefined) {
      return { expected: "the database file that was opened", received: database, rescuable: false };
    }
    const whole = LOG_HEADER + logPages * (FRAME_HEADER + this.#pageBytes);
    const log = this.#changed(1);
    if (log !== undefined) {
      return {
        expected: `the write-ahead log ${this.#path}-wal that was opened`,
        received: log,
        rescuable: true,
      };
    }
    const size = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (logPages > 0 && size < whole) {
      return {
        expected: `a write-ahead log ${this.#path}-wal of at least ${whole} bytes`,
        received: `one cut to ${size}`,
        rescuable: false,
      };
    }
    const index = this.#changed(2);
    if (index === undefined) return undefined;
    return { expected: `the file ${this.#path}-shm that was opened`, received: index, rescuable: true };
  }

  #changed(i: number): string | undefined {
    let inode: number | undefined;
    try {
      inode = statSync(this.#path + ENDINGS[i], { throwIfNoEntry: false })?.ino;
    } catch {
      inode = undefined;
    }
    if (inode === this.#inodes[i]) return undefined;
    return inode === undefined ? "no file: it was deleted or moved" : "another file in its place";
  }
}

const ENDINGS = ["", "-wal", "-shm"] as const;
