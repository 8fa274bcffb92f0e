import { EddyError, printable } from "./errors.ts";

/**
 * A kind of value that comes from outside, by a flag, a configuration or a program: one check and one sentence for all of
 * them.
 */
export interface Kind<T> {
  /** What stands for a value in the help of a flag, such as `N`. Empty: a switch, which takes none. */
  readonly hint: string;
  /** What was expected, in words. */
  readonly expected: string;
  /** The same of a value typed as a flag, where that is written in another way. */
  readonly typed?: string;
  /** What a flag of this kind means without a value; absent where it needs one. */
  readonly alone?: string;
  /** What typed text means. Text that means nothing stays as it is, and `read` refuses it. */
  parse(text: string): unknown;
  /** The value, copied where it is a list; undefined for one of another kind. */
  read(value: unknown): T | undefined;
  /** A value as it is typed. */
  show?(value: T): string;
  /** Two values of a flag that was given twice as one, undefined where they contradict; absent where it may be given once. */
  join?(before: T, more: T): T | undefined;
}

/** A kind whose values speak of columns, and can be settled only once these are known. */
export interface ColumnKind<T, Settled> extends Kind<T> {
  /** The columns that a value names. */
  named(value: T): readonly string[];
  /** The value without what it says of columns that are not there. */
  only(value: T, targets: readonly string[], inputs: readonly string[]): T;
  /** What it comes to; throws `bad-argument` if it names a column that is not there. */
  settle(value: T, name: string, targets: readonly string[], inputs: readonly string[]): Settled;
}

/** In a limit by column or a list of columns: every target. */
const EVERY = "*";

/** The value, if it is of its kind; throws `bad-argument` naming `name`, what was expected and what came. */
export function take<T>(kind: Kind<T>, value: unknown, name: string): T {
  const read = kind.read(value);
  if (read !== undefined) return read;
  throw new EddyError("bad-argument", name, { expected: kind.expected, received: printable(value) });
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);
const parseNumber = (text: string): unknown =>
  text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
const parseWhole = (text: string): unknown => (/^[+-]?\d+$/.test(text) ? Number(text) : text);

/** Any text but the empty one. */
export const text = (expected = "some text", hint = "TEXT"): Kind<string> => ({
  hint,
  expected,
  parse: (typed) => typed,
  read: (value) =>
    typeof value === "string" && value.length >= 1 && value.length <= 4096 ? value : undefined,
});

/** True or false; as a flag, there or not. */
export const toggle: Kind<boolean> = {
  hint: "",
  expected: "true or false",
  parse: () => true,
  read: (value) => (typeof value === "boolean" ? value : undefined),
};

/** A whole number from `low` to `high`. */
export const whole = (low: number, high = Number.MAX_SAFE_INTEGER, hint = "N"): Kind<number> => ({
  hint,
  expected: `a whole number ${high === Number.MAX_SAFE_INTEGER ? `${low} or more` : `from ${low} to ${high}`}`,
  parse: parseWhole,
  read: (value) => (isWhole(value, low, high) ? value : undefined),
});

const isWhole = (value: unknown, low: number, high: number): value is number =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= high;

/** A number from `low` to `high`. */
export const number = (low: number, high: number, hint = "X"): Kind<number> => ({
  hint,
  expected: `a number from ${low} to ${high}`,
  parse: parseNumber,
  read: (value) => (isNumber(value) && value >= low && value <= high ? value : undefined),
});

const isShare = (value: unknown): value is number => isNumber(value) && value > 0 && value < 1;

/** A number between 0 and 1, both excluded. */
export const share: Kind<number> = {
  hint: "SHARE",
  expected: "a number between 0 and 1",
  parse: parseNumber,
  read: (value) => (isShare(value) ? value : undefined),
};

/** One of a few words. */
export const word = <const W extends readonly string[]>(words: W): Kind<W[number]> => ({
  hint: words.join("|"),
  expected: `one of ${words.join(", ")}`,
  parse: (typed) => typed,
  read: (value) => words.find((one) => one === value),
});

const UNITS = new Map([
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);
const LONGEST = 1e12;

/** Reads a span of time such as `500ms`, `5s`, `1.5h`, `1d` or `2w`; whole milliseconds, or undefined. */
export function readSpan(written: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)$/.exec(written) ?? [];
  // Some fractions are no binary ones: 1.1 s are 1100 ms.
  const milliseconds = Number((Number(count) * (UNITS.get(unit) ?? Number.NaN)).toFixed(3));
  return isWhole(milliseconds, 0, LONGEST) ? milliseconds : undefined;
}

/** A span of time, in milliseconds. */
export const span: Kind<number> = {
  hint: "SPAN",
  expected: 'whole milliseconds, or a span such as "500ms", "5s", "15m", "1h" or "1d"',
  typed: "a span such as 500ms, 5s, 15m, 1h or 1d",
  parse: (typed) => typed,
  read: (value) =>
    typeof value === "string" ? readSpan(value) : isWhole(value, 0, LONGEST) ? value : undefined,
  show: (value) => {
    const [unit, size] = [...UNITS].find(([, size]) => value >= size && value % size === 0) ?? ["", 1];
    return `${value / size}${unit}`;
  },
};

