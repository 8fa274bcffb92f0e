import { EddyError, printable } from "../../models/errors.ts";
import { readTime } from "../observation-schema.ts";
import { readNumber } from "./numbers.ts";

/** Reads the cells of one time column; throws EddyError `bad-time` naming the column. */
export type TimeReader = (cell: string) => number;

const TIME_NAME =
  /^(?:date|time|timestamp|time_stamp|datetime|date_time|month|day|hour|ts|ds|epoch|when|observed_at|created_at)$/i;
const YEAR_MONTH = /^(\d{4})[-/](\d{1,2})$/;
const SLASHED = /^(\d{4})\/(\d{1,2})\/(\d{1,2})(.*)$/;

/** Whether a column is called what columns of event times are called. */
export const isTimeName = (name: string): boolean => TIME_NAME.test(name.trim());

/** Whether a column of this name, with this first cell, holds the event time. */
export function looksLikeTime(name: string, cell: string): boolean {
  if (!isTimeName(name)) return false;
  const number = readNumber(cell);
  // A small number under `month` or `day` is a phase of the calendar, not a moment: 1e8 seconds is 1973.
  if (!Number.isNaN(number)) return number >= 1e8;
  return isMoment(cell);
}

/** Whether a text is a moment by itself. */
export function isMoment(cell: string): boolean {
  try {
    readMoment(cell, "time");
    return true;
  } catch {
    return false;
  }
}

/** Text to epoch milliseconds: ISO 8601, with a blank for the T, without a zone as UTC; also 1949-01 and 2016/7/1. */
function readMoment(cell: string, field: string): number {
  const text = cell.trim();
  const month = YEAR_MONTH.exec(text);
  if (month !== null && +month[2] >= 1 && +month[2] <= 12) return Date.UTC(+month[1], +month[2] - 1);
  const slashed = SLASHED.exec(text);
  if (slashed !== null) {
    const [, y, m, d, rest] = slashed;
    return readTime(`${y}-${m.padStart(2, "0")}-${d.padStart(2, "0")}${rest}`, field);
  }
  return readTime(text, field);
}

/** Milliseconds in the unit that epoch numbers of this size are counted in: seconds, milliseconds, micro- or nanoseconds. */
function unitOf(epoch: number): number {
  const size = Math.abs(epoch);
  if (size < 1e11) return 1000;
  if (size < 1e14) return 1;
  return size < 1e17 ? 1e-3 : 1e-6;
}

/** A reader of the time column `field`. The unit of epoch numbers is settled by the first one. */
export function timeReader(field: string): TimeReader {
  let unit = 0;
  return (cell) => {
    const number = readNumber(cell);
    if (Number.isNaN(number)) {
      try {
        return readMoment(cell, field);
      } catch {
        throw new EddyError("bad-time", field, {
          expected: "ISO 8601 or epoch seconds or milliseconds",
          received: printable(cell),
        });
      }
    }
    if (unit === 0) unit = unitOf(number);
    return readTime(Math.round(number * unit), field);
  };
}
