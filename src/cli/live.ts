import { EddyError } from "../models/errors.ts";
import type { Issue } from "../models/issue.ts";
import { Arena } from "../models/kernels/arena.ts";
import { noSuchColumn } from "../models/kinds.ts";
import type { Observation } from "../models/observation.ts";
import { namedColumns } from "../models/options.ts";
import { isRefused, type Loss, type Reading, type Taken } from "../streams/formats/reading.ts";
import {
  type Ending,
  type Outcome,
  type OutOfRange,
  type Refusal,
  Series,
  type SeriesOptions,
  type SeriesSpecification,
  type SetAside,
} from "../streams/series.ts";
import { checkSeriesOptions, SERIES_OPTIONS } from "../streams/series-specification.ts";
import { flagName } from "./forecast-flags.ts";
import type { Refusals } from "./refusals.ts";

/** Most series of one run; a reading of one more is refused. */
const MAX_SERIES = 10_000;

/** What a refusal means, as the rest of a line that names where. */
const WHY: Readonly<Record<Refusal | "too-many-series", string>> = {
  late: "time: earlier than that of a reading already taken (see --lateness)",
  "far-ahead": "time: too far ahead of the clock, or of the readings around it (see --ahead)",
  "duplicate-time": "time: the series has a reading of this time already",
  "unknown-column": "values: only of columns that the first reading of the series did not have",
  "no-values": "values: there are none",
  "bad-number": "values: not all of them are finite numbers",
  "bad-time": "time: beyond what a date can be",
  "too-many-series": `series: one more than the ${MAX_SERIES} that a run can have`,
};

/** Throws, before anything is read, if the options cannot make a forecaster; what is wrong is named as its flag. */
export function checkOptions(options: SeriesOptions): void {
  try {
    checkSeriesOptions(options);
  } catch (error) {
    if (!(error instanceof EddyError)) throw error;
    const flag = error.code === "bad-model" ? error.subject.replace(/^(model)?/, "model") : error.subject;
    throw error.about(`--${flagName(flag)}`);
  }
}

/** Throws if an option names a column that is not among those of an observation, nor named as one to read. */
export function checkColumns(options: SeriesOptions, { values }: Observation): void {
  const columns = Object.keys(values);
  for (const [name, column] of namedColumns(SERIES_OPTIONS, options)) {
    if ([...columns, ...(options.targets ?? []), ...(options.inputs ?? [])].includes(column)) continue;
    throw noSuchColumn(`--${flagName(name)}`, column, columns);
  }
}

/** What is told of a value that its column cannot have. */
export function outOfRange({ column, value }: OutOfRange, { min, max }: SeriesSpecification): Loss {
  const low = Object.hasOwn(min, column) ? min[column] : undefined;
  const high = Object.hasOwn(max, column) ? max[column] : undefined;
  let expected = `from ${low} to ${high}`;
  if (low === undefined) expected = `of at most ${high}`;
  else if (high === undefined) expected = `of at least ${low}`;
  return { reason: "out-of-range", message: `${column}: expected a number ${expected}, got ${value}` };
}

/** What is told of an observation that was set aside later, by its time. */
export const setAside = ({ refused, time }: SetAside): string =>
  `${WHY[refused]}${refused === "far-ahead" ? `: ${new Date(time).toISOString()}` : ""}`;

/** One series of a run, and what has not been told of it yet. */
interface Part {
  readonly series: Series;
  /** Lines of the observations held aside, and maybe of some taken since, by offset. */
  readonly aside: Map<number, number>;
}

/** The live path of a run: readings in, issues out, one `Series` per series. */
export class Live {
  readonly #optionsOf: (series: string) => SeriesOptions;
  readonly #refusals: Refusals;
  readonly #arena = new Arena();
  readonly #parts = new Map<string, Part>();

  /** `options` may differ from series to series. */
  constructor(options: SeriesOptions | ((series: string) => SeriesOptions), refusals: Refusals) {
    this.#optionsOf = typeof options === "function" ? options : () => options;
    this.#refusals = refusals;
  }

  /** Observations taken so far. */
  get taken(): number {
    let taken = 0;
    for (const { series } of this.#parts.values()) taken += series.counts.taken;
    return taken;
  }

  /** The series of a name, once it has had a reading. */
  series(name: string): Series | undefined {
    return this.#parts.get(name)?.series;
  }

  /** Takes one reading; `now`: the clock, where readings come as they are made. */
  push(reading: Reading, now?: number): readonly Issue[] {
    if (isRefused(reading)) {
      this.#refusals.add(reading.line, reading.reason, reading.message);
      return [];
    }
    const part = this.#of(reading);
    if (part === undefined) {
      this.#refusals.add(reading.line, "too-many-series", WHY["too-many-series"]);
      return [];
    }
    const { row, line, observation } = reading;
    const outcome = part.series.push(observation, row, now);
    if (part.series.aside > 0) part.aside.set(row, line);
    this.#tell(part.series, reading, outcome);
    return this.#settle(part, outcome);
  }

  /** Tells what became of a reading that its series has just been given. */
  #tell(
    { specification }: Series,
    { line, row, observation, lost = [] }: Taken,
    { refused, outOfRange: beyond = [] }: Outcome,
  ): void {
    if (refused !== undefined) {
      this.#refusals.add(line, refused, setAside({ refused, time: observation.time, offset: row }));
      return;
    }
    for (const cell of lost) this.#refusals.lose(line, cell);
    for (const value of beyond) this.#refusals.lose(line, outOfRange(value, specification));
  }

  /** Values of columns that the first readings of their series did not have. */
  get ignored(): number {
    let ignored = 0;
    for (const { series } of this.#parts.values()) ignored += series.counts["ignored-values"];
    return ignored;
  }

  /** Readings held at arm's length: far from all that was forecast, and taught nothing. */
  get doubted(): number {
    let doubted = 0;
    for (const { series } of this.#parts.values()) doubted += series.counts.doubted;
    return doubted;
  }

  /** Lets go of all that is held back: the input has ended. */
  end(): Issue[] {
    return [...this.#parts.values()].flatMap((part) => [...this.#settle(part, part.series.end())]);
  }

  #settle({ series, aside }: Part, { issues, later = [] }: Ending): readonly Issue[] {
    for (const one of later) this.#refusals.add(aside.get(one.offset) ?? 0, one.refused, setAside(one));
    if (series.aside === 0) aside.clear();
    return issues;
  }

  #of({ observation, timed }: Taken): Part | undefined {
    const known = this.#parts.get(observation.series);
    if (known !== undefined || this.#parts.size >= MAX_SERIES) return known;
    const options = this.#optionsOf(observation.series);
    for (const column of options.inputs ?? []) {
      if (Object.hasOwn(observation.values, column)) continue;
      throw noSuchColumn("--with", column, Object.keys(observation.values));
    }
    // A series that comes later may well have other columns.
    if (this.#parts.size === 0) checkColumns(options, observation);
    const steps = timed ? "event" : "count";
    const part: Part = {
      series: Series.open(observation, { steps, ...options }, this.#arena),
      aside: new Map(),
    };
    this.#parts.set(observation.series, part);
    this.#refusals.tellFound();
    return part;
  }
}
