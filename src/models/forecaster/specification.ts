import { EddyError, printable } from "../errors.ts";

/**
 * All that decides how a forecaster behaves: with the same specification and the same events it makes the same
 * forecasts, bit for bit. It is plain data and is stored beside every checkpoint.
 */
export interface ForecasterSpecification {
  /** Columns being forecast. */
  readonly targets: readonly string[];
  /** Columns that are read and not forecast. */
  readonly inputs: readonly string[];
  /** Steps ahead, 1..H. */
  readonly horizon: number;
  /** Share of labels the intervals shall hold. */
  readonly coverage: number;
  /** Levels whose quantiles are forecast too, ascending, each once; empty: none. */
  readonly quantiles: readonly number[];
  /** `auto`, or one expert such as `persistence`, `lstm:hidden=64`, `esn:units=200`. */
  readonly model: string;
  /** Known season lengths in steps; empty: found online. */
  readonly periods: readonly number[];
  /** Seed of every random number of the forecaster. */
  readonly seed: number;
  /** Least value that a column can have; one not named has none. A reading below it is taken as missing. */
  readonly min: Readonly<Record<string, number>>;
  /** Greatest value that a column can have; one not named has none. A reading above it is taken as missing. */
  readonly max: Readonly<Record<string, number>>;
  /** Targets whose values are whole numbers: bounds and quantiles are, too. */
  readonly integer: readonly string[];
  /** Targets that only count up: models see increments, forecasts are totals. */
  readonly counter: readonly string[];
}

/** A limit of every target, or by column; `*` stands for every target that is not named. */
export type LimitOption = number | Readonly<Record<string, number>>;
/** Some targets, or all (true) or none of them. `*` in a list stands for all. */
export type TargetsOption = boolean | readonly string[];

export interface ForecasterOptions
  extends Partial<Omit<ForecasterSpecification, "min" | "max" | "integer" | "counter">> {
  readonly min?: LimitOption;
  readonly max?: LimitOption;
  readonly integer?: TargetsOption;
  readonly counter?: TargetsOption;
}

/** In a limit by column or a list of targets: every target. */
export const EVERY = "*";

export const MAX_HORIZON = 512;
const MAX_COLUMNS = 256;
export const MAX_QUANTILES = 32;

const whole = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;

/** Levels in ascending order; throws `bad-argument` naming `name` unless each is within 0 and 1 and there once. */
export function quantileLevels(levels: readonly number[], name = "quantiles"): number[] {
  const refuse = (expected: string, received: unknown): never => {
    throw new EddyError("bad-argument", name, { expected, received: printable(received) });
  };
  const ascending = [...levels].sort((a, b) => a - b);
  if (ascending.length > MAX_QUANTILES) refuse(`at most ${MAX_QUANTILES} levels`, ascending.length);
  for (const [k, level] of ascending.entries()) {
    if (!(level > 0 && level < 1)) refuse("levels between 0 and 1, both excluded", level);
    if (level === ascending[k - 1]) refuse("each level once", ascending.join(","));
  }
  return ascending;
}

/** A limit by column: the columns it names, and every target if `*` is among them. */
function limitsOf(option: LimitOption, name: string, targets: readonly string[], inputs: readonly string[]) {
  const given = typeof option === "number" ? { [EVERY]: option } : option;
  const limits = new Map<string, number>();
  if (Object.hasOwn(given, EVERY)) for (const target of targets) limits.set(target, given[EVERY]);
  for (const column of Object.keys(given)) {
    if (column === EVERY && !targets.includes(EVERY)) continue;
    if (!targets.includes(column) && !inputs.includes(column))
      throw unknown(name, column, [...targets, ...inputs]);
    limits.set(column, given[column]);
  }
  for (const limit of [...Object.values(given), ...limits.values()]) {
    if (Number.isFinite(limit)) continue;
    throw new EddyError("bad-argument", name, { expected: "a finite number", received: printable(limit) });
  }
  return Object.fromEntries(limits);
}

/** The targets that an option names. */
function targetsOf(option: TargetsOption, name: string, targets: readonly string[]): string[] {
  if (typeof option === "boolean") return option ? [...targets] : [];
  for (const column of option) {
    if (column !== EVERY && !targets.includes(column)) throw unknown(name, column, targets);
  }
  return option.includes(EVERY) ? [...targets] : targets.filter((target) => option.includes(target));
}

const unknown = (name: string, column: string, columns: readonly string[]): EddyError =>
  new EddyError("bad-argument", name, {
    expected: `one of the columns ${printable(columns.join(", "), 200)}`,
    received: printable(column),
  });

