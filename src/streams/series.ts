import { EddyError, printable } from "../models/errors.ts";
import type { Forecast } from "../models/forecast.ts";
import { Forecaster } from "../models/forecaster/forecaster.ts";
import {
  type ForecasterOptions,
  type ForecasterSpecification,
  specification,
} from "../models/forecaster/specification.ts";
import type { Arena } from "../models/kernels/arena.ts";
import type { Observation } from "../models/observation.ts";

/** Why an observation was set aside. Every one is counted; nothing is dropped in silence. */
export type Refusal = "duplicate-time" | "late" | "unknown-column" | "no-values";

export interface SeriesOptions extends ForecasterOptions {
  /** How long, in milliseconds of event time, to hold events back so that late ones are put in order. Default 0. */
  readonly lateness?: number;
}

/** What one observation led to. */
export interface Outcome {
  /** Forecasts issued, one per target, oldest issue first. */
  readonly forecasts: readonly Forecast[];
  /** Set when the observation itself was set aside. */
  readonly refused?: Refusal;
}

/**
 * One series, end to end: orders its events, feeds its forecaster, words the forecasts. The columns are those of the
 * specification or, where it names none, those of the first observation, sorted by name.
 */
export class Series {
  readonly name: string;
  readonly specification: ForecasterSpecification;
  readonly #forecaster: Forecaster;
  readonly #values: Float64Array;
  readonly #columns: readonly string[];
  #lastTime = Number.NEGATIVE_INFINITY;

  constructor(name: string, specification: ForecasterSpecification, arena: Arena) {
    this.name = name;
    this.specification = specification;
    this.#columns = [...specification.targets, ...specification.inputs];
    this.#values = new Float64Array(this.#columns.length);
    this.#forecaster = new Forecaster(specification, arena);
  }

  /** Opens a series for its first observation. */
  static open(first: Observation, options: SeriesOptions, arena: Arena): Series {
    const targets =
      options.targets ??
      Object.keys(first.values)
        .filter((column) => !options.inputs?.includes(column))
        .sort();
    return new Series(first.series, specification({ ...options, targets }), arena);
  }

  get forecaster(): Forecaster {
    return this.#forecaster;
  }

  /** Takes one observation. `offset` is its position in the journal or the input. */
  push(observation: Observation, offset: number): Outcome {
    const forecasts: Forecast[] = [];
    const refused = this.take(observation, offset, (time, at) => {
      if (this.#forecaster.ready) forecasts.push(...this.#word(time, at));
    });
    return refused === undefined ? { forecasts } : { forecasts, refused };
  }

  /**
   * `push` without the wording: `taken` is called after each event that reached the forecaster, whose `mean`, `lower` and
   * `upper` then stand as issued there. Returns why the observation was set aside, if it was.
   */
  take(
    observation: Observation,
    offset: number,
    taken: (time: number, offset: number, values: Float64Array) => void,
  ): Refusal | undefined {
    if (observation.time < this.#lastTime) return "late";
    for (const column of Object.keys(observation.values)) {
      if (!this.#columns.includes(column)) return "unknown-column";
    }
    this.#lastTime = observation.time;
    for (let c = 0; c < this.#columns.length; c++) {
      const value = Object.hasOwn(observation.values, this.#columns[c])
        ? observation.values[this.#columns[c]]
        : null;
      this.#values[c] = value ?? Number.NaN;
    }
    this.#forecaster.observe(observation.time, this.#values);
    taken(observation.time, offset, this.#values);
    return undefined;
  }

  /** Everything that shapes a future forecast of this series. */
  save(): Uint8Array {
    const state = this.#forecaster.save();
    const bytes = new Uint8Array(8 + state.byteLength);
    new DataView(bytes.buffer).setFloat64(0, this.#lastTime, true);
    bytes.set(state, 8);
    return bytes;
  }

  restore(bytes: Uint8Array): void {
    if (bytes.byteLength < 8)
      throw new EddyError("bad-state", "series state", { received: printable(bytes.byteLength) });
    this.#lastTime = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
    this.#forecaster.restore(bytes.subarray(8));
  }

  release(): void {
    this.#forecaster.release();
  }

  #word(time: number, offset: number): Forecast[] {
    const { targets, horizon, coverage, model } = this.specification;
    const { mean, lower, upper, stepMilliseconds } = this.#forecaster;
    const D = targets.length;
    return targets.map((target, d) => {
      let skill = 0;
      let settled = 0;
      for (let h = 1; h <= horizon; h++) {
        const s = this.#forecaster.skill(h, d);
        if (s === null) continue;
        skill += s;
        settled++;
      }
      return {
        series: this.name,
        target,
        issuedAt: new Date(time).toISOString(),
        offset,
        horizon: Array.from({ length: horizon }, (_, i) => ({
          step: i + 1,
          time: new Date(time + (i + 1) * stepMilliseconds).toISOString(),
          mean: mean[i * D + d],
          lower: lower[i * D + d],
          upper: upper[i * D + d],
        })),
        coverage,
        skill: settled > 0 ? skill / settled : null,
        model,
      };
    });
  }
}
