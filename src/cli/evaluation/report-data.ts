import type { Head, ModelResult } from "./figures.ts";

/** A value, or null where there is none. */
type Cell = number | null;

/** What one model forecast and what came, as plain data to six digits. */
export interface Curves {
  /** Of each window drawn: the row and the time at which it was issued. */
  readonly rows: readonly number[];
  readonly times: readonly number[];
  /** Of each step drawn, and within it of each target. */
  readonly curves: readonly {
    readonly step: number;
    readonly targets: readonly {
      readonly label: readonly Cell[];
      readonly mean: readonly Cell[];
      readonly lower: readonly Cell[];
      readonly upper: readonly Cell[];
    }[];
  }[];
  /** Over all scored rows, in bins of equal width. */
  readonly coverage: readonly Cell[];
  readonly error: readonly Cell[];
  readonly errorPersistence: readonly Cell[];
  readonly experts: readonly string[];
  readonly weights: readonly { readonly row: number; readonly weights: readonly number[] }[];
}

/** What a report shows: the figures of every model, and the curves of one. */
export interface Report {
  readonly head: Head;
  readonly results: readonly ModelResult[];
  /** The model whose curves are drawn. */
  readonly shown: string;
  readonly curves: Curves;
  /** Whether rows have times of their own. */
  readonly timed: boolean;
}