/** A list of at most `most` items; as a flag, with commas between. `split` cuts what was typed. */
function list<T>(
  items: string,
  most: number,
  hint: string,
  parse: (typed: string) => unknown,
  read: (item: unknown) => T | undefined,
): Kind<readonly T[]> {
  return {
    hint,
    expected: `a list of at most ${most} ${items}`,
    typed: `at most ${most} ${items} with commas between`,
    parse: (typed) => typed.split(",").map((item) => parse(item.trim())),
    read: (value) => {
      if (!Array.isArray(value) || value.length > most) return undefined;
      const taken = value.map(read);
      return taken.every((item) => item !== undefined) ? taken : undefined;
    },
    show: (value) => value.join(","),
  };
}

/** Whole numbers. */
export const wholes = (low: number, high: number, most: number): Kind<readonly number[]> =>
  list(`whole numbers from ${low} to ${high}`, most, "N,...", parseWhole, (item) =>
    isWhole(item, low, high) ? item : undefined,
  );

/** Numbers between 0 and 1, each once, in ascending order. */
export const shares = (most: number): Kind<readonly number[]> => {
  const any = list("different numbers between 0 and 1", most, "P,...", parseNumber, (item) =>
    isShare(item) ? item : undefined,
  );
  return {
    ...any,
    read: (value) => {
      const read = any.read(value);
      return new Set(read).size === read?.length ? [...read].sort((a, b) => a - b) : undefined;
    },
  };
};

/** Names, such as those of columns; as a flag they may be given in several goes. */
export const names = (most: number, hint = "COL,..."): Kind<readonly string[]> => ({
  ...list("names", most, hint, (item) => item, text().read),
  typed: "names with commas between",
  join: (before, more) => (before.length + more.length <= most ? [...before, ...more] : undefined),
});

/** A limit of every target, or by column; `*` stands for every target that is not named. */
export type LimitOption = number | Readonly<Record<string, number>>;

const byColumn = (limits: LimitOption): Readonly<Record<string, number>> =>
  typeof limits === "number" ? { [EVERY]: limits } : limits;

/** A number for every target, or one by column. */
export const limits = (most: number): ColumnKind<LimitOption, Readonly<Record<string, number>>> => ({
  hint: "N|COL=N,...",
  expected: 'a number, or { "column": number }',
  typed: "a number, or COLUMN=NUMBER with commas between, each column once",
  parse: (typed) => {
    const read = new Map<string, unknown>();
    for (const item of typed.split(",")) {
      const equals = item.lastIndexOf("=");
      const column = equals < 0 ? EVERY : item.slice(0, equals).trim();
      if (column === "" || read.has(column)) return typed;
      read.set(column, parseNumber(item.slice(equals + 1).trim()));
    }
    return Object.fromEntries(read);
  },
  read: (value) => {
    if (isNumber(value)) return value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value);
    return entries.length <= most + 1 && entries.every(([, limit]) => isNumber(limit))
      ? Object.fromEntries(entries)
      : undefined;
  },
  join: (before, more) => {
    const [first, second] = [byColumn(before), byColumn(more)];
    const twice = Object.keys(second).some((column) => Object.hasOwn(first, column));
    return twice ? undefined : Object.fromEntries([...Object.entries(first), ...Object.entries(second)]);
  },
  named: (value) => Object.keys(byColumn(value)).filter((column) => column !== EVERY),
  only: (value, targets, inputs) =>
    typeof value === "number"
      ? value
      : Object.fromEntries(
          Object.entries(value).filter(([column]) => [EVERY, ...targets, ...inputs].includes(column)),
        ),
  settle: (value, name, targets, inputs) => {
    const settled = new Map<string, number>();
    const entries = Object.entries(byColumn(value));
    for (const [column, limit] of entries) {
      if (column === EVERY) for (const target of targets) settled.set(target, limit);
    }
    for (const [column, limit] of entries) {
      if (column === EVERY && !targets.includes(EVERY)) continue;
      if (!targets.includes(column) && !inputs.includes(column)) {
        throw noSuchColumn(name, column, [...targets, ...inputs]);
      }
      settled.set(column, limit);
    }
    return Object.fromEntries(settled);
  },
});

/** Some targets, or all (true) or none of them. `*` in a list stands for all. */
export type TargetsOption = boolean | readonly string[];

/** Some of the targets. */
export const someTargets = (most: number): ColumnKind<TargetsOption, readonly string[]> => {
  const some = names(most + 1);
  const listed = (value: TargetsOption): readonly string[] =>
    typeof value === "boolean" ? (value ? [EVERY] : []) : value;
  return {
    hint: "COL,...",
    expected: "true, or a list of columns",
    typed: "names with commas between",
    alone: "all",
    parse: (typed) => typed.split(",").map((item) => (item.trim() === "all" ? EVERY : item.trim())),
    read: (value) => (typeof value === "boolean" ? value : some.read(value)),
    join: (before, more) => [...listed(before), ...listed(more)],
    named: (value) => listed(value).filter((column) => column !== EVERY),
    only: (value, targets) =>
      typeof value === "boolean"
        ? value
        : value.filter((column) => column === EVERY || targets.includes(column)),
    settle: (value, name, targets) => {
      const columns = listed(value);
      for (const column of columns) {
        if (column !== EVERY && !targets.includes(column)) throw noSuchColumn(name, column, targets);
      }
      return columns.includes(EVERY) ? [...targets] : targets.filter((target) => columns.includes(target));
    },
  };
};

/** What is told of a column that is not among those there are. */
export const noSuchColumn = (name: string, column: string, columns: readonly string[]): EddyError =>
  new EddyError("bad-argument", name, {
    expected: `one of the columns ${printable(columns.join(", "), 200)}`,
    received: printable(column),
  });
