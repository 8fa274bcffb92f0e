import { moment, momentOf } from "../../models/issue.ts";
import type { Engine } from "../engine.ts";
import { type Issued, issuedBetween, ofTarget, type Target, told, turn } from "./slices.ts";

/** Readings of a drawing at most. */
export const MOST_POINTS = 2_000;
/** A reading further out than all but this share of readings would be is told as a surprise. */
const SURPRISING = 0.002;
/** Forecasts of one step that are looked through for one drawing at most; of longer ones fewer. */
const LOOKED_THROUGH = 20_000;
/** Readings worth a look, and silences, that are told at most: the last ones. */
const MARKED = 400;
/** A reading that comes so many steps after the one before it ends a silence. */
const SILENT_STEPS = 3.5;
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
 * forecast for their times `lead` steps before, and the readings worth a look. Of more than `points` readings the first, the
 * lowest, the highest and the last of each of many short stretches stand for all, and none of the readings worth a look is left
 * out. When the range holds more than can be looked through, moments evenly spread stand for all, and `sampled` is true: then a
 * single high reading may be missing. Times are epoch milliseconds.
 */
export async function drawing(engine: Engine, asked: DrawingAsked) {
  const { series, target, points, lead } = asked;
  const last = asked.from === null;
  const found = await issuedBetween(
    engine,
    asked,
    asked.from ?? Number.NEGATIVE_INFINITY,
    asked.to,
    last ? points : Math.max(points, Math.floor(LOOKED_THROUGH / (1 + asked.horizon / 16))),
  );
  const sampled = !last && !found.all;
  const all = sampled ? await sample(engine, asked, found.issued[0]) : found.issued.reverse();
  const marked = new Set(all.filter(isMarked).slice(-MARKED));
  const issued = thinned(all, points, marked);
  const times: number[] = [];
  const values: (number | null)[] = [];
  const marks: Mark[] = [];
  const levels = issued.at(-1)?.issue.quantileLevels.map(String) ?? [];
  const ahead = {
    times: [] as number[],
    mean: [] as (number | null)[],
    lower: [] as (number | null)[],
    upper: [] as (number | null)[],
    quantiles: Object.fromEntries(levels.map((level) => [level, [] as (number | null)[]])),
  };
  for (const one of issued) {
    const { issue, own } = one;
    const time = moment(issue.time);
    times.push(time);
    const { observed: value, surprise, taken } = own;
    values.push(told(value));
    if (marked.has(one))
      marks.push({ time, value, kind: taken === 0 ? "held" : "surprise", surprise: told(surprise) });
    if (lead > issue.horizon) continue;
    ahead.times.push(momentOf(issue, lead));
    const at = (values: Float64Array | undefined): number | null =>
      values === undefined ? null : (values[lead - 1] ?? null);
    ahead.mean.push(at(own.mean));
    ahead.lower.push(at(own.lower));
    ahead.upper.push(at(own.upper));
    for (const [level, column] of Object.entries(ahead.quantiles))
      column.push(at(own.quantiles[issue.quantileLevels.indexOf(Number(level))]));
  }
  return {
    series,
    target,
    lead,
    sampled,
    times,
    values,
    marks,
    gaps: sampled ? [] : silences(all),
    forecasts: ahead,
  };
}

/** Of each of so many stretches that `points` come out at most: the first, the lowest, the highest, the last, and all to be marked. */
function thinned(issued: readonly Issued[], points: number, marked: ReadonlySet<Issued>): readonly Issued[] {
  if (issued.length <= points) return issued;
  const stretch = Math.ceil((4 * issued.length) / points);
  const kept: Issued[] = [];
  let missed = false;
  for (let from = 0; from < issued.length; from += stretch) {
    const those = issued.slice(from, from + stretch);
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const { own } of those) {
      if (own.observed < low) low = own.observed;
      if (own.observed > high) high = own.observed;
    }
    for (const one of those) {
      const { observed } = one.own;
      const edge = one === those[0] || one === those.at(-1) || observed === low || observed === high;
      // Of equal ones the first is enough, and of some that are missing.
      if (observed === low) low = Number.NaN;
      if (observed === high) high = Number.NaN;
      const missing = Number.isNaN(observed);
      if (edge || marked.has(one) || (missing && !missed)) kept.push(one);
      missed = missing;
    }
  }
  return kept;
}

/** From the reading before to the reading after each silence. */
function silences(issued: readonly Issued[]): { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  let before = Number.NaN;
  for (const { issue } of issued) {
    if (issue.time - before > SILENT_STEPS * issue.step)
      found.push({ from: moment(before), to: moment(issue.time) });
    before = issue.time;
  }
  return found.slice(-MARKED);
}

/** Whether a reading is worth a look: models did not take it, or it lies further out than nearly all would. */
const isMarked = ({ own: { observed, taken, surprise } }: Issued): boolean =>
  !Number.isNaN(observed) && (taken === 0 || surprise < SURPRISING);

/** Forecasts as they stood at moments evenly spread over the range, oldest first, each once. */
async function sample(engine: Engine, asked: DrawingAsked, newest: Issued | undefined): Promise<Issued[]> {
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
