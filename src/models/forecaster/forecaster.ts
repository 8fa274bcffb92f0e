import { EddyError } from "../errors.ts";
import type { Arena } from "../kernels/arena.ts";
import { type Block, Layout } from "../kernels/layout.ts";
import { Clock } from "./clock.ts";
import { ErrorQuantiles } from "./error-quantiles.ts";
import { ErrorScale, SIZES } from "./error-scale.ts";
import type { Expert, Shape } from "./expert.ts";
import { openExperts, readModel } from "./experts/open.ts";
import { Features } from "./features.ts";
import { Intervals } from "./intervals.ts";
import { Ledger } from "./ledger.ts";
import { Limits, type Rounding } from "./limits.ts";
import { COMBINATIONS, Mixture } from "./mixture/mixture.ts";
import { Skill } from "./skill.ts";
import type { ForecasterSpecification } from "./specification.ts";
import { SUMS, Totals } from "./totals.ts";
import { Units } from "./units.ts";

const PERSISTENCE = 0;
const SEASONAL_NAIVE = 1;
/** Where a model that is one expert alone has it: after the two naive ones. */
const ALONE = 2;
/** Rows of the ledger from the forecast on: mean, bounds, then sizes of the errors, then quantiles. */
const BOUNDS = 1;
const SCALE = 3;
const QUANTILES = SCALE + SIZES;

const COMBINED = -1;
const EQUAL = -2;

/**
 * Features + experts + ledger + mixture + intervals and quantiles for one series. All of its state is one block of bytes.
 *
 * Per event: units, features, settle the ledger (labels that exist now), experts learn, state steps, experts predict,
 * mixture, intervals, quantiles, forecast (issued), ledger. Cost per event and memory are constant.
 */
export class Forecaster {
  readonly specification: ForecasterSpecification;
  readonly #shape: Shape;
  readonly #clock: Clock;
  readonly #units: Units;
  readonly #limits: Limits;
  readonly #totals: Totals;
  readonly #features: Features;
  readonly #experts: readonly Expert[];
  readonly #names: readonly string[];
  readonly #ledger: Ledger;
  /** Row of the ledger where the two naive forecasts stand as they would be said. */
  readonly #naive: number;
  readonly #mixture: Mixture;
  /** Which expert forecasts alone, or COMBINED, or EQUAL. */
  readonly #only: number;
  readonly #scale: ErrorScale;
  readonly #intervals: Intervals;
  /** Of the levels asked for; none asked for, none there. */
  readonly #quantiles: ErrorQuantiles | undefined;
  readonly #skill: Skill;
  readonly #weights: Float64Array;
  readonly #block: Block;

  /** The forecast as last issued, in the units of the observations: element (h - 1) * D + d. */
  readonly mean: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** One array per level of `specification.quantiles`, not falling from level to level. */
  readonly quantiles: readonly Float64Array[];

  constructor(specification: ForecasterSpecification, arena: Arena) {
    this.specification = specification;
    const { targets, inputs, horizon, coverage, quantiles, periods, counter } = specification;
    this.#shape = { targets: targets.length, columns: targets.length + inputs.length, horizon };
    const layout = new Layout(arena);
    this.#clock = new Clock(layout);
    this.#units = new Units(layout, this.#shape.columns);
    this.#limits = new Limits(specification);
    const counts = targets.map((target) => counter.includes(target));
    this.#totals = new Totals(layout, this.#units, counts, this.#shape.columns);
    this.#features = new Features(layout, this.#shape, this.#clock, periods);
    this.#experts = openExperts(layout, this.#shape, specification, this.#features);
    this.#names = this.#experts.map((expert) => expert.name);
    const E = this.#experts.length;
    const choice = readModel(specification.model);
    if (choice.alone) {
      const wanted = choice.groups.size === 0 && choice.network === undefined ? PERSISTENCE : ALONE;
      this.#only = E > wanted ? wanted : SEASONAL_NAIVE;
    } else this.#only = choice.combination === "equal" ? EQUAL : COMBINED;
    const rows = E + COMBINATIONS + QUANTILES + quantiles.length;
    // Of targets that count up the naive forecasts say increments, and are measured as totals.
    this.#naive = counter.length > 0 ? rows : PERSISTENCE;
    this.#ledger = new Ledger(layout, this.#shape, rows + (counter.length > 0 ? SUMS - 1 : 0));
    this.#mixture = new Mixture(layout, this.#shape, E);
    this.#scale = new ErrorScale(layout, this.#shape);
    this.#intervals = new Intervals(layout, this.#shape, coverage, choice.intervals);
    if (quantiles.length > 0) this.#quantiles = new ErrorQuantiles(layout, this.#shape, quantiles);
    this.#skill = new Skill(layout, this.#shape);
    this.#weights = new Float64Array(E);
    this.#block = layout.allocate();
    const cells = horizon * targets.length;
    this.mean = new Float64Array(cells);
    this.lower = new Float64Array(cells);
    this.upper = new Float64Array(cells);
    this.quantiles = quantiles.map(() => new Float64Array(cells));
  }

