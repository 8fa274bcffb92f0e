import {
  defer,
  filter,
  groupBy,
  mergeMap,
  type Observable,
  type ObservableInput,
  type OperatorFunction,
  Subject,
} from "rxjs";
import { EddyError } from "../../models/errors.ts";
import type { RefusedOutput } from "./refused-event.ts";

export interface PerSeriesOptions<T> {
  /** Most series at a time. Default 1,000. */
  readonly maximum?: number;
  /**
   * What happens to an event of one series more: `refuse` it (the default), or `retire` the series that has been silent
   * longest, whose observable completes; should it speak again, it starts anew.
   */
  readonly whenFull?: "refuse" | "retire";
  /** Where refused events go, with reason `too-many-series`. */
  readonly refused?: RefusedOutput<T>;
}

/**
 * Splits a stream of events by their `series` and runs each part through `project`, all outputs merged in the order they come.
 *
 * When the source completes, so does every part, and then the output. An error of the source or of any part is passed on and
 * ends them all. Memory: one part per series, at most `maximum`. The parts live in the subscription.
 *
 * @example
 * ```ts
 * import { perSeries } from "eddy/streams";
 * import { count, from, lastValueFrom, map, toArray } from "rxjs";
 * const events = [{ series: "a", value: 1 }, { series: "b", value: 2 }, { series: "a", value: 3 }];
 * const counts$ = from(events).pipe(perSeries((series, part$) => part$.pipe(count(), map((n) => `${series} ${n}`))), toArray());
 * await lastValueFrom(counts$); // ["a 2", "b 1"]
 * ```
 */
export function perSeries<T extends { readonly series: string }, R>(
  project: (series: string, part$: Observable<T>) => ObservableInput<R>,
  { maximum = 1000, whenFull = "refuse", refused }: PerSeriesOptions<T> = {},
): OperatorFunction<T, R> {
  return (source) =>
    defer(() => {
      if (!(Number.isInteger(maximum) && maximum >= 1)) {
        throw new EddyError("bad-argument", "maximum", {
          expected: "a whole number of series, at least 1",
          received: String(maximum),
        });
      }
      /** What retires each series; the one silent longest comes first. */
      const parts = new Map<string, Subject<void>>();
      const admit = (event: T): boolean => {
        let retire = parts.get(event.series);
        if (retire === undefined) {
          if (parts.size >= maximum) {
            if (whenFull === "refuse") {
              refused?.next({ event, reason: "too-many-series" });
              return false;
            }
            const [silent, end] = parts.entries().next().value as [string, Subject<void>];
            parts.delete(silent);
            end.next();
          }
          retire = new Subject();
        } else parts.delete(event.series);
        parts.set(event.series, retire);
        return true;
      };
      return source.pipe(
        filter(admit),
        groupBy((event) => event.series, {
          duration: ({ key }) => parts.get(key) as Subject<void>,
        }),
        mergeMap((part$) => project(part$.key, part$)),
      );
    });
}
