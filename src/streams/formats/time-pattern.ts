import { EddyError, printable } from "../../models/errors.ts";
import { type Moment, monthOf } from "./moments.ts";
import { readOffset } from "./zones.ts";

/** Reads a text written as a pattern says; nothing when it is not. */
export type PatternReader = (text: string) => Moment | undefined;

/** What a part of a pattern stands for: the expression that it matches, and its name among the parts of a moment. */
type Part = readonly [expression: string, name: string];

const WORD: Part = ["[\\p{L}.]+", "word"];
const NAMED: Part = ["[\\p{L}.]+", "monthName"];
const HALF: Part = ["[AaPp]\\.?[Mm]\\.?", "half"];
const ZONE: Part = ["(?:[A-Za-z]{1,5}(?:[+-]\\d{1,2}(?::?\\d{2})?)?|[+-]\\d{2}:?(?:\\d{2})?)", "zone"];

/** As `DD/MM/YYYY HH:mm:ss`, the longest first. */
const LETTERS = {
  YYYY: ["\\d{4}", "year"],
  yyyy: ["\\d{4}", "year"],
  YY: ["\\d{2}", "year"],
  yy: ["\\d{2}", "year"],
  MMMM: NAMED,
  MMM: NAMED,
  MM: ["\\d{2}", "month"],
  M: ["\\d{1,2}", "month"],
  DD: ["\\d{2}", "day"],
  dd: ["\\d{2}", "day"],
  D: ["\\d{1,2}", "day"],
  d: ["\\d{1,2}", "day"],
  HH: ["\\d{1,2}", "hour"],
  H: ["\\d{1,2}", "hour"],
  hh: ["\\d{1,2}", "hour"],
  h: ["\\d{1,2}", "hour"],
  mm: ["\\d{2}", "minute"],
  m: ["\\d{1,2}", "minute"],
  ss: ["\\d{2}", "second"],
  s: ["\\d{1,2}", "second"],
  SSSSSSSSS: ["\\d{1,9}", "fraction"],
  SSSSSS: ["\\d{1,9}", "fraction"],
  SSS: ["\\d{1,9}", "fraction"],
  SS: ["\\d{1,9}", "fraction"],
  S: ["\\d{1,9}", "fraction"],
  A: HALF,
  a: HALF,
  ZZ: ZONE,
  Z: ZONE,
  z: ZONE,
  dddd: WORD,
  ddd: WORD,
} as const satisfies Readonly<Record<string, Part>>;
const PARTS = new Map<string, Part>(Object.entries(LETTERS));
/** As `%d/%m/%Y %H:%M:%S`. */
const PERCENT = new Map<string, Part>(
  Object.entries({
    Y: LETTERS.YYYY,
    y: LETTERS.YY,
    m: ["\\d{1,2}", "month"],
    d: ["\\d{1,2}", "day"],
    e: ["\\s?\\d{1,2}", "day"],
    H: LETTERS.HH,
    I: LETTERS.hh,
    M: ["\\d{1,2}", "minute"],
    S: ["\\d{1,2}", "second"],
    f: LETTERS.SSS,
    L: LETTERS.SSS,
    p: HALF,
    b: NAMED,
    B: NAMED,
    h: NAMED,
    a: WORD,
    A: WORD,
    z: ZONE,
    Z: ZONE,
  } satisfies Readonly<Record<string, Part>>),
);
const EXPANDED: ReadonlyMap<string, string> = new Map([
  ["T", "%H:%M:%S"],
  ["F", "%Y-%m-%d"],
  ["D", "%m/%d/%y"],
  ["R", "%H:%M"],
]);
const TOKEN = new RegExp(
  `\\[[^\\]]*\\]|'[^']*'|${[...PARTS.keys()].sort((a, b) => b.length - a.length).join("|")}|[^]`,
  "g",
);
const MAX_PATTERN = 100;

/**
 * A reader of times written like `DD/MM/YYYY HH:mm:ss` or `%d/%m/%Y %H:%M:%S`. Text in brackets or quotes stands for itself.
 *
 * @throws EddyError `bad-argument` naming `--time-format` when the pattern has no year, month or day that could be read
 */
export function timePattern(given: string): PatternReader {
  const wrong = (received: string) =>
    new EddyError("bad-argument", "--time-format", {
      expected:
        "a pattern such as DD/MM/YYYY HH:mm:ss or %d/%m/%Y %H:%M:%S, or unix, unix_ms, unix_us, unix_ns, iso",
      received,
    });
  if (given.length > MAX_PATTERN) throw wrong(printable(given));
  const names: string[] = [];
  const add = ([expression, name]: Part): string => {
    names.push(name);
    return `(${expression})`;
  };
  const literal = (text: string): string =>
    /^\s+$/.test(text) ? "\\s+" : text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  let source = "";
  if (given.includes("%")) {
    const pattern = given.replace(/%([TFDR])/g, (token, letter: string) => EXPANDED.get(letter) ?? token);
    for (const [token, letter] of pattern.matchAll(/%[-_0]?(.)|\s+|[^%\s]/gu)) {
      if (letter === undefined) source += literal(token);
      else if (letter === "%") source += "%";
      else {
        const part = PERCENT.get(letter);
        if (part === undefined) throw wrong(printable(given));
        source += add(part);
      }
    }
  } else {
    for (const [token] of given.matchAll(TOKEN)) {
      const part = PARTS.get(token);
      if (part !== undefined) source += add(part);
      else if (token.length > 1) source += literal(token.slice(1, -1));
      // The T between date and time, and marks; any other letter is a mistake.
      else if (/[a-z]/i.test(token) && token !== "T") throw wrong(printable(given));
      else source += literal(token);
    }
  }
  const has = (name: string) => names.includes(name);
  const dated = has("year") || ((has("month") || has("monthName")) && has("day"));
  if (new Set(names).size !== names.length || (!dated && !has("hour"))) throw wrong(printable(given));
  const pattern = new RegExp(`^${source}$`, "u");
  return (text) => {
    const match = text.length > MAX_PATTERN ? null : pattern.exec(text.trim());
    if (match === null) return undefined;
    const part = (name: string): string | undefined => match[names.indexOf(name) + 1];
    const get = (name: string, fallback: number): number => (has(name) ? Number(part(name)) : fallback);
    const month = has("monthName") ? monthOf(part("monthName") ?? "") : get("month", 1);
    const yearText = has("year") ? (part("year") ?? "") : "1972";
    const year = yearText.length === 2 ? (+yearText < 70 ? 2000 : 1900) + +yearText : +yearText;
    let hour = get("hour", 0);
    if (has("half")) {
      if (hour < 1 || hour > 12) return undefined;
      hour = (hour % 12) + (/^p/i.test(part("half") ?? "") ? 12 : 0);
    }
    const day = get("day", 1);
    const [minute, second] = [get("minute", 0), get("second", 0)];
    if (month === undefined || month < 1 || month > 12 || hour > 24 || minute > 59 || second > 60)
      return undefined;
    const date = Date.UTC(year, month - 1, day);
    if (new Date(date).getUTCDate() !== day) return undefined;
    const zone = has("zone") ? readOffset(part("zone") ?? "") : undefined;
    if (has("zone") && zone === undefined) return undefined;
    const fraction = has("fraction") ? Math.floor(Number(`0.${part("fraction")}`) * 1000) : 0;
    const ms = (hour * 3600 + minute * 60 + second) * 1000 + fraction;
    const lacks = has("year") ? "nothing" : dated ? "year" : "date";
    return { local: lacks === "date" ? ms : date + ms, zone, lacks };
  };
}
