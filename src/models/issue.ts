import { afterSteps } from "./calendar-step.ts";
import { MAX_TIME } from "./observation.ts";

/**
 * All that a series forecasts at one moment, in numbers. What is not known is NaN. This is what travels inside Eddy; `words`
 * tells it as the JSON of the contract where text leaves.
 */
export interface Issue {
  readonly series: string;
  /** Event time of the last observation used, epoch milliseconds. */
  readonly time: number;
  /** Usual milliseconds between steps: step h is expected at `afterSteps(time, step, h)`. */
  readonly step: number;
  /** Position of that observation: in the journal for a server, in the input for a pipe. */
  readonly offset: number;
  /** Share of readings that the intervals are asked to hold. */
  readonly level: number;
  /** The model specification that made it. */
  readonly model: string;
  /** Steps ahead: H. */
  readonly horizon: number;
  /** Levels of the quantiles asked for, ascending. */
  readonly quantileLevels: readonly number[];
  /** Names of the experts, where detail is asked for; otherwise none. */
  readonly experts: readonly string[];
  /** One for each target of which there has been a reading. */
  readonly targets: readonly TargetIssue[];
  /** What a pipeline gave, as JSON; such an issue has no target. */
  readonly output?: string;
}

/** Forecasts that an issue is told as: one for each target, one output of a pipeline. */
export const forecastsIn = ({ targets, output }: Issue): number =>
  output === undefined ? targets.length : 1;

/** What an issue says of one target. */
export interface TargetIssue {
  readonly name: string;
  /** Share that its intervals have held over the last 401 to 500 readings, mean over the steps measured. */
  readonly coverage: number;
  /** 1 - squared error / that of persistence over the same readings, mean over the steps measured. */
  readonly skill: number;
  /** The reading that led to the issue; NaN where it is missing. */
  readonly observed: number;
  /** Share of readings that lie at least as far from what was forecast: from 1, as forecast, down to 0. */
  readonly surprise: number;
  /** 1: models have taken the reading; 0: it was held at arm's length; NaN without one. */
  readonly taken: number;
  /** [H] each, step 1 first. */
  readonly mean: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** One array [H] for each level. */
  readonly quantiles: readonly Float64Array[];
  readonly detail?: IssueDetail;
}

/** Live skill against each baseline and share of labels held, [H] each, and mean weight over the steps of each expert, [E]. */
export interface IssueDetail {
  readonly persistence: Float64Array;
  readonly seasonalNaive: Float64Array;
  readonly coverage: Float64Array;
  readonly weights: Float64Array;
}

/** The whole millisecond as which a date tells a moment. */
export const moment = (time: number): number => Math.trunc(Math.max(-MAX_TIME, Math.min(MAX_TIME, time)));

/** When step `h` of an issue is expected, in whole milliseconds. */
export const momentOf = ({ time, step }: Issue, h: number): number => moment(afterSteps(time, step, h));
