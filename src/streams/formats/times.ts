import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { isTime } from "../checked-observation.ts";
import { type DayOrder, dayAndMonth, type Moment, parseEither, parseMoment, toUtc } from "./moments.ts";
import { type Cell, isMissing, readNumber } from "./numbers.ts";
import { type PatternReader, timePattern } from "./time-pattern.ts";
import { type OffsetOf, readOffset, zoneOffset } from "./zones.ts";

const DAY = 86_400_000;
/** Smaller numbers of seconds are not of our days but of a clock that began at 0: 1e8 s is 1973. */
const FIRST_EPOCH = 1e8;

const MOMENT_WORDS =
  "date|time|ts|ds|epoch|when|utc|zeit|zeitpunkt|datum|uhrzeit|fecha|hora|heure|horodatage|tijd|tijdstip|datetime|timestamp|zeitstempel";
const KINDS =
  "local|utc|gmt|event|sample|sampling|measurement|meas|record|recorded|recording|observation|obs|observed|log|logged|start|begin|reading|received|server|device|gps|system|sys|unix|iso|created|posted";
const TIME_NAME = new RegExp(
  `^(?:(?:${KINDS})_?)?(?:${MOMENT_WORDS}|date_?time|time_?stamp|date_heure|fecha_hora|data_ora|datum_(?:uhr)?zeit)(?:_?(?:utc|gmt|local|cet|cest|iso|unix|epoch|ms|us|ns|s|sec|seconds|of_day|at|index))*$` +
    "|^(?:unix|unixtime|(?:created|observed|recorded|measured|updated|received|sampled|logged|reported|inserted|published|taken)_(?:at|on)|last_(?:changed|updated|seen|reported)|clock)$",
);
/** Names of a part of the calendar: times only when their cells are dates. */
const CALENDAR_NAME =
  /^(?:year|month|day|hour|week|minute|quarter|jahr|monat|tag|stunde|woche|weekday|yyyymmdd|dateutc)$/;

/** A name without case, units and marks: `Date/Time (UTC)` is `date_time`. */
export const plainName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\([^)]*\)|\[[^\]]*\]/g, "")
    .replace(/[^\p{L}\d]+/gu, "_")
    .replace(/^_+|_+$/g, "");

/** Whether a column is called what columns of event times are called. */
export const isTimeName = (name: string): boolean => {
  const plain = plainName(name.slice(name.lastIndexOf(".") + 1));
  return TIME_NAME.test(plain) || CALENDAR_NAME.test(plain);
};

/** Whether a column of this name must be the time, so that it is a mistake when it cannot be read. */
export const isSurelyTime = (name: string): boolean =>
  !name.endsWith("+") && TIME_NAME.test(plainName(name.slice(name.lastIndexOf(".") + 1)));

/** Whether a text is a moment by itself, with a date. */
export const isMoment = (cell: string): boolean => {
  const moment = parseEither(cell);
  return moment !== undefined && moment.lacks !== "date";
};

/** What the caller knows of the times. */
export interface TimeOptions {
  /** How they are written: a pattern, `iso`, or `unix`, `unix_ms`, `unix_us`, `unix_ns`. */
  readonly format?: string;
  /** Zone of the times that name none; UTC when absent. */
  readonly zone?: string;
  /** The present, by which a year or a date that is not written is found. Epoch milliseconds. */
  readonly now: number;
}

const UNITS: Readonly<Record<string, number>> = {
  unix: 1000,
  unix_s: 1000,
  unix_ms: 1,
  unix_us: 1e-3,
  unix_ns: 1e-6,
};
const UNIT_WORDS: ReadonlyMap<number, string> = new Map([
  [1000, "epoch seconds"],
  [1, "epoch milliseconds"],
  [1e-3, "epoch microseconds"],
  [1e-6, "epoch nanoseconds"],
]);

/** Milliseconds in the unit that epoch numbers of this size are counted in: seconds, milliseconds, micro- or nanoseconds. */
function unitOf(epoch: number): number {
  const size = Math.abs(epoch);
  if (size < 1e11) return 1000;
  if (size < 1e14) return 1;
  return size < 1e17 ? 1e-3 : 1e-6;
}

