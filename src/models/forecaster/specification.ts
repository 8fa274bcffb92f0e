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
}

export type ForecasterOptions = Partial<ForecasterSpecification>;

export const MAX_HORIZON = 512;
export const MAX_COLUMNS = 256;
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

/** Fills in defaults and checks every field; throws `bad-argument` naming the field, what was expected and what came. */
export function specification(options: ForecasterOptions): ForecasterSpecification {
  const spec: ForecasterSpecification = {
    targets: [...(options.targets ?? ["value"])],
    inputs: [...(options.inputs ?? [])],
    horizon: options.horizon ?? 12,
    coverage: options.coverage ?? 0.9,
    quantiles: quantileLevels(options.quantiles ?? []),
    model: options.model ?? "auto",
    periods: [...(options.periods ?? [])],
    seed: options.seed ?? 1,
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
  return spec;
}
