import { itemAt } from "../../models/item-at.ts";
import { TAKEN_BACK } from "../journal.ts";
import type { TakeBack } from "../store.ts";
import type { Database } from "./driver.ts";

/** Facts that tell what is under way, each followed by the number of the series. */
const REMOVED = "removed:";
const REBUILDING = "rebuilding:";

/**
 * Series that go, and readings that are taken back. Removing a series is one small transaction that makes it invisible; its
 * rows are deleted some at a time later, found by the links of the journal, so that neither takes long. A fact keeps
 * its number from being given again until then.
 */
export class Removal {
  readonly #statements;

  constructor(db: Database) {
    this.#statements = {
      setFact: db.prepare<[string, number]>("INSERT OR REPLACE INTO facts VALUES (?, ?)"),
      dropFact: db.prepare<[string]>("DELETE FROM facts WHERE name = ?"),
      facts: db.prepare<[string], { name: string; value: number }>(
        "SELECT name, value FROM facts WHERE name GLOB ? ORDER BY name",
      ),
      dropSeries: db.prepare<[number]>("DELETE FROM series WHERE id = ?"),
      dropCheckpoints: db.prepare<[number, number]>(
        "DELETE FROM checkpoints WHERE series = ? AND position >= ?",
      ),
      dropRow: db
        .prepare<[number, number]>("DELETE FROM journal WHERE position = ? AND series = ? RETURNING previous")
        .pluck(),
      dropIds: db.prepare<[number, number]>(
        "DELETE FROM ids WHERE position IN (SELECT position FROM ids WHERE series = ? LIMIT ?)",
      ),
      dropId: db.prepare<[number]>("DELETE FROM ids WHERE position = ?"),
      dropForecasts: db.prepare<[number, number]>(
        `DELETE FROM forecasts WHERE (position, ordinal) IN
           (SELECT position, ordinal FROM forecasts WHERE series = ? LIMIT ?)`,
      ),
      dropForecastsFrom: db.prepare<[number, number]>(
        "DELETE FROM forecasts WHERE series = ? AND position >= ?",
      ),
      dropRollUps: db.prepare<[number, number]>(
        "DELETE FROM rollups WHERE (hour, series) IN (SELECT hour, series FROM rollups WHERE series = ? LIMIT ?)",
      ),
      dropEmptyRollUp: db.prepare<[number, number]>(
        "DELETE FROM rollups WHERE hour = ? AND series = ? AND observations = 0",
      ),
      // What is left of a sum of which every part was taken away is rounding.
      clearRollUp: db.prepare<[number, number]>(
        "UPDATE rollups SET absolute_error = 0 WHERE hour = ? AND series = ? AND settled = 0",
      ),
      emptyRow: db.prepare<[Uint8Array, number, number]>(
        "UPDATE journal SET payload = ? WHERE position = ? AND series = ?",
      ),
    };
  }

  /** What was under way when the database was last written: values by series. */
  underWay(): { removed: Set<number>; rebuilding: Map<number, number> } {
    const facts = (kind: string): [number, number][] =>
      this.#statements.facts
        .all(`${kind}*`)
        .map(({ name, value }) => [Number(name.slice(kind.length)), value]);
    return {
      removed: new Set(facts(REMOVED).map(([series]) => series)),
      rebuilding: new Map(facts(REBUILDING)),
    };
  }

  /** Within a transaction: the series is gone. */
  remove(series: number, last: number): void {
    this.#statements.dropSeries.run(series);
    this.#statements.dropCheckpoints.run(series, 0);
    this.#statements.dropFact.run(`${REBUILDING}${series}`);
    this.#statements.setFact.run(`${REMOVED}${series}`, last);
  }

  /** Within a transaction: deletes up to `limit` rows of removed series of each table; returns how many. */
  purge(limit: number): number {
    const s = this.#statements;
    const [first] = s.facts.all(`${REMOVED}*`);
    if (first === undefined) return 0;
    const series = Number(first.name.slice(REMOVED.length));
    let position = first.value;
    let rows = 0;
    while (rows < limit) {
      const previous = s.dropRow.get(position, series);
      if (previous === undefined) break;
      position = Number(previous);
      rows++;
    }
    if (rows > 0) s.setFact.run(first.name, position);
    rows += s.dropIds.run(series, limit).changes;
    rows += s.dropForecasts.run(series, limit).changes;
    if (rows > 0) return rows;
    // Looked for last: they are not kept by series.
    rows = s.dropRollUps.run(series, limit).changes;
    if (rows > 0) return rows;
    s.dropFact.run(first.name);
    return 1;
  }

  /** Within a transaction: the readings are gone, their places stay. */
  takeBack({ series, positions }: TakeBack): void {
    const s = this.#statements;
    const first = itemAt(positions, 0);
    for (const position of positions) {
      s.emptyRow.run(TAKEN_BACK, position, series);
      s.dropId.run(position);
    }
    s.dropCheckpoints.run(series, first);
    s.dropForecastsFrom.run(series, first);
    s.setFact.run(`${REBUILDING}${series}`, first);
  }

  /** Within a transaction: after figures of an hour were taken away. */
  tidyRollUp(hour: number, series: number): void {
    this.#statements.dropEmptyRollUp.run(hour, series);
    this.#statements.clearRollUp.run(hour, series);
  }

  rebuilt(series: number): void {
    this.#statements.dropFact.run(`${REBUILDING}${series}`);
  }
}
