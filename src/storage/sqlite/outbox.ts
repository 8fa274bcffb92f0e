import { itemAt } from "../../models/item-at.ts";
import type {
  Announcement,
  Delivery,
  DeliveryCounts,
  DeliveryQuery,
  DeliveryState,
  Outbox,
} from "../outbox.ts";
import type { Database } from "./driver.ts";
import type { Guard } from "./guard.ts";

export interface OutboxLimits {
  /** Deliveries that wait for one receiver; one more is dead at once. */
  readonly waiting: number;
  /** Dead deliveries of one receiver; the oldest make room. */
  readonly dead: number;
}

const OUTBOX_LIMITS: OutboxLimits = { waiting: 100_000, dead: 10_000 };

const WAITING = 0;
const REMINDED = 1;
const DEAD = 2;
const STATES: readonly DeliveryState[] = ["waiting", "reminded", "dead"];

interface Row {
  readonly id: number;
  readonly receiver: string;
  readonly lane: string;
  readonly subject: string;
  readonly firing: number;
  readonly text: string;
  readonly state: number;
  readonly attempts: number;
  readonly error: string | null;
  readonly message: number | null;
}

const COLUMNS = "id, receiver, lane, subject, firing, text, state, attempts, error, message";
const MINUTE = 60_000;
/** Rows that one call changes where there may be any number: nothing else is done meanwhile. */
const MOST_AT_ONCE = 2000;

/** The outbox as a table. How many rows of each state a receiver has is known without counting them. */
export class SqliteOutbox implements Outbox {
  readonly #guard: Pick<Guard, "read" | "write">;
  readonly #minute: () => number;
  readonly #limits: OutboxLimits;
  readonly #statements: ReturnType<typeof prepare>;
  /** Rows by receiver and state. */
  readonly #counts = new Map<string, number[]>();
  readonly #watchers = new Set<(receiver: string, lane: string) => void>();
  /** Counts before the transaction under way, of the receivers that it touches. */
  #before = new Map<string, number[]>();
  /** Receivers and lanes that the transaction under way adds to. */
  #adding = new Map<string, Set<string>>();
  #droppedBefore = 0;
  dropped = 0;

  /** `minute`: how long the database has been open, in minutes. */
  constructor(
    db: Database,
    guard: Pick<Guard, "read" | "write">,
    minute: () => number,
    limits = OUTBOX_LIMITS,
  ) {
    this.#guard = guard;
    this.#minute = minute;
    this.#limits = limits;
    this.#statements = prepare(db);
    for (const { receiver, state, rows } of this.#statements.count.all()) {
      this.#countsOf(receiver)[state] = rows;
    }
  }

