import type { Forecaster } from "../../models/forecaster/forecaster.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Series } from "../../streams/series.ts";
import { type Benchmark, DECILES, SeasonalChange } from "./benchmark.ts";
import type { ForecastsFile } from "./forecasts-file.ts";
import type { Scores } from "./scores.ts";
import type { Trace } from "./trace.ts";

/** Which windows are scored: their labels lie wholly in rows from..to-1, and each begins `apart` rows after the one before. */
export interface Scored {
  readonly from: number;
  readonly to: number;
  readonly apart: number;
}

/** Where the errors of one model are gathered: of one series, or of many together. */
export interface Gathered {
  readonly scores: Scores;
  readonly benchmark: Benchmark;
}

/** One moment of the issues still open, kept until its last label is there. */
interface Issue {
  row: number;
  time: number;
  ready: boolean;
  readonly mean: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** One per level. */
  readonly quantiles: readonly Float64Array[];
  /** What the naive forecasts said: [targets], and [horizon x targets]. */
  readonly last: Float64Array;
  /** What is to be taken from the forecasts of each target to have them as the readings of a counter are told. */
  readonly added: Float64Array;
  readonly seasonal: Float64Array;
  /** Mean absolute change in a season up to the issue [targets]. */
  readonly change: Float64Array;
}

/**
 * Scores one series against its own future, one pass, without a leak: an issue is copied when it is made, and compared
 * when the last of its labels has been observed. The series learns from every row as it comes.
 *
 * Memory: H issues of H x D, and one season of values.
 */
export class Protocol {
  readonly #gathered: readonly Gathered[];
  readonly #series: Series;
  readonly #scored: Scored;
  readonly #scale: readonly number[];
  readonly #season: number;
  readonly #file: ForecastsFile | undefined;
  readonly #trace: Trace | undefined;
  readonly #issues: Issue[];
  /** The last values of the targets, ring of `#kept` rows. */
  readonly #past: Float64Array[];
  readonly #known: Float64Array;
  readonly #change: SeasonalChange;
  /** Places of the levels told in the forecaster's quantiles, and of the deciles; none where these are not all there. */
  readonly #told: readonly number[];
  readonly #deciles: readonly number[];
  #events = 0;
  windows = 0;

