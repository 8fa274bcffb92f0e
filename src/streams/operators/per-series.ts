import { from, Observable, type ObservableInput, type OperatorFunction, Subject, Subscriber } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { readEvents, writeEvents } from "../../stages/kept-events.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import { currentStages, packParts, Stages, unpackParts } from "../../stages/stage.ts";

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

/** One series: where its events go, and the stages of its own pipeline where these are kept. */
interface Part<T> {
  /** Which one it is, of all that have begun. */
  readonly number: number;
  readonly events: Subject<T>;
  readonly stages: Stages | undefined;
  /** What its pipeline gives has come to an end. */
  done: boolean;
}

/**
 * Splits a stream of events by their `series` and runs each part through `project`, all outputs merged in the order they come.
 *
 * When the source completes, so does every part, and then the output. An error of the source or of any part is passed on and
 * ends them all. Memory: one part per series, at most `maximum`. The parts live in the subscription; where the pipeline is kept, so are they.
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
    new Observable<R>((subscriber) => {
      if (!(Number.isInteger(maximum) && maximum >= 1)) {
        throw new EddyError("bad-argument", "maximum", {
          expected: "a whole number of series, at least 1",
          received: String(maximum),
        });
      }
      const keeper = currentStages();
      /** The one silent longest comes first. */
      const parts = new Map<string, Part<T>>();
      /** What has not come to its end: the source, and the parts. */
      let open = 1;
      const closeOne = (): void => {
        open--;
        if (open === 0) subscriber.complete();
      };
      let begun = 0;
      const begin = (series: string, number = begun + 1, done = false): Part<T> => {
        begun = Math.max(begun, number);
        const part: Part<T> = {
          number,
          events: new Subject(),
          stages: keeper === undefined ? undefined : new Stages(keeper),
          done,
        };
        parts.set(series, part);
        if (done) return part;
        open++;
        const output = new Subscriber<R>({
          next: (value) => subscriber.next(value),
          error: (error: unknown) => subscriber.error(error),
          complete() {
            part.done = true;
            closeOne();
          },
        });
        subscriber.add(output);
        const subscribe = (): void =>
          void from(project(series, part.events.asObservable())).subscribe(output);
        if (part.stages === undefined) subscribe();
        else part.stages.open(subscribe);
        return part;
      };
      const admit = (event: T): Part<T> | undefined => {
        const known = parts.get(event.series);
        if (known !== undefined) {
          parts.delete(event.series);
          parts.set(event.series, known);
          return known;
        }
        if (parts.size >= maximum) {
          if (whenFull === "refuse") {
            if (!keeper?.rehearsing) refused?.next({ event, reason: "too-many-series" });
            return undefined;
          }
          const [series, silent] = parts.entries().next().value as [string, Part<T>];
          parts.delete(series);
          end(silent);
        }
        return begin(event.series);
      };
      const inPart = (part: Part<T>, task: () => void): void => {
        if (part.stages === undefined) task();
        else part.stages.run(task);
      };
      const end = (part: Part<T>): void => inPart(part, () => part.events.complete());
      const leave = keeper?.enter("perSeries", {
        save: () =>
          packParts([
            writeEvents(Array.from(parts, ([series, { number, done }]) => [series, number, done])),
            ...Array.from(parts.values(), ({ stages }) => stages?.save() ?? new Uint8Array(0)),
          ]),
        restore(bytes) {
          const saved = unpackParts(bytes, "saved series");
          (readEvents(itemAt(saved, 0)) as [string, number, boolean][]).forEach(
            ([series, number, done], i) => {
              const part = begin(series, number, done);
              if (!done) part.stages?.restore(itemAt(saved, i + 1));
            },
          );
        },
        metrics: () => ({
          series: parts.size,
          ...meanFigures([...parts.values()].map(({ stages }) => stages)),
        }),
      });
      subscriber.add(leave);
      const input = new Subscriber<T>({
        next(event) {
          try {
            const part = admit(event);
            if (part !== undefined) inPart(part, () => part.events.next(event));
          } catch (error) {
            subscriber.error(error);
          }
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          for (const part of [...parts.values()].sort((a, b) => a.number - b.number)) end(part);
          closeOne();
        },
      });
      subscriber.add(input);
      source.subscribe(input);
    });
}

/** Figures of the stages of all parts, each the mean of those that have it. */
function meanFigures(parts: readonly (Stages | undefined)[]): Record<string, number> {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const stages of parts) {
    for (const [figure, value] of Object.entries(stages?.metrics() ?? {})) {
      const { sum, count } = sums.get(figure) ?? { sum: 0, count: 0 };
      sums.set(figure, { sum: sum + value, count: count + 1 });
    }
  }
  return Object.fromEntries(Array.from(sums, ([figure, { sum, count }]) => [figure, sum / count]));
}
