import { readModel } from "../models/forecaster/experts/open.ts";
import { checkTogether, FORECASTER_OPTIONS, withSomeTargets } from "../models/forecaster/specification.ts";
import { span, toggle, word } from "../models/kinds.ts";
import { type OptionList, type OptionsOf, type SettingsOf, settle } from "../models/options.ts";

/** How the readings of one interval become one value. An interval without a reading is missing; its `count` is 0. */
export const AGGREGATES = ["mean", "last", "sum", "min", "max", "count"] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/**
 * The one list of forecast options: those of the forecaster and those by which events become its steps. Flags, fields of the
 * configuration, checks and the tables of the pages are all made from it. To add an option: a line here, and what it does.
 */
export const SERIES_OPTIONS = {
  ...FORECASTER_OPTIONS,
  /** Milliseconds of one step when readings are resampled; 0: every reading is a step. */
  every: {
    kind: span,
    default: 0,
    help: "make steps of this length out of the readings; 0: every reading is a step",
  },
  aggregate: {
    kind: word(AGGREGATES),
    default: "mean",
    help: "how the readings of one step become one value",
  },
  /** How long, in milliseconds of event time, to hold events back so that late ones are put in order. */
  lateness: { kind: span, default: 0, help: "hold readings back this long, to put late ones in order" },
  /**
   * How far ahead, in milliseconds, a reading may be: of the clock, where there is one; else of the last reading, unless the
   * next ones confirm it. 0: any.
   */
  ahead: {
    kind: span,
    default: 86_400_000,
    help: "how far ahead a reading may be, of the clock or else of the reading before (0: any); further on, the next ones must confirm it",
    configuration: false,
  },
  /**
   * `event`: models see the time between events. `count`: every event is one step, whatever its time, for readings that
   * carry no time but that of their arrival.
   */
  steps: {
    kind: word(["event", "count"]),
    default: "event",
    help: "count: every reading is one step, whatever its time",
    flag: null,
  },
  /** Whether forecasts carry their `detail`. */
  detail: {
    kind: toggle,
    default: false,
    help: "tell skill and coverage by step, and the weights of the experts",
    commands: ["pipe", "replay"],
  },
} as const satisfies OptionList;

/** Options of a series, each with its default when it is not given. */
export interface SeriesOptions extends OptionsOf<typeof SERIES_OPTIONS> {}

/** All that decides how a series behaves: its forecaster's specification and how its events become steps. Plain data. */
export interface SeriesSpecification extends SettingsOf<typeof SERIES_OPTIONS> {}

/**
 * Throws, before there is a series, if the options cannot make one: `bad-argument` or `bad-model`. Columns that they name
 * are taken to be there.
 */
export function checkSeriesOptions(options: SeriesOptions): void {
  readModel(seriesSpecification(withSomeTargets(options)).model);
}

/**
 * Fills in defaults and checks every field; the target is `value` where none is named.
 *
 * @throws EddyError `bad-argument` naming the field, what was expected and what came
 */
export function seriesSpecification(options: SeriesOptions): SeriesSpecification {
  const named = options.targets === undefined ? { ...options, targets: ["value"] } : options;
  const settings = settle(SERIES_OPTIONS, named);
  checkTogether(settings);
  return settings;
}