  /**
   * `levels`: those of the quantiles that are told of. `scale`: the deviation of each target over the training rows. `season`: of
   * the seasonal naive forecast, in steps.
   */
  constructor(
    series: Series,
    scored: Scored,
    levels: readonly number[],
    scale: readonly number[],
    season: number | null,
    gathered: readonly Gathered[],
    outputs: { readonly file?: ForecastsFile | undefined; readonly trace?: Trace | undefined } = {},
  ) {
    const { targets, horizon, quantiles } = series.specification;
    const [D, H] = [targets.length, horizon];
    this.#series = series;
    this.#scored = scored;
    this.#scale = scale;
    this.#season = season ?? 0;
    this.#file = outputs.file;
    this.#trace = outputs.trace;
    this.#gathered = gathered;
    this.#change = new SeasonalChange(D);
    this.#told = levels.map((level) => quantiles.indexOf(level));
    const deciles = DECILES.map((level) => quantiles.indexOf(level));
    this.#deciles = deciles.includes(-1) ? [] : deciles;
    this.#issues = Array.from({ length: H + 1 }, () => ({
      row: -1,
      time: 0,
      ready: false,
      mean: new Float64Array(H * D),
      lower: new Float64Array(H * D),
      upper: new Float64Array(H * D),
      quantiles: quantiles.map(() => new Float64Array(H * D)),
      last: new Float64Array(D),
      added: new Float64Array(D),
      seasonal: new Float64Array(H * D),
      change: new Float64Array(D),
    }));
    this.#past = Array.from({ length: Math.max(H, this.#season) + 1 }, () => new Float64Array(D));
    this.#known = new Float64Array(D).fill(Number.NaN);
  }

  /** Steps so far. */
  get steps(): number {
    return this.#events;
  }

  /** Called after every step that reached the forecaster. Without resampling, the offset of a step is its row. */
  stepped(time: number, offset: number, values: Float64Array): void {
    const { targets, horizon: H, every } = this.#series.specification;
    const D = targets.length;
    const i = this.#events++;
    const row = every > 0 ? i : offset;
    const past = this.#at(i);
    const P = this.#season;
    for (const [d, value] of values.subarray(0, D).entries()) {
      past[d] = value;
      const before = i > 0 ? itemAt(this.#at(i - 1), d) : Number.NaN;
      this.#change.take(d, value, P > 0 && i >= P ? itemAt(this.#at(i - P), d) : Number.NaN, before);
      if (Number.isFinite(value)) this.#known[d] = value;
    }
    this.#issue(i, row, time, this.#series.forecaster);
    if (i >= H) this.#settle(i, row);
  }

  /** How far an issue row is through the issue rows from-1 .. to-H-1, 0 to 1. */
  #share(row: number): number {
    const { from, to } = this.#scored;
    return (row - from + 1) / Math.max(1, to - this.#series.specification.horizon - from + 1);
  }

  #at(event: number): Float64Array {
    return itemAt(this.#past, event % this.#past.length);
  }

  #issue(i: number, row: number, time: number, forecaster: Forecaster): void {
    const { targets, horizon: H } = this.#series.specification;
    const D = targets.length;
    const issue = itemAt(this.#issues, i % (H + 1));
    issue.row = row;
    issue.time = time;
    const { from, apart } = this.#scored;
    issue.ready = forecaster.ready && row >= from - 1 && (row + 1 - from) % apart === 0;
    if (!issue.ready) return;
    issue.mean.set(forecaster.mean);
    issue.lower.set(forecaster.lower);
    issue.upper.set(forecaster.upper);
    for (const [k, values] of forecaster.quantiles.entries()) itemAt(issue.quantiles, k).set(values);
    issue.last.set(this.#known);
    issue.added.set(this.#series.added);
    for (let d = 0; d < D; d++) issue.change[d] = this.#change.of(d);
    this.#trace?.weigh(forecaster, row, this.#share(row));
    const P = this.#season;
    for (let h = 1; h <= H; h++) {
      // The value one season, or as many seasons as lead back before the issue, before the step.
      const from = P > 0 ? i + h - P * Math.ceil(h / P) : -1;
      for (const [d, known] of this.#known.entries()) {
        const v = from >= 0 ? itemAt(this.#at(from), d) : Number.NaN;
        issue.seasonal[(h - 1) * D + d] = P > 0 && from >= 0 && Number.isNaN(v) ? known : v;
      }
    }
  }

  /** Mean, bounds and quantiles of an issue as they were told. */
  #asTold({ mean, lower, upper, quantiles, added }: Issue): Float64Array[] {
    const D = added.length;
    const told = this.#told.map((k) => itemAt(quantiles, k));
    return [mean, lower, upper, ...told].map((said) => said.map((v, at) => v - itemAt(added, at % D)));
  }

  /** Event `i` completes the labels of the issue made H events ago. */
  #settle(i: number, row: number): void {
    const { targets, horizon: H } = this.#series.specification;
    const D = targets.length;
    const issue = itemAt(this.#issues, (i - H) % (H + 1));
    if (!issue.ready || row >= this.#scored.to) return;
    this.windows++;
    this.#file?.add(this.#series.name, issue.row, this.#asTold(issue));
    const share = this.#share(issue.row);
    const quarter = Math.min(3, Math.floor(4 * share));
    this.#trace?.window(issue.row, issue.time, share);
    const quantiles = new Float64Array(this.#told.length);
    const deciles = new Float64Array(this.#deciles.length);
    const said = { mean: 0, lower: 0, upper: 0, quantiles, deciles, persistence: 0, seasonal: 0 };
    for (let h = 1; h <= H; h++) {
      for (const [d, y] of this.#at(i - H + h).entries()) {
        const at = (h - 1) * D + d;
        const scale = itemAt(this.#scale, d);
        said.mean = itemAt(issue.mean, at);
        said.lower = itemAt(issue.lower, at);
        said.upper = itemAt(issue.upper, at);
        for (const [k, place] of this.#told.entries())
          quantiles[k] = itemAt(itemAt(issue.quantiles, place), at);
        for (const [k, place] of this.#deciles.entries())
          deciles[k] = itemAt(itemAt(issue.quantiles, place), at);
        said.persistence = itemAt(issue.last, d);
        said.seasonal = itemAt(issue.seasonal, at);
        this.#trace?.label(h, d, y, said, scale);
        if (!Number.isFinite(y)) continue;
        // Without a season the last value stands for the one of a season before.
        const naive = this.#season > 0 ? said : { ...said, seasonal: said.persistence };
        for (const { scores, benchmark } of this.#gathered) {
          scores.add(h, d, y, said, scale, quarter);
          benchmark.add(y, naive, itemAt(issue.change, d));
        }
      }
    }
  }
}
