import { moment, momentOf } from "../../models/issue.ts";
import type { Engine } from "../engine.ts";
import { type Issued, issuedBetween, ofTarget, type Target, told, turn } from "./slices.ts";

/** Readings of a drawing at most. */
export const MOST_POINTS = 2_000;
/** A reading further out than all but this share of readings would be is told as a surprise. */
const SURPRISING = 0.002;
/** Moments looked up in the log at once: some milliseconds. */
const LOOKED_UP = 50;
/** How often the beginning of a log is looked for, halving what is left each time. */
const HALVINGS = 40;

export interface DrawingAsked extends Target {
  /** Null: the last readings, as many as `points`. */
  readonly from: number | null;
  readonly to: number;
  readonly points: number;
  /** How many steps before a reading the forecast was made that is drawn beside it. */
  readonly lead: number;
}

/** A reading that is worth a look. */
interface Mark {
  readonly time: number;
  readonly value: number;
  readonly kind: "held" | "surprise";
  readonly surprise: number | null;
}

/**
 * The past of one target between two times, as the log of forecasts has it: the readings that led to forecasts, what had been
 * forecast for their times `lead` steps before, and the readings worth a look. When there are more than `points`, as many moments
 * evenly spread stand for them, and `sampled` is true. Times are epoch milliseconds.
 */
export async function drawing(engine: Engine, asked: DrawingAsked) {
  const { series, target, points, lead } = asked;
  const found = await issuedBetween(
    engine,
    asked,
    asked.from ?? Number.NEGATIVE_INFINITY,
    asked.to,
    points + (asked.from === null ? 0 : 1),
  );
  const sampled = asked.from !== null && !found.all;
  const issued = sampled ? await sample(engine, asked, found.issued[0]) : found.issued.reverse();
  const times: number[] = [];
  const values: (number | null)[] = [];
  const marks: Mark[] = [];
  const levels = issued.at(-1)?.issue.quantileLevels.map(String) ?? [];
  const ahead = {
    times: [] as number[],
    mean: [] as number[],
    lower: [] as number[],
    upper: [] as number[],
    quantiles: Object.fromEntries(levels.map((level) => [level, [] as (number | null)[]])),
  };
  for (const { issue, own } of issued) {
    const time = moment(issue.time);
    times.push(time);
    const { observed: value, surprise, taken } = own;
    values.push(told(value));
    const held = taken === 0;
    if (!Number.isNaN(value) && (held || surprise < SURPRISING))
      marks.push({ time, value, kind: held ? "held" : "surprise", surprise: told(surprise) });
    if (lead > issue.horizon) continue;
    ahead.times.push(momentOf(issue, lead));
    ahead.mean.push(own.mean[lead - 1]);
    ahead.lower.push(own.lower[lead - 1]);
    ahead.upper.push(own.upper[lead - 1]);
    for (const level of levels) {
      const k = issue.quantileLevels.indexOf(Number(level));
      ahead.quantiles[level].push(k < 0 ? null : own.quantiles[k][lead - 1]);
    }
  }
  return { series, target, lead, sampled, times, values, marks, forecasts: ahead };
}

/** Forecasts as they stood at moments evenly spread over the range, oldest first, each once. */
async function sample(
  engine: Engine,
  asked: DrawingAsked,
  newest: Issued | undefined,
): Promise<Issued[]> {
  if (newest === undefined) return [];
  const { series, target, points } = asked;
  const at = (time: number): Issued | undefined => ofTarget(engine.issuedAsOf(series, time), target);
  const to = newest.issue.time;
  const from = Number.isFinite(asked.from) ? (asked.from as number) : beginning(at, to);
  const found: Issued[] = [];
  for (let p = 0; p < points; p++) {
    if (p % LOOKED_UP === LOOKED_UP - 1) await turn();
    const one = at(from + ((to - from) * p) / (points - 1));
    if (one === undefined || one.issue.time < from) continue;
    if (found.at(-1)?.issue.time !== one.issue.time) found.push(one);
  }
  return found;
}

/** The first moment of which the log knows anything, to within a second. */
function beginning(at: (time: number) => Issued | undefined, to: number): number {
  let known = to;
  let back = 60_000;
  while (at(known - back) !== undefined && back < 1e15) {
    known -= back;
    back *= 2;
  }
  let unknown = known - back;
  for (let i = 0; i < HALVINGS && known - unknown > 1000; i++) {
    const middle = (known + unknown) / 2;
    if (at(middle) === undefined) unknown = middle;
    else known = middle;
  }
  return known;
}
