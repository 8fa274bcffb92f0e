import { isObservable, map, type Observable } from "rxjs";
import { EddyError, printable } from "../models/errors.ts";
import type { Observation } from "../models/observation.ts";
import { checkSeriesName } from "./checked-observation.ts";
import { matchesPattern } from "./pattern.ts";

/** What `pipeline` takes. */
export interface PipelineOptions<Out> {
  /** What its outputs are known by, beside the names of series: subscribers ask for it, `/v1/series` lists it. */
  readonly name: string;
  /** The series that it reads: a name, a pattern such as `boiler-*`, or several. */
  readonly series: string | readonly string[];
  /** The pipeline itself: readings of all those series in, in the order of the journal; outputs out, anything that JSON can tell. */
  readonly build: (readings$: Observable<Observation>) => Observable<Out>;
}

/** A pipeline that a server can host, or a pipe run. */
export interface Pipeline<Out = unknown> {
  readonly name: string;
  readonly series: readonly string[];
  readonly build: (readings$: Observable<Observation>) => Observable<Out>;
}

/** Marks what `pipeline` made, whichever copy of this module did. */
const MADE = Symbol.for("eddy.pipeline");

/** Most patterns of one pipeline. */
const MOST_PATTERNS = 1000;

/**
 * A pipeline of a person's own that Eddy runs: `eddy serve --pipeline FILE` journals what it reads, brings it back to the bit after a
 * crash and sends its outputs to subscribers; `eddy pipe --pipeline FILE` runs it between standard input and output. The file's default
 * export is one, or a list of them.
 *
 * @example
 * ```ts
 * import { pipeline, recurrent, surprise } from "eddy/streams";
 * import { map } from "rxjs";
 * const anomaly = pipeline({
 *   name: "boiler-anomaly",
 *   series: "boiler-*",
 *   build: (readings$) => readings$.pipe(map(({ values }) => values.value ?? NaN), recurrent("lstm", 16), surprise()),
 * });
 * anomaly.series; // ["boiler-*"]
 * ```
 * @throws EddyError `bad-argument` naming the field that is wrong
 */
export function pipeline<Out>({ name, series, build }: PipelineOptions<Out>): Pipeline<Out> {
  if (typeof name !== "string") throw wrong("name", "a name for its outputs", name);
  checkSeriesName(name, "pipeline name");
  const patterns = typeof series === "string" ? [series] : series;
  if (!Array.isArray(patterns) || patterns.length === 0 || patterns.length > MOST_PATTERNS) {
    throw wrong("series", `a name or pattern, or 1 to ${MOST_PATTERNS} of them`, series);
  }
  for (const pattern of patterns) {
    if (typeof pattern !== "string" || pattern === "") throw wrong("series", "names or patterns", pattern);
  }
  if (typeof build !== "function") throw wrong("build", "a function from readings to outputs", build);
  return Object.freeze({ [MADE]: true, name, series: [...patterns], build });
}

/** Whether something was made by `pipeline`. */
export const isPipeline = (value: unknown): value is Pipeline =>
  typeof value === "object" && value !== null && (value as { [MADE]?: unknown })[MADE] === true;

/** Whether a pipeline reads a series. */
export const reads = ({ series }: Pipeline, name: string): boolean =>
  series.some((pattern) => matchesPattern(pattern, name));

/**
 * What a pipeline gives, each output as JSON: typed arrays as lists, numbers that are not finite as null.
 *
 * @throws EddyError `bad-argument` when `build` gives no Observable; the stream fails with `bad-state` at an output that JSON has no words for
 */
export const outputsAsText =
  ({ build }: Pipeline) =>
  (readings$: Observable<Observation>): Observable<string> => {
    const built: unknown = build(readings$);
    if (!isObservable(built)) {
      throw new EddyError("bad-argument", "build", {
        expected: "an Observable of its outputs",
        received: printable(built),
      });
    }
    return built.pipe(map(asText));
  };

function asText(output: unknown): string {
  try {
    return JSON.stringify(output, plain) ?? "null";
  } catch (error) {
    if (error instanceof EddyError) throw error;
    // Such as an object that contains itself.
    throw unspeakable((error as Error).message.split("\n", 1)[0], error);
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== "object" && typeof value !== "bigint" && typeof value !== "function") return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Float64Array);
  if (typeof value === "object" && !(value instanceof Map) && !(value instanceof Set)) return value;
  const kind = typeof value === "object" ? `a ${value.constructor.name}` : `a ${typeof value}`;
  throw unspeakable(kind);
}

const unspeakable = (received: string | undefined, cause?: unknown): EddyError =>
  new EddyError("bad-state", "output", {
    expected: "data that JSON can tell: numbers, text, lists, objects",
    ...(received === undefined ? {} : { received }),
    ...(cause === undefined ? {} : { cause }),
  });

const wrong = (field: string, expected: string, received: unknown): EddyError =>
  new EddyError("bad-argument", `pipeline ${field}`, { expected, received: printable(received) });
