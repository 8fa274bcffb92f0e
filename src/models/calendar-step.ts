/** Mean length of a month, 365.2425 / 12 days: a step of so many whole ones, up to twelve, is counted by the calendar. */
export const MONTH = 2_629_746_000;
const MOST_MONTHS = 12;
/** Clocks that are put forward and back move a month by so much. */
const CLOCK_CHANGE = 2 * 3_600_000;
/** Fewest intervals that tell months from days. */
const LEAST_INTERVALS = 2;

/**
 * The time `count` steps after `time`: time + count step, or, where the step is one of months, the same day of the month so many
 * months on. What is on the last day of its month stays there; a day that a month does not have is its last. Parts of a
 * month are parts of the way to the next. After 31 January 2024 by one month comes 29 February.
 */
export function afterSteps(time: number, step: number, count: number): number {
  const months = step / MONTH;
  const plain = time + count * step;
  if (!Number.isInteger(months) || months < 1 || months > MOST_MONTHS) return plain;
  const whole = Math.floor(count);
  const from = addMonths(time, whole * months);
  const part = count - whole;
  const at = part > 0 ? from + part * (addMonths(time, (whole + 1) * months) - from) : from;
  // Beyond what a date can tell.
  return Number.isNaN(at) ? plain : at;
}

/** Months in the step of events of which the last was at `time`, after `intervals`, the newest first; 0 where it is not one of months. */
export function monthsPerStep(time: number, intervals: readonly number[]): number {
  if (intervals.length < LEAST_INTERVALS || !((intervals[0] ?? 0) >= MONTH / 2)) return 0;
  const months = intervals.map((interval) => Math.round(interval / MONTH));
  const least = Math.min(...months);
  if (least < 1 || least > MOST_MONTHS) return 0;
  let [then, back] = [time, 0];
  for (const [i, interval] of intervals.entries()) {
    then -= interval;
    back += months[i] ?? 0;
    if (back % least !== 0 || !(Math.abs(addMonths(time, -back) - then) <= CLOCK_CHANGE)) return 0;
  }
  return least;
}

function addMonths(time: number, months: number): number {
  const date = new Date(time);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const last = day === lastDay(year, month);
  const most = lastDay(year, month + months);
  date.setUTCFullYear(year, month + months, last ? most : Math.min(day, most));
  return date.getTime();
}

/** Days of a month, counted from 0 and on beyond a year. */
function lastDay(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month + 1, 0);
  return date.getUTCDate();
}
