// What the server tells, as the page reads it: docs/protocol.md.

/** A forecast of one target; what is not known is null. */
export interface Forecast {
  readonly series: string;
  readonly target: string;
  /** ISO 8601. */
  readonly issuedAt: string;
  readonly offset: number;
  readonly horizon: readonly {
    readonly step: number;
    readonly time: string;
    readonly mean: number;
    readonly lower: number;
    readonly upper: number;
    readonly quantiles?: Readonly<Record<string, number>>;
  }[];
  readonly level: number;
  readonly coverage: number | null;
  readonly skill: number | null;
  readonly model: string;
  readonly observed: {
    readonly value: number | null;
    readonly surprise: number | null;
    readonly taken: boolean | null;
  };
}

/** `GET /v1/overview`. */
export interface OverviewAnswer {
  readonly epoch: string;
  readonly offset: number;
  readonly rewrites: number;
  /** All series are there, and not only those that changed. */
  readonly whole: boolean;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
}

/** `GET /v1/drawing`. */
export interface DrawingAnswer {
  readonly lead: number;
  /** So many readings lie in the range that some stand for all of them. */
  readonly sampled: boolean;
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly marks: readonly {
    readonly time: number;
    readonly value: number;
    readonly kind: "held" | "surprise";
    readonly surprise: number | null;
  }[];
  /** Silences: from the reading before to the reading after each. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  readonly forecasts: {
    readonly times: readonly number[];
    readonly mean: readonly (number | null)[];
    readonly lower: readonly (number | null)[];
    readonly upper: readonly (number | null)[];
    readonly quantiles: Readonly<Record<string, readonly (number | null)[]>>;
  };
}

/** `GET /v1/record`. */
export interface RecordAnswer {
  readonly readings: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly level: number | null;
  readonly steps: readonly {
    readonly step: number;
    readonly count: number;
    readonly error: number | null;
    readonly persistence: number | null;
    readonly dayBefore: number | null;
    readonly weekBefore: number | null;
    readonly held: number | null;
  }[];
  readonly weights: {
    readonly times: readonly number[];
    readonly experts: readonly { readonly name: string; readonly weights: readonly number[] }[];
  } | null;
}

/** `GET /v1/sources`. */
export interface SourceReport {
  readonly name: string;
  readonly kind: string;
  readonly received: number;
  readonly taken: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly connectedSince: string | null;
  readonly lastError: { readonly time: string; readonly message: string } | null;
}

/** `GET /v1/pipelines`. */
export interface PipelineReport {
  readonly name: string;
  readonly series: readonly string[];
  readonly readings: number;
  readonly outputs: number | null;
  readonly offset: number;
  readonly stopped: string | null;
  readonly stages: readonly string[];
  readonly figures: Readonly<Record<string, number | null>>;
}

/** `POST /v1/recognise`. */
export interface RecognitionAnswer {
  readonly separator: string | null;
  readonly time: { readonly columns: readonly string[]; readonly form: string; readonly zone: string } | null;
  readonly series: { readonly columns: readonly string[]; readonly inLine: boolean };
  readonly columns: readonly { readonly name: string; readonly unit: string }[];
  readonly leftOut: { readonly columns: readonly string[] };
  readonly sample: readonly {
    readonly series: string;
    readonly time: string | null;
    readonly values: Readonly<Record<string, number | null>>;
  }[];
  readonly refused: number;
}

/** The answer to `POST /v1/observations`. */
export interface Receipt {
  readonly accepted: number;
  readonly duplicate: number;
  readonly late: number;
  readonly refused: readonly { readonly line: number; readonly code: string; readonly message: string }[];
  readonly moreRefused?: number;
}
