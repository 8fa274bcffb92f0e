import { itemAt } from "../../models/item-at.ts";
import { type OffsetOf, readOffset } from "./zones.ts";

/** Which of the first two numbers of `02/01/2024` is the day. */
export type DayOrder = "day-first" | "month-first";

/** A moment as it was written, taken apart. */
export interface Moment {
  /** Milliseconds of the date and time as they were written, as if in UTC. */
  readonly local: number;
  /** Minutes ahead of UTC; nothing when it was not said. */
  readonly zone: number | undefined;
  readonly lacks: "nothing" | "year" | "date" | "clock";
}

const MONTHS: ReadonlyMap<string, number> = new Map(
  (
    "jan 1 ene 1 janv 1 gen 1 feb 2 févr 2 fév 2 fev 2 mar 3 mär 3 mrz 3 mars 3 mrt 3 apr 4 avr 4 abr 4 may 5 mai 5 mei 5 mag 5 jun 6 juin 6 giu 6 " +
    "jul 7 juil 7 lug 7 aug 8 août 8 aout 8 ago 8 sep 9 sept 9 set 9 oct 10 okt 10 ott 10 out 10 nov 11 dec 12 dez 12 déc 12 dic 12 january 1 " +
    "february 2 march 3 april 4 june 6 july 7 august 8 september 9 october 10 november 11 december 12 januar 1 februar 2 märz 3 juni 6 juli 7 oktober 10 " +
    "dezember 12 janvier 1 février 2 avril 4 juillet 7 septembre 9 octobre 10 novembre 11 décembre 12 enero 1 febrero 2 marzo 3 abril 4 mayo 5 junio 6 " +
    "julio 7 agosto 8 septiembre 9 octubre 10 noviembre 11 diciembre 12"
  )
    .split(" ")
    .reduce<[string, number][]>((pairs, word, i, words) => {
      if (i % 2 === 0) pairs.push([word, Number(words[i + 1])]);
      return pairs;
    }, []),
);
/** The number of a month by its name, or nothing. */
export const monthOf = (name: string): number | undefined =>
  MONTHS.get(name.toLowerCase().replace(/\.$/, ""));

/** What most moments look like; the rest is for those that do not. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z)?$/;
const YEAR_FIRST = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:(?:[T_,:]\s?|\s+)(.+))?$/i;
const YEAR_LAST = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?:(?:[T_,:]\s?|\s+)(.+))?$/i;
const CLOCK =
  /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,:](\d{1,9})\d*)?)?)?(?:\s?([ap])\.?m\.?)?(?:\s*([A-Za-z][A-Za-z]*[+-]?[\d:]*|[+-]\d{1,2}:?(?:\d{2})?))?(?:\s*\[[\w/+-]+\])?$/i;
const DOTTED_CLOCK = /^(\d{1,2})\.(\d{2})(?:\.(\d{2}))?$/;
const BASIC =
  /^((?:19|20)\d{2})(\d{2})(\d{2})(?:[T_ -]?(\d{2})(\d{2})?(\d{2})?(?:[.,](\d{1,9}))?\s*(Z|[+-]\d{2}:?(?:\d{2})?)?)?$/i;
const DAY_MONTH_NAME =
  /^(\d{1,2})(?:st|nd|rd|th|\.)?[\s/-]+([\p{L}]{3,10}\.?)(?:[\s/,-]+(\d{4}|\d{2}))?(?:[\s:,T]+(.+))?$/iu;
const MONTH_NAME_DAY =
  /^([\p{L}]{3,10}\.?)[\s-]+(\d{1,2})(?:st|nd|rd|th)?,?(?:[\s-]+(\d{4})(?!:))?(?:,?\s+(.+?))??(?:\s+(\d{4}))?$/iu;
const MONTH_NAME_YEAR = /^([\p{L}]{3,10}\.?)[\s/,-]+(\d{4})$/iu;
const YEAR_MONTH = /^(\d{4})[-/](\d{1,2})$/;
const QUARTER = /^(\d{4})[-\s]?Q([1-4])$/i;
const WEEK = /^(\d{4})-?W(\d{2})(?:-?([1-7]))?$/i;
const WEEKDAY = /^(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)[a-z]*[.,]?\s+/i;
/** Longest text that is tried as a moment. */
const MAX_MOMENT = 64;
const DAY = 86_400_000;

