import { Subject } from "rxjs";
import { EddyError } from "../../src/models/errors.ts";
import type { Forecast } from "../../src/models/forecast.ts";
import type { Observation } from "../../src/models/observation.ts";
import type {
  Engine,
  HistoryPage,
  LogPage,
  LogPlace,
  Receipt,
  RefusedObservation,
  SeriesSummary,
  TakenBack,
} from "../../src/server/engine.ts";

/** An engine without storage or models, which forecasts the last value; its faults are set by the test. */
export class ScriptedEngine implements Engine {
  readonly epoch: string = "epoch-1";
  readonly forecasts$ = new Subject<Forecast>();
  readonly observed: Observation[] = [];
  readonly log: Forecast[] = [];
  readonly horizon: number;
  readonly sources = new Map<string, string>();
  failed: Error | undefined;
  /** Batches that were handed in. */
  asked = 0;
  full = false;
  failing = false;
  /** Forecasts at or before this position are no longer kept. */
  trimmed = 0;
  closed = false;
  /** While set, ingests wait for it. */
  held: Promise<void> | null = null;
  offset = 0;
  room = Number.POSITIVE_INFINITY;
  ahead = Number.POSITIVE_INFINITY;
  rewrites = 0;
  readonly #ids = new Set<string>();
  readonly #latest = new Map<string, Forecast[]>();

  constructor(horizon = 3) {
    this.horizon = horizon;
  }

  async ingest(batch: readonly Observation[]): Promise<Receipt> {
    this.asked++;
    if (this.full) throw new EddyError("busy", "journal", { expected: "room", received: "none" });
    if (this.failing) throw new Error("the disk fell off");
    await this.held;
    const refused: RefusedObservation[] = [];
    let [accepted, duplicate] = [0, 0];
    batch.forEach((observation, i) => {
      const id = `${observation.series} ${observation.id}`;
      if (observation.id !== undefined && this.#ids.has(id)) {
        duplicate++;
        return;
      }
      if (observation.series.startsWith("refused")) {
        refused.push({ line: i + 1, code: "late", message: "set aside" });
        return;
      }
      this.#ids.add(id);
      accepted++;
      this.observed.push(observation);
      this.issue(observation, ++this.offset);
    });
    return { accepted, duplicate, late: 0, refused };
  }

  issue(observation: Observation, offset: number): void {
    const forecasts = Object.entries(observation.values).map(([target, value]) => ({
      series: observation.series,
      target,
      issuedAt: new Date(observation.time).toISOString(),
      offset,
      horizon: Array.from({ length: this.horizon }, (_, i) => ({
        step: i + 1,
        time: new Date(observation.time + (i + 1) * 1000).toISOString(),
        mean: value ?? 0,
        lower: (value ?? 0) - 1,
        upper: (value ?? 0) + 1,
      })),
      level: 0.9,
      coverage: 0.9,
      observed: { value: 1, surprise: 0.5, taken: true },
      skill: null,
      model: "scripted",
    }));
    this.#latest.set(observation.series, forecasts);
    this.log.push(...forecasts);
    for (const forecast of forecasts) this.forecasts$.next(forecast);
  }

  series(): readonly SeriesSummary[] {
    return [...this.#latest.keys()].map((series) => this.summary(series) as SeriesSummary);
  }

  summary(series: string): SeriesSummary | undefined {
    const latest = this.#latest.get(series);
    if (latest === undefined) return undefined;
    return {
      series,
      targets: latest.map(({ target }) => target),
      inputs: [],
      model: "scripted",
      horizon: this.horizon,
      observations: this.observed.filter((observation) => observation.series === series).length,
      lastTime: latest[0].issuedAt,
      offset: latest[0].offset,
      skill: null,
    };
  }

  latest(series: string): readonly Forecast[] {
    return this.#latest.get(series) ?? [];
  }

  issuedSince(since: number, limit: number, series?: (name: string) => boolean): readonly Forecast[] | null {
    if (since < this.trimmed) return null;
    return this.log
      .filter((forecast) => forecast.offset > since && (series?.(forecast.series) ?? true))
      .slice(0, limit);
  }

  issuedAfter({ position, ordinal }: LogPlace, limit: number): LogPage | null {
    if (position < this.trimmed) return null;
    // One issue per offset, whatever its targets.
    const offsets = [...new Set(this.log.map(({ offset }) => offset))].filter(
      (offset) => offset > position || (offset === position && ordinal < 0),
    );
    const page = offsets.slice(0, limit);
    const issues = page.map((offset) => ({
      position: offset,
      ordinal: 0,
      series: 1,
      forecasts: this.log.filter((forecast) => forecast.offset === offset),
    }));
    return { issues, next: page.length < limit ? null : { position: page[page.length - 1], ordinal: 0 } };
  }

  names(): Iterable<string> {
    return this.#latest.keys();
  }

  lastTime(series: string): number {
    return Date.parse(this.summary(series)?.lastTime ?? "");
  }

  async remove(series: string): Promise<boolean> {
    return this.#latest.delete(series);
  }

  async takeBack(series: string): Promise<TakenBack> {
    return { takenBack: 1, series: this.summary(series) as SeriesSummary };
  }

  recent(series: string, limit: number): readonly Observation[] {
    return this.observed.filter((observation) => observation.series === series).slice(-limit);
  }

  observationHistory(): HistoryPage<Observation> {
    return { items: [], next: null };
  }

  forecastHistory(): HistoryPage<Forecast> {
    return { items: [], next: null };
  }

  issuedAsOf(): readonly Forecast[] {
    return [];
  }

  async checkpoint(): Promise<void> {}

  metrics(): Readonly<Record<string, number>> {
    return { observations_total: this.observed.length, series: this.#latest.size };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.forecasts$.complete();
  }
}
