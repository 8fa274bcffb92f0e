import type { Features } from "./features.ts";

/**
 * Labels that exist now, handed out by the ledger and by nothing else: for every step h, the labels of the
 * forecast issued h events ago are the values of this event.
 */
export interface Settlement {
  /** The values of this event [D], in units; NaN where there is none to learn from. */
  readonly y: Float64Array;
  /**
   * The labels [H x D], in units: element (h - 1) * D + d settles step h of the issue h events ago. NaN where this event has
   * no value or that issue was made while readings were missing.
   */
  readonly labels: Float64Array;
  /** How large an error of each label may count [H x D], so that no single reading outweighs all others: a few usual ones. */
  readonly reach: Float64Array;
  /** How much larger than usual errors of each target are in this phase of the season [D]. */
  readonly noise: Float64Array;
  /** How many steps have an issue to settle: min(H, events seen so far). Step h settles the issue h events ago. */
  readonly steps: number;
}

/**
 * Anything that can `learn` and `predict`. Per event the features take the event, then the forecaster calls `learn`
 * (labels of earlier issues), `step` (the event enters the expert's own state) and `predict`. What belongs to an issue besides
 * its forecast (the features it was made from, the candidates it was chosen from) the expert keeps until the label comes. All
 * its state is in slices of the forecaster's layout, so that a checkpoint forgets nothing; the features are shared.
 */
export interface Expert {
  readonly name: string;
  /** Of a step whose labels are still to come it knows nothing: while they are few another stands in for it there. */
  readonly borrows?: boolean;
  /** Learns from labels that have been observed: nothing else may fit its weights. */
  learn(settlement: Settlement): void;
  /** Takes the event into the state. */
  step(features: Features): void;
  /** Writes the forecast made from the state as it stands into `out` [H x D], in units. Must be finite. */
  predict(out: Float64Array): void;
}
