import type { AlertTransition } from "../../models/alert.ts";
import type { AlertChanges, Opened, StoredAlert, StoredRule } from "../store.ts";
import type { Database } from "./driver.ts";

/** What the database keeps of alerts: rules, how each alert stands, and the log of beginnings and ends. */
export class AlertLog {
  readonly #statements;

  constructor(db: Database) {
    this.#statements = {
      setRule: db.prepare<[string, string, number, string]>(
        "INSERT OR REPLACE INTO rules VALUES (?, ?, ?, ?)",
      ),
      dropRule: db.prepare<[string]>("DELETE FROM rules WHERE name = ?"),
      rules: db.prepare<[], StoredRule>(
        "SELECT name, source AS 'from', revision, rule FROM rules ORDER BY name",
      ),
      setRevision: db.prepare<[number]>("UPDATE facts SET value = ? WHERE name = 'ruleRevision'"),
      revision: db.prepare("SELECT value FROM facts WHERE name = 'ruleRevision'").pluck(),
      setAlert: db.prepare<[string, number, string, string]>(
        "INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?)",
      ),
      dropAlert: db.prepare<[string, number, string]>(
        "DELETE FROM alerts WHERE rule = ? AND series = ? AND target = ?",
      ),
      alerts: db.prepare<[], StoredAlert>(
        "SELECT rule, series, target, state FROM alerts ORDER BY rule, series, target",
      ),
      add: db.prepare<[number, string, string]>("INSERT OR IGNORE INTO transitions VALUES (?, ?, ?)"),
      after: db
        .prepare<[number, number], string>(
          "SELECT told FROM transitions WHERE sequence > ? ORDER BY sequence LIMIT ?",
        )
        .pluck(),
      before: db
        .prepare<[number, number], string>(
          "SELECT told FROM transitions WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
        )
        .pluck(),
      oldest: db.prepare("SELECT min(sequence) FROM transitions").pluck(),
      newest: db.prepare("SELECT max(sequence) FROM transitions").pluck(),
      trim: db.prepare<[number, number]>("DELETE FROM transitions WHERE sequence <= ? AND sequence < ?"),
    };
  }

  /** What an engine is told of them when it opens the database. */
  opened(): Opened["alerts"] {
    const s = this.#statements;
    return {
      rules: s.rules.all(),
      alerts: s.alerts.all(),
      revision: Number(s.revision.get()),
      sequence: Number(s.newest.get() ?? 0),
    };
  }

  /** Within a transaction. */
  write({ rules, alerts, transitions }: AlertChanges): void {
    const s = this.#statements;
    for (const { name, from, revision, rule } of rules) {
      if (rule === null) s.dropRule.run(name);
      else s.setRule.run(name, from, revision, rule);
      s.setRevision.run(revision);
    }
    for (const { rule, series, target, state } of alerts) {
      if (state === null) s.dropAlert.run(rule, series, target);
      else s.setAlert.run(rule, series, target, state);
    }
    for (const { transition } of transitions) {
      s.add.run(transition.sequence, transition.id, JSON.stringify(transition));
    }
  }

  after(sequence: number, limit: number): readonly AlertTransition[] | null {
    const oldest = Number(this.#statements.oldest.get() ?? 0);
    return sequence + 1 < oldest ? null : this.#statements.after.all(sequence, limit).map(readTransition);
  }

  before(sequence: number, limit: number): readonly AlertTransition[] {
    return this.#statements.before.all(sequence, limit).map(readTransition);
  }

  /** Within a transaction: deletes some of all but the newest `rows`; returns how many. */
  trim(rows: number, limit: number): number {
    const s = this.#statements;
    const upTo = Number(s.newest.get() ?? 0) - Math.max(1, rows);
    const oldest = Number(s.oldest.get() ?? Number.POSITIVE_INFINITY);
    return oldest <= upTo ? s.trim.run(upTo, oldest + limit).changes : 0;
  }
}

/** A transition as it was written: JSON has no Infinity. */
export function readTransition(told: string): AlertTransition {
  const read: AlertTransition = JSON.parse(told);
  const { crosses } = read;
  return crosses === null
    ? read
    : { ...read, crosses: { ...crosses, to: crosses.to ?? Number.POSITIVE_INFINITY } };
}
