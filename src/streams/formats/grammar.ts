import { EddyError } from "../../models/errors.ts";
import { VALUE } from "../../models/observation.ts";
import { fittedName } from "../checked-observation.ts";
import { type Cell, isMissing, numberForm, readNumber } from "./numbers.ts";
import { isMoment } from "./times.ts";

/** What a line says, taken apart by its grammar: named cells, not yet understood. */
export interface LineRecord {
  /** The same array for every line of one shape. */
  readonly names: readonly string[];
  readonly cells: readonly Cell[];
  /** The series, when the grammar has a place for it: a topic, a metric with its labels, the title of a block. */
  readonly series?: string;
  /** Parts of that name, which `--series` may choose from. */
  readonly labels?: ReadonlyMap<string, string>;
  /** The time, when the grammar has a place for it. */
  readonly time?: Cell;
  readonly id?: string;
  /** The record speaks of itself as an observation of Eddy's own form. */
  readonly observation?: object;
}

/** Why a line that should be data is none. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

/** Records of a line, a problem, or what the line is instead of data. */
export type Parsed = readonly LineRecord[] | Problem | "heading" | "comment" | "preamble" | "blank";

/** Reads the lines of one input into records, one after the other. It remembers earlier lines, such as a heading, and nothing else. */
export interface LineGrammar {
  parse(text: string): Parsed;
  /** All that shapes what later lines come to, where that is more than a heading: a log is counted over many lines. */
  save?(): Uint8Array;
  /** Goes on from `save`. @throws EddyError `bad-state` for anything else */
  restore?(bytes: Uint8Array): void;
  /** Whether the last line told its time, where lines that do not are counted by their arrival. */
  readonly timed?: boolean;
}

export const isProblem = (parsed: Parsed): parsed is Problem =>
  typeof parsed === "object" && "reason" in parsed;

/** Most columns of a table; a line with more is no table of readings. */
export const MAX_TABLE_COLUMNS = 4096;

/** Names for a table without a heading: `value`, or `column1`, `column2`, ... */
export const unnamed = (count: number): string[] =>
  count === 1 ? [VALUE] : Array.from({ length: count }, (_, i) => `column${i + 1}`);

/** Column names as they are used: printable, bounded, each one once (`x`, `x_2`). */
export function columnNames(cells: readonly string[]): string[] {
  if (cells.length > MAX_TABLE_COLUMNS) throw tooManyColumns();
  const seen = new Map<string, number>();
  return cells.map((cell, i) => {
    const name = fittedName(cell) || `column${i + 1}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}_${times}`;
  });
}

export const tooManyColumns = (): EddyError =>
  new EddyError("too-large", "heading", {
    expected: `at most ${MAX_TABLE_COLUMNS} columns`,
    received: "more",
  });

/** Whether these cells are names: none of them is a number or a moment, and one at least is a word. */
export const isHeading = (cells: readonly string[]): boolean =>
  !cells.some((cell) => !Number.isNaN(readNumber(cell)) || isQuantity(cell) || isMoment(cell)) &&
  !cells.every(isMissing);

/** `21,5`, `1,230.5`, `40%`, `10.5 °C`; not `5m`, which is a name as well. */
const isQuantity = (cell: string): boolean =>
  /^\s*[+\-−]?(?:\d+[.,]\d|[\d.,']+\s*(?:[%°]\S*)?\s*$)/.test(cell) && numberForm([cell]).numbers === 1;

/** Whether most of these words are names of that heading: the heading again, perhaps grown. */
export function repeatsHeading(cells: readonly string[], names: readonly string[]): boolean {
  if (!isHeading(cells)) return false;
  const known = new Set(names);
  const met = cells.filter((cell) => known.has(fittedName(cell))).length;
  return met > 0 && 2 * met >= Math.min(cells.length, names.length);
}

/** A line of marks between the rows of a drawn table: `+----+----+`, `|---|---:|`. */
export const isRule = (text: string): boolean => /^[\s|+=:-]+$/.test(text) && /[-=]{3}/.test(text);

/** What a comment begins with; `#N/A` is a missing cell. */
export const isComment = (text: string): boolean => {
  // Nearly every line is none, which its first character tells.
  const first = text.charCodeAt(0);
  if (first !== 35 && first !== 47 && first !== 37 && first !== 34 && first !== 32 && first !== 9)
    return false;
  return /^\s*(?:#(?!n\/a|value!|div\/0!)|\/\/|%%|"#)/i.test(text);
};
