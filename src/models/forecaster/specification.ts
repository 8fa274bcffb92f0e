import { EddyError, printable } from "../errors.ts";
import { limits, names, share, shares, someTargets, text, whole, wholes } from "../kinds.ts";
import { namedColumns, type OptionList, type OptionsOf, type SettingsOf, settle } from "../options.ts";

export const MAX_HORIZON = 512;
const MAX_COLUMNS = 256;
/** Levels whose quantiles can be asked for at most. */
export const MOST_QUANTILES = 32;

/** Everything that decides how a forecaster behaves. To add an option: a line here, and what it does. */
export const FORECASTER_OPTIONS = {
  /** Steps ahead, 1..H. */
  horizon: { kind: whole(1, MAX_HORIZON), default: 12, help: "steps ahead" },
  /** `auto`, or one expert such as `persistence`, `lstm:hidden=64`, `esn:units=200`. */
  model: {
    kind: text('a model such as "auto" or "lstm:hidden=64"', "SPEC"),
    default: "auto",
    help: "auto, or one such as persistence, lstm, esn",
  },
  /** Known season lengths in steps; empty: found online. */
  periods: {
    kind: wholes(2, 100_000, 16),
    default: [],
    help: "known season lengths in steps; found online when absent",
    flag: "period",
  },
  /** Share of labels the intervals shall hold. */
  coverage: { kind: share, default: 0.9, help: "share of readings that the intervals shall hold" },
  /** Levels whose quantiles are forecast too, ascending, each once; empty: none. */
  quantiles: {
    kind: shares(MOST_QUANTILES),
    default: [],
    help: "levels whose quantiles every step tells too, such as 0.1,0.5,0.9",
  },
  /** Columns being forecast. */
  targets: {
    kind: names(MAX_COLUMNS),
    default: [],
    help: "columns to forecast; every column of numbers when absent",
    flag: "value",
    commands: ["pipe", "forecast", "recognise", "replay"],
  },
  /** Columns that are read and not forecast. */
  inputs: {
    kind: names(MAX_COLUMNS),
    default: [],
    help: "columns to read as inputs, not forecast",
    flag: "with",
  },
  /** Least value that a column can have; one not named has none. A reading below it is taken as missing. */
  min: {
    kind: limits(MAX_COLUMNS),
    default: {},
    help: "least value that can be, of all columns forecast or by column (* stands for all others): forecasts keep to it, a reading below it is left out",
  },
  /** Greatest value that a column can have; one not named has none. A reading above it is taken as missing. */
  max: {
    kind: limits(MAX_COLUMNS),
    default: {},
    help: "greatest value that can be, in the same way",
  },
  /** Targets whose values are whole numbers: bounds and quantiles are, too. */
  integer: {
    kind: someTargets(MAX_COLUMNS),
    default: [],
    help: "columns of whole numbers, or all: bounds and quantiles are whole, the mean stays a mean",
  },
  /** Targets that only count up: models see increments, forecasts are totals. */
  counter: {
    kind: someTargets(MAX_COLUMNS),
    default: [],
    help: "columns that only count up, or all: increments are learned from, totals forecast",
  },
  /** Seed of every random number of the forecaster. */
  seed: {
    kind: whole(0),
    default: 1,
    help: "seed of every random number of the forecaster",
    flag: null,
  },
} as const satisfies OptionList;

/** Options of a forecaster, each with its default when it is not given. */
export interface ForecasterOptions extends OptionsOf<typeof FORECASTER_OPTIONS> {}

/**
 * All that decides how a forecaster behaves: with the same specification and the same events it makes the same
 * forecasts, bit for bit. It is plain data and is stored beside every checkpoint.
 */
export interface ForecasterSpecification extends SettingsOf<typeof FORECASTER_OPTIONS> {}

/**
 * The options with columns to check them by, before any are known: where no targets are named, those that the other options
 * name stand in.
 */
export function withSomeTargets<O extends ForecasterOptions>(options: O): O {
  if (options.targets !== undefined) return options;
  const named = namedColumns(FORECASTER_OPTIONS, options).map(([, column]) => column);
  const targets = named.filter((column) => !options.inputs?.includes(column));
  return { ...options, targets: targets.length > 0 ? [...new Set(targets)] : ["value"] };
}

/**
 * Fills in defaults and checks every field; the target is `value` where none is named.
 *
 * @throws EddyError `bad-argument` naming the field, what was expected and what came
 */
export function specification(options: ForecasterOptions): ForecasterSpecification {
  const named = options.targets === undefined ? { ...options, targets: ["value"] } : options;
  const settings = settle(FORECASTER_OPTIONS, named);
  checkTogether(settings);
  return settings;
}

/** Checks what must hold between the options; throws `bad-argument`. */
export function checkTogether({ targets, inputs, min, max, integer }: ForecasterSpecification): void {
  const columns = [...targets, ...inputs];
  if (targets.length === 0 || columns.length > MAX_COLUMNS) {
    throw new EddyError("bad-argument", "targets", {
      expected: `from 1 to ${MAX_COLUMNS} columns with the inputs`,
      received: targets.length === 0 ? "none" : String(columns.length),
    });
  }
  const twice = columns.find((column, c) => columns.indexOf(column) !== c);
  if (twice !== undefined) {
    throw new EddyError("bad-argument", "targets", {
      expected: "each column once, inputs included",
      received: `${printable(twice)} twice`,
    });
  }
  for (const column of columns) {
    const low = Object.hasOwn(min, column) ? min[column] : undefined;
    const high = Object.hasOwn(max, column) ? max[column] : undefined;
    if (low === undefined || high === undefined) continue;
    if (low < high && (!integer.includes(column) || Math.ceil(low) <= Math.floor(high))) continue;
    throw new EddyError("bad-argument", "min", {
      expected: `less than max of ${printable(column)}, ${high}`,
      received: String(low),
    });
  }
}