interface Clock {
  readonly ms: number;
  readonly zone: number | undefined;
}

function readClock(text: string): Clock | undefined {
  const match = CLOCK.exec(text);
  if (match === null) {
    const dotted = DOTTED_CLOCK.exec(text);
    if (dotted === null) return undefined;
    const [hour, minute, second] = [Number(dotted[1]), Number(dotted[2]), Number(dotted[3] ?? 0)];
    if (hour > 23 || minute > 59 || second > 59) return undefined;
    return { ms: (hour * 3600 + minute * 60 + second) * 1000, zone: undefined };
  }
  const [, h, m, s = "0", fraction = "0", half, zone] = match;
  // A lone number is an hour only when something says so.
  if (m === undefined && half === undefined) return undefined;
  let hour = Number(h);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (half.toLowerCase() === "p" ? 12 : 0);
  }
  const minute = +(m ?? 0);
  if (hour > 24 || (hour === 24 && (minute > 0 || +s > 0)) || minute > 59 || +s > 60) return undefined;
  const offset = zone === undefined ? undefined : readOffset(zone);
  if (zone !== undefined && offset === undefined) return undefined;
  const ms = (hour * 3600 + minute * 60 + +s) * 1000 + Math.floor(Number(`0.${fraction}`) * 1000);
  return { ms, zone: offset };
}

/** Midnight of a day that exists. */
function midnight(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const ms = Date.UTC(year, month - 1, day);
  return new Date(ms).getUTCDate() === day ? ms : undefined;
}

/** Two digits are a year of 1970 to 2069. */
const fullYear = (text: string): number =>
  text.length === 4 ? +text : +text < 70 ? 2000 + +text : 1900 + +text;

function at(
  date: number | undefined,
  rest: string | undefined,
  lacks: Moment["lacks"] = "nothing",
): Moment | undefined {
  if (date === undefined) return undefined;
  if (rest === undefined || rest === "")
    return { local: date, zone: undefined, lacks: lacks === "nothing" ? "clock" : lacks };
  const clock = readClock(rest.trim());
  return clock === undefined ? undefined : { local: date + clock.ms, zone: clock.zone, lacks };
}

/**
 * Takes a text apart that stands for a moment: ISO 8601 in its long and basic form, dates with the day or the month first, names
 * of months, AM and PM, zones by offset or name, a year and a month or quarter or week, a clock without a date. A plain number
 * of 8, 10, 12 or 14 digits is a basic date when it can be one. `order` decides between day and month where the text leaves both open.
 */
