import type { OperatorFunction } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Arena } from "../../models/kernels/arena.ts";
import { type Block, Layout, type Slice } from "../../models/kernels/layout.ts";
import { GapFiller, type GapFillerOptions } from "../../models/sequence/gap-filler.ts";
import { ExponentialMoments } from "../../models/statistics/exponential-moments.ts";
import { readEvents, writeEvents } from "../../stages/kept-events.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import type { Stage, StageOutput } from "../../stages/stage.ts";
import { packParts, unpackParts } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { operatorArena } from "./arena.ts";

/** What `smooth` reads: numbers, null or NaN where one is missing. */
export type Smoothable =
  | number
  | null
  | ArrayLike<number | null>
  | { readonly value: number | null }
  | { readonly values: ArrayLike<number | null> };

/** An event of `lag` events ago, looked back on. */
export interface Smoothed<T> {
  readonly event: T;
  /** Its numbers, with those that were missing filled in. */
  readonly filled: number[];
  /** What the neighbours on both sides say of it, known or not. */
  readonly smoothed: number[];
  /** Whether a number was missing. */
  readonly missing: boolean;
}

export interface SmoothOptions<T extends Smoothable = Smoothable>
  extends Omit<GapFillerOptions, "columns" | "lag"> {
  /** An event is answered when so many later ones are known. Default 8. */
  readonly lag?: number;
  /** Events whose size and spread the values are measured by. Default 1,000. */
  readonly memory?: number;
  /** Where events go that are no numbers, or not as many as those of the first one. */
  readonly refused?: RefusedOutput<T>;
  readonly arena?: Arena;
}

/**
 * Smooths a stream and fills its gaps from both sides, always `lag` events behind: a bidirectional network (Schuster & Paliwal 1997)
 * reads a window from the left and from the right and says how far a value lies off the straight line between its
 * neighbours. It teaches itself, by values that are known and hidden on purpose.
 *
 * For looking back: what it gives has seen later events, so nothing of it may enter a forecast. When the source completes, the last `lag` events
 * are given with what is known by then. Memory and cost per event are constant: a pass over `window` rows, and learning every `every` events.
 *
 * @example
 * ```ts
 * import { smooth } from "eddy/streams";
 * import { from, lastValueFrom, toArray } from "rxjs";
 * const wave = Array.from({ length: 1500 }, (_, t) => (t === 1400 ? null : Math.sin(t / 3)));
 * const all = await lastValueFrom(from(wave).pipe(smooth({ lag: 4, window: 16, hidden: 8 }), toArray()));
 * Math.abs(all[1400].filled[0] - Math.sin(1400 / 3)) < 0.2; // true
 * ```
 */
export function smooth<T extends Smoothable>(
  options: SmoothOptions<T> = {},
): OperatorFunction<T, Smoothed<T>> {
  return stage("smooth", () => new SmoothStage<T>(options), options.refused);
}

interface Open {
  readonly columns: number;
  readonly block: Block;
  readonly filler: GapFiller;
  readonly moments: ExponentialMoments;
  /** Mean and deviation that each waiting row was measured by, a ring of [lag + 1 × 2 columns]. */
  readonly scales: Slice<Float64Array>;
}

class SmoothStage<T extends Smoothable> implements Stage<T, Smoothed<T>> {
  readonly #options: SmoothOptions<T>;
  readonly #lag: number;
  readonly #memory: number;
  /** Events that are not answered yet, oldest first. */
  #waiting: T[] = [];
  #open: Open | undefined;

