import type { Announcement } from "../src/storage/outbox.ts";
import { Database } from "../src/storage/sqlite/driver.ts";
import { type OutboxLimits, SqliteOutbox } from "../src/storage/sqlite/outbox.ts";
import { prepareSchema } from "../src/storage/sqlite/schema.ts";

/** The real outbox in a database of its own in memory. `minutes()`: how long that has been open. */
export function memoryOutbox(limits?: OutboxLimits, minutes: () => number = () => 0): SqliteOutbox {
  const db = new Database(":memory:");
  prepareSchema(db, "memory", () => "epoch");
  return new SqliteOutbox(
    db,
    { read: (body) => body(), write: (_sync, body) => db.transaction(body)() },
    minutes,
    limits,
  );
}

/** A transition as the outbox takes it. */
export function announced(given: Partial<Announcement> & { n?: number } = {}): Announcement {
  const { n = 0, lane = "full", subject = `${lane}/a`, state = "firing", to = ["ops"] } = given;
  const text = JSON.stringify(transition({ rule: lane, alert: subject, state, n, to }));
  return { lane, subject, state, to, text };
}

/** A transition as it is told. */
export const transition = (given: {
  rule?: string;
  alert?: string;
  state?: "firing" | "resolved";
  n?: number;
  to?: readonly string[];
}) => {
  const { rule = "full", alert = `${rule}/a`, state = "firing", n = 0, to = ["ops"] } = given;
  return {
    sequence: n + 1,
    id: `${alert}:${n}:${state}`,
    alert,
    rule,
    series: `disk/${alert}`,
    target: "used",
    state,
    time: new Date(Date.UTC(2026, 0, 1) + 60_000 * n).toISOString(),
    offset: n + 1,
    value: 91.5,
    limit: 90,
    probability: null,
    crosses: null,
    severity: "warning",
    labels: { team: "storage" },
    summary: `disk/${alert} used is 91.5, above 90`,
    to,
  };
};
