import { Subject } from "rxjs";
import type { AlertTransition } from "../../src/models/alert.ts";
import { EddyError } from "../../src/models/errors.ts";
import type { Issue } from "../../src/models/issue.ts";
import type { Observation } from "../../src/models/observation.ts";
import type {
  AlertService,
  Engine,
  HistoryPage,
  LoggedIssue,
  LogPage,
  LogPlace,
  Receipt,
  RefusedObservation,
  SeriesSummary,
  TakenBack,
} from "../../src/server/engine.ts";
import { madeIssue, madeTarget } from "../issues.ts";
import { memoryOutbox } from "../outbox.ts";

/** Alerts that a test tells of by hand. */
class ScriptedAlerts implements AlertService {
  readonly transitions$ = new Subject<AlertTransition>();
  readonly log: AlertTransition[] = [];

  get sequence(): number {
    return this.log.at(-1)?.sequence ?? 0;
  }

  tell(one: AlertTransition): void {
    this.log.push(one);
    this.transitions$.next(one);
  }

  rules(): [] {
    return [];
  }

  rule(): undefined {}

  matches(): number {
    return 0;
  }

  active(): [] {
    return [];
  }

  put(): Promise<never> {
    return Promise.reject(new EddyError("busy", "rules"));
  }

  async remove(): Promise<boolean> {
    return false;
  }

  after(sequence: number, limit: number): readonly AlertTransition[] | null {
    const [oldest] = this.log;
    if (oldest !== undefined && sequence + 1 < oldest.sequence) return null;
    return this.log.filter((one) => one.sequence > sequence).slice(0, limit);
  }

  before(sequence: number, limit: number): readonly AlertTransition[] {
    return this.log
      .filter((one) => one.sequence < sequence)
      .reverse()
      .slice(0, limit);
  }
}

/** An engine without storage or models, which forecasts the last value; its faults are set by the test. */
export class ScriptedEngine implements Engine {
  readonly epoch: string = "epoch-1";
  readonly issues$ = new Subject<LoggedIssue>();
  readonly observed: Observation[] = [];
  readonly log: LoggedIssue[] = [];
  readonly horizon: number;
  /** Quantiles that are told of each step. */
  levels: readonly number[] = [];
  readonly sources = new Map<string, string>();
  readonly outbox = memoryOutbox();
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
  readonly alerts = new ScriptedAlerts();
  readonly #ids = new Set<string>();
  readonly #latest = new Map<string, LoggedIssue>();

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
    const targets = Object.entries(observation.values).map(([name, value]) =>
      madeTarget(name, new Array(this.horizon).fill(value ?? 0), {
        observed: value ?? Number.NaN,
        quantiles: this.levels.map((level) => new Float64Array(this.horizon).fill((value ?? 0) + level)),
      }),
    );
    const issue = {
      ...madeIssue(observation.series, observation.time, offset, targets, "scripted"),
      quantileLevels: this.levels,
    };
    const logged = { position: offset, ordinal: 0, series: 1, issue };
    this.#latest.set(observation.series, logged);
    this.log.push(logged);
    this.issues$.next(logged);
  }

  series(): readonly SeriesSummary[] {
    return [...this.#latest.keys()].map((series) => this.summary(series) as SeriesSummary);
  }

  summary(series: string): SeriesSummary | undefined {
    const latest = this.#latest.get(series)?.issue;
    if (latest === undefined) return undefined;
    return {
      series,
      targets: latest.targets.map(({ name }) => name),
      inputs: [],
      model: "scripted",
      horizon: this.horizon,
      observations: this.observed.filter((observation) => observation.series === series).length,
      lastTime: new Date(latest.time).toISOString(),
      offset: latest.offset,
      skill: null,
    };
  }

  pipelines(): [] {
    return [];
  }

  latest(series: string): Issue | undefined {
    return this.#latest.get(series)?.issue;
  }

  latestLogged(series: string): LoggedIssue | undefined {
    return this.#latest.get(series);
  }

  issuedAfter({ position, ordinal }: LogPlace, limit: number): LogPage | null {
    if (position < this.trimmed) return null;
    const rows = this.log
      .filter((one) => one.position > position || (one.position === position && one.ordinal > ordinal))
      .slice(0, limit);
    const last = rows.at(-1);
    return { rows, next: last === undefined || rows.length < limit ? null : last };
  }

  names(): Iterable<string> {
    return this.#latest.keys();
  }

  refusals(): Readonly<Record<string, number>> {
    return {};
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

  forecastHistory(): HistoryPage<LoggedIssue> {
    return { items: [], next: null };
  }

  issuedAsOf(): undefined {}
  loggedAsOf(): undefined {}

  async checkpoint(): Promise<void> {}

  metrics(): Readonly<Record<string, number>> {
    return { observations_total: this.observed.length, series: this.#latest.size };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.issues$.complete();
  }
}
