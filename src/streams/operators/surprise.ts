import { map, type OperatorFunction, pipe } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { Layout } from "../../models/kernels/layout.ts";
import { SortedWindow } from "../../models/statistics/sorted-window.ts";
import type { Stage } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { operatorArena } from "./arena.ts";

/** What `surprise` reads: an error, or an event that has one, as those of `recurrent`, `echoState` and `leakyUnits` do. */
export interface WithError {
  readonly error: number | readonly number[] | null;
}

export interface SurpriseOptions {
  /** Errors that one is compared with. Default 1,000. */
  readonly window?: number;
  /** Errors there must be before anything is said. Default 20. */
  readonly least?: number;
}

/**
 * Says how surprising each event is: the share of recent errors that were at least as large as its own.
 *
 *     surprise = (1 + number of the last n errors with |e| >= |e(t)|) / (n + 1),   |e| the Euclidean norm
 *
 * Under errors that keep their distribution, surprise is at most p in a share p of events (a conformal p-value, Vovk et al. 2005): an alarm below .001 rings by
 * mistake once in a thousand events. It cannot be below 1 / (n + 1). It is null where the event has no error, and for the first ones. An event is
 * compared with those before it, and only then counted. State: 2 window numbers. Cost: a binary search.
 *
 * @example
 * ```ts
 * import { surprise } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const errors = Array.from({ length: 99 }, (_, t) => ({ error: Math.sin(t) }));
 * const last = await lastValueFrom(from([...errors, { error: 50 }]).pipe(surprise()));
 * last.surprise; // 0.01
 * ```
 */
export function surprise<T extends WithError>(
  options: SurpriseOptions = {},
): OperatorFunction<T, T & { readonly surprise: number | null }> {
  return pipe(
    stage<T, readonly [T, number | null]>("surprise", () => openSurprise(options)),
    map(([event, p]) => ({ ...event, surprise: p })),
  );
}

function openSurprise<T extends WithError>({
  window = 1000,
  least = 20,
}: SurpriseOptions): Stage<T, readonly [T, number | null]> {
  for (const [name, value] of Object.entries({ window, least })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new EddyError("bad-argument", name, {
      expected: "a whole number of errors from 1",
      received: String(value),
    });
  }
  const layout = new Layout(operatorArena());
  const recent = new SortedWindow(layout, "errors", window);
  const block = layout.allocate();
  return {
    step(event, output) {
      const size = norm(event.error);
      if (!Number.isFinite(size)) {
        output.next([event, null]);
        return;
      }
      const n = recent.size;
      output.next([event, n < least ? null : (1 + recent.countFrom(size)) / (n + 1)]);
      recent.add(size);
    },
    save: () => block.save(),
    restore: (bytes) => block.load(bytes),
    release: () => block.release(),
  };
}

function norm(error: number | readonly number[] | null): number {
  if (error === null) return Number.NaN;
  if (typeof error === "number") return Math.abs(error);
  let sum = 0;
  let some = false;
  for (const one of error) {
    if (Number.isNaN(one)) continue;
    some = true;
    sum += one * one;
  }
  return some ? Math.sqrt(sum) : Number.NaN;
}
