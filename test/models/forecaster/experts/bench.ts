import { EventClock } from "../../../../src/models/forecaster/event-clock.ts";
import type { Expert } from "../../../../src/models/forecaster/expert.ts";
import { Features } from "../../../../src/models/forecaster/features.ts";
import type { Shape } from "../../../../src/models/forecaster/shape.ts";
import { Arena } from "../../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../../src/models/kernels/layout.ts";
import { START } from "../series.ts";

/** Milliseconds per event: a step that the calendar makes no season of. */
const STEP = 1000;

export interface BenchOptions {
  readonly targets?: number;
  readonly columns?: number;
  readonly horizon?: number;
  readonly periods?: readonly number[];
  /** No label is ever handed over. */
  readonly withhold?: boolean;
}

const arena = new Arena();

/** One expert with the features it reads, without judge, ledger or mixture: labels are handed over as the ledger would. */
export class Bench {
  readonly shape: Shape;
  readonly clock: EventClock;
  readonly features: Features;
  readonly expert: Expert;
  readonly forecast: Float64Array;
  /** All state there is: of the expert, the features and the clock. */
  readonly block: Block;
  readonly #withhold: boolean;
  /** Per issue and target: whether it was made at a reading. */
  readonly #sound: boolean[][] = [];

  constructor(
    make: (layout: Layout, shape: Shape, features: Features) => Expert,
    options: BenchOptions = {},
  ) {
    const { targets = 1, columns = targets, horizon = 3, periods = [], withhold = false } = options;
    this.#withhold = withhold;
    this.shape = { targets, columns, horizon };
    const layout = new Layout(arena);
    this.clock = new EventClock(layout);
    this.features = new Features(layout, this.shape, this.clock, periods);
    this.expert = make(layout, this.shape, this.features);
    this.block = layout.allocate();
    this.forecast = new Float64Array(horizon * targets);
  }

  /** Goes on from the state of another. */
  resume(other: Bench): void {
    this.block.bytes.set(other.block.bytes);
    this.#sound.splice(0, this.#sound.length, ...other.#sound);
  }

  /** One event; returns the forecast made from it (reused). */
  take(values: readonly number[]): Float64Array {
    this.observe(values);
    this.expert.predict(this.forecast);
    return this.forecast;
  }

  /** One event: what it brings is learned and taken into the state, and no forecast is asked for. */
  observe(values: readonly number[]): void {
    const issued = this.clock.events;
    this.clock.tick(START + issued * STEP);
    const { features } = this;
    const { targets, columns, horizon } = this.shape;
    features.advance();
    features.y.set(values);
    features.take(Float64Array.from({ length: columns }, (_, c) => features.carried(c)));
    const y = features.y.slice(0, targets);
    const steps = Math.min(horizon, issued);
    const labels = new Float64Array(horizon * targets).fill(Number.NaN);
    for (let h = 1; h <= steps; h++) {
      for (let d = 0; d < targets; d++) if (this.#sound[issued - h][d]) labels[(h - 1) * targets + d] = y[d];
    }
    this.#sound.push([...y].map((v) => !Number.isNaN(v)));
    const reach = new Float64Array(labels.length).fill(Number.POSITIVE_INFINITY);
    if (this.#withhold) labels.fill(Number.NaN);
    const noise = new Float64Array(targets).fill(1);
    this.expert.learn({ y: this.#withhold ? y.fill(Number.NaN) : y, labels, reach, noise, steps });
    this.expert.step(this.features);
  }

  takeAll(rows: readonly (readonly number[])[]): Float64Array {
    for (const row of rows) this.take(row);
    return this.forecast;
  }
}
