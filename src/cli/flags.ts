import { EddyError, printable } from "../models/errors.ts";
import { EVERY, quantileLevels } from "../models/forecaster/specification.ts";
import { readTime } from "../streams/observation-schema.ts";
import type { Flag } from "./command.ts";

const refuse = (name: string, expected: string, text: string): never => {
  throw new EddyError("bad-argument", name, { expected, received: printable(text) });
};

interface Description<T> {
  readonly summary: string;
  readonly hint?: string;
  readonly fallback?: T;
}

type Maybe<T, D> = D extends { fallback: T } ? T : T | undefined;

/** A flag that is there or not. */
export const toggle = (summary: string): Flag<boolean> => ({
  summary,
  fallback: false,
  parse: () => true,
});

/** Any text but the empty one. */
export const text = <const D extends Description<string>>(d: D): Flag<Maybe<string, D>> => ({
  summary: d.summary,
  hint: d.hint ?? "TEXT",
  fallback: d.fallback as Maybe<string, D>,
  parse: (value, name) => (value === "" ? refuse(name, "some text", value) : value) as Maybe<string, D>,
});

/** A whole number from `low` to `high`. */
export const whole = <const D extends Description<number> & { low: number; high?: number }>(
  d: D,
): Flag<Maybe<number, D>> => ({
  summary: d.summary,
  hint: d.hint ?? "N",
  fallback: d.fallback as Maybe<number, D>,
  parse: (value, name) => {
    const high = d.high ?? Number.MAX_SAFE_INTEGER;
    const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
    const range = d.high === undefined ? `${d.low} or more` : `from ${d.low} to ${d.high}`;
    return (
      number >= d.low && number <= high ? number : refuse(name, `a whole number ${range}`, value)
    ) as Maybe<number, D>;
  },
});

/** A number for which `holds`. */
export const number = <
  const D extends Description<number> & { expected: string; holds: (value: number) => boolean },
>(
  d: D,
): Flag<Maybe<number, D>> => ({
  summary: d.summary,
  hint: d.hint ?? "X",
  fallback: d.fallback as Maybe<number, D>,
  parse: (value, name) => {
    const read = value.trim() === "" ? Number.NaN : Number(value);
    return (Number.isFinite(read) && d.holds(read) ? read : refuse(name, d.expected, value)) as Maybe<
      number,
      D
    >;
  },
});

/** One of a few words. */
export const choice = <const O extends readonly string[]>(
  options: O,
  summary: string,
  fallback: O[number],
): Flag<O[number]> => ({
  summary,
  hint: options.join("|"),
  fallback,
  parse: (value, name) =>
    options.includes(value) ? (value as O[number]) : refuse(name, `one of ${options.join(", ")}`, value),
});

/** One character, or the word for one that is hard to type. */
export const character = (summary: string): Flag<string | undefined> => ({
  summary,
  hint: "CHAR",
  fallback: undefined,
  parse: (value, name) => {
    const char = { tab: "\t", "\\t": "\t", comma: ",", semicolon: ";", bar: "|" }[value] ?? value;
    return char.length === 1 && char !== '"' && char !== "\n"
      ? char
      : refuse(name, "one character, or the word tab", value);
  },
});

/** A list with commas; given again, it goes on. */
export const list = (
  summary: string,
  hint = "NAME,...",
  split: (value: string) => readonly string[] = (value) => value.split(","),
): Flag<readonly string[]> => ({
  summary,
  hint,
  fallback: [],
  repeats: true,
  parse: (value, name, before) => {
    const items = split(value).map((item) => item.trim());
    return items.includes("") ? refuse(name, "names with commas between", value) : [...before, ...items];
  },
});

/** A list of columns with commas; `all`, or no value, is every column that is forecast. */
export const columns = (summary: string): Flag<readonly string[]> => ({
  ...list(summary, "COL,..."),
  alone: "all",
  parse: (value, name, before) => [
    ...before,
    ...list(summary)
      .parse(value, name, [])
      .map((column) => (column === "all" ? EVERY : column)),
  ],
});

/** A number for every column that is forecast, or `COL=N,...` for some; given again, it goes on. */
export const limits = (summary: string): Flag<Readonly<Record<string, number>> | undefined> => ({
  summary,
  hint: "N|COL=N,...",
  fallback: undefined,
  repeats: true,
  parse: (value, name, before = {}) => {
    const read = new Map(Object.entries(before));
    for (const item of value.split(",")) {
      const equals = item.lastIndexOf("=");
      const column = equals < 0 ? EVERY : item.slice(0, equals).trim();
      const text = item.slice(equals + 1).trim();
      const limit = text === "" ? Number.NaN : Number(text);
      if (column === "" || !Number.isFinite(limit)) {
        return refuse(name, "a number, or COLUMN=NUMBER with commas between", value);
      }
      if (read.has(column)) return refuse(name, "each column once", value);
      read.set(column, limit);
    }
    return Object.fromEntries(read);
  },
});

/** A list of whole numbers with commas. */
export const wholes = (summary: string, low: number, high: number): Flag<readonly number[]> => ({
  summary,
  hint: "N,...",
  fallback: [],
  parse: (value, name) => {
    const items = value.split(",").map((item) => (/^\d+$/.test(item.trim()) ? Number(item) : Number.NaN));
    return items.every((item) => item >= low && item <= high)
      ? items
      : refuse(name, `whole numbers from ${low} to ${high} with commas between`, value);
  },
});

/** Levels of quantiles with commas. */
export const levels = (summary: string): Flag<readonly number[]> => ({
  summary,
  hint: "P,...",
  fallback: [],
  parse: (value, name) => {
    const items = value.split(",").map((item) => (item.trim() === "" ? Number.NaN : Number(item)));
    return items.some(Number.isNaN)
      ? refuse(name, "numbers between 0 and 1 with commas between", value)
      : quantileLevels(items, name);
  },
});

/** A moment: ISO 8601 or epoch milliseconds. */
export const moment = (summary: string): Flag<number | undefined> => ({
  summary,
  hint: "TIME",
  fallback: undefined,
  parse: (value, name) => readTime(/^\d{9,}$/.test(value) ? Number(value) : value, name),
});

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 };

/** Reads a span of time such as `500ms`, `5s`, `15m`, `1h`, `1d`, `1w`; milliseconds, or null. */
export function readDuration(value: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(value);
  if (match === null) return null;
  const milliseconds = Number(match[1]) * UNITS[match[2]];
  return milliseconds >= 1 && milliseconds <= 1e12 ? milliseconds : null;
}

/** A span of time, in milliseconds. */
export const duration = <const D extends Description<number>>(d: D): Flag<Maybe<number, D>> => ({
  summary: d.summary,
  hint: d.hint ?? "SPAN",
  fallback: d.fallback as Maybe<number, D>,
  parse: (value, name) =>
    (readDuration(value) ?? refuse(name, "a span such as 500ms, 5s, 15m, 1h or 1d", value)) as Maybe<
      number,
      D
    >,
});