  /** Events taken so far. */
  get events(): number {
    return this.#clock.events;
  }

  /** A forecast is issued from the second event on. */
  get ready(): boolean {
    return this.events >= 2;
  }

  /** Usual milliseconds between events. */
  get stepMilliseconds(): number {
    return this.#clock.stepMilliseconds;
  }

  /** Names of the experts in the order of `weights`. */
  get experts(): readonly string[] {
    return this.#names;
  }

  /** Season lengths in steps in use, given or found; 0 for none. */
  get periods(): readonly [number, number] {
    return [this.#features.season.period(0), this.#features.season.period(1)];
  }

  /**
   * Takes one event: `time` in epoch milliseconds, not before the last; `values` [C], targets then inputs, NaN where
   * missing. Afterwards `mean`, `lower`, `upper` and `quantiles` hold the forecast from here (once `ready`).
   */
  observe(time: number, values: Float64Array): void {
    const features = this.#features;
    this.#clock.tick(time);
    this.#units.toUnits(features.y, this.#totals.increments(values, this.#clock.dt, this.events === 1));
    features.take();
    this.#settle();
    for (const expert of this.#experts) expert.step(features);
    for (let e = 0; e < this.#experts.length; e++) {
      const row = this.#ledger.row(e);
      this.#experts[e].predict(row);
      this.#hold(row);
    }
    this.#combine();
    this.#bound();
    this.#ledger.issue();
  }

  #settle(): void {
    const { targets: D } = this.#shape;
    const ledger = this.#ledger;
    const settlement = ledger.settle(this.#features.y);
    const { values, rowLength } = ledger;
    const E = this.#experts.length;
    const forecast = (E + COMBINATIONS) * rowLength;
    for (let h = 1; h <= settlement.steps; h++) {
      const issue = ledger.settled(h);
      for (let d = 0; d < D; d++) {
        const y = this.#totals.label(d, settlement.y[d]);
        if (Number.isNaN(y)) continue;
        const at = issue + forecast + d;
        const mean = values[at];
        this.#scale.learn(h, d, y - mean, values, at + SCALE * rowLength, rowLength);
        this.#intervals.learn(h, d, mean, values, at + BOUNDS * rowLength, rowLength, y);
        this.#quantiles?.learn(h, d, mean, values, at + QUANTILES * rowLength, rowLength, y);
        const naive = issue + this.#naive * rowLength + d;
        this.#skill.learn(h, d, mean - y, values[naive] - y, values[naive + rowLength] - y);
      }
    }
    if (this.#only === COMBINED) this.#mixture.learn(ledger, settlement);
    for (const expert of this.#experts) expert.learn(settlement);
  }

  /** Keeps an expert's forecasts within a generous band around the last value: one that runs away harms nobody. */
  #hold(row: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const { last, scaling } = this.#features;
    for (let d = 0; d < D; d++) {
      const v = last.view[d];
      for (let h = 1; h <= H; h++) {
        const at = (h - 1) * D + d;
        const widest = scaling.reach(d, h);
        const move = row[at] - v;
        row[at] = Number.isNaN(move) ? v : v + Math.max(-widest, Math.min(widest, move));
      }
    }
  }

  #combine(): void {
    const ledger = this.#ledger;
    const E = this.#experts.length;
    const mean = ledger.row(E + COMBINATIONS);
    if (this.#only === COMBINED) this.#mixture.combine(ledger, mean);
    else if (this.#only >= 0) mean.set(ledger.row(this.#only));
    else {
      mean.fill(0);
      for (let e = 0; e < E; e++) {
        const row = ledger.row(e);
        for (let i = 0; i < mean.length; i++) mean[i] += row[i] / E;
      }
    }
  }

  /** Adds the bounds and quantiles, and says it all in the units of the observations. */
  #bound(): void {
    const { targets: D, horizon: H } = this.#shape;
    const { values, rowLength, current } = this.#ledger;
    const first = current + (this.#experts.length + COMBINATIONS) * rowLength;
    for (let h = 1; h <= H; h++) {
      for (let d = 0; d < D; d++) {
        const at = (h - 1) * D + d;
        const mean = this.#issuable(d, this.#totals.said(0, h, d, values[first + at]), "mean");
        values[first + at] = mean;
        const size = this.#scale.issue(h, d, values, first + SCALE * rowLength + at, rowLength);
        const lower = this.#issuable(d, mean - this.#intervals.below(h, d, size), "lower");
        const upper = this.#issuable(d, mean + this.#intervals.above(h, d, size), "upper");
        values[first + BOUNDS * rowLength + at] = lower;
        values[first + (BOUNDS + 1) * rowLength + at] = upper;
        this.mean[at] = this.#units.fromUnits(d, mean);
        this.lower[at] = this.#units.fromUnits(d, lower);
        this.upper[at] = this.#units.fromUnits(d, upper);
        for (let k = 0; k < SUMS - 1 && this.#naive > 0; k++) {
          const said = this.#totals.said(k + 1, h, d, values[current + k * rowLength + at]);
          values[current + (this.#naive + k) * rowLength + at] = said;
        }
        if (this.#quantiles === undefined) continue;
        // Levels are learned one by one and may cross: what is issued is their running maximum.
        let quantile = Number.NEGATIVE_INFINITY;
        for (let k = 0; k < this.quantiles.length; k++) {
          quantile = Math.max(quantile, mean + this.#quantiles.offset(h, d, k, size));
          const issued = this.#issuable(d, quantile, "quantile");
          values[first + (QUANTILES + k) * rowLength + at] = issued;
          this.quantiles[k][at] = this.#units.fromUnits(d, issued);
        }
      }
    }
  }

  /** `x` units of target d within what is known of it beforehand. */
  #issuable(d: number, x: number, rounding: Rounding): number {
    if (this.#limits.free(d)) return x;
    const v = this.#units.fromUnits(d, x);
    const held = this.#limits.hold(d, v, rounding, this.#totals.floor(d));
    return held === v ? x : this.#units.inUnits(d, held);
  }

  /** Live skill of step `h`, target `d`: 1 - squared error / that of persistence (or of the seasonal naive forecast); null before a label. */
  skill(h: number, d: number, against: "persistence" | "seasonal" = "persistence"): number | null {
    return this.#skill.against(against, h, d);
  }

  /** Share of labels that the intervals of step `h`, target `d` held; null before a label. */
  coverage(h: number, d: number): number | null {
    return this.#intervals.coverage(h, d);
  }

  /** Weights of the experts for step `h`, target `d`. The array is reused by the next call. */
  weights(h: number, d: number): Float64Array {
    if (this.#only === COMBINED) return this.#mixture.weights(h, d);
    if (this.#only === EQUAL) return this.#weights.fill(1 / this.#weights.length);
    this.#weights.fill(0);
    this.#weights[this.#only] = 1;
    return this.#weights;
  }

  /** Bytes of a checkpoint. */
  get byteLength(): number {
    return this.#block.byteLength;
  }

  /** A checkpoint: everything that shapes a future forecast. */
  save(): Uint8Array {
    return this.#block.save();
  }

  /** Writes the checkpoint into `bytes` from `at` on. */
  saveTo(bytes: Uint8Array, at: number): void {
    bytes.set(this.#block.bytes, at);
  }

  /** Goes on from a checkpoint of the same specification; throws `bad-state` when the size does not fit. */
  restore(bytes: Uint8Array): void {
    if (bytes.byteLength !== this.#block.byteLength) {
      throw new EddyError("bad-state", "checkpoint", {
        expected: `${this.#block.byteLength} bytes`,
        received: `${bytes.byteLength} bytes`,
      });
    }
    this.#block.bytes.set(bytes);
    this.#mixture.refresh();
  }

  /** Gives the memory back. The forecaster cannot be used afterwards. */
  release(): void {
    this.#block.release();
  }
}
