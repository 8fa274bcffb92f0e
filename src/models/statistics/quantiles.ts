/**
 * The p-quantile of n ascending values by linear interpolation at position p (n − 1) (Hyndman & Fan's type 7, the
 * default of most software). NaN for no values. p in [0, 1].
 *
 * @example
 * ```ts
 * quantileLinear([1, 2, 4], 0.75) === 3; // true
 * ```
 */
export function quantileLinear(sorted: ArrayLike<number>, p: number, n = sorted.length): number {
  const position = p * (n - 1);
  const below = Math.floor(position);
  const low = sorted[below];
  if (n === 0 || below >= n - 1) return n === 0 ? Number.NaN : sorted[n - 1];
  return low + (position - below) * (sorted[below + 1] - low);
}

/** Rounding in p n must not lift a whole rank to the next. */
const RANK_SLACK = 1e-9;

/**
 * The p-quantile of n ascending values by nearest rank: the k-th smallest, k = max(1, ⌈p n⌉). NaN for no values.
 *
 * @example
 * ```ts
 * quantileNearestRank([1, 2, 4], 0.5) === 2; // true
 * ```
 */
export function quantileNearestRank(sorted: ArrayLike<number>, p: number, n = sorted.length): number {
  return n === 0 ? Number.NaN : sorted[Math.max(1, Math.ceil(p * n - RANK_SLACK)) - 1];
}
