import {
  asyncScheduler,
  concat,
  concatMap,
  defer,
  finalize,
  type OperatorFunction,
  type SchedulerLike,
} from "rxjs";
import { EddyError } from "../../models/errors.ts";
import type { Forecast } from "../../models/forecast.ts";
import { type Observation, VALUE } from "../../models/observation.ts";
import { checkedObservation } from "../checked-observation.ts";
import { readTime } from "../observation-schema.ts";
import { type Ending, Series, type SeriesOptions } from "../series.ts";
import { checkSeriesOptions } from "../series-specification.ts";
import { operatorArena } from "./arena.ts";
import type { RefusedOutput } from "./refused-event.ts";

/** What `forecast` reads: a number, one value, or several; `time` ISO 8601 or epoch milliseconds, arrival if absent. */
export type Forecastable =
  | number
  | { readonly series?: string; readonly time?: number | string; readonly value: number | null }
  | {
      readonly series?: string;
      readonly time?: number | string;
      readonly values: Readonly<Record<string, number | null>>;
    };

export interface ForecastOptions extends SeriesOptions {
  /** Name of the series when events name none. Default `value`. */
  readonly series?: string;
  /** Where late, duplicate and bad events go. */
  readonly refused?: RefusedOutput<Forecastable>;
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
export function forecast(options: ForecastOptions = {}): OperatorFunction<Forecastable, Forecast> {
  const { series: name = VALUE, refused, scheduler = asyncScheduler, ...seriesOptions } = options;
  return (source) =>
    defer(() => {
      checkSeriesOptions(seriesOptions);
      let series: Series | undefined;
      let offset = 0;
      /** Events held aside, and maybe some taken since, by offset. */
      const aside = new Map<number, Forecastable>();
      const settle = ({ forecasts, later = [] }: Ending): readonly Forecast[] => {
        for (const { offset: at, refused: reason } of later) {
          const event = aside.get(at);
          if (event !== undefined) refused?.next({ event, reason });
        }
        if (series?.aside === 0) aside.clear();
        return forecasts;
      };
      const take = (event: Forecastable): readonly Forecast[] => {
        let observation: Observation;
        const now = scheduler.now();
        try {
          observation = observe(event, name, now);
        } catch (error) {
          if (!(error instanceof EddyError)) throw error;
          refused?.next({ event, reason: error.code });
          return [];
        }
        const timed = typeof event !== "number" && event.time !== undefined;
        series ??= Series.open(
          observation,
          { steps: timed ? "event" : "count", ...seriesOptions },
          operatorArena(),
        );
        if (observation.series !== series.name) {
          refused?.next({ event, reason: "other-series" });
          return [];
        }
        const at = offset++;
        const outcome = series.push(observation, at, now);
        if (outcome.refused !== undefined) refused?.next({ event, reason: outcome.refused });
        else if (outcome.outOfRange !== undefined) refused?.next({ event, reason: "out-of-range" });
        if (series.aside > 0) aside.set(at, event);
        return settle(outcome);
      };
      return concat(
        source.pipe(concatMap(take)),
        defer(() => (series === undefined ? [] : settle(series.end()))),
      ).pipe(finalize(() => series?.release()));
    });
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
