import type { BenchmarkFigures } from "./benchmark.ts";

/** Errors in units of the training rows' deviation; null where nothing was scored. */
export interface Figures {
  readonly mse: number | null;
  readonly mae: number | null;
  /** 1 - mse / mse of persistence. */
  readonly skill: number | null;
  /** 1 - mse / mse of seasonal naive. */
  readonly skillSeasonal: number | null;
  readonly coverage: number | null;
  readonly intervalScore: number | null;
  /** Of each level asked for; absent when none was. */
  readonly quantiles?: readonly QuantileFigures[];
}

export interface QuantileFigures {
  readonly level: number;
  /** Share of labels at or below the quantile. */
  readonly below: number | null;
  /** Mean pinball loss. */
  readonly pinball: number | null;
}

export interface StepFigures extends Figures {
  readonly step: number;
  /** Of the naive forecasts on the same labels. */
  readonly msePersistence: number | null;
  readonly mseSeasonalNaive: number | null;
  /** Mean absolute error in the file's own units; of one target only. */
  readonly ownMae?: number | null;
}

export interface TargetFigures extends Figures {
  readonly target: string;
  /** What this target's errors are divided by; null where each of many series has its own. */
  readonly deviation: number | null;
  /** Mean absolute error in the file's own units. */
  readonly ownMae: number | null;
  readonly steps: readonly StepFigures[];
}

export interface ModelResult extends Figures {
  readonly model: string;
  /** As the benchmarks of others define them. */
  readonly benchmark: BenchmarkFigures;
  readonly windows: number;
  readonly labels: number;
  /** Coverage in each quarter of the scored rows. */
  readonly coverageQuarters: readonly (number | null)[];
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** Lines and observations set aside, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** What the series was given: observations taken, values of unknown columns, steps left out of long silences. */
  readonly counts: Readonly<Record<string, number>>;
  readonly steps: readonly StepFigures[];
  readonly targets: readonly TargetFigures[];
  /** Of each series by itself, where there are many. */
  readonly series?: readonly SeriesFigures[];
}

export interface SeriesFigures extends BenchmarkFigures {
  readonly series: string;
  /** Rows A and B that were scored. */
  readonly test: readonly [number, number];
  readonly windows: number;
  readonly coverage: number | null;
}

/** What was evaluated, and how. */
export interface Head {
  readonly file: string;
  /** How many series were scored. */
  readonly seriesCount: number;
  /** How many have too few rows. */
  readonly seriesLeftOut: number;
  /** Of all series together. */
  readonly rows: number;
  /** Of the series; null where it differs among many. */
  readonly train: number | null;
  /** Rows A and B that were scored; null where they differ among many series. */
  readonly test: readonly [number, number] | null;
  readonly horizon: number;
  readonly targets: readonly string[];
  readonly inputs: readonly string[];
  readonly season: number | null;
  readonly coverageAsked: number;
}