/** Every column that `min`, `max`, `integer` and `counter` name, by the name of the option. */
export function namedColumns(options: ForecasterOptions): (readonly [name: string, column: string])[] {
  const named: [string, string][] = [];
  for (const name of ["min", "max"] as const) {
    const option = options[name] ?? {};
    if (typeof option !== "number") for (const column of Object.keys(option)) named.push([name, column]);
  }
  for (const name of ["integer", "counter"] as const) {
    const option = options[name] ?? [];
    if (typeof option !== "boolean") for (const column of option) named.push([name, column]);
  }
  return named.filter(([, column]) => column !== EVERY);
}

/**
 * The options with columns to check them by, before any are known: where no targets are named, those that the other options
 * name stand in.
 */
export function withSomeTargets<O extends ForecasterOptions>(options: O): O {
  if (options.targets !== undefined) return options;
  const named = namedColumns(options).map(([, column]) => column);
  const targets = named.filter((column) => !options.inputs?.includes(column));
  return { ...options, targets: targets.length > 0 ? [...new Set(targets)] : ["value"] };
}

/** The options without what `min`, `max`, `integer` and `counter` say of columns that are none of `targets` and `inputs`. */
export function onlyKnown<O extends ForecasterOptions>(
  options: O,
  targets: readonly string[],
  inputs: readonly string[],
): O {
  const limits = (option: LimitOption | undefined): LimitOption =>
    typeof option === "object"
      ? Object.fromEntries(
          Object.entries(option).filter(([column]) => [EVERY, ...targets, ...inputs].includes(column)),
        )
      : (option ?? {});
  const some = (option: TargetsOption | undefined): TargetsOption =>
    typeof option === "object"
      ? option.filter((column) => [EVERY, ...targets].includes(column))
      : (option ?? []);
  return {
    ...options,
    min: limits(options.min),
    max: limits(options.max),
    integer: some(options.integer),
    counter: some(options.counter),
  };
}

/** Fills in defaults and checks every field; throws `bad-argument` naming the field, what was expected and what came. */
export function specification(options: ForecasterOptions): ForecasterSpecification {
  const targets = [...(options.targets ?? ["value"])];
  const inputs = [...(options.inputs ?? [])];
  const spec: ForecasterSpecification = {
    targets,
    inputs,
    horizon: options.horizon ?? 12,
    coverage: options.coverage ?? 0.9,
    quantiles: quantileLevels(options.quantiles ?? []),
    model: options.model ?? "auto",
    periods: [...(options.periods ?? [])],
    seed: options.seed ?? 1,
    min: limitsOf(options.min ?? {}, "min", targets, inputs),
    max: limitsOf(options.max ?? {}, "max", targets, inputs),
    integer: targetsOf(options.integer ?? [], "integer", targets),
    counter: targetsOf(options.counter ?? [], "counter", targets),
  };
  if (!whole(spec.horizon, 1, MAX_HORIZON)) {
    throw new EddyError("bad-argument", "horizon", {
      expected: `a whole number from 1 to ${MAX_HORIZON}`,
      received: printable(spec.horizon),
    });
  }
  if (!(spec.coverage > 0 && spec.coverage < 1)) {
    throw new EddyError("bad-argument", "coverage", {
      expected: "a number between 0 and 1",
      received: printable(spec.coverage),
    });
  }
  const columns = [...spec.targets, ...spec.inputs];
  if (spec.targets.length === 0 || columns.length > MAX_COLUMNS) {
    throw new EddyError("bad-argument", "targets", {
      expected: `from 1 to ${MAX_COLUMNS} columns`,
      received: String(columns.length),
    });
  }
  if (new Set(columns).size !== columns.length) {
    throw new EddyError("bad-argument", "targets", {
      expected: "each column once",
      received: printable(columns.join(",")),
    });
  }
  for (const period of spec.periods) {
    if (!whole(period, 2, 100_000)) {
      throw new EddyError("bad-argument", "period", {
        expected: "a whole number of steps from 2 to 100000",
        received: printable(period),
      });
    }
  }
  if (!Number.isSafeInteger(spec.seed)) {
    throw new EddyError("bad-argument", "seed", {
      expected: "a whole number",
      received: printable(spec.seed),
    });
  }
  for (const column of columns) {
    if (!Object.hasOwn(spec.min, column) || !Object.hasOwn(spec.max, column)) continue;
    const [low, high] = [spec.min[column], spec.max[column]];
    if (low < high && (!spec.integer.includes(column) || Math.ceil(low) <= Math.floor(high))) continue;
    throw new EddyError("bad-argument", "min", {
      expected: `less than max of ${printable(column)}, ${high}`,
      received: String(low),
    });
  }
  return spec;
}
