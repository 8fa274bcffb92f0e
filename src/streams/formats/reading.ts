import type { Observation } from "../../models/observation.ts";
import { flawOf } from "../checked-observation.ts";
import type { Line } from "./lines.ts";
import type { DecimalMark } from "./numbers.ts";

/** What one line, record or row of an input came to: an observation, or the reason why it is none. */
export type Reading = Taken | Refused;

export interface Taken {
  /** Line in the input, from 1. */
  readonly line: number;
  /** Row of data, from 0; heading lines do not count, refused ones do. */
  readonly row: number;
  readonly observation: Observation;
  /** Whether the input gave a time; when not, it is the arrival. */
  readonly timed: boolean;
  /** Cells that could not be read, each of which is missing in the observation; absent when there are none. */
  readonly lost?: readonly Loss[];
}

/** A cell that could not be read, in a row that was taken without it. */
export interface Loss {
  readonly reason: string;
  /** One line: column, what was expected, what came. */
  readonly message: string;
}

export interface Refused {
  readonly line: number;
  readonly row: number;
  /** A stable word to count by, such as `empty-line` or `bad-number`. */
  readonly reason: string;
  /** One line: field, what was expected, what came. */
  readonly message: string;
}

/** The reading, or why its observation cannot be one; `most`: columns that it may have. */
export function checkedReading(reading: Taken, most?: number): Reading {
  const flaw = flawOf(reading.observation, most);
  if (flaw === undefined) return reading;
  const { code: reason, message } = flaw();
  return { line: reading.line, row: reading.row, reason, message };
}

export const isRefused = (reading: Reading): reading is Refused => "reason" in reading;

/** How to read an input that does not say everything about itself. */
export interface FormatOptions {
  /** Column with the event time; found by its name and its cells when absent. */
  readonly time?: string;
  /** How times are written, such as `DD/MM/YYYY HH:mm`, `%d/%m/%Y %H:%M` or `unix_ms`; found by the lines when absent. */
  readonly timeFormat?: string;
  /** Zone of times that name none, such as `Europe/Berlin` or `+02:00`; UTC when absent. */
  readonly timeZone?: string;
  /** Columns whose text names the series; found by their names when absent. */
  readonly series?: string | readonly string[];
  /** Columns to read; every numeric one when absent. */
  readonly values?: readonly string[];
  /** What stands between the cells of a table; found by the lines when absent. */
  readonly separator?: string;
  /** What stands before the fraction of a number; found by the lines when absent. */
  readonly decimal?: DecimalMark;
  /** How long the lines of a log are counted for one reading, milliseconds; a minute when absent. */
  readonly countEvery?: number;
  /** Takes the lines of a log as they are, instead of counting them. */
  readonly logLine?: (line: Line) => void;
  /** The series when the input names none. */
  readonly name: string;
  /** The time of an observation that gives none, by its row. Epoch milliseconds. */
  readonly arrival: (row: number) => number;
}
