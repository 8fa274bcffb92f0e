import { type Issue, type IssueDetail, moment, momentOf, type TargetIssue } from "./issue.ts";
import { itemAt } from "./item-at.ts";

/** One step of a forecast, in the units of the observations. */
export interface ForecastStep {
  /** Steps ahead, from 1. */
  readonly step: number;
  /** When the step is expected, ISO 8601. */
  readonly time: string;
  readonly mean: number;
  readonly lower: number;
  readonly upper: number;
  /** On request: the quantile of each level asked for, by the level (`"0.1"`), not falling from level to level. */
  readonly quantiles?: Readonly<Record<string, number>>;
}

/** What is said of one target of one series at one issue time. The same object on a pipe, a wire and in a store. */
export interface Forecast {
  readonly series: string;
  readonly target: string;
  /** Event time of the last observation used, ISO 8601. */
  readonly issuedAt: string;
  /** Position of that observation: in the journal for a server, in the input for a pipe. */
  readonly offset: number;
  readonly horizon: readonly ForecastStep[];
  /** Share of readings that the intervals are asked to hold, such as 0.9. */
  readonly level: number;
  /** Share that they have held over the last 401 to 500 readings, mean over the steps measured; null until it has been measured. */
  readonly coverage: number | null;
  /** 1 - squared error / that of persistence over the same readings, mean over the steps measured; null until it has been measured. */
  readonly skill: number | null;
  /** The model specification that made it, such as `auto`. */
  readonly model: string;
  /** The reading that led to this forecast. */
  readonly observed: Observed;
  /** On request: live skill per step against each baseline, share of labels held per step, weight of each expert. */
  readonly detail?: ForecastDetail;
}

/** How a reading was judged by what had been forecast for it. */
export interface Observed {
  /** The reading; null where it is missing. */
  readonly value: number | null;
  /** Share of readings that lie at least as far from what was forecast, from 1 (as forecast) down to 0; null without a reading or a forecast. */
  readonly surprise: number | null;
  /** Whether models have taken it: false when it was held at arm's length, as one that cannot be; null without a reading. */
  readonly taken: boolean | null;
}

export interface ForecastDetail {
  readonly skill: {
    readonly persistence: readonly (number | null)[];
    readonly seasonalNaive: readonly (number | null)[];
  };
  readonly coverage: readonly (number | null)[];
  /** Mean weight over the horizon. */
  readonly weights: Readonly<Record<string, number>>;
}

/** What a pipeline gave with one observation. */
export interface PipelineOutput {
  /** The name of the pipeline. */
  readonly series: string;
  /** Event time of the observation that led to it, ISO 8601. */
  readonly issuedAt: string;
  /** Journal position of that observation. */
  readonly offset: number;
  /** Whatever it gave. */
  readonly output: unknown;
}

const iso = (time: number): string => new Date(time).toISOString();
const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
const allKnown = (values: Float64Array): (number | null)[] => Array.from(values, known);

/** An issue as it is told: one forecast per target. Made where text leaves, and nowhere else. */
export function words(issue: Issue): Forecast[] {
  const { series, offset, level, model, horizon, quantileLevels } = issue;
  const issuedAt = iso(moment(issue.time));
  const times = Array.from({ length: horizon }, (_, i) => iso(momentOf(issue, i + 1)));
  const levels = quantileLevels.map(String);
  return issue.targets.map((target) => ({
    series,
    target: target.name,
    issuedAt,
    offset,
    horizon: times.map((time, i) => ({
      step: i + 1,
      time,
      mean: itemAt(target.mean, i),
      lower: itemAt(target.lower, i),
      upper: itemAt(target.upper, i),
      ...(levels.length > 0
        ? {
            quantiles: Object.fromEntries(
              levels.map((name, k) => [name, itemAt(itemAt(target.quantiles, k), i)]),
            ),
          }
        : {}),
    })),
    level,
    coverage: known(target.coverage),
    skill: known(target.skill),
    model,
    observed: observedWords(target),
    ...(target.detail ? { detail: detailWords(target.detail, issue.experts) } : {}),
  }));
}

/** An issue as it is told, of a series or of a pipeline. */
export function told(issue: Issue): (Forecast | PipelineOutput)[] {
  const { series, offset, output } = issue;
  if (output === undefined) return words(issue);
  return [{ series, issuedAt: iso(moment(issue.time)), offset, output: JSON.parse(output) }];
}

const observedWords = ({ observed, surprise, taken }: TargetIssue): Observed => ({
  value: known(observed),
  surprise: known(surprise),
  taken: Number.isNaN(taken) ? null : taken === 1,
});

const detailWords = (
  { persistence, seasonalNaive, coverage, weights }: IssueDetail,
  experts: readonly string[],
): ForecastDetail => ({
  skill: { persistence: allKnown(persistence), seasonalNaive: allKnown(seasonalNaive) },
  coverage: allKnown(coverage),
  weights: Object.fromEntries(experts.map((name, e) => [name, weights[e] ?? Number.NaN])),
});
