import { type Issue, moment } from "../../models/issue.ts";
import type { Observation } from "../../models/observation.ts";
import { isTakenBack, unpackValues } from "../../storage/journal.ts";
import type { LoggedIssue, LogPlace, LogRow } from "../../storage/store.ts";
import type { HistoryPage, HistoryRange, LogPage, PipelineSummary, SeriesSummary } from "./contract.ts";
import { lastIssue } from "./derivation.ts";
import { forecastHistory, observationHistory } from "./history.ts";
import { isHosted } from "./hosting.ts";
import type { EngineParts } from "./parts.ts";
import type { SeriesEntry } from "./series.ts";

/** What an engine answers about its series and their past. Nothing is told of a series that is not durable yet. */
export class Queries {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  *names(): Iterable<string> {
    for (const { stored } of this.#parts.table.known()) yield stored.name;
  }

  series(): readonly SeriesSummary[] {
    return Array.from(this.#parts.table.known(), summarise);
  }

  summary(series: string): SeriesSummary | undefined {
    const { table } = this.#parts;
    const entry = table.get(series);
    return entry && !table.unborn.has(entry) ? summarise(entry) : undefined;
  }

  lastTime(series: string): number {
    return this.#entry(series)?.lastTime ?? Number.NaN;
  }

  latest(series: string): Issue | undefined {
    return this.latestLogged(series)?.issue;
  }

  latestLogged(series: string): LoggedIssue | undefined {
    return this.#entry(series)?.latest;
  }

  issuedAfter({ position, ordinal }: LogPlace, limit: number): LogPage | null {
    const { derivation, store } = this.#parts;
    const written = store.issuedSince(position, limit, ordinal);
    if (written === null) return null;
    const rows: LogRow[] = [...written];
    // What is not written yet comes after all that is.
    for (const logged of derivation.issued) {
      if (rows.length >= limit) break;
      if (logged.position > position || (logged.position === position && logged.ordinal > ordinal)) {
        rows.push(logged);
      }
    }
    const last = rows.at(-1);
    return {
      rows,
      next: last && rows.length >= limit ? { position: last.position, ordinal: last.ordinal } : null,
    };
  }

  issuedAsOf(series: string, time: number): Issue | undefined {
    return this.loggedAsOf(series, time)?.issue;
  }

  loggedAsOf(series: string, time: number): LoggedIssue | undefined {
    const entry = this.#entry(series);
    if (!entry) return undefined;
    const { derivation, store } = this.#parts;
    const { id } = entry.stored;
    const waiting = derivation.issued.findLast(
      ({ series, issue }) => series === id && moment(issue.time) <= time,
    );
    return waiting ?? lastIssue(store, id, time);
  }

  pipelines(): readonly PipelineSummary[] {
    const { table } = this.#parts;
    return Array.from(table.known())
      .filter(isHosted)
      .map((entry) => table.hosting.summary(entry));
  }

  observationHistory(series: string, range: HistoryRange): HistoryPage<Observation> {
    const entry = this.#entry(series);
    return entry && !isHosted(entry)
      ? observationHistory(this.#parts.store, entry, range)
      : { items: [], next: null };
  }

  forecastHistory(series: string, range: HistoryRange): HistoryPage<LoggedIssue> {
    const entry = this.#entry(series);
    if (!entry) return { items: [], next: null };
    return forecastHistory(this.#parts.store, this.#parts.derivation.issued, entry, range);
  }

  recent(series: string, limit: number): readonly Observation[] {
    const entry = this.#entry(series);
    if (!entry || isHosted(entry)) return [];
    const { id, name, columns } = entry.stored;
    const found: Observation[] = [];
    let position = entry.applied;
    while (found.length < limit) {
      const [row] = this.#parts.store.rows(position - 1, position);
      if (row?.series !== id) break;
      position = row.previous;
      if (isTakenBack(row.payload)) continue;
      found.push({
        series: name,
        time: row.time,
        values: unpackValues(row.payload, columns, row.time, row.position),
      });
    }
    return found.sort((a, b) => a.time - b.time);
  }

  metrics(): Record<string, number> {
    const { metrics, store, table } = this.#parts;
    const size = store.size();
    return {
      ...metrics.all(),
      series: table.size - table.unborn.size,
      series_in_memory: table.loaded,
      state_in_memory_bytes: table.loadedBytes,
      offset: table.reached,
      database_bytes: size.databaseBytes,
      journal_rows: size.journalRows,
      forecast_rows: size.forecastRows,
      id_rows: size.idRows,
      log_bytes: size.logBytes,
      log_copy_failures_total: size.copyFailures,
      forecasts_damaged_total: size.damagedForecasts,
      storage_failed: store.failed ? 1 : 0,
    };
  }

  #entry(series: string): SeriesEntry | undefined {
    return this.#parts.table.get(series);
  }
}

/** The reading at a journal position; undefined when it was taken back or its series removed. */
export function readingAt(position: number, { store, table }: EngineParts): Observation | undefined {
  const [row] = store.rows(position - 1, position);
  const entry = row && table.byId(row.series);
  if (row === undefined || entry === undefined || isTakenBack(row.payload)) return undefined;
  const { name, columns } = entry.stored;
  return { series: name, time: row.time, values: unpackValues(row.payload, columns, row.time, position) };
}

/** A series as it is told. */
export function summarise(entry: SeriesEntry): SeriesSummary {
  const { specification, stored, latest } = entry;
  const skills =
    latest?.issue.targets.map(({ skill }) => skill).filter((skill) => !Number.isNaN(skill)) ?? [];
  return {
    series: stored.name,
    targets: isHosted(entry) ? [] : specification.targets,
    inputs: specification.inputs,
    model: specification.model,
    horizon: isHosted(entry) ? 0 : specification.horizon,
    observations: entry.observations,
    lastTime: Number.isFinite(entry.lastTime) ? new Date(entry.lastTime).toISOString() : null,
    offset: entry.applied,
    skill: skills.length > 0 ? skills.reduce((sum, skill) => sum + skill, 0) / skills.length : null,
  };
}
