import type { AlertTransition } from "../../models/alert.ts";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Observation } from "../../models/observation.ts";
import { type Checkpoint, readFrame } from "../checkpoint.ts";
import { isTakenBack, unpackValues } from "../journal.ts";
import { unpackIssue } from "../packed-issue.ts";
import type { Generation, JournalRow, LoggedIssue, StoredAlert, StoredRule, StoredSeries } from "../store.ts";
import { readTransition } from "./alert-log.ts";
import { Database } from "./driver.ts";
import { storageError } from "./errors.ts";
import { checkSchema } from "./schema.ts";
import { SELECT_SERIES, type SeriesRow, storedSeries } from "./series-row.ts";

const PAGE_ROWS = 1024;

/** An observation with its place in the journal. */
export interface StoredObservation extends Observation {
  readonly position: number;
}

/** Reads a database that a server may be writing at the same time; it takes no lock and changes nothing. */
export class DatabaseReader {
  readonly path: string;
  readonly #db: Database;

  /** @throws EddyError `storage`: no such file, not an Eddy database, another version */
  constructor(path: string) {
    this.path = path;
    let db: Database | undefined;
    try {
      db = new Database(path, { readonly: true, fileMustExist: true });
      checkSchema(db, path, () => {
        throw new EddyError("storage", path, { expected: "an Eddy database", received: "an empty file" });
      });
    } catch (error) {
      db?.close();
      throw storageError(path, error);
    }
    this.#db = db;
  }

  /** What is read until `close` is of one instant. */
  freeze(): void {
    this.#db.exec("BEGIN");
  }

  fact(name: string): string | number | undefined {
    return this.#db.prepare("SELECT value FROM facts WHERE name = ?").pluck().get(name) as
      | string
      | number
      | undefined;
  }

  /** Rows of each table, and the bytes of the file. */
  sizes(): { readonly rows: Record<string, number>; readonly bytes: number } {
    const rows: Record<string, number> = {};
    const tables = ["series", "journal", "ids", "checkpoints", "forecasts", "rollups"];
    for (const table of [...tables, "rules", "alerts", "transitions", "deliveries"]) {
      rows[table] = this.#db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    }
    const bytes =
      Number(this.#db.pragma("page_count", { simple: true })) *
      Number(this.#db.pragma("page_size", { simple: true }));
    return { rows, bytes };
  }

  sources(): Record<string, string> {
    const rows = this.#db
      .prepare<[], { name: string; reached: string }>("SELECT name, reached FROM sources ORDER BY name")
      .all();
    return Object.fromEntries(rows.map(({ name, reached }) => [name, reached]));
  }

  /** Series in the order of their names. */
  series(matches: (name: string) => boolean = () => true): StoredSeries[] {
    return this.#db
      .prepare<[], SeriesRow>(`${SELECT_SERIES} ORDER BY name`)
      .all()
      .filter(({ name }) => matches(name))
      .map(storedSeries);
  }

  generations(series: number): Generation[] {
    return this.#db
      .prepare<[number], Generation>(
        "SELECT series, generation, position FROM checkpoints WHERE series = ? ORDER BY generation",
      )
      .all(series);
  }

  framed(series: number, generation: number): Uint8Array {
    return this.#db
      .prepare("SELECT framed FROM checkpoints WHERE series = ? AND generation = ?")
      .pluck()
      .get(series, generation) as Uint8Array;
  }

  /** The newest checkpoint that is good, if any. */
  checkpoint(series: number): Checkpoint | undefined {
    for (const { generation } of this.generations(series).reverse()) {
      try {
        return readFrame(this.framed(series, generation), series);
      } catch (error) {
        if (!(error instanceof EddyError)) throw error;
      }
    }
    return undefined;
  }

  *rows(series: ReadonlySet<number>, after = 0): Generator<JournalRow> {
    const page = this.#db.prepare<[number, number], JournalRow>(
      "SELECT position, series, previous, time, payload FROM journal WHERE position > ? ORDER BY position LIMIT ?",
    );
    let from = after;
    for (;;) {
      const rows = page.all(from, PAGE_ROWS);
      for (const row of rows) if (series.has(row.series)) yield row;
      if (rows.length < PAGE_ROWS) return;
      from = itemAt(rows, rows.length - 1).position;
    }
  }

  /** The ids under which the observations of these series came, as far as they are kept. */
  *ids(series: ReadonlySet<number>): Generator<{ position: number; series: number; text: string }> {
    const rows = this.#db.prepare<[], { position: number; series: number; text: string }>(
      "SELECT position, series, id AS text FROM ids ORDER BY position",
    );
    for (const row of rows.iterate()) if (series.has(row.series)) yield row;
  }

  /** Observations in journal order. */
  *observations(series: readonly StoredSeries[]): Generator<StoredObservation> {
    const byId = new Map(series.map((one) => [one.id, one]));
    for (const { position, series: id, time, payload } of this.rows(new Set(byId.keys()))) {
      if (isTakenBack(payload)) continue;
      const { name, columns } = byId.get(id)!;
      yield { position, series: name, time, values: unpackValues(payload, columns, time, position) };
    }
  }

  /** Forecasts as issued, in journal order. */
  *issues(series: readonly StoredSeries[]): Generator<LoggedIssue> {
    const names = new Map(series.map(({ id, name }) => [id, name]));
    interface Row {
      position: number;
      ordinal: number;
      series: number;
      payload: Uint8Array;
    }
    const page = this.#db.prepare<[number, number, number], Row>(
      `SELECT position, ordinal, series, payload FROM forecasts WHERE (position, ordinal) > (?, ?)
       ORDER BY position, ordinal LIMIT ?`,
    );
    let last = { position: 0, ordinal: -1 };
    for (;;) {
      const rows = page.all(last.position, last.ordinal, PAGE_ROWS);
      for (const { position, ordinal, series: id, payload } of rows) {
        const name = names.get(id);
        if (name !== undefined) yield { position, ordinal, series: id, issue: unpackIssue(payload, name) };
      }
      if (rows.length < PAGE_ROWS) return;
      last = itemAt(rows, rows.length - 1);
    }
  }

  /** Rules for alerts, in the order of their names. */
  rules(): StoredRule[] {
    return this.#db
      .prepare<[], StoredRule>("SELECT name, source AS 'from', revision, rule FROM rules ORDER BY name")
      .all();
  }

  /** Alerts that are pending or firing. */
  alerts(): StoredAlert[] {
    return this.#db
      .prepare<[], StoredAlert>(
        "SELECT rule, series, target, state FROM alerts ORDER BY rule, series, target",
      )
      .all();
  }

  /** What has been told of alerts of series of some names, in its order. */
  *transitions(matches: (series: string) => boolean = () => true): Generator<AlertTransition> {
    const page = this.#db
      .prepare<[number, number], string>(
        "SELECT told FROM transitions WHERE sequence > ? ORDER BY sequence LIMIT ?",
      )
      .pluck();
    let from = 0;
    for (;;) {
      const rows = page.all(from, PAGE_ROWS).map(readTransition);
      for (const row of rows) if (matches(row.series)) yield row;
      if (rows.length < PAGE_ROWS) return;
      from = itemAt(rows, rows.length - 1).sequence;
    }
  }

  close(): void {
    this.#db.close();
  }
}
