import { moment, momentOf } from "../../models/issue.ts";
import type { Engine } from "../engine.ts";
import { type Issued, issuedBetween, ofTarget, type Target, told, turn } from "./slices.ts";

/** Forecasts that a record looks back on at most. */
export const MOST_READINGS = 2_000;
/** Points of the curve of weights at most. */
const WEIGHT_POINTS = 80;
/** Moments looked up in the log, or steps compared, at once: some milliseconds. */
const LOOKED_UP = 50;
const COMPARED = 20_000;
const DAY = 86_400_000;

export interface RecordAsked extends Target {
  /** How many of the last forecasts are looked back on. */
  readonly readings: number;
}

/** Sums over the labels of one step. */
interface Sums {
  count: number;
  error: number;
  persistence: number;
  held: number;
  /** Of the same time the day before, and the week before, over the labels that have one. */
  readonly before: { count: number; error: number; own: number }[];
}

/** A time at which it was said what things are like, ascending, and what was read. */
interface Readings {
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
}

/** What stands at most `tolerance` from a time; null when there is nothing. */
function valueAt({ times, values }: Readings, time: number, tolerance: number): number | null {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [times[low - 1], times[low]];
  const near = after !== undefined && (before === undefined || after - time <= time - before) ? low : low - 1;
  const found = times[near];
  return found !== undefined && Math.abs(found - time) <= tolerance ? (values[near] ?? null) : null;
}

/**
 * How right the last forecasts of one target have been, as they were issued and by what came: by step the mean absolute error, in
 * the units of the readings, beside those of repeating the last value and of what was read at the same time a day and a week
 * before, and the share of readings that the intervals held. Weights of the experts over time where the log has them (`detail`).
 */
export async function record(engine: Engine, asked: RecordAsked) {
  const { series, target, horizon, readings } = asked;
  const { issued } = await issuedBetween(
    engine,
    asked,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    readings + horizon,
  );
  issued.reverse();
  const known: Readings = {
    times: issued.map(({ issue }) => moment(issue.time)),
    values: issued.map(({ own }) => told(own.observed)),
  };
  const step = issued.at(-1)?.issue.step ?? 0;
  const seasons: { readonly season: number; readonly earlier: Readings }[] = [];
  for (const season of [DAY, 7 * DAY]) {
    const earlier = await readingsBefore(engine, asked, known, season, step);
    if (earlier !== null) seasons.push({ season, earlier });
  }
  const steps = Array.from(
    { length: horizon },
    (): Sums => ({
      count: 0,
      error: 0,
      persistence: 0,
      held: 0,
      before: seasons.map(() => ({ count: 0, error: 0, own: 0 })),
    }),
  );
  let compared = 0;
  for (const { issue, own } of issued) {
    if (Number.isNaN(own.observed)) continue;
    const time = moment(issue.time);
    for (let h = 1; h <= issue.horizon; h++) {
      const due = momentOf(issue, h);
      const label = due > time ? valueAt(known, due, step / 2) : null;
      const sums = steps[h - 1];
      if (label === null || sums === undefined) continue;
      const [mean = 0, lower = 0, upper = 0] = [own.mean[h - 1], own.lower[h - 1], own.upper[h - 1]];
      const error = Math.abs(mean - label);
      sums.count++;
      sums.error += error;
      sums.persistence += Math.abs(own.observed - label);
      sums.held += label >= lower && label <= upper ? 1 : 0;
      for (const [s, { season, earlier }] of seasons.entries()) {
        // As many seasons back as it takes to be known when the forecast was made.
        const back = season * Math.ceil((due - time) / season);
        const then = valueAt(known, due - back, step / 2) ?? valueAt(earlier, due - back, step / 2);
        const before = sums.before[s];
        if (then === null || before === undefined) continue;
        before.count++;
        before.error += Math.abs(then - label);
        before.own += error;
      }
    }
    compared += issue.horizon;
    if (compared > COMPARED) {
      compared = 0;
      await turn();
    }
  }
  const per = (sum: number, count: number): number | null => (count > 0 ? sum / count : null);
  /** What was read a season before counts where nearly all labels have it: otherwise it would be about other ones. */
  const baseline = (season: number, { before, count }: Sums): number | null => {
    const s = seasons.findIndex((one) => one.season === season);
    const sums = before[s];
    return sums === undefined || sums.count < 0.9 * count ? null : per(sums.error, sums.count);
  };
  return {
    series,
    target,
    readings: issued.length,
    from: known.times[0] ?? null,
    to: known.times.at(-1) ?? null,
    level: issued.at(-1)?.issue.level ?? null,
    refused: engine.refusals(series),
    steps: steps.map((sums, i) => ({
      step: i + 1,
      count: sums.count,
      error: per(sums.error, sums.count),
      persistence: per(sums.persistence, sums.count),
      dayBefore: baseline(DAY, sums),
      weekBefore: baseline(7 * DAY, sums),
      held: per(sums.held, sums.count),
    })),
    weights: weightsOf(issued),
  };
}

/**
 * What was read one season before the readings, where the log still has it; null when it does not reach back so far, or when a step
 * is as long as a season.
 */
async function readingsBefore(
  engine: Engine,
  { series, target }: RecordAsked,
  { times }: Readings,
  season: number,
  step: number,
): Promise<Readings | null> {
  const [first] = times;
  if (first === undefined || step <= 0 || step > season / 2) return null;
  const at = (time: number) => ofTarget(engine.issuedAsOf(series, time), target);
  if ((times.at(-1) as number) - first < season && at(first - season) === undefined) return null;
  const found = new Map<number, number | null>();
  let looked = 0;
  for (const time of times) {
    // What is not so far back stands among the readings themselves.
    if (time - season >= first - step / 2) break;
    if (++looked % LOOKED_UP === 0) await turn();
    const one = at(time - season + step / 2);
    if (one !== undefined) found.set(moment(one.issue.time), told(one.own.observed));
  }
  return { times: [...found.keys()], values: [...found.values()] };
}

/** Weights of the experts over time, from the forecasts that tell them; null when none does. */
function weightsOf(issued: readonly Issued[]) {
  const known = issued.filter(({ own }) => own.detail !== undefined);
  if (known.length === 0) return null;
  const every = Math.max(1, Math.ceil(known.length / WEIGHT_POINTS));
  const shown = known.filter((_, i) => (known.length - 1 - i) % every === 0);
  const experts = shown.at(-1)?.issue.experts ?? [];
  return {
    times: shown.map(({ issue }) => moment(issue.time)),
    experts: experts.map((name) => ({
      name,
      weights: shown.map(({ issue, own }) => {
        const weight = own.detail?.weights[issue.experts.indexOf(name)] ?? 0;
        return Number(weight.toPrecision(4));
      }),
    })),
  };
}