export function parseMoment(cell: string, order: DayOrder | undefined): Moment | undefined {
  if (cell.length > MAX_MOMENT) return undefined;
  const iso = ISO.exec(cell);
  if (iso !== null) {
    const date = midnight(Number(iso[1]), Number(iso[2]), Number(iso[3]));
    const [hour, minute, second] = [Number(iso[4]), Number(iso[5]), Number(iso[6])];
    if (date === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
    const fraction = iso[7] === undefined ? 0 : Math.floor(Number(`0.${iso[7]}`) * 1000);
    const ms = (hour * 3600 + minute * 60 + second) * 1000 + fraction;
    return { local: date + ms, zone: iso[8] === undefined ? undefined : 0, lacks: "nothing" };
  }
  let text = cell.trim();
  const ymd = YEAR_FIRST.exec(text);
  if (ymd !== null) return at(midnight(Number(ymd[1]), Number(ymd[3]), Number(ymd[4])), ymd[5]);
  const dmy = YEAR_LAST.exec(text);
  if (dmy !== null) {
    const [, , mark, , year, rest] = dmy;
    const [a, b] = [Number(dmy[1]), Number(dmy[3])];
    const first =
      order ??
      (a > 12 || mark === "." ? "day-first" : b > 12 ? "month-first" : a === b ? "day-first" : undefined);
    if (first === undefined || year === undefined) return undefined;
    const [day, month] = first === "day-first" ? [a, b] : [b, a];
    return at(midnight(fullYear(year), month, day), rest);
  }
  if (/^\d/.test(text)) {
    const basic = BASIC.exec(text);
    if (basic !== null) {
      const [, y, m, d, h, mi = "00", s = "00", fraction = "0", zone] = basic;
      const date = midnight(Number(y), Number(m), Number(d));
      if (date === undefined) return undefined;
      if (h === undefined) return { local: date, zone: undefined, lacks: "clock" };
      if (+h > 23 || +mi > 59 || +s > 59) return undefined;
      const ms =
        (Number(h) * 3600 + Number(mi) * 60 + Number(s)) * 1000 + Math.floor(Number(`0.${fraction}`) * 1000);
      return { local: date + ms, zone: zone === undefined ? undefined : readOffset(zone), lacks: "nothing" };
    }
    const month = YEAR_MONTH.exec(text);
    if (month !== null) return at(midnight(Number(month[1]), Number(month[2]), 1), undefined);
    const quarter = QUARTER.exec(text);
    if (quarter !== null) return at(midnight(Number(quarter[1]), Number(quarter[2]) * 3 - 2, 1), undefined);
    const week = WEEK.exec(text);
    if (week !== null) {
      if (Number(week[2]) < 1 || Number(week[2]) > 53) return undefined;
      const fourth = Date.UTC(Number(week[1]), 0, 4);
      const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY;
      return {
        local: monday + ((Number(week[2]) - 1) * 7 + +(week[3] ?? 1) - 1) * DAY,
        zone: undefined,
        lacks: "clock",
      };
    }
    const clock = text.includes(":") || /[ap]\.?m/i.test(text) ? readClock(text) : undefined;
    if (clock !== undefined) return { local: clock.ms, zone: clock.zone, lacks: "date" };
  }
  text = text.replace(WEEKDAY, "");
  const named = DAY_MONTH_NAME.exec(text);
  if (named !== null) {
    const month = monthOf(itemAt(named, 2));
    if (month !== undefined) {
      return named[3] === undefined
        ? at(midnight(1972, month, Number(named[1])), named[4], "year")
        : at(midnight(fullYear(named[3]), month, Number(named[1])), named[4]);
    }
  }
  const american = MONTH_NAME_DAY.exec(text);
  if (american !== null) {
    const month = monthOf(itemAt(american, 1));
    const year = american[3] ?? american[5];
    if (month === undefined) return undefined;
    return year === undefined
      ? at(midnight(1972, month, Number(american[2])), american[4], "year")
      : at(midnight(Number(year), month, Number(american[2])), american[4]);
  }
  const monthYear = MONTH_NAME_YEAR.exec(text);
  const month = monthYear === null ? undefined : monthOf(itemAt(monthYear, 1));
  return monthYear !== null && month !== undefined
    ? at(midnight(Number(monthYear[2]), month, 1), undefined)
    : undefined;
}

/** The two first numbers of a date whose year comes last, and the mark between; nothing when the text is no such date. */
export function dayAndMonth(cell: string): { a: number; b: number; mark: string } | undefined {
  if (cell.length > MAX_MOMENT) return undefined;
  const match = YEAR_LAST.exec(cell.trim());
  return match === null ? undefined : { a: Number(match[1]), b: Number(match[3]), mark: itemAt(match, 2) };
}

/** Epoch milliseconds of a moment. */
export const toUtc = ({ local, zone }: Moment, offset: OffsetOf): number =>
  local - (zone ?? offset(local)) * 60_000;

/** A moment whichever of day and month comes first. */
export const parseEither = (text: string): Moment | undefined =>
  parseMoment(text, "day-first") ?? parseMoment(text, "month-first");
