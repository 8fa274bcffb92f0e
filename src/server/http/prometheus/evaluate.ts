import { EddyError } from "../../../models/errors.ts";
import type { Engine } from "../../engine.ts";
import { type Curve, curvesOf, type MayRead, standingAt } from "./curves.ts";
import { labelTests } from "./label-tests.ts";
import type { Query } from "./selector.ts";

/** Moments of one range, as Prometheus bounds them. */
const MOST_POINTS = 11_000;
/** Time series of one answer. */
const MOST_LINES = 2_000;
/** Looks into the log, and numbers told, of one answer. */
const MOST_LOOKS = 200_000;
const MOST_SAMPLES = 500_000;
/** Usual steps of a series after which what stood does not stand any more: the silence that the page draws as one. */
const SILENT_STEPS = 3.5;
/** How long a number stands at least where one moment is asked for. */
const INSTANT = 300_000;

/** From when to when, and how far apart, milliseconds. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** What an answer is bounded by beside what everything is. */
export interface Asked {
  /** How long a number stands at least, milliseconds. */
  readonly lookback: number | undefined;
  /** Time series told at most; with more it is said that some are missing. */
  readonly limit: number | undefined;
  readonly mayRead: MayRead;
}

/** The body of an answer, as JSON in pieces: all of it at once would hold everything else up. */
export type Answer = readonly string[];

type Sample = readonly [seconds: number, value: string];

/** Checks a range. @throws EddyError `bad-argument` in the words of Prometheus */
export function checkRange({ start, end, step }: Range): void {
  if (end < start) {
    throw new EddyError("bad-argument", "end", {
      expected: "a time not before start",
      received: "an earlier one",
    });
  }
  if (!(step > 0)) {
    throw new EddyError("bad-argument", "step", { expected: "more than 0", received: String(step / 1000) });
  }
  if ((end - start) / step + 1 > MOST_POINTS) {
    throw new EddyError("bad-argument", "step", {
      expected: `at most ${MOST_POINTS} points of each time series`,
      received: String(Math.floor((end - start) / step) + 1),
      hint: "a longer step, or a shorter range",
    });
  }
}

/** What a query comes to at every step of a range: a matrix. */
export function* overRange(
  engine: Engine,
  query: Query,
  range: Range,
  asked: Asked,
): Generator<undefined, Answer> {
  const moments = Array.from({ length: Math.floor((range.end - range.start) / range.step) + 1 }, (_, i) =>
    Math.round(range.start + i * range.step),
  );
  if ("scalar" in query) {
    const values = moments.map((time) => sample(time, query.scalar));
    return answer("matrix", [JSON.stringify({ metric: {}, values })], false);
  }
  const { curves, cut } = yield* chosen(engine, query, asked);
  checkSize(curves, moments.length);
  const result: string[] = [];
  for (const curve of curves) {
    const told = curve.lines.map(({ labels }) => ({ metric: labels, values: [] as Sample[] }));
    const lookback = Math.max(asked.lookback ?? range.step, SILENT_STEPS * (curve.latest?.step ?? 0));
    for (const time of moments) {
      yield;
      put(engine, curve, time, query.offset, lookback, (l, value) => told[l]?.values.push(value));
    }
    for (const line of told) {
      yield;
      if (line.values.length > 0) result.push(JSON.stringify(line));
    }
  }
  return answer("matrix", result, cut);
}

/** What a query comes to at one moment: a vector, or a scalar. */
export function* atInstant(
  engine: Engine,
  query: Query,
  time: number,
  asked: Asked,
): Generator<undefined, Answer> {
  if ("scalar" in query) {
    const data = { resultType: "scalar", result: sample(time, query.scalar) };
    return [JSON.stringify({ status: "success", data })];
  }
  const { curves, cut } = yield* chosen(engine, query, asked);
  const result: string[] = [];
  for (const curve of curves) {
    yield;
    const lookback = Math.max(asked.lookback ?? INSTANT, SILENT_STEPS * (curve.latest?.step ?? 0));
    put(engine, curve, time, query.offset, lookback, (l, value) => {
      result.push(JSON.stringify({ metric: curve.lines[l]?.labels, value }));
    });
  }
  return answer("vector", result, cut);
}

/** Hands out what stands at a moment on each line of a curve; nothing of what is not known, or has stood for too long. */
function put(
  engine: Engine,
  curve: Curve,
  time: number,
  offset: number,
  lookback: number,
  each: (line: number, value: Sample) => void,
): void {
  const standing = standingAt(engine, curve, time - offset);
  if (standing === undefined || time - offset - standing.since >= lookback) return;
  for (const [l, line] of curve.lines.entries()) {
    const value = line.of(standing.issued, standing.h);
    if (!Number.isNaN(value)) each(l, sample(time, value));
  }
}

function* chosen(
  engine: Engine,
  { matchers }: Exclude<Query, { readonly scalar: number }>,
  { limit, mayRead }: Asked,
): Generator<undefined, { readonly curves: readonly Curve[]; readonly cut: boolean }> {
  const tests = labelTests(matchers, "query");
  const few = limit !== undefined && limit < MOST_LINES;
  const curves = yield* curvesOf(engine, tests, { lines: few ? limit : MOST_LINES, refuse: !few }, mayRead);
  const lines = curves.reduce((sum, curve) => sum + curve.lines.length, 0);
  return few && lines > limit ? { curves: firstLines(curves, limit), cut: true } : { curves, cut: false };
}

/** The first so many lines. */
export function firstLines(curves: readonly Curve[], count: number): readonly Curve[] {
  let left = count;
  const kept: Curve[] = [];
  for (const curve of curves) {
    if (left <= 0) break;
    kept.push({ ...curve, lines: curve.lines.slice(0, left) });
    left -= curve.lines.length;
  }
  return kept;
}

function checkSize(curves: readonly Curve[], moments: number): void {
  const looks = curves.length * moments;
  const samples = curves.reduce((sum, { lines }) => sum + lines.length, 0) * moments;
  if (looks <= MOST_LOOKS && samples <= MOST_SAMPLES) return;
  throw new EddyError("too-large", "query", {
    expected: `at most ${MOST_SAMPLES} samples, from ${MOST_LOOKS} looks into the log`,
    received: `${samples}, from ${looks}`,
    hint: "fewer time series, a longer step, or a shorter range",
  });
}

const answer = (resultType: string, result: readonly string[], cut: boolean): Answer => [
  `{"status":"success","data":{"resultType":"${resultType}","result":[`,
  ...result.map((line, i) => (i === 0 ? line : `,${line}`)),
  `]}${cut ? `,"warnings":["${CUT}"]` : ""}}`,
];

/** As Prometheus says it. */
export const CUT = "results truncated due to limit";

const sample = (time: number, value: number): Sample => [time / 1000, numeral(value)];

/** A number as Prometheus writes it. */
function numeral(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}
