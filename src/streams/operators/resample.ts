import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { readEvents, writeEvents } from "../../stages/kept-events.ts";
import type { RefusedOutput } from "../../stages/refused-event.ts";
import { packParts, type Stage, unpackParts } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { readTime } from "../observation-schema.ts";
import { Resampling } from "../resampling.ts";
import { savedNumber } from "../saved-numbers.ts";
import { AGGREGATES, type Aggregate } from "../series-specification.ts";
import type { AtTime } from "./in-order.ts";

/** A reading with its time: one value, or several by name. */
export type TimedReading = AtTime &
  (
    | { readonly series?: string; readonly value: number | null }
    | { readonly series?: string; readonly values: Readonly<Record<string, number | null>> }
  );

/** What came of an interval, in the form of the readings; null where there was no reading. */
export interface Resampled {
  readonly series?: string;
  /** End of the interval, epoch milliseconds: only then is all of it known. */
  readonly time: number;
  /** The only value, of readings that have one. */
  readonly value: number | null;
  readonly values: Readonly<Record<string, number | null>>;
}

export interface ResampleOptions {
  /** Milliseconds of an interval; intervals are cut at whole multiples of it since 1970. */
  readonly every: number;
  /** Default mean. */
  readonly aggregate?: Aggregate;
  /** Where readings go that are `late` (put them in order first), of `bad-time`, or of no known value. */
  readonly refused?: RefusedOutput<TimedReading>;
}

const VALUE = "value";

/**
 * Turns readings that come at any time into steps of one length. An interval is given when a reading beyond it comes, or when the source completes; one without
 * readings is given with null. After a silence of more than 512 intervals only the last 512 are filled in. The columns are those of the first reading. State: six
 * numbers a column.
 *
 * @example
 * ```ts
 * import { resample } from "eddy/streams";
 * import { from, lastValueFrom, map, toArray } from "rxjs";
 * const readings = [[0, 1], [500, 3], [2500, 7]].map(([time, value]) => ({ time, value }));
 * const means = from(readings).pipe(resample({ every: 1000 }), map(({ value }) => value), toArray());
 * await lastValueFrom(means); // [2, null, 7]
 * ```
 */
export function resample<T extends TimedReading>(options: ResampleOptions): OperatorFunction<T, Resampled> {
  return stage(
    "resample",
    () => new ResampleStage<T>(options),
    options.refused as RefusedOutput<T> | undefined,
  );
}

/** What the first reading settles. */
interface Shape {
  readonly series?: string;
  readonly columns: readonly string[];
}

class ResampleStage<T extends TimedReading> implements Stage<T, Resampled> {
  readonly #every: number;
  readonly #aggregate: Aggregate;
  #shape: Shape | undefined;
  #resampling: Resampling | undefined;
  #newest = Number.NEGATIVE_INFINITY;

  constructor({ every, aggregate = "mean" }: ResampleOptions) {
    if (!(every > 0 && Number.isFinite(every))) {
      throw new EddyError("bad-argument", "every", {
        expected: "milliseconds above 0",
        received: printable(every),
      });
    }
    if (!AGGREGATES.includes(aggregate)) {
      throw new EddyError("bad-argument", "aggregate", {
        expected: `one of ${AGGREGATES.join(", ")}`,
        received: printable(aggregate),
      });
    }
    this.#every = every;
    this.#aggregate = aggregate;
  }

  step(event: T, output: Parameters<Stage<T, Resampled>["step"]>[1]): void {
    let time: number;
    try {
      time = readTime(event.time);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      output.refuse(event, error.code);
      return;
    }
    const given: Readonly<Record<string, number | null>> =
      "values" in event ? event.values : { [VALUE]: event.value };
    for (const value of Object.values(given)) {
      if (value === null || Number.isFinite(value)) continue;
      output.refuse(event, "bad-number");
      return;
    }
    if (this.#resampling === undefined) {
      const { series } = event;
      this.#begin({ ...(series === undefined ? {} : { series }), columns: Object.keys(given).sort() });
    }
    const { columns } = this.#shape as Shape;
    if (!columns.some((column) => Object.hasOwn(given, column))) {
      output.refuse(event, "unknown-column");
      return;
    }
    if (Math.floor(time / this.#every) < Math.floor(this.#newest / this.#every)) {
      output.refuse(event, "late");
      return;
    }
    this.#newest = Math.max(this.#newest, time);
    const values = Float64Array.from(columns, (column) =>
      Object.hasOwn(given, column) ? (given[column] ?? Number.NaN) : Number.NaN,
    );
    this.#resampling?.push({ time, offset: 0, values }, (one) => output.next(this.#words(one)));
  }

  end(output: Parameters<Stage<T, Resampled>["step"]>[1]): void {
    this.#resampling?.end((one) => output.next(this.#words(one)));
  }

  #words({ time, values }: { readonly time: number; readonly values: Float64Array }): Resampled {
    const { series, columns } = this.#shape as Shape;
    const named = Object.fromEntries(
      columns.map((column, c) => {
        const value = itemAt(values, c);
        return [column, Number.isNaN(value) ? null : value] as const;
      }),
    );
    return { ...(series === undefined ? {} : { series }), time, value: named[VALUE] ?? null, values: named };
  }

  #begin(shape: Shape): Resampling {
    this.#shape = shape;
    this.#resampling = new Resampling(this.#every, this.#aggregate, shape.columns.length);
    return this.#resampling;
  }

  save(): Uint8Array {
    if (this.#resampling === undefined) return new Uint8Array(0);
    const numbers = Float64Array.of(this.#newest, ...this.#resampling.save());
    return packParts([writeEvents([this.#shape]), new Uint8Array(numbers.buffer)]);
  }

  restore(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    const [shape, numbers] = unpackParts(bytes, "saved resampling", 2);
    const state = new Float64Array(numbers.slice().buffer);
    this.#begin(readEvents(shape)[0] as Shape).restore(state.subarray(1));
    this.#newest = savedNumber(state, 0);
  }
}