/** How the cells of a column tell the time. */
export type TimeForm =
  | { readonly kind: "epoch"; readonly unit: number; readonly boot: boolean }
  | {
      readonly kind: "written";
      readonly order: DayOrder | undefined;
      readonly lacks: Moment["lacks"];
      readonly example: string;
    }
  | { readonly kind: "counted" }
  | { readonly kind: "year" }
  | { readonly kind: "spreadsheet" }
  | { readonly kind: "pattern"; readonly pattern: string };

/** A column of times as its cells tell it. */
export interface TimeSurvey {
  readonly form: TimeForm | undefined;
  /** Share of the cells that are there and can be read in this form. */
  readonly readable: number;
  /** The first cell that cannot. */
  readonly unreadable: string | undefined;
  /** A date that could have the day or the month first, when no cell tells which. */
  readonly ambiguous: string | undefined;
}

const NONE: TimeSurvey = { form: undefined, readable: 0, unreadable: undefined, ambiguous: undefined };

/** Looks at the cells of one column as times. `name` helps with numbers that are dates only under the name of one. */
export function surveyTimes(name: string, cells: readonly Cell[]): TimeSurvey {
  const texts: string[] = [];
  const numbers: number[] = [];
  const plain = plainName(name.slice(name.lastIndexOf(".") + 1));
  for (const cell of cells) {
    if (cell === null || typeof cell === "boolean") continue;
    const text = String(cell).trim();
    if (isMissing(text)) continue;
    const number = readNumber(text);
    if (Number.isNaN(number)) texts.push(text);
    else numbers.push(number);
  }
  const present = texts.length + numbers.length;
  if (present === 0) return NONE;
  if (numbers.length > texts.length) return surveyNumbers(plain, numbers, present, texts[0]);
  const order = dayOrder(texts);
  let read = 0;
  let unreadable: string | undefined;
  let ambiguous: string | undefined;
  let lacks: Moment["lacks"] = "date";
  let example = "";
  const rank = ["date", "year", "clock", "nothing"];
  for (const text of texts) {
    const moment = parseMoment(text, order ?? "day-first");
    if (moment === undefined) {
      unreadable ??= text;
      continue;
    }
    if (order === undefined && parseMoment(text, undefined) === undefined) ambiguous ??= text;
    read++;
    example ||= text;
    if (rank.indexOf(moment.lacks) > rank.indexOf(lacks)) lacks = moment.lacks;
  }
  if (read === 0) return { ...NONE, unreadable };
  return {
    form: { kind: "written", order, lacks, example },
    readable: read / present,
    unreadable,
    ambiguous,
  };
}

function surveyNumbers(
  plain: string,
  numbers: readonly number[],
  present: number,
  text: string | undefined,
): TimeSurvey {
  const all = (holds: (n: number) => boolean) => numbers.every(holds);
  const found = (form: TimeForm): TimeSurvey => ({
    form,
    readable: numbers.length / present,
    unreadable: text,
    ambiguous: undefined,
  });
  const basic = (n: number) =>
    Number.isInteger(n) && n >= 19_000_101 && parseMoment(String(n), undefined) !== undefined;
  if (all(basic)) {
    const moment = parseMoment(String(numbers[0]), undefined);
    return found({
      kind: "written",
      order: undefined,
      lacks: moment?.lacks ?? "clock",
      example: String(numbers[0]),
    });
  }
  const largest = Math.max(...numbers.map(Math.abs));
  if (largest >= FIRST_EPOCH) {
    const small = numbers.filter((n) => Math.abs(n) < FIRST_EPOCH).length;
    return found({ kind: "epoch", unit: unitOf(largest), boot: small > 0 });
  }
  const dateName = /^(?:.*_)?(?:date|datum|fecha|ds|year|jahr)$/.test(plain);
  if (dateName && all((n) => Number.isInteger(n) && n >= 1500 && n <= 2200)) return found({ kind: "year" });
  if (dateName && all((n) => n >= 20_000 && n <= 80_000)) return found({ kind: "spreadsheet" });
  return found({ kind: "counted" });
}

