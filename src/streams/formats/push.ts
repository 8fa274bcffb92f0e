import type { Observation } from "../../models/observation.ts";
import { flawOf } from "../checked-observation.ts";

/** Where a reader of a pushed body puts what it finds, point by point. */
export interface PushedPoints {
  take(observation: Observation): void;
  /** A point that is not taken; `reason` is a stable word to count by. */
  refuse(reason: string, message: string): void;
  /** The values of this series only ever grow, but for beginning anew. */
  counter(series: string): void;
  /** In which unit a column of a series is read, as its sender says it. */
  unit(series: string, column: string, unit: string): void;
}

/** Hands in a point that can be an observation, and refuses any other; `where`: what errors call it. */
export function takePoint(points: PushedPoints, observation: Observation, where: string): void {
  const flaw = flawOf(observation);
  if (flaw === undefined) points.take(observation);
  else {
    const { code, message } = flaw();
    points.refuse(code, `${where}: ${message}`);
  }
}

/** Points read between two yields. */
export const YIELD_POINTS = 128;
