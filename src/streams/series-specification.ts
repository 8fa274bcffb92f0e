import { EddyError, printable } from "../models/errors.ts";
import { readModel } from "../models/forecaster/experts/open.ts";
import {
  type ForecasterOptions,
  type ForecasterSpecification,
  specification,
  withSomeTargets,
} from "../models/forecaster/specification.ts";

/** How the readings of one interval become one value. An interval without a reading is missing; its `count` is 0. */
export const AGGREGATES = ["mean", "last", "sum", "min", "max", "count"] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** All that decides how a series behaves: its forecaster's specification and how its events become steps. Plain data. */
export interface SeriesSpecification extends ForecasterSpecification {
  /** How long, in milliseconds of event time, to hold events back so that late ones are put in order. */
  readonly lateness: number;
  /** Milliseconds of one step when readings are resampled; 0: every reading is a step. */
  readonly every: number;
  readonly aggregate: Aggregate;
  /**
   * `event`: models see the time between events. `count`: every event is one step, whatever its time, for readings that
   * carry no time but that of their arrival.
   */
  readonly steps: "event" | "count";
  /** Whether forecasts carry their `detail`. */
  readonly detail: boolean;
  /**
   * How far ahead, in milliseconds, a reading may be: of the clock, where there is one; else of the last reading, unless the
   * next ones confirm it. 0: any.
   */
  readonly ahead: number;
}

export interface SeriesOptions
  extends ForecasterOptions,
    Partial<Pick<SeriesSpecification, "lateness" | "every" | "aggregate" | "steps" | "detail" | "ahead">> {}

/** A day. */
export const AHEAD = 86_400_000;

const MAX_SPAN = 1e12;

function span(value: number, name: string): number {
  if (value >= 0 && value <= MAX_SPAN) return value;
  throw new EddyError("bad-argument", name, {
    expected: `milliseconds from 0 to ${MAX_SPAN}`,
    received: printable(value),
  });
}

/**
 * Throws, before there is a series, if the options cannot make one: `bad-argument` or `bad-model`. Columns that they name
 * are taken to be there.
 */
export function checkSeriesOptions(options: SeriesOptions): void {
  readModel(seriesSpecification(withSomeTargets(options)).model);
}

/** Fills in defaults and checks every field; throws `bad-argument` naming the field, what was expected and what came. */
export function seriesSpecification(options: SeriesOptions): SeriesSpecification {
  const aggregate = options.aggregate ?? "mean";
  if (!AGGREGATES.includes(aggregate)) {
    throw new EddyError("bad-argument", "aggregate", {
      expected: `one of ${AGGREGATES.join(", ")}`,
      received: printable(aggregate),
    });
  }
  return {
    ...specification(options),
    lateness: span(options.lateness ?? 0, "lateness"),
    every: span(options.every ?? 0, "every"),
    aggregate,
    steps: options.steps ?? "event",
    detail: options.detail ?? false,
    ahead: span(options.ahead ?? AHEAD, "ahead"),
  };
}