/** Whether the day or the month comes first, as far as the dates of a column tell. */
function dayOrder(texts: readonly string[]): DayOrder | undefined {
  let dotted = false;
  let found = false;
  for (const text of texts) {
    const pair = dayAndMonth(text);
    if (pair === undefined) continue;
    found = true;
    if (pair.a > 12 && pair.a <= 31) return "day-first";
    if (pair.b > 12 && pair.b <= 31) return "month-first";
    dotted ||= pair.mark === ".";
  }
  if (!found) return undefined;
  if (dotted) return "day-first";
  // Times that go on in small steps past midnight do so in one of the two orders only.
  const day = longestStep(texts, "day-first");
  const month = longestStep(texts, "month-first");
  if (day <= 3 && month > 12) return "day-first";
  if (month <= 3 && day > 12) return "month-first";
  return undefined;
}

/** The longest step of the times in multiples of the usual one; nothing to go by is 1. */
function longestStep(texts: readonly string[], order: DayOrder): number {
  const times = texts.flatMap((text) => parseMoment(text, order)?.local ?? []);
  const steps = times.slice(1).map((time, i) => Math.abs(time - itemAt(times, i)));
  const taken = steps.filter((step) => step > 0).sort((a, b) => a - b);
  return taken.length < 3 ? 1 : itemAt(taken, taken.length - 1) / itemAt(taken, taken.length >> 1);
}

/** What a form is called in a sentence. */
export function timeWords(form: TimeForm): string {
  switch (form.kind) {
    case "epoch":
      return UNIT_WORDS.get(form.unit) ?? "epoch";
    case "counted":
      return "seconds from 0";
    case "year":
      return "years";
    case "spreadsheet":
      return "days of a spreadsheet";
    case "pattern":
      return form.pattern;
    case "written": {
      const order =
        form.order === undefined ? "" : form.order === "day-first" ? ", day first" : ", month first";
      const lacks =
        form.lacks === "date" ? ", a clock without a date" : form.lacks === "year" ? ", without a year" : "";
      return `as ${printable(form.example, 40)}${order}${lacks}`;
    }
  }
}

/** Reads the cells of one time column; throws EddyError `bad-time` naming the column. */
export type TimeReader = (cell: string) => number;

/** A reader of the column `field`, whose cells have this form. */
export function timeReader(field: string, form: TimeForm | undefined, options: TimeOptions): TimeReader {
  const offset = offsetOf(field, options);
  const format = options.format ?? "iso";
  const wrong = (cell: string, expected: string, hint?: string) =>
    new EddyError("bad-time", field, {
      expected,
      received: printable(cell),
      ...(hint === undefined ? {} : { hint }),
    });
  const given = Object.hasOwn(UNITS, format) ? UNITS[format] : undefined;
  if (given !== undefined) {
    return (cell) => {
      const number = readNumber(cell);
      const time = Math.round(number * given);
      if (isTime(time)) return time;
      throw wrong(cell, UNIT_WORDS.get(given) ?? "epoch");
    };
  }
  const dated = new MissingDates(options.now);
  if (format !== "iso") {
    const read: PatternReader = timePattern(format);
    return (cell) => {
      const moment = read(cell);
      if (moment === undefined) throw wrong(cell, `a time written as ${format}`, "see --time-format");
      return toUtc(dated.fill(moment), offset);
    };
  }
  let unit = form?.kind === "epoch" ? form.unit : 0;
  const boot = form?.kind === "epoch" && form.boot;
  const order = form?.kind === "written" ? form.order : undefined;
  const expected =
    form?.kind === "written" && (form.order !== undefined || form.lacks === "date" || form.lacks === "year")
      ? `a time ${timeWords(form)}`
      : "ISO 8601 or epoch seconds or milliseconds";
  return (cell) => {
    const number = form?.kind === "written" ? Number.NaN : readNumber(cell);
    if (Number.isNaN(number)) {
      const moment = parseMoment(cell, order);
      if (moment === undefined) {
        if (order === undefined && parseMoment(cell, "day-first") !== undefined)
          throw ambiguousTime(field, cell);
        throw wrong(cell, expected);
      }
      return toUtc(
        moment.lacks === "nothing" || moment.lacks === "clock" ? moment : dated.fill(moment),
        offset,
      );
    }
    if (form?.kind === "year") return Date.UTC(number, 0);
    if (form?.kind === "spreadsheet") return Math.round((number - 25_569) * DAY);
    if (boot && Math.abs(number) < FIRST_EPOCH) {
      throw wrong(cell, "a time of day and year", "the clock was not set yet");
    }
    // A clock that began at 0 says its unit only once it has been set.
    if (unit === 0 || (unit === 1000 && Math.abs(number) >= 1e11)) unit = unitOf(number);
    const time = Math.round(number * unit);
    if (isTime(time)) return time;
    throw wrong(cell, expected);
  };
}

