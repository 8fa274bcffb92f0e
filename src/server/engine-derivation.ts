import type { Forecast } from "../models/forecast.ts";
import type { Observation } from "../models/observation.ts";
import type { Derived, IssuedForecasts } from "../storage/store.ts";
import { RollUps } from "./engine-roll-ups.ts";
import type { Applied, SeriesEntry } from "./engine-series.ts";

/**
 * What follows from the journal and is written behind it: forecasts as issued, hourly figures. It rides on
 * the next commit. After a crash the journal makes it again; what was written already is told by its position.
 */
export class Derivation {
  #upTo: number;
  /** Position of the last observation noted. */
  #reached: number;
  #issued: IssuedForecasts[] = [];
  #rollUps = new RollUps();
  #taken: Derived | undefined;

  constructor(upTo: number) {
    this.#upTo = upTo;
    this.#reached = upTo;
  }

  /** Everything up to this position has been written. */
  get upTo(): number {
    return this.#upTo;
  }

  get waiting(): boolean {
    return this.#issued.length > 0 || this.#rollUps.size > 0;
  }

  /** Issues that are published and not yet written. */
  get issued(): readonly IssuedForecasts[] {
    return this.#issued;
  }

  /** Notes what an applied observation led to. Call it before `entry.latest` is read by anyone else. */
  add(entry: SeriesEntry, observation: Observation, position: number, applied: Applied): void {
    const series = entry.stored.id;
    this.#reached = Math.max(this.#reached, position);
    if (position > this.#upTo) {
      const { time, values } = observation;
      const refused = applied.refused !== undefined;
      this.#rollUps.add({ series, time, values, refused, before: entry.latest });
    }
    const issues = byIssue(applied.forecasts);
    for (let ordinal = 0; ordinal < issues.length; ordinal++) {
      if (position > this.#upTo) this.#issued.push({ position, ordinal, series, forecasts: issues[ordinal] });
    }
    if (issues.length > 0) entry.latest = issues[issues.length - 1];
  }

  /** Forgets what waits of a series, from a position on. */
  forget(series: number, from = 0): void {
    this.#issued = this.#issued.filter((issue) => issue.series !== series || issue.position < from);
    this.#rollUps.forget(series);
  }

  /** Hands out everything waiting; then `written` or `giveBack`. */
  take(): Derived {
    this.#taken = {
      upTo: this.#reached,
      issued: this.#issued,
      rollUps: this.#rollUps.all,
    };
    return this.#taken;
  }

  written(): void {
    if (!this.#taken) return;
    this.#upTo = this.#taken.upTo;
    this.#issued = [];
    this.#rollUps = new RollUps();
    this.#taken = undefined;
  }

  giveBack(): void {
    this.#taken = undefined;
  }
}

/** Groups forecasts by issue: those of one issue stand side by side, one per target. */
export function byIssue(forecasts: readonly Forecast[]): Forecast[][] {
  const issues: Forecast[][] = [];
  for (const forecast of forecasts) {
    const current = issues.at(-1);
    if (current && current[0].issuedAt === forecast.issuedAt && current[0].offset === forecast.offset) {
      current.push(forecast);
    } else issues.push([forecast]);
  }
  return issues;
}
