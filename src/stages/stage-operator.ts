import { Observable, type OperatorFunction, Subscriber } from "rxjs";
import type { RefusedOutput } from "./refused-event.ts";
import { currentStages, type Stage } from "./stage.ts";

/**
 * Makes an operator of a stage: a stage of its own for every subscription, opened when it is subscribed to (so that wrong
 * options are an error then, whatever the source does) and released when it ends. An event reaches the end of the chain before the
 * next one is looked at; one that comes while another is under way, as in a loop, waits.
 *
 * `name` is what the stage is called where its state is kept, and in errors. A stage of your own needs `save` and `restore` for
 * that, and to be finished with an event when `step` returns.
 *
 * @example
 * ```ts
 * import { stage } from "eddy/streams";
 * import { lastValueFrom, of } from "rxjs";
 * const sum = stage("sum", () => {
 *   const total = new Float64Array(1);
 *   return {
 *     step(value: number, { next }) { total[0] += value; next(total[0]); },
 *     save: () => new Uint8Array(total.slice().buffer),
 *     restore: (bytes) => total.set(new Float64Array(bytes.slice().buffer)),
 *   };
 * });
 * await lastValueFrom(of(1, 2, 3).pipe(sum)); // 6
 * ```
 */
export function stage<In, Out>(
  name: string,
  open: () => Stage<In, Out>,
  refused?: RefusedOutput<In>,
): OperatorFunction<In, Out> {
  return (source) =>
    new Observable<Out>((subscriber) => {
      const opened = open();
      const stages = currentStages();
      let leave: (() => void) | undefined;
      let busy = false;
      let gone = false;
      const waiting: In[] = [];
      const release = (): void => {
        leave?.();
        opened.release?.();
      };
      const output = {
        next: (value: Out) => subscriber.next(value),
        refuse: (event: In, reason: string) => {
          if (!stages?.rehearsing) refused?.next({ event, reason });
        },
      };
      /** Takes whatever waits; memory is given back only when nothing is under way. */
      const work = (task: () => void): void => {
        busy = true;
        try {
          task();
          while (waiting.length > 0 && !gone) opened.step(waiting.shift() as In, output);
        } catch (error) {
          subscriber.error(error);
        } finally {
          busy = false;
          if (gone) release();
        }
      };
      try {
        leave = stages?.enter(name, opened);
      } catch (error) {
        release();
        throw error;
      }
      const input = new Subscriber<In>({
        next(event) {
          if (busy) {
            waiting.push(event);
            return;
          }
          busy = true;
          try {
            opened.step(event, output);
          } catch (error) {
            subscriber.error(error);
          } finally {
            busy = false;
          }
          if (gone) release();
          else if (waiting.length > 0) work(() => {});
        },
        error: (error: unknown) => subscriber.error(error),
        complete() {
          if (opened.end !== undefined) work(() => opened.end?.(output));
          subscriber.complete();
        },
      });
      subscriber.add(input);
      subscriber.add(() => {
        gone = true;
        if (!busy) release();
      });
      source.subscribe(input);
    });
}
