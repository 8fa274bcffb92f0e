import { asyncScheduler, type OperatorFunction, type SchedulerLike } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { type Forecast, words } from "../../models/forecast.ts";
import { type Observation, VALUE } from "../../models/observation.ts";
import { readEvents, writeEvents } from "../../stages/kept-events.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import { packParts, type Stage, type StageOutput, unpackParts } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { checkedObservation } from "../checked-observation.ts";
import { readTime } from "../observation-schema.ts";
import { type Ending, Series, type SeriesOptions } from "../series.ts";
import { checkSeriesOptions } from "../series-specification.ts";
import { operatorArena } from "./arena.ts";

/** What `forecast` reads: a number, one value, or several; `time` ISO 8601 or epoch milliseconds, arrival if absent. */
export type Forecastable =
  | number
  | { readonly series?: string; readonly time?: number | string; readonly value: number | null }
  | {
      readonly series?: string;
      readonly time?: number | string;
      readonly values: Readonly<Record<string, number | null>>;
    };

export interface ForecastOptions<T extends Forecastable = Forecastable> extends SeriesOptions {
  /** Name of the series when events name none. Default `value`. */
  readonly series?: string;
  /** Where late, duplicate and bad events go. */
  readonly refused?: RefusedOutput<T>;
  /** Whose clock stamps events that carry no time. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Forecasts a series from its events, with models that learn from each of them.
 *
 * 1. An event is put in order (`lateness`) and made a step (`every`); by default it is a step as it comes. Events without a
 *    time get the scheduler's, and count as one step each.
 * 2. The models learn from the labels that it brings, take it in, and forecast 1..`horizon` steps ahead.
 * 3. From the second step on, one `Forecast` per target is emitted, before the next event is looked at.
 *
 * An event that is late, a duplicate or bad goes to `refused` with its reason, and the stream goes on; so does one of another
 * series than the first event's (see `perSeries`), and one whose time is far ahead of the scheduler's or, unless the next ones confirm
 * it, of the last one's. A value out of `min` and `max` is missing, which `refused` is told as well. When the source completes, what is held back is forecast, then the
 * output completes. An error of the source is passed on; wrong options are an error on subscription. Models live in the
 * subscription: subscribing again starts anew.
 *
 * @example
 * ```ts
 * import { forecast } from "eddy/streams";
 * import { lastValueFrom, of } from "rxjs";
 * const last = await lastValueFrom(of(1, 2, 3).pipe(forecast({ horizon: 2, model: "persistence" })));
 * last.horizon.map(({ mean }) => mean); // [3, 3]
 * ```
 */
export function forecast<T extends Forecastable>(
  options: ForecastOptions<T> = {},
): OperatorFunction<T, Forecast> {
  return stage("forecast", () => new ForecastStage<T>(options), options.refused);
}

class ForecastStage<T extends Forecastable> implements Stage<T, Forecast> {
  readonly #name: string;
  readonly #scheduler: SchedulerLike;
  readonly #options: SeriesOptions;
  #series: Series | undefined;
  #offset = 0;
  /** Events held aside, and maybe some taken since, by offset. */
  #aside = new Map<number, T>();

  constructor({ series = VALUE, refused: _, scheduler = asyncScheduler, ...options }: ForecastOptions<T>) {
    checkSeriesOptions(options);
    this.#name = series;
    this.#scheduler = scheduler;
    this.#options = options;
  }

  step(event: T, output: StageOutput<T, Forecast>): void {
    let observation: Observation;
    const now = this.#scheduler.now();
    try {
      observation = observe(event, this.#name, now);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      output.refuse(event, error.code);
      return;
    }
    const timed = typeof event !== "number" && event.time !== undefined;
    this.#series ??= Series.open(
      observation,
      { steps: timed ? "event" : "count", ...this.#options },
      operatorArena(),
    );
    const series = this.#series;
    if (observation.series !== series.name) {
      output.refuse(event, "other-series");
      return;
    }
    const at = this.#offset++;
    const outcome = series.push(observation, at, now);
    if (outcome.refused !== undefined) output.refuse(event, outcome.refused);
    else if (outcome.outOfRange !== undefined) output.refuse(event, "out-of-range");
    if (series.aside > 0) this.#aside.set(at, event);
    this.#settle(outcome, output);
  }

  end(output: StageOutput<T, Forecast>): void {
    if (this.#series !== undefined) this.#settle(this.#series.end(), output);
  }

  #settle({ issues, later = [] }: Ending, output: StageOutput<T, Forecast>): void {
    for (const { offset: at, refused: reason } of later) {
      const event = this.#aside.get(at);
      if (event !== undefined) output.refuse(event, reason);
    }
    if (this.#series?.aside === 0) this.#aside.clear();
    for (const issue of issues) for (const said of words(issue)) output.next(said);
  }

  metrics(): Readonly<Record<string, number>> {
    if (this.#series === undefined) return {};
    const { taken, doubted } = this.#series.counts;
    return { events: this.#offset, taken, doubted };
  }

  save(): Uint8Array {
    const series = this.#series;
    if (series === undefined) return new Uint8Array(0);
    const { name, specification } = series;
    return packParts([writeEvents([name, specification, this.#offset, [...this.#aside]]), series.save()]);
  }

  restore(bytes: Uint8Array): void {
    this.release();
    if (bytes.byteLength === 0) return;
    const [words, state] = unpackParts(bytes, "saved forecaster", 2);
    const [name, specification, offset, aside] = readEvents(words) as [
      string,
      SeriesOptions,
      number,
      [number, T][],
    ];
    this.#series = new Series(name, specification, operatorArena());
    this.#series.restore(state);
    this.#offset = offset;
    this.#aside = new Map(aside);
  }

  release(): void {
    this.#series?.release();
    this.#series = undefined;
  }
}

function observe(event: Forecastable, name: string, now: number): Observation {
  if (typeof event === "number")
    return checkedObservation({ series: name, time: now, values: { [VALUE]: event } });
  return checkedObservation({
    series: event.series ?? name,
    time: event.time === undefined ? now : readTime(event.time),
    values: "values" in event ? event.values : { [VALUE]: event.value },
  });
}
