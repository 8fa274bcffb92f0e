import { EddyError } from "../../models/errors.ts";
import { type Issue, moment } from "../../models/issue.ts";
import { packIssue, unpackIssue } from "../packed-issue.ts";
import type { IssuePlace, LoggedIssue, LogRow } from "../store.ts";
import type { Guard } from "./guard.ts";
import type { ForecastRow, Statements } from "./statements.ts";

/** The log of forecasts as issued. */
export class ForecastLog {
  readonly #statements: Statements;
  readonly #guard: Guard;
  /** Names of the series that there are, by number. */
  readonly #names: ReadonlyMap<number, string>;
  /** Rows found altered. */
  damaged = 0;

  constructor(statements: Statements, guard: Guard, names: ReadonlyMap<number, string>) {
    this.#statements = statements;
    this.#guard = guard;
    this.#names = names;
  }

  /** Within a transaction. */
  write(issued: readonly LoggedIssue[]): void {
    for (const { position, ordinal, series, issue } of issued) {
      this.#statements.addForecast.run(position, ordinal, series, moment(issue.time), packIssue(issue));
    }
  }

  since(since: number, limit: number, ordinal: number): readonly LogRow[] | null {
    return this.#guard.read(() => {
      const trimmedTo = Number(this.#statements.getFact.get("forecastsAfter"));
      if (since < trimmedTo || (since === trimmedTo && since > 0 && ordinal < Number.MAX_SAFE_INTEGER))
        return null;
      return this.#statements.issuedSince.all(since, ordinal, limit).map((row) => this.#unpack(row));
    });
  }

  asOf(series: number, time: number): LogRow | undefined {
    return this.#guard.read(() => {
      const row = this.#statements.issuedAsOf.get(series, time);
      return row && this.#unpack(row);
    });
  }

  of(series: number, from: number, before: IssuePlace, limit: number): readonly LogRow[] {
    const { issued, position, ordinal } = before;
    return this.#guard.read(() =>
      this.#statements.issuedOf
        .all(series, from, issued, issued, position, ordinal, limit)
        .map((row) => this.#unpack(row)),
    );
  }

  #unpack({ position, ordinal, series, payload }: ForecastRow): LogRow {
    let issue: Issue | null = null;
    const name = this.#names.get(series);
    // Of a series that was removed.
    if (name === undefined) return { position, ordinal, series, issue };
    try {
      issue = unpackIssue(payload, name);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      this.damaged++;
    }
    return { position, ordinal, series, issue };
  }
}
