import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { EddyError, printable } from "../../models/errors.ts";
import { crc32 } from "../checksum.ts";
import { Database } from "../sqlite/driver.ts";
import { storageError } from "../sqlite/errors.ts";
import { type Lock, realPath, takeLock } from "../sqlite/lock.ts";

/** A pipeline as it was saved: its stages, how far its source had been read, how much it had given. */
export interface PipelineSave {
  /** Events taken. */
  readonly events: number;
  /** The position that the last of them gave, where they give one; NaN otherwise. */
  readonly position: number;
  /** Outputs given. */
  readonly outputs: number;
  /** What `Stages.save` gave. */
  readonly state: Uint8Array;
  /** Figures of its stages, by name. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** "EDPL" as a number: files of this kind, apart from the databases of a server. */
export const APPLICATION_ID = 0x4544504c;
const VERSION = 1;
/** Saves kept of each pipeline: should the newest be damaged, the one before it takes its place. */
const SAVES = 2;
/** Figures kept of each pipeline: those of its last saves. */
const METRIC_SAVES = 1000;

const TABLES = `
CREATE TABLE saves (
  pipeline TEXT NOT NULL, events INTEGER NOT NULL, position REAL, outputs INTEGER NOT NULL,
  state BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (pipeline, events)
) WITHOUT ROWID;
CREATE TABLE metrics (
  pipeline TEXT NOT NULL, events INTEGER NOT NULL, figure TEXT NOT NULL, value REAL,
  PRIMARY KEY (pipeline, events, figure)
) WITHOUT ROWID;
CREATE TABLE records (
  name TEXT NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (name, number)
) WITHOUT ROWID;
`;

/**
 * One SQLite file that keeps pipelines: the states of their stages, what they record, and how they do. Whatever is
 * saved together is one transaction, synced before it returns: after `kill -9` or a power cut all of it is there or none. One process at a time.
 *
 * @example
 * ```ts no-run
 * const store = new PipelineStore("pipelines.db");
 * readings$.pipe(durable(store, "denoiser", pipe(smooth({ lag: 4 }), record(store, "denoised")))).subscribe();
 * ```
 */
export class PipelineStore {
  readonly path: string;
  readonly #lock: Lock;
  readonly #db: Database;
  readonly #claimed = new Set<string>();
  readonly #statements;

  /** @throws EddyError `locked` when another process has it, `storage` when it cannot be read or is a file of another kind */
  constructor(path: string) {
    const given = resolve(path);
    try {
      mkdirSync(dirname(given), { recursive: true });
      this.path = realPath(given);
    } catch (error) {
      throw storageError(given, error);
    }
    this.#lock = takeLock(this.path);
    let db: Database | undefined;
    try {
      db = new Database(this.path);
      prepare(db, this.path);
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = FULL");
      this.#db = db;
      this.#statements = {
        put: db.prepare("INSERT OR REPLACE INTO saves VALUES (?, ?, ?, ?, ?, ?)"),
        drop: db.prepare(
          `DELETE FROM saves WHERE pipeline = ? AND events NOT IN
             (SELECT events FROM saves WHERE pipeline = ? ORDER BY events DESC LIMIT ${SAVES})`,
        ),
        dropAfter: db.prepare("DELETE FROM saves WHERE pipeline = ? AND events > ?"),
        all: db.prepare(
          "SELECT events, position, outputs, state, checksum FROM saves WHERE pipeline = ? ORDER BY events DESC",
        ),
        names: db.prepare("SELECT DISTINCT pipeline FROM saves ORDER BY pipeline").pluck(),
        putMetric: db.prepare("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?)"),
        oldMetric: db
          .prepare(
            `SELECT DISTINCT events FROM metrics WHERE pipeline = ? ORDER BY events DESC LIMIT 1 OFFSET ${METRIC_SAVES}`,
          )
          .pluck(),
        dropMetrics: db.prepare("DELETE FROM metrics WHERE pipeline = ? AND events <= ?"),
        metrics: db.prepare(
          "SELECT events, figure, value FROM metrics WHERE pipeline = ? ORDER BY events, figure",
        ),
        putRecord: db.prepare("INSERT OR IGNORE INTO records VALUES (?, ?, ?)"),
        records: db.prepare(
          "SELECT number, event FROM records WHERE name = ? AND number > ? ORDER BY number LIMIT ?",
        ),
        lastRecord: db.prepare("SELECT coalesce(max(number), 0) FROM records WHERE name = ?").pluck(),
      };
    } catch (error) {
      db?.close();
      this.#lock.release();
      throw storageError(this.path, error);
    }
  }