  constructor(options: SmoothOptions<T>) {
    this.#options = options;
    this.#lag = options.lag ?? 8;
    this.#memory = options.memory ?? 1000;
    if (!(Number.isInteger(this.#memory) && this.#memory >= 2)) {
      throw new EddyError("bad-argument", "memory", {
        expected: "a whole number of events from 2",
        received: String(this.#memory),
      });
    }
    this.#plan(1);
  }

  step(event: T, output: StageOutput<T, Smoothed<T>>): void {
    const row = numbersOf(event);
    if (row === undefined) {
      output.refuse(event, "bad-observation");
      return;
    }
    this.#open ??= this.#begin(row.length);
    const { columns } = this.#open;
    if (row.length !== columns) {
      output.refuse(event, "wrong-length");
      return;
    }
    this.#waiting.push(event);
    this.#push(this.#open, row, output);
  }

  end(output: StageOutput<T, Smoothed<T>>): void {
    const open = this.#open;
    if (open === undefined) return;
    const nothing = new Float64Array(open.columns).fill(Number.NaN);
    while (this.#waiting.length > 0) this.#push(open, nothing, output);
  }

  #push(open: Open, row: Float64Array, output: StageOutput<T, Smoothed<T>>): void {
    const { columns, filler, moments, scales } = open;
    moments.add(row);
    const slots = this.#lag + 1;
    const at = (filler.count % slots) * 2 * columns;
    for (let c = 0; c < columns; c++) {
      scales.view[at + c] = moments.mean(c);
      scales.view[at + columns + c] = Math.sqrt(moments.variance(c)) || 1;
    }
    const scaled = row.map(
      (value, c) => (value - itemAt(scales.view, at + c)) / itemAt(scales.view, at + columns + c),
    );
    const filled = filler.push(scaled);
    if (filled === undefined) return;
    const from = ((filler.count - 1 - this.#lag) % slots) * 2 * columns;
    const back = (values: ArrayLike<number>): number[] =>
      Array.from(
        values,
        (value, c) => itemAt(scales.view, from + c) + itemAt(scales.view, from + columns + c) * value,
      );
    const event = this.#waiting.shift() as T;
    const known = numbersOf(event) as Float64Array;
    const estimates = back(filled);
    output.next({
      event,
      // A known number is given as it came, not as it comes back from its scale.
      filled: Array.from(known, (value, c) => (Number.isNaN(value) ? itemAt(estimates, c) : value)),
      smoothed: back(filler.smooth() ?? filled),
      missing: known.some(Number.isNaN),
    });
  }

  #plan(columns: number) {
    const { arena = operatorArena(), memory: _memory, refused: _refused, ...options } = this.#options;
    const layout = new Layout(arena);
    return {
      layout,
      filler: new GapFiller(layout, { ...options, lag: this.#lag, columns }),
      moments: new ExponentialMoments(layout, "moments", { size: columns, decay: 1 - 1 / this.#memory }),
      scales: layout.float64("scales", (this.#lag + 1) * 2 * columns),
    };
  }

  #begin(columns: number): Open {
    const { layout, ...planned } = this.#plan(columns);
    return { columns, block: layout.allocate(), ...planned };
  }

  metrics(): Readonly<Record<string, number>> {
    const learner = this.#open?.filler.learner;
    return learner === undefined ? {} : { loss: learner.loss, updates: learner.updates };
  }

  save(): Uint8Array {
    const open = this.#open;
    if (open === undefined) return new Uint8Array(0);
    return packParts([
      Uint8Array.of(open.columns & 255, open.columns >> 8),
      writeEvents(this.#waiting),
      open.block.bytes,
    ]);
  }

  restore(bytes: Uint8Array): void {
    this.release();
    this.#waiting = [];
    if (bytes.byteLength === 0) return;
    const [columns, waiting, block] = unpackParts(bytes, "saved smoother", 3);
    this.#open = this.#begin(itemAt(columns, 0) + 256 * itemAt(columns, 1));
    this.#waiting = readEvents(waiting) as T[];
    this.#open.block.load(block);
  }

  release(): void {
    this.#open?.block.release();
    this.#open = undefined;
  }
}

/** The numbers of an event, NaN where one is missing; undefined when it is none. */
function numbersOf(event: Smoothable): Float64Array | undefined {
  let given: unknown = event;
  if (typeof event === "object" && event !== null) {
    if ("values" in event) given = event.values;
    else if ("value" in event) given = event.value;
  }
  const list = given === null || typeof given === "number" ? [given] : given;
  if (typeof list !== "object" || !("length" in (list as object))) return undefined;
  const numbers = list as ArrayLike<unknown>;
  if (numbers.length === 0 || numbers.length > 65_535) return undefined;
  const row = new Float64Array(numbers.length);
  for (let i = 0; i < row.length; i++) {
    const value = numbers[i];
    if (value !== null && typeof value !== "number") return undefined;
    row[i] = value !== null && Number.isFinite(value) ? value : Number.NaN;
  }
  return row;
}
