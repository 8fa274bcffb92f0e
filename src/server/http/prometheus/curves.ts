import { afterSteps } from "../../../models/calendar-step.ts";
import { EddyError } from "../../../models/errors.ts";
import { type Issue, moment, momentOf } from "../../../models/issue.ts";
import type { Engine, SeriesSummary } from "../../engine.ts";
import { type Issued, ofTarget } from "../slices.ts";
import { type LabelTest, passes, testsOf } from "./label-tests.ts";
import { boundAt, boundsOf, METRICS, type Metric, stepDue } from "./metrics.ts";

/** Labels of a time series, in the order in which they are told. */
export type Labels = Readonly<Record<string, string>>;

/** Time series that are looked up together: those of one target, and of one lead where they are forecasts. */
export interface Curve {
  readonly series: string;
  readonly target: string;
  /** The latest of it; undefined before the first forecast. */
  readonly latest: Issue | undefined;
  /** Steps before a moment at which its forecast was made; 0: the newest one; undefined for what is said with a reading. */
  readonly lead: number | undefined;
  readonly lines: readonly Line[];
}

export interface Line {
  readonly labels: Labels;
  readonly of: (issued: Issued, h: number) => number;
}

/** Whether whoever asks may read a series. */
export type MayRead = (series: string) => boolean;

/** Comparisons that one request may cost: some seconds. */
const COMPARISONS = 30_000_000;

/** Time series that one request may ask for. */
export interface Bounds {
  readonly lines: number;
  /** What is said when there are more; without it, there are just no more. */
  readonly refuse: boolean;
}

/**
 * The time series that fit, in the order in which the engine knows their series; yields so that others have their turn. A series
 * that is named is looked up, all others are walked through. Of one that may not be read nothing is told.
 *
 * @throws EddyError `too-large`: more than `bounds` has room for, or an expression too costly for so many series
 */
export function* curvesOf(
  engine: Engine,
  tests: readonly LabelTest[],
  bounds: Bounds,
  mayRead: MayRead,
): Generator<undefined, readonly Curve[]> {
  const [ofMetric, ofSeries, ofTargets] = ["__name__", "series", "target"].map((label) =>
    testsOf(tests, label),
  );
  const metrics = METRICS.filter(({ name }) => passes(ofMetric ?? [], name));
  const known = new Set(["__name__", "series", "target", "bound", "lead"]);
  const curves: Curve[] = [];
  // A label that nothing has is the empty text.
  if (metrics.length === 0 || tests.some(({ label, fits }) => !known.has(label) && !fits(""))) return curves;
  const only = ofSeries?.find(({ only }) => only !== undefined)?.only;
  const cost = tests.reduce((sum, one) => sum + one.cost, 1);
  let comparisons = 0;
  let lines = 0;
  for (const name of only === undefined ? engine.names() : [only]) {
    yield;
    comparisons += cost * (1 + name.length / 16);
    if (comparisons > COMPARISONS) {
      throw new EddyError("too-large", "query", {
        expected: "matchers that so many series can be compared with",
        received: "expressions too costly for that",
        hint: 'name the series, such as series="boiler"',
      });
    }
    if (!passes(ofSeries ?? [], name) || !mayRead(name)) continue;
    const summary = engine.summary(name);
    if (summary === undefined) continue;
    for (const curve of curvesOfSeries(engine, summary, metrics, tests, ofTargets ?? [])) {
      lines += curve.lines.length;
      if (lines > bounds.lines) {
        if (!bounds.refuse) return [...curves, curve];
        throw new EddyError("too-large", "query", {
          expected: `at most ${bounds.lines} time series`,
          received: "more",
          hint: 'narrow it, such as by series="boiler" or bound="mean"',
        });
      }
      curves.push(curve);
    }
  }
  return curves;
}

function* curvesOfSeries(
  engine: Engine,
  { series, targets, horizon }: SeriesSummary,
  metrics: readonly Metric[],
  tests: readonly LabelTest[],
  ofTargets: readonly LabelTest[],
): Generator<Curve> {
  const latest = engine.latest(series);
  const ofBound = testsOf(tests, "bound");
  const ofLead = testsOf(tests, "lead");
  const bounds = boundsOf(latest).filter((bound) => passes(ofBound, bound));
  for (const target of targets) {
    if (!passes(ofTargets, target)) continue;
    const common = { series, target, latest };
    const sayings = metrics.filter(({ kind }) => kind === "said");
    if (sayings.length > 0 && passes(ofBound, "") && passes(ofLead, "")) {
      const lines = sayings.map(
        ({ name, of }): Line => ({
          labels: { __name__: name, series, target },
          of: ({ own }) => of(own),
        }),
      );
      yield { ...common, lead: undefined, lines };
    }
    const forecast = metrics.find(({ kind }) => kind === "forecast");
    if (forecast === undefined || bounds.length === 0) continue;
    for (const lead of leadsOf(horizon, ofLead)) {
      const lines = bounds.map(
        (bound): Line => ({
          labels: {
            __name__: forecast.name,
            series,
            target,
            bound,
            ...(lead === 0 ? {} : { lead: String(lead) }),
          },
          of: ({ issue, own }, h) => boundAt(issue, own, bound, h),
        }),
      );
      yield { ...common, lead, lines };
    }
  }
}

/** The leads asked for. The newest forecast has none; those of 1, 2, ... steps before are there for whoever asks for them. */
function leadsOf(horizon: number, tests: readonly LabelTest[]): readonly number[] {
  if (tests.length === 0 || passes(tests, "")) return [0];
  const only = tests.find(({ only }) => only !== undefined)?.only;
  const asked = only === undefined ? Array.from({ length: horizon }, (_, i) => i + 1) : [Number(only)];
  return asked.filter(
    (lead) => Number.isInteger(lead) && lead >= 1 && lead <= horizon && passes(tests, String(lead)),
  );
}

/** A number that stands at a moment, and since when. */
export interface Standing {
  readonly issued: Issued;
  /** The step of the forecast; 0 for what is said with the reading. */
  readonly h: number;
  readonly since: number;
}

/** How often the step of a series is guessed again: it changes slowly. */
const GUESSES = 4;

/** What stands at `time` (epoch milliseconds): the last that is due at or before it. Cost: one look into the log, seldom more. */
export function standingAt(
  engine: Engine,
  { series, target, lead, latest }: Curve,
  time: number,
): Standing | undefined {
  if (latest === undefined) return undefined;
  if (lead === undefined) {
    const issued = ofTarget(engine.issuedAsOf(series, time), target);
    return issued && { issued, h: 0, since: moment(issued.issue.time) };
  }
  const ahead = Math.max(1, lead);
  let step = latest.step;
  let before = Number.POSITIVE_INFINITY;
  let best: Issue | undefined;
  for (let guess = 0; guess < GUESSES; guess++) {
    const found = engine.issuedAsOf(series, Math.min(before, Math.floor(afterSteps(time, step, -ahead))));
    if (found === undefined) break;
    const due = momentOf(found, ahead) <= time;
    if (due && (best === undefined || found.time > best.time)) best = found;
    if (due && found.step >= step) break;
    if (!due) before = moment(found.time) - 1;
    step = found.step;
  }
  const issued = ofTarget(best, target);
  if (issued === undefined) return undefined;
  const h = lead === 0 ? stepDue(issued.issue, time) : lead;
  return h > issued.issue.horizon || h === 0 ? undefined : { issued, h, since: momentOf(issued.issue, h) };
}
