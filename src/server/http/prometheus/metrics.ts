import { type Issue, momentOf, type TargetIssue } from "../../../models/issue.ts";

/** What can be drawn of a target. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  /** What stands at a moment: something said once with every reading, or one number for each bound and step of a forecast. */
  readonly kind: "said" | "forecast";
  /** Of one that is said with every reading; NaN where it is not known. */
  readonly of: (target: TargetIssue) => number;
}

const said = (name: string, help: string, of: Metric["of"]): Metric => ({ name, help, kind: "said", of });

/** All of them; their names are among no others of `/metrics`. */
export const METRICS: readonly Metric[] = [
  said("eddy_reading", "Readings, as the models were given them", ({ observed }) => observed),
  {
    name: "eddy_forecast",
    help: "What was forecast for a moment, mean and bounds: newest forecast made before it, or with lead=N the one made N steps before",
    kind: "forecast",
    of: () => Number.NaN,
  },
  said(
    "eddy_surprise",
    "Share of readings that would lie at least as far from what had been forecast: 1 as forecast, near 0 a surprise",
    ({ surprise }) => surprise,
  ),
  said("eddy_coverage", "Share of readings that the intervals have held of late", ({ coverage }) => coverage),
  said(
    "eddy_skill",
    "1 - squared error / that of repeating the last reading, of late; below 0 forecasts are worse than that",
    ({ skill }) => skill,
  ),
];

/** Values of the label `bound` of an issue: the mean, the interval, and the quantiles asked for by their levels. */
export const boundsOf = (issue: Issue | undefined): readonly string[] => [
  "mean",
  "lower",
  "upper",
  ...(issue?.quantileLevels.map(String) ?? []),
];

/** What an issue says of a bound at step `h`; NaN when it does not. */
export function boundAt(issue: Issue, target: TargetIssue, bound: string, h: number): number {
  switch (bound) {
    case "mean":
    case "lower":
    case "upper":
      return target[bound][h - 1] ?? Number.NaN;
    default:
      return (
        target.quantiles[issue.quantileLevels.findIndex((level) => String(level) === bound)]?.[h - 1] ??
        Number.NaN
      );
  }
}

/** The last step of an issue that is due at `time`; 0 when not even the first is. */
export function stepDue(issue: Issue, time: number): number {
  let h = Math.min(issue.horizon, Math.max(0, Math.floor((time - issue.time) / issue.step)));
  if (!(h >= 0)) return 0;
  // Steps are told in whole milliseconds.
  while (h < issue.horizon && momentOf(issue, h + 1) <= time) h++;
  while (h > 0 && momentOf(issue, h) > time) h--;
  return h;
}
