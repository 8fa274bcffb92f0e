/** Labels and features beyond this are refused: squares and products of them would overflow before any bound could act. */
export const LARGEST_NUMBER = 1e100;

/** out = W φ for m rows of length n, φ from offset atPhi. */
export function multiplyRows(
  out: Float64Array,
  W: Float64Array,
  phi: Float64Array,
  atPhi: number,
  m: number,
  n: number,
): Float64Array {
  for (let i = 0; i < m; i++) {
    const row = i * n;
    let sum = 0;
    for (let j = 0; j < n; j++) sum += W[row + j]! * phi[atPhi + j]!;
    out[i] = sum;
  }
  return out;
}

/**
 * W ← W + (d − W φ) kᵀ for m rows, each array from its own offset. A NaN label is missing; one that is infinite or
 * beyond 1e100 is refused. Returns how many were refused.
 */
export function correctRows(
  W: Float64Array,
  atW: number,
  phi: Float64Array,
  atPhi: number,
  k: Float64Array,
  atK: number,
  d: Float64Array,
  atD: number,
  m: number,
  n: number,
): number {
  let refused = 0;
  for (let i = 0; i < m; i++) {
    const label = d[atD + i]!;
    if (Number.isNaN(label)) continue;
    if (Math.abs(label) > LARGEST_NUMBER) {
      refused++;
      continue;
    }
    const row = atW + i * n;
    let y = 0;
    for (let j = 0; j < n; j++) y += W[row + j]! * phi[atPhi + j]!;
    const e = label - y;
    for (let j = 0; j < n; j++) W[row + j]! += e * k[atK + j]!;
  }
  return refused;
}
