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
  /** Share of labels that the intervals are asked to hold, such as 0.9. */
  readonly coverage: number;
  /** 1 - error / error of persistence, mean over the horizon, discounted; null until it has been measured. */
  readonly skill: number | null;
  /** The model specification that made it, such as `auto`. */
  readonly model: string;
  /** On request: live skill per step against each baseline, share of labels held per step, weight of each expert. */
  readonly detail?: ForecastDetail;
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
