import { EddyError, printable } from "../../models/errors.ts";
import { UNTIMED } from "../../models/observation.ts";
import { badTime, isTime } from "../checked-observation.ts";
import { isProblem } from "./grammar.ts";
import { MAX_LINE } from "./lines.ts";
import { MetricGrammar } from "./metric-lines.ts";
import { type PushedPoints, takePoint, YIELD_POINTS } from "./push.ts";

/** Nanoseconds of the units in which times may be written. */
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  n: 1n,
  us: 1000n,
  u: 1000n,
  µ: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** @throws EddyError `bad-argument` for a precision that there is none of */
export function precisionOf(given: string): bigint {
  const unit = Object.hasOwn(UNITS, given) ? UNITS[given] : undefined;
  if (unit !== undefined) return unit;
  throw new EddyError("bad-argument", "?precision", {
    expected: "one of ns, us, ms, s, m, h",
    received: printable(given),
  });
}

/** Points of the line protocol of InfluxDB, a line each; `unit` is what their times count. Yields now and then. */
export function* influxPoints(
  body: string,
  unit: bigint,
  points: PushedPoints,
  rows: number,
): Generator<undefined, void> {
  const grammar = new MetricGrammar("influx");
  let number = 0;
  for (let from = 0; from < body.length; ) {
    const next = body.indexOf("\n", from);
    const to = next < 0 ? body.length : next;
    if (++number > rows) {
      throw new EddyError("too-large", "body", { expected: `at most ${rows} lines`, received: "more" });
    }
    if (number % YIELD_POINTS === 0) yield;
    if (to - from > MAX_LINE) points.refuse("too-large", `line ${number}: expected at most 1 MiB, got more`);
    else readPoint(body.slice(from, to), number, grammar, unit, points);
    from = to + 1;
  }
}

function readPoint(
  text: string,
  number: number,
  grammar: MetricGrammar,
  unit: bigint,
  points: PushedPoints,
): void {
  const parsed = grammar.parse(text);
  if (typeof parsed === "string") return;
  if (isProblem(parsed)) {
    points.refuse(parsed.reason, `line ${number}: ${parsed.message}`);
    return;
  }
  for (const { names, cells, series = "", time } of parsed) {
    const values: Record<string, number> = Object.create(null);
    let count = 0;
    for (const [i, name] of names.entries()) {
      const cell = cells[i];
      // Text is no value that could be forecast.
      if (typeof cell === "string" || cell === null) continue;
      values[name] = Number(cell);
      count++;
    }
    if (count === 0) {
      points.refuse(
        "no-numbers",
        `line ${number}: expected a field that is a number, got ${printable(names.join(", "))}`,
      );
      continue;
    }
    try {
      takePoint(
        points,
        {
          series,
          time: time === undefined ? UNTIMED : millisecondsOf(String(time), unit, number),
          values,
        },
        `line ${number}`,
      );
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      points.refuse(error.code, error.message);
    }
  }
}

function millisecondsOf(text: string, unit: bigint, number: number): number {
  const time = text.length <= 20 ? Number((BigInt(text) * unit) / 1_000_000n) : Number.NaN;
  if (isTime(time)) return time;
  throw badTime(text, `line ${number}: time`, "a time in the precision given")();
}
