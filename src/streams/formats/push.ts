import type { Observation } from "../../models/observation.ts";

/** Where a reader of a pushed body puts what it finds, point by point. */
export interface PushedPoints {
  take(observation: Observation): void;
  /** A point that is not taken; `reason` is a stable word to count by. */
  refuse(reason: string, message: string): void;
  /** The values of this series only ever grow, but for beginning anew. */
  counter(series: string): void;
}

/** Points read between two yields. */
export const YIELD_POINTS = 128;
