import { createHash } from "node:crypto";
import { EddyError, type ErrorCode, printable } from "../models/errors.ts";
import { MAX_TIME, type Observation, UNTIMED } from "../models/observation.ts";
import { A_NAME, A_NUMBER, A_TIME, MAX_COLUMNS, MAX_NAME } from "../protocol/observation.ts";

// Every limit of what an observation may be, and the words for it: whatever door it came by, the same is taken or refused with
// the same code.

export const SOME_COLUMNS = `from 1 to ${MAX_COLUMNS} columns`;

/** Puts what is wrong with an observation into words. A million wrong lines are counted without being worded. */
export type Flaw = () => EddyError;

const flaw =
  (code: ErrorCode, field: string, expected: string, received: unknown): Flaw =>
  () =>
    new EddyError(code, field, {
      expected,
      // JSON has no infinity, but a number such as 1e999 reads as one.
      received: typeof received === "number" ? String(received) : printable(received),
    });

export const badNumber = (column: string, received: unknown): Flaw =>
  flaw("bad-number", shownName(column), A_NUMBER, received);

export const badTime = (received: unknown, field = "time", expected = A_TIME): Flaw =>
  flaw("bad-time", field, expected, received);

// Control characters would forge log lines and terminals; a lone surrogate does not survive UTF-8.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;
/** Names found good: nearly every one comes again. */
const known = new Set<string>();
const MAX_KNOWN = 20_000;

/** Whether a series, a column or an observation may be called this. */
export function isName(name: unknown): name is string {
  if (typeof name !== "string") return false;
  if (known.has(name)) return true;
  if (name.length === 0 || name.length > MAX_NAME || UNPRINTABLE.test(name)) return false;
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(name);
  return true;
}

/** A name as a message may have it: one that is none is shortened, and shows what it is made of. */
export const shownName = (name: string): string => (isName(name) ? name : printable(name));

/** Throws `bad-observation` unless `name` can name a series. */
export function checkSeriesName(name: string, field = "series"): void {
  if (!isName(name)) throw flaw("bad-observation", field, A_NAME, name)();
}

/** Whether it is a moment, in epoch milliseconds. */
export const isTime = (time: unknown): time is number =>
  typeof time === "number" && Math.abs(time) <= MAX_TIME;

/** Characters of the sum that stands for the rest of a name that is too long. */
const SUM = 16;

/**
 * A name that is too long is cut, and ends with a sum of the whole: two different ones stay two. `room`: characters that are to be
 * left.
 */
export function cutName(name: string, room = 0): string {
  if (name.length <= MAX_NAME - room) return name;
  const sum = createHash("sha256").update(name).digest("hex").slice(0, SUM);
  // Not in the middle of a character of two halves.
  return `${name.slice(0, MAX_NAME - room - SUM - 1).replace(/[\ud800-\udbff]$/, "")}~${sum}`;
}

/**
 * What others call a column (a heading, a path in JSON, a field) as Eddy calls it: without control characters and blanks around it,
 * cut where it is too long. Empty when nothing is left of it.
 */
export function fittedName(text: string): string {
  const printable = UNPRINTABLE.test(text) ? text.replace(new RegExp(UNPRINTABLE, "gu"), "") : text;
  return cutName(printable.trim(), 8);
}

/** A number of a format that has a NaN: like the infinities, it is no reading. */
export const finiteOrMissing = (value: number): number | null => (Number.isFinite(value) ? value : null);

/**
 * What is wrong with an observation, if anything: the one check that all of them pass, whatever they came by. One that names no
 * time is for who stamps it. `most`: columns that a table may have, of which some are read.
 */
export function flawOf(
  { id, series, time, values }: Observation,
  most: number = MAX_COLUMNS,
): Flaw | undefined {
  if (!isName(series)) return flaw("bad-observation", "series", A_NAME, series);
  if (id !== undefined && !isName(id)) return flaw("bad-observation", "id", A_NAME, id);
  if (!isTime(time) && !Object.is(time, UNTIMED)) return badTime(time);
  if (typeof values !== "object" || values === null) {
    return flaw("bad-observation", "values", "an object of numbers by column", values);
  }
  const columns = Object.keys(values);
  if (columns.length === 0 || columns.length > most) {
    return flaw("bad-observation", "values", SOME_COLUMNS, columns.length);
  }
  for (const column of columns) {
    if (!isName(column)) return flaw("bad-observation", "column", A_NAME, column);
    const value = values[column];
    if (value !== null && !Number.isFinite(value)) return badNumber(column, value);
  }
  return undefined;
}

/**
 * The observation, if nothing is wrong with it.
 *
 * @throws EddyError `bad-observation`, `bad-number` or `bad-time`: one line naming the field, what was expected and what came
 */
export function checkedObservation(observation: Observation): Observation {
  const wrong = flawOf(observation);
  if (wrong !== undefined) throw wrong();
  return observation;
}
