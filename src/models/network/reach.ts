/** Sources beyond this are cut off: sums of products of them stay finite in float32. */
export const LARGEST_INPUT = 1e15;

/** `value` cut off at ±`LARGEST_INPUT`; NaN stays NaN. */
export function withinReach(value: number): number {
  return Math.max(-LARGEST_INPUT, Math.min(LARGEST_INPUT, value));
}
