import type { OperatorFunction } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { Layout } from "../../models/kernels/layout.ts";
import { RunningAverages } from "../../models/statistics/running-averages.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import type { Stage } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { operatorArena } from "./arena.ts";

/** What `leakyAverages` reads. `time` in epoch milliseconds matters only with a `step`. */
export type Averageable = number | { readonly time: number; readonly value: number };

export interface LeakyAveragesOptions {
  /** Milliseconds of one step; with it, events further apart let more of the past leak away. Default: one step per event. */
  readonly step?: number;
  /** Where events go that are no finite number, or older than the one before. */
  readonly refused?: RefusedOutput<Averageable>;
}

/**
 * Running averages of a stream at several time scales, in steps: μ = α μ + (1 − α) v with α = exp(−1 / scale), corrected for
 * the start (no lean to 0). Emits, for every value, the averages in the order of `timeScales`.
 *
 * A value that is not finite goes to `refused`, and the stream goes on. Completion and errors of the source are passed on; a
 * time scale that is not above 0 is an error on subscription. The averages live in the subscription.
 *
 * @example
 * ```ts
 * import { leakyAverages } from "eddy/streams";
 * import { lastValueFrom, of } from "rxjs";
 * const averages = await lastValueFrom(of(4, 4, 4).pipe(leakyAverages([3, 30])));
 * averages.map((average) => Math.round(average)); // [4, 4]
 * ```
 */
export function leakyAverages(
  timeScales: readonly number[],
  options: LeakyAveragesOptions = {},
): OperatorFunction<Averageable, number[]> {
  return stage("leakyAverages", () => openAverages(timeScales, options), options.refused);
}

function openAverages(
  timeScales: readonly number[],
  { step }: LeakyAveragesOptions,
): Stage<Averageable, number[]> {
  for (const scale of timeScales) {
    if (scale > 0 && Number.isFinite(scale)) continue;
    throw new EddyError("bad-argument", "timeScales", {
      expected: "numbers of steps above 0",
      received: String(scale),
    });
  }
  const layout = new Layout(operatorArena());
  const alphas = timeScales.map((scale) => Math.exp(-1 / scale));
  const averages = new RunningAverages(layout, "averages", alphas);
  const last = layout.float64("time", 1);
  layout.whenAllocated(() => last.view.fill(Number.NaN));
  const block = layout.allocate();
  return {
    step(event, output) {
      const value = typeof event === "number" ? event : event.value;
      const time = typeof event === "number" ? Number.NaN : event.time;
      const before = itemAt(last.view, 0);
      if (!Number.isFinite(value) || time < before) {
        output.refuse(event, time < before ? "late" : "bad-number");
        return;
      }
      const apart = step === undefined ? 1 : (time - before) / step;
      averages.add([value], Number.isFinite(apart) ? apart : 1);
      last.view[0] = time;
      output.next(timeScales.map((_, scale) => averages.corrected(scale, 0)));
    },
    save: () => block.save(),
    restore: (bytes) => block.load(bytes),
    release: () => block.release(),
  };
}
