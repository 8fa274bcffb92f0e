/**
 * The sizes of a forecaster. Letters: D targets, C columns (targets first, then inputs), H horizon.
 * Predictions are laid out [step][target], step 1 first: element (h - 1) * D + d.
 */
export interface Shape {
  readonly targets: number;
  readonly columns: number;
  readonly horizon: number;
}
