import { EddyError, printable } from "../models/errors.ts";
import type { Forecast } from "../models/forecast.ts";
import { readModel } from "../models/forecaster/experts/open.ts";
import { Arena } from "../models/kernels/arena.ts";
import { isRefused, type Reading, type Taken } from "../streams/formats/reading.ts";
import { type Refusal, Series, type SeriesOptions } from "../streams/series.ts";
import { seriesSpecification } from "../streams/series-specification.ts";
import type { Refusals } from "./refusals.ts";

/** Most series of one run; a reading of one more is refused. */
export const MAX_SERIES = 10_000;

/** What a refusal means, as the rest of a line that names where. */
export const WHY: Readonly<Record<Refusal | "too-many-series", string>> = {
  late: "time: expected none before those taken already, got an earlier one (see --lateness)",
  "duplicate-time": "time: expected one reading per series and time, got a second one",
  "unknown-column": "values: expected a column of the first reading, got only others",
  "no-values": "values: expected at least one, got none",
  "bad-number": "values: expected finite numbers or null, got another",
  "bad-time": "time: expected a date, got one out of range",
  "too-many-series": `series: expected at most ${MAX_SERIES}, got one more`,
};

/** Throws, before anything is read, if the options cannot make a forecaster; the model is named as its flag. */
export function checkOptions(options: SeriesOptions): void {
  const { model } = seriesSpecification({ ...options, targets: ["value"], inputs: [] });
  try {
    readModel(model);
  } catch (error) {
    throw error instanceof EddyError && error.code === "bad-model"
      ? new EddyError("bad-model", "--model", {
          ...(error.expected === undefined ? {} : { expected: error.expected }),
          ...(error.received === undefined ? {} : { received: error.received }),
        })
      : error;
  }
}

/** The live path of a run: readings in, forecasts out, one `Series` per series. */
export class Live {
  readonly #optionsOf: (series: string) => SeriesOptions;
  readonly #refusals: Refusals;
  readonly #arena = new Arena();
  readonly #series = new Map<string, Series>();
  /** Where and when each series last made a step, of those that are read without a word. */
  readonly #last = new Map<Series, { time: number; offset: number }>();
  #taken = 0;

  /** `options` may differ from series to series. */
  constructor(options: SeriesOptions | ((series: string) => SeriesOptions), refusals: Refusals) {
    this.#optionsOf = typeof options === "function" ? options : () => options;
    this.#refusals = refusals;
  }

  /** Observations taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes one reading. */
  push(reading: Reading): readonly Forecast[] {
    const series = this.#admit(reading);
    if (series === undefined || isRefused(reading)) return [];
    const { forecasts, refused } = series.push(reading.observation, reading.row);
    this.#count(reading, refused);
    return forecasts;
  }

  /** Takes one reading without wording a forecast; `latest` has the last ones. */
  absorb(reading: Reading): void {
    const series = this.#admit(reading);
    if (series === undefined || isRefused(reading)) return;
    const refused = series.take(reading.observation, reading.row, (time, offset) => {
      this.#last.set(series, { time, offset });
    });
    this.#count(reading, refused);
  }

  /** Lets go of all that is held back, and words the forecasts as they stand then, series by series. */
  latest(): Forecast[] {
    return [...this.#series.values()].flatMap((series) => {
      series.finish((time, offset) => {
        this.#last.set(series, { time, offset });
      });
      const last = this.#last.get(series);
      return last === undefined ? [] : series.word(last.time, last.offset);
    });
  }

  #admit(reading: Reading): Series | undefined {
    if (isRefused(reading)) {
      this.#refusals.add(reading.line, reading.reason, reading.message);
      return undefined;
    }
    const series = this.#of(reading);
    if (series === undefined) this.#refusals.add(reading.line, "too-many-series", WHY["too-many-series"]);
    else this.#refusals.lose(reading);
    return series;
  }

  #count(reading: Taken, refused: Refusal | undefined): void {
    if (refused === undefined) this.#taken++;
    else this.#refusals.add(reading.line, refused, WHY[refused]);
  }

  /** Values of columns that the first readings of their series did not have. */
  get ignored(): number {
    let ignored = 0;
    for (const { counts } of this.#series.values()) ignored += counts["ignored-values"];
    return ignored;
  }

  /** Lets go of all that is held back: the input has ended. */
  end(): Forecast[] {
    return [...this.#series.values()].flatMap((series) => [...series.end()]);
  }

  #of({ observation, timed }: Taken): Series | undefined {
    const known = this.#series.get(observation.series);
    if (known !== undefined || this.#series.size >= MAX_SERIES) return known;
    const options = this.#optionsOf(observation.series);
    for (const column of options.inputs ?? []) {
      if (Object.hasOwn(observation.values, column)) continue;
      throw new EddyError("bad-argument", "--with", {
        expected: `one of the columns ${printable(Object.keys(observation.values).join(", "), 200)}`,
        received: printable(column),
      });
    }
    const steps = timed ? "event" : "count";
    const series = Series.open(observation, { steps, ...options }, this.#arena);
    this.#series.set(observation.series, series);
    return series;
  }
}