  add({ lane, subject, state, to, text }: Announcement): void {
    const firing = state === "firing" ? 1 : 0;
    const lanes = new Map(to.map((receiver) => [receiver, lane]));
    for (const before of this.#statements.before.all(subject)) {
      // Whoever is told of a firing is told of its end, whatever the rule has become since.
      if (firing === 0 && before.firing === 1) lanes.set(before.receiver, before.lane);
      // Behind whatever waits of the same subject.
      if (before.state === WAITING && lanes.has(before.receiver)) lanes.set(before.receiver, before.lane);
    }
    for (const [receiver, lane] of lanes) {
      const full = this.#countsOf(receiver)[WAITING]! >= this.#limits.waiting;
      const row = [receiver, lane, subject, firing, text, full ? DEAD : WAITING, this.#minute()] as const;
      this.#statements.add.run(...row, full ? `more than ${this.#limits.waiting} wait for it already` : null);
      this.#change(receiver, full ? DEAD : WAITING, 1);
      if (full) this.#makeRoom(receiver);
      else this.#adds(receiver, lane);
    }
  }

  watch(added: (receiver: string, lane: string) => void): () => void {
    this.#watchers.add(added);
    return () => void this.#watchers.delete(added);
  }

  /** The transaction in which something was added is done. */
  committed(): void {
    this.#before.clear();
    this.#droppedBefore = this.dropped;
    const added = this.#adding;
    if (added.size === 0) return;
    this.#adding = new Map();
    for (const [receiver, lanes] of added) {
      for (const lane of lanes) for (const watcher of this.#watchers) watcher(receiver, lane);
    }
  }

  /** The transaction in which something was added has failed: nothing was. */
  undone(): void {
    for (const [receiver, counts] of this.#before) this.#counts.set(receiver, counts);
    this.#before.clear();
    this.#adding.clear();
    this.dropped = this.#droppedBefore;
  }

  lanesOf(receiver: string): readonly string[] {
    return this.#guard.read(() => this.#statements.lanesOf.all(receiver));
  }

  message(receiver: string, lane: string, most: number): readonly Delivery[] {
    const s = this.#statements;
    const [first, ...rest] = this.#guard.read(() => s.waiting.all(receiver, lane, most));
    if (first === undefined) return [];
    if (first.message !== null) {
      return this.#guard.read(() => s.together.all(receiver, lane, first.message ?? 0)).map(delivery);
    }
    const rows = [first];
    for (const row of rest) {
      if (row.message !== null) break;
      rows.push(row);
    }
    try {
      this.#write(() => {
        for (const { id } of rows) s.join.run(first.id, id);
      });
    } catch {
      // A full disk keeps nobody from being told; only after a restart the message may be another one.
    }
    return rows.map(delivery);
  }

  told(deliveries: readonly Delivery[], remind: boolean): void {
    this.#write(() => {
      for (const { id, receiver, subject } of deliveries) {
        if (remind) {
          for (const { state } of this.#statements.dropEarlier.all(receiver, subject, id)) {
            this.#change(receiver, state, -1);
          }
        }
        const { changes } = remind
          ? this.#statements.remind.run(this.#minute(), id)
          : this.#statements.drop.run(id, WAITING);
        if (changes === 0) continue;
        this.#change(receiver, WAITING, -1);
        if (remind) this.#change(receiver, REMINDED, 1);
      }
    });
  }

  failed(deliveries: readonly Delivery[], error: string, dead: boolean): void {
    this.#write(() => {
      for (const { id, receiver } of deliveries) {
        this.#statements.tried.run(error, id);
        if (dead && this.#statements.bury.run(null, id).changes > 0) this.#buried(receiver, 1);
      }
      if (dead && deliveries.length > 0) this.#makeRoom(itemAt(deliveries, 0).receiver);
    });
  }

  apart(deliveries: readonly Delivery[]): void {
    this.#write(() => {
      for (const { id } of deliveries) this.#statements.join.run(null, id);
    });
  }

  giveUp(receiver: string, lane: string, milliseconds: number, error: string): number {
    let buried = 0;
    this.#write(() => {
      const before = this.#minute() - milliseconds / MINUTE;
      buried = this.#statements.buryOld.run(error, receiver, lane, before).changes;
      this.#buried(receiver, buried);
      this.#makeRoom(receiver);
    });
    return buried;
  }

  settle(receiver: string, milliseconds: number): void {
    this.#write(() => {
      const before = this.#minute() - milliseconds / MINUTE;
      this.#change(receiver, REMINDED, -this.#statements.dropEnds.run(receiver, before).changes);
    });
  }

  reminders(receiver: string, after: number, limit: number): readonly Delivery[] {
    return this.#guard.read(() => this.#statements.reminders.all(receiver, after, limit)).map(delivery);
  }

  disown(receivers: ReadonlySet<string>): number {
    let buried = 0;
    this.#write(() => {
      for (const receiver of [...this.#counts.keys()]) {
        if (receivers.has(receiver)) continue;
        const changes = this.#statements.buryAll.run(
          "no receiver of this name in the configuration",
          receiver,
        );
        this.#buried(receiver, changes.changes);
        this.#makeRoom(receiver);
        buried += changes.changes;
      }
    });
    return buried;
  }

  list({ state, receiver, before, limit }: DeliveryQuery): readonly Delivery[] {
    const s = this.#statements;
    return this.#guard
      .read(() => {
        const number = state === undefined ? -1 : STATES.indexOf(state);
        if (receiver === undefined) return s.list.all(before, number, number, limit);
        return s.listOf.all(receiver, before, number, number, limit);
      })
      .map(delivery);
  }

  get(id: number): Delivery | undefined {
    const row = this.#guard.read(() => this.#statements.get.get(id));
    return row && delivery(row);
  }

  retry(id: number): boolean {
    let lane: { receiver: string; lane: string } | undefined;
    this.#write(() => {
      lane = this.#statements.revive.get(this.#minute(), id);
      if (lane !== undefined) this.#revived(lane.receiver, lane.lane, 1);
    });
    return lane !== undefined;
  }

  retryAll(receiver: string): number {
    let revived = 0;
    this.#write(() => {
      for (const { lane, rows } of this.#statements.deadLanes.all(receiver)) {
        this.#revived(receiver, lane, rows);
        revived += rows;
      }
      this.#statements.reviveAll.run(this.#minute(), receiver);
    });
    return revived;
  }

  discard(id: number): boolean {
    let gone = false;
    this.#write(() => {
      const row = this.#statements.get.get(id);
      gone = row !== undefined && this.#statements.drop.run(id, DEAD).changes > 0;
      if (gone) this.#change(row?.receiver ?? "", DEAD, -1);
    });
    return gone;
  }

  counts(): ReadonlyMap<string, DeliveryCounts> {
    const counts = [...this.#counts]
      .filter(([, rows]) => rows.some((n) => n > 0))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(
      counts.map(([receiver, [waiting = 0, reminded = 0, dead = 0]]) => [
        receiver,
        { waiting, reminded, dead },
      ]),
    );
  }

  #write(body: () => void): void {
    try {
      this.#guard.write(false, body);
    } catch (error) {
      this.undone();
      throw error;
    }
    this.committed();
  }

  #countsOf(receiver: string): number[] {
    let counts = this.#counts.get(receiver);
    if (counts === undefined) {
      counts = [0, 0, 0];
      this.#counts.set(receiver, counts);
    }
    return counts;
  }

  #change(receiver: string, state: number, by: number): void {
    const counts = this.#countsOf(receiver);
    if (!this.#before.has(receiver)) this.#before.set(receiver, [...counts]);
    counts[state] = (counts[state] ?? 0) + by;
  }

  #adds(receiver: string, lane: string): void {
    const lanes = this.#adding.get(receiver) ?? new Set();
    lanes.add(lane);
    this.#adding.set(receiver, lanes);
  }

  #buried(receiver: string, rows: number): void {
    this.#change(receiver, WAITING, -rows);
    this.#change(receiver, DEAD, rows);
  }

  #revived(receiver: string, lane: string, rows: number): void {
    this.#change(receiver, DEAD, -rows);
    this.#change(receiver, WAITING, rows);
    this.#adds(receiver, lane);
  }

  #makeRoom(receiver: string): void {
    const tooMany = (this.#countsOf(receiver)[DEAD] ?? 0) - this.#limits.dead;
    if (tooMany <= 0) return;
    const { changes } = this.#statements.dropOldestDead.run(receiver, tooMany);
    this.#change(receiver, DEAD, -changes);
    this.dropped += changes;
  }
}

