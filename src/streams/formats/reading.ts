import type { Observation } from "../../models/observation.ts";

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
}

export interface Refused {
  readonly line: number;
  readonly row: number;
  /** A stable word to count by, such as `empty-line` or `bad-number`. */
  readonly reason: string;
  /** One line: field, what was expected, what came. */
  readonly message: string;
}

export const isRefused = (reading: Reading): reading is Refused => "reason" in reading;

/** How to read an input that does not say everything about itself. */
export interface FormatOptions {
  /** Column with the event time; found by its name when absent. */
  readonly time?: string;
  /** Column whose text names the series; a column called `series` when absent. */
  readonly series?: string;
  /** Columns to read; every numeric one when absent. */
  readonly values?: readonly string[];
  /** The series when the input names none. */
  readonly name: string;
  /** The time of an observation that gives none, by its row. Epoch milliseconds. */
  readonly arrival: (row: number) => number;
}

/** Turns the lines of one input into readings, one after the other. Pure but for what it remembers of earlier lines. */
export interface LineReader {
  /** Nothing for a heading or a line that is not data. */
  read(text: string, line: number): Reading | undefined;
  /** Counts a line that could not even be read as a refused row. */
  refuse(line: number, reason: string, message: string): Reading;
}
