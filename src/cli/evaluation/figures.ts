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
  /** What this target's errors are divided by. */
  readonly deviation: number;
  /** Mean absolute error in the file's own units. */
  readonly ownMae: number | null;
  readonly steps: readonly StepFigures[];
}

export interface ModelResult extends Figures {
  readonly model: string;
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
}

/** What was evaluated, and how. */
export interface Head {
  readonly file: string;
  readonly rows: number;
  readonly train: number;
  /** Rows A and B of `--test A:B`. */
  readonly test: readonly [number, number];
  readonly horizon: number;
  readonly targets: readonly string[];
  readonly inputs: readonly string[];
  readonly season: number | null;
  readonly coverageAsked: number;
}
