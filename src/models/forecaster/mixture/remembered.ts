const YOUNG_SHARE = 0.25;
const START = 150;
/** A memory of fewer labels than this says nothing. */
export const LEAST_REMEMBERED = 10;

/**
 * How many of n labels so far are remembered, `most` at most: the last n/4, later all but the first 150. While everything is still
 * being learned, large errors of the start say nothing of what is right now.
 */
export function remembered(n: number, most: number): number {
  return Math.min(most, n, Math.max(LEAST_REMEMBERED, YOUNG_SHARE * n, n - START));
}