const delivery = ({ id, receiver, lane, subject, firing, text, state, attempts, error }: Row): Delivery => ({
  id,
  receiver,
  lane,
  subject,
  firing: firing === 1,
  text,
  state: itemAt(STATES, state),
  attempts,
  error,
});

function prepare(db: Database) {
  const of = <A extends unknown[], R = unknown>(sql: string) => db.prepare<A, R>(sql);
  const lane = "receiver = ? AND state = 0 AND lane = ?";
  return {
    count: of<[], { receiver: string; state: number; rows: number }>(
      "SELECT receiver, state, count(*) AS rows FROM deliveries GROUP BY receiver, state",
    ),
    add: of<[string, string, string, number, string, number, number, string | null]>(
      `INSERT INTO deliveries (receiver, lane, subject, firing, text, state, minute, error)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    before: of<[string], Pick<Row, "receiver" | "lane" | "firing" | "state">>(
      "SELECT receiver, lane, firing, state FROM deliveries WHERE subject = ? AND state < 2 ORDER BY id",
    ),
    lanesOf: db
      .prepare<[string], string>("SELECT DISTINCT lane FROM deliveries WHERE receiver = ? AND state = 0")
      .pluck(),
    waiting: of<[string, string, number], Row>(
      `SELECT ${COLUMNS} FROM deliveries WHERE ${lane} ORDER BY id LIMIT ?`,
    ),
    together: of<[string, string, number], Row>(
      `SELECT ${COLUMNS} FROM deliveries WHERE ${lane} AND message = ? ORDER BY id`,
    ),
    join: of<[number | null, number]>("UPDATE deliveries SET message = ? WHERE id = ?"),
    drop: of<[number, number]>("DELETE FROM deliveries WHERE id = ? AND state = ?"),
    dropEarlier: of<[string, string, number], { state: number }>(
      "DELETE FROM deliveries WHERE receiver = ? AND subject = ? AND id < ? AND state > 0 RETURNING state",
    ),
    remind: of<[number, number]>(
      "UPDATE deliveries SET state = 1, message = NULL, error = NULL, minute = ? WHERE id = ? AND state = 0",
    ),
    tried: of<[string, number]>(
      "UPDATE deliveries SET attempts = attempts + 1, error = ? WHERE id = ? AND state = 0",
    ),
    bury: of<[null, number]>("UPDATE deliveries SET state = 2, message = ? WHERE id = ? AND state = 0"),
    buryOld: of<[string, string, string, number]>(
      `UPDATE deliveries SET state = 2, message = NULL, error = ? WHERE id IN
         (SELECT id FROM deliveries WHERE ${lane} AND minute <= ? ORDER BY id LIMIT ${MOST_AT_ONCE})`,
    ),
    buryAll: of<[string, string]>(
      "UPDATE deliveries SET state = 2, message = NULL, error = ? WHERE receiver = ? AND state = 0",
    ),
    dropEnds: of<[string, number]>(
      "DELETE FROM deliveries WHERE receiver = ? AND state = 1 AND firing = 0 AND minute <= ?",
    ),
    dropOldestDead: of<[string, number]>(
      `DELETE FROM deliveries WHERE id IN
         (SELECT id FROM deliveries WHERE receiver = ? AND state = 2 ORDER BY id LIMIT ?)`,
    ),
    reminders: of<[string, number, number], Row>(
      `SELECT ${COLUMNS} FROM deliveries WHERE receiver = ? AND state = 1 AND id > ? ORDER BY id LIMIT ?`,
    ),
    list: of<[number, number, number, number], Row>(
      `SELECT ${COLUMNS} FROM deliveries WHERE id < ? AND (? = -1 OR state = ?) ORDER BY id DESC LIMIT ?`,
    ),
    listOf: of<[string, number, number, number, number], Row>(
      `SELECT ${COLUMNS} FROM deliveries WHERE receiver = ? AND id < ? AND (? = -1 OR state = ?)
         ORDER BY id DESC LIMIT ?`,
    ),
    get: of<[number], Row>(`SELECT ${COLUMNS} FROM deliveries WHERE id = ?`),
    revive: of<[number, number], { receiver: string; lane: string }>(
      `UPDATE deliveries SET state = 0, attempts = 0, message = NULL, minute = ? WHERE id = ? AND state = 2
         RETURNING receiver, lane`,
    ),
    deadLanes: of<[string], { lane: string; rows: number }>(
      "SELECT lane, count(*) AS rows FROM deliveries WHERE receiver = ? AND state = 2 GROUP BY lane",
    ),
    reviveAll: of<[number, string]>(
      `UPDATE deliveries SET state = 0, attempts = 0, message = NULL, minute = ?
         WHERE receiver = ? AND state = 2`,
    ),
  };
}
