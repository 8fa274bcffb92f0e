/** Longest season that is smoothed: one by one that of a long one is slow, and other experts do it better. */
export const LONGEST_SMOOTHED = 48;

/** Whether a season of p steps is one that is smoothed; 0 is none. */
export const smoothable = (p: number): boolean => p >= 2 && p <= LONGEST_SMOOTHED;

/**
 * The classical season of length p in the values z, at least two of them long: the mean, over the values of each phase, of what a value is beside the
 * average of one season around it: its ratio to that (`factors`), whose mean over the phases is 1, or its difference from it, whose mean is 0.
 * Phases count from the first value. Writes [p] to `out`. Cost n p.
 */
export function classicalSeason(z: Float64Array, p: number, factors: boolean, out: Float64Array): void {
  const half = p >> 1;
  const last = z.length - half;
  let mean = 0;
  for (let k = half; k < half + p; k++) {
    let total = 0;
    let seen = 0;
    for (let i = k; i < last; i += p) {
      let sum = 0;
      for (let j = i - half; j <= i + half; j++) sum += z[j];
      // Over an even season the two ends count half each.
      if (p % 2 === 0) sum -= 0.5 * (z[i - half] + z[i + half]);
      total += factors ? (z[i] * p) / sum : z[i] - sum / p;
      seen++;
    }
    out[k % p] = total / seen;
  }
  for (let k = 0; k < p; k++) mean += out[k] / p;
  for (let k = 0; k < p; k++) out[k] = factors ? out[k] / mean : out[k] - mean;
}

/** Slope per value of the line through z by least squares. */
export function slope(z: Float64Array): number {
  const n = z.length;
  const middle = (n - 1) / 2;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (i - middle) * z[i];
  return (12 * sum) / (n * (n * n - 1));
}

/** What has usual steps of its logarithms that are larger than this leaps by factors, and does not grow by a share. */
export const LARGEST_LOG_STEP = 0.5;

/**
 * Where a level that factors multiply is after it has moved by `moved`: l + m, or, where it falls, l exp(m / l), which falls by the same
 * share in each step and not below zero, as no series with factors does.
 */
export function levelAhead(level: number, moved: number): number {
  return moved < 0 && level > 0 ? level * Math.exp(moved / level) : level + moved;
}
