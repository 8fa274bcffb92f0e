import { map, type OperatorFunction, pipe } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { type Block, Layout } from "../../models/kernels/layout.ts";
import { AdaptiveConformal } from "../../models/statistics/adaptive-conformal.ts";
import { packParts, type Stage, unpackParts } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { savedNumber } from "../saved-numbers.ts";
import { operatorArena } from "./arena.ts";

/** A point forecast, and how far off an earlier one was that has met its value with this event. */
export interface WithPoint {
  readonly point: number | readonly number[];
  readonly error: number | readonly number[] | null;
}

/** Bounds around a point; null while too few errors are known to promise anything. */
export interface Interval {
  readonly lower: readonly (number | null)[];
  readonly upper: readonly (number | null)[];
  /** Share of values that lay within their bounds; null before the first. */
  readonly coverage: number | null;
}

export interface IntervalsOptions {
  /** Share of values that the bounds are to hold. Default .9. */
  readonly level?: number;
  /** Errors remembered. Default 500. */
  readonly window?: number;
  /** How fast the width follows hits and misses. Default .02. */
  readonly rate?: number;
}

/**
 * Puts bounds around anybody's point forecasts that hold the share asked for in the long run, whatever the stream does: adaptive
 * conformal inference (Gibbs & Candès 2021), one for each number of the point.
 *
 *     bounds = point ± the ⌈(1 − α_t)(n + 1)⌉-th smallest of the last n |errors|;   α_{t+1} = α_t + rate (α − [it was missed])
 *
 * Events are those of `recurrent`, `echoState` and `leakyUnits`, or your own `{ point, error }`: `error` is that of whichever earlier point has met
 * its value now, or null. An error is counted before the bounds of its own event are said. State: 2 window numbers a target. Cost: a binary search.
 *
 * @example
 * ```ts
 * import { intervals } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const events = Array.from({ length: 400 }, (_, t) => ({ point: 5, error: Math.sin(t * t) }));
 * const { lower, upper } = await lastValueFrom(from(events).pipe(intervals({ level: 0.8 })));
 * lower[0] > 3.9 && lower[0] < 4.3 && upper[0] - 5 === 5 - lower[0]; // true
 * ```
 */
export function intervals<T extends WithPoint>(
  options: IntervalsOptions = {},
): OperatorFunction<T, T & Interval> {
  return pipe(
    stage<T, readonly [T, Interval]>("intervals", () => new IntervalStage<T>(options)),
    map(([event, interval]) => ({ ...event, ...interval })),
  );
}

interface Open {
  readonly block: Block;
  readonly conformal: readonly AdaptiveConformal[];
}

class IntervalStage<T extends WithPoint> implements Stage<T, readonly [T, Interval]> {
  readonly #options: Required<IntervalsOptions>;
  #open: Open | undefined;

  constructor({ level = 0.9, window = 500, rate = 0.02 }: IntervalsOptions) {
    if (!(level > 0 && level < 1)) {
      throw new EddyError("bad-argument", "level", {
        expected: "a number between 0 and 1",
        received: String(level),
      });
    }
    this.#options = { level, window, rate };
    this.#plan(1);
  }

  step(event: T, output: { next(interval: readonly [T, Interval]): void }): void {
    const point = listed(event.point);
    const error = event.error === null ? undefined : listed(event.error);
    this.#open ??= this.#begin(point.length);
    const { conformal } = this.#open;
    if (point.length !== conformal.length || (error !== undefined && error.length !== conformal.length)) {
      throw new EddyError("bad-argument", point.length === conformal.length ? "error" : "point", {
        expected: `${conformal.length} numbers, as the first point had`,
        received: String(point.length === conformal.length ? error?.length : point.length),
      });
    }
    let judged = 0;
    let held = 0;
    conformal.forEach((one, i) => {
      if (error !== undefined) one.judge(Math.abs(itemAt(error, i)));
      judged += one.judged;
      held += one.judged * one.coverage;
    });
    const radius = conformal.map((one) => one.radius());
    const bound = (sign: 1 | -1) =>
      radius.map((r, i) => (Number.isFinite(r) ? itemAt(point, i) + sign * Math.max(0, r) : null));
    output.next([
      event,
      { lower: bound(-1), upper: bound(1), coverage: judged === 0 ? null : held / judged },
    ]);
  }

  #plan(targets: number) {
    const { level, window, rate } = this.#options;
    const layout = new Layout(operatorArena());
    const conformal = Array.from(
      { length: targets },
      (_, i) => new AdaptiveConformal(layout, `interval${i}`, { miscoverage: 1 - level, window, rate }),
    );
    return { layout, conformal };
  }

  #begin(targets: number): Open {
    const { layout, conformal } = this.#plan(targets);
    const block = layout.allocate();
    for (const one of conformal) one.initialise();
    return { block, conformal };
  }

  save(): Uint8Array {
    const open = this.#open;
    if (open === undefined) return new Uint8Array(0);
    return packParts([new Uint8Array(new Float64Array([open.conformal.length]).buffer), open.block.bytes]);
  }

  restore(bytes: Uint8Array): void {
    this.release();
    if (bytes.byteLength === 0) return;
    const [targets, block] = unpackParts(bytes, "saved intervals", 2);
    this.#open = this.#begin(savedNumber(new Float64Array(targets.slice().buffer), 0));
    this.#open.block.load(block);
  }

  release(): void {
    this.#open?.block.release();
    this.#open = undefined;
  }
}

const listed = (numbers: number | readonly number[]): readonly number[] =>
  typeof numbers === "number" ? [numbers] : numbers;