  /** Takes a name for one pipeline at a time; returns what gives it back. @throws EddyError `locked` when it is taken */
  claim(name: string): () => void {
    checkName(name);
    if (this.#claimed.has(name)) {
      throw new EddyError("locked", `pipeline ${printable(name)}`, {
        expected: "one subscription at a time under this name",
        received: "a second one",
        hint: "give each pipeline a name of its own",
      });
    }
    this.#claimed.add(name);
    return () => void this.#claimed.delete(name);
  }

  /** Does something as one transaction: all that is written within it is there afterwards, or nothing. */
  transaction<T>(task: () => T): T {
    try {
      return this.#db.inTransaction ? task() : this.#db.transaction(task).immediate();
    } catch (error) {
      throw storageError(this.path, error);
    }
  }

  save(name: string, { events, position, outputs, state, metrics }: PipelineSave): void {
    this.transaction(() => {
      const { put, drop, putMetric, oldMetric, dropMetrics } = this.#statements;
      put.run(name, events, Number.isNaN(position) ? null : position, outputs, state, crc32(state));
      drop.run(name, name);
      for (const [figure, value] of Object.entries(metrics)) putMetric.run(name, events, figure, value);
      const old = oldMetric.get(name);
      if (old !== undefined) dropMetrics.run(name, old);
    });
  }

  /**
   * The newest good save of a pipeline; undefined when it has none.
   *
   * @throws EddyError `bad-state` when it has some and none is good
   */
  load(name: string): Omit<PipelineSave, "metrics"> | undefined {
    const rows = this.#statements.all.all(name) as {
      events: number;
      position: number | null;
      outputs: number;
      state: Uint8Array;
      checksum: number;
    }[];
    for (const { checksum, position, ...row } of rows) {
      if (crc32(row.state) !== checksum) continue;
      // What is newer and damaged is not to be mistaken for the newest later on.
      this.transaction(() => this.#statements.dropAfter.run(name, row.events));
      return { ...row, position: position ?? Number.NaN };
    }
    if (rows.length === 0) return undefined;
    throw new EddyError("bad-state", `pipeline ${printable(name)}`, {
      expected: "a save that is whole",
      received: `${rows.length} that were altered`,
      hint: "begin anew under another name",
    });
  }

  /** Names of the pipelines that have been saved. */
  names(): string[] {
    return this.#statements.names.all() as string[];
  }

  /** The figures of a pipeline as they were at its last thousand saves, by its events. */
  metrics(
    name: string,
  ): readonly { readonly events: number; readonly figure: string; readonly value: number }[] {
    return (
      this.#statements.metrics.all(name) as { events: number; figure: string; value: number | null }[]
    ).map((row) => ({ ...row, value: row.value ?? Number.NaN }));
  }

  /** Writes what has been recorded; a number that is there already stays as it is. */
  writeRecords(name: string, records: readonly { readonly number: number; readonly event: string }[]): void {
    checkName(name);
    this.transaction(() => {
      for (const { number, event } of records) this.#statements.putRecord.run(name, number, event);
    });
  }

  /** What has been recorded under a name after a number, oldest first. */
  *records(name: string, after = 0): Generator<{ readonly number: number; readonly event: unknown }> {
    let from = after;
    for (;;) {
      const rows = this.#statements.records.all(name, from, 1024) as { number: number; event: string }[];
      for (const { number, event } of rows) {
        from = number;
        yield { number, event: JSON.parse(event) };
      }
      if (rows.length < 1024) return;
    }
  }

  /** Number of the last event recorded under a name; 0 when there is none. */
  lastRecord(name: string): number {
    return Number(this.#statements.lastRecord.get(name));
  }

  close(): void {
    this.#db.close();
    this.#lock.release();
  }
}

const LONGEST_NAME = 256;

export function checkName(name: string): void {
  if (typeof name === "string" && name !== "" && name.length <= LONGEST_NAME) return;
  throw new EddyError("bad-argument", "name", {
    expected: `1 to ${LONGEST_NAME} characters`,
    received: printable(name),
  });
}

function prepare(db: Database, path: string): void {
  const application = db.pragma("application_id", { simple: true });
  const version = db.pragma("user_version", { simple: true });
  const tables = db.prepare("SELECT count(*) FROM sqlite_master").pluck().get();
  if (application === 0 && version === 0 && tables === 0) {
    db.transaction(() => {
      db.exec(TABLES);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${VERSION}`);
    }).immediate();
    return;
  }
  if (application !== APPLICATION_ID || version !== VERSION) {
    throw new EddyError("storage", path, {
      expected: `a store of pipelines, version ${VERSION}`,
      received: application === APPLICATION_ID ? `version ${version}` : "a database of another kind",
    });
  }
}
