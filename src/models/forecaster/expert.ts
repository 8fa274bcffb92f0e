/**
 * What every expert knows of its place. Letters: D targets, C columns (targets first, then inputs), H horizon.
 * Predictions are laid out [step][target], step 1 first: element (h - 1) * D + d.
 */
export interface Shape {
  readonly targets: number;
  readonly columns: number;
  readonly horizon: number;
}

/** One event as experts see it: scaled values, and time as the models know it. */
export interface Event {
  /** Scaled columns [C]; NaN where missing. */
  readonly x: Float64Array;
  /** Scaled columns [C] with a missing value replaced by the last one seen. */
  readonly filled: Float64Array;
  /** Steps since the previous event in units of the usual interval, 1 for a regular series. */
  readonly dt: number;
  /** Event time, epoch milliseconds. */
  readonly time: number;
}

/**
 * Labels that exist now, handed out by the ledger and by nothing else: for every step h, the labels of the
 * forecast issued h events ago are the values of this event.
 */
export interface Settlement {
  /** The labels [D], scaled; NaN where this event lacks one. */
  readonly y: Float64Array;
  /** How many steps have an issue to settle: min(H, events seen so far). Step h settles the issue h events ago. */
  readonly steps: number;
}

/**
 * Anything that can `learn` and `predict`. Per event the forecaster calls `learn` (labels of earlier issues),
 * then `step` (the event enters the state), then `predict`. An expert keeps all its state in slices of the
 * forecaster's layout, so that a checkpoint forgets nothing.
 */
export interface Expert {
  readonly name: string;
  /** Learns from labels that have been observed. */
  learn(settlement: Settlement): void;
  /** Takes the event into the state. */
  step(event: Event): void;
  /** Writes the forecast made from the state as it stands into `out` [H x D], scaled. Must be finite. */
  predict(out: Float64Array): void;
}
