import { forecastsIn, type Issue } from "../../models/issue.ts";
import type { Observation } from "../../models/observation.ts";
import type { Derived, LoggedIssue, Store } from "../../storage/store.ts";
import type { Alerts } from "./alerts/alerts.ts";
import { RollUps } from "./roll-ups.ts";
import type { Applied, SeriesEntry } from "./series.ts";

/**
 * What follows from the journal and is written behind it: forecasts as issued, hourly figures, alerts. It rides on
 * the next commit. After a crash the journal makes it again; what was written already is told by its position.
 */
export class Derivation {
  #upTo: number;
  /** Position of the last observation noted. */
  #reached: number;
  #issued: LoggedIssue[] = [];
  #rollUps = new RollUps();
  #taken: Derived | undefined;
  readonly #alerts: Alerts;

  constructor(upTo: number, alerts: Alerts) {
    this.#alerts = alerts;
    this.#upTo = upTo;
    this.#reached = upTo;
  }

  /** Everything up to this position has been written. */
  get upTo(): number {
    return this.#upTo;
  }

  get waiting(): boolean {
    return this.#issued.length > 0 || this.#rollUps.size > 0 || this.#alerts.waiting;
  }

  /** Somebody waits to be told of an alert. */
  get urgent(): boolean {
    return this.#alerts.urgent;
  }

  /** Issues that are published and not yet written. */
  get issued(): readonly LoggedIssue[] {
    return this.#issued;
  }

  /** Notes what an applied observation led to, and gives it its places. Call it before `entry.latest` is read by anyone else. */
  add(entry: SeriesEntry, observation: Observation, position: number, applied: Applied): LoggedIssue[] {
    const series = entry.stored.id;
    this.#reached = Math.max(this.#reached, position);
    if (position > this.#upTo) {
      const { time, values } = observation;
      const refused = applied.refused !== undefined;
      this.#rollUps.add({ series, time, values, refused, before: entry.latest?.issue });
      this.#alerts.follow(entry, observation, position, applied);
    }
    const logged = placed(applied.issues, position, series);
    if (position > this.#upTo) this.#issued.push(...logged);
    entry.latest = logged.at(-1) ?? entry.latest;
    return logged;
  }

  /** Forgets what waits of a series, from a position on. */
  forget(series: number, from = 0): void {
    this.#issued = this.#issued.filter((issue) => issue.series !== series || issue.position < from);
    this.#rollUps.forget(series);
  }

  /** Hands out everything waiting; then `written` or `giveBack`. */
  take(): Derived {
    const taken = {
      upTo: this.#reached,
      issued: this.#issued,
      rollUps: this.#rollUps.all,
      alerts: this.#alerts.take(),
    };
    this.#taken = taken;
    return taken;
  }

  written(): void {
    if (!this.#taken) return;
    this.#upTo = this.#taken.upTo;
    this.#issued = [];
    this.#rollUps = new RollUps();
    this.#taken = undefined;
    this.#alerts.written();
  }

  giveBack(): void {
    this.#taken = undefined;
    this.#alerts.giveBack();
  }
}

/** The issues that one observation led to, in their places. */
export function placed(issues: readonly Issue[], position: number, series: number): LoggedIssue[] {
  let ordinal = 0;
  return issues.map((issue) => {
    const logged = { position, ordinal, series, issue };
    ordinal += forecastsIn(issue);
    return logged;
  });
}

/** What a series had forecast last at an event time, of what is written and can be read. */
export function lastIssue(store: Store, series: number, time: number): LoggedIssue | undefined {
  const row = store.issuedAsOf(series, time);
  return row === undefined || row.issue === null ? undefined : { ...row, issue: row.issue };
}
