/** Labels and features beyond this are refused: their squares would overflow before any bound could act. */
export const LARGEST_NUMBER = 1e100;

/**
 * e = d − e: predictions become errors in place, for m labels from offset `atD`. A NaN label is missing; one that is
 * infinite or beyond 1e100 is refused. Both leave NaN, which the kernel `correct64` skips. Returns how many were refused.
 */
export function labelErrors(e: Float64Array, d: Float64Array, atD: number, m: number): number {
  let refused = 0;
  for (let i = 0; i < m; i++) {
    const label = d[atD + i];
    const usable = Math.abs(label) <= LARGEST_NUMBER;
    if (!usable && !Number.isNaN(label)) refused++;
    e[i] = usable ? label - e[i] : Number.NaN;
  }
  return refused;
}