function offsetOf(field: string, options: TimeOptions): OffsetOf {
  if (options.zone !== undefined) {
    const offset = zoneOffset(options.zone);
    if (offset !== undefined) return offset;
    throw new EddyError("bad-argument", "--time-zone", {
      expected: "UTC, an offset such as +02:00, or a name such as Europe/Berlin",
      received: printable(options.zone),
    });
  }
  // A heading such as `Time (UTC+2)`.
  const named = /[([]([^)\]]+)[)\]]/.exec(field)?.[1];
  const minutes = named === undefined ? undefined : readOffset(named);
  return () => minutes ?? 0;
}

/** The refusal of a date that could have the day or the month first. */
export function ambiguousTime(field: string, cell: string): EddyError {
  const { a, b, mark } = dayAndMonth(cell) ?? { a: 1, b: 2, mark: "/" };
  const month = (n: number) =>
    new Date(Date.UTC(2000, n - 1)).toLocaleString("en-GB", { month: "long", timeZone: "UTC" });
  const rest = /^\S+\s+\S/.test(cell.trim()) ? (cell.split(":").length > 2 ? " HH:mm:ss" : " HH:mm") : "";
  const year = /^\d+\D\d+\D\d{4}/.test(cell.trim()) ? "YYYY" : "YY";
  return new EddyError("bad-time", field, {
    expected: "a date that tells its day from its month",
    received: printable(cell),
    hint: `${a} ${month(b)} or ${b} ${month(a)}? say --time-format 'DD${mark}MM${mark}${year}${rest}' or 'MM${mark}DD${mark}${year}${rest}'`,
  });
}

/** Finds the years and dates that are not written: those of the present at first, then going on as the times do. */
class MissingDates {
  readonly #now: number;
  /** Midnight of the day, and the clock last seen in it. */
  #base: number | undefined;
  #last = Number.NaN;
  #year: number | undefined;
  #lastOfYear = Number.NaN;

  constructor(now: number) {
    this.#now = Number.isFinite(now) ? now : 0;
  }

  fill({ local, zone, lacks }: Moment): Moment {
    if (lacks === "date") {
      this.#base ??= Math.floor(this.#now / DAY) * DAY;
      // Past midnight the clock falls by most of a day.
      if (local < this.#last - DAY / 2) this.#base += DAY;
      this.#last = local;
      return { local: this.#base + local, zone, lacks: "nothing" };
    }
    if (lacks !== "year") return { local, zone, lacks };
    const date = new Date(local);
    const inYear = (year: number) => Date.UTC(year, date.getUTCMonth(), date.getUTCDate()) + (local % DAY);
    if (this.#year === undefined) {
      const year = new Date(this.#now).getUTCFullYear();
      // What would lie in the future is of the year before.
      this.#year = this.#now < FIRST_EPOCH * 1000 ? 1972 : inYear(year) > this.#now + DAY ? year - 1 : year;
    } else if (local < this.#lastOfYear - 180 * DAY) this.#year++;
    this.#lastOfYear = local;
    return { local: inYear(this.#year), zone, lacks: "nothing" };
  }
}
