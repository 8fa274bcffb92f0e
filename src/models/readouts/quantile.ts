import { EddyError } from "../errors.ts";
import type { Random, Readout } from "./readout.ts";

/**
 * Quantiles by the pinball loss (Koenker & Bassett 1978). z holds one number per level and target, levels fastest:
 *
 *     e = d − z_q;   L = Σ q e for e >= 0, else (q − 1) e;   ∂L/∂z_q = −q for e >= 0, else 1 − q
 *
 * The point forecast is the level nearest to one half. A draw inverts the distribution that the levels sketch:
 * linear between them, exponential beyond the outer two.
 *
 * @example
 * ```ts
 * const dz = [0, 0, 0];
 * const loss = quantiles(1, [0.1, 0.5, 0.9]).loss(dz, [0, 0, 0], [10]);
 * loss === 15 && dz[2] === -0.9; // true
 * ```
 */
export function quantiles(targets = 1, levels: readonly number[] = [0.05, 0.5, 0.95]): Readout {
  const n = levels.length;
  const ascending = levels.every((q, i) => q > 0 && q < 1 && (i === 0 || q > levels[i - 1]));
  if (n === 0 || !ascending) {
    throw new EddyError("bad-argument", "levels", {
      expected: "ascending numbers above 0 and below 1",
      received: levels.join(", "),
    });
  }
  let middle = 0;
  levels.forEach((q, i) => {
    if (Math.abs(q - 0.5) < Math.abs(levels[middle] - 0.5)) middle = i;
  });
  const sorted = new Float64Array(n);
  return {
    name: "quantile",
    inputs: n * targets,
    targets,
    logNormaliser: Number.NaN,
    loss(dz, z, d) {
      let sum = 0;
      for (let i = 0; i < targets; i++) {
        const missing = Number.isNaN(d[i]);
        for (let k = 0; k < n; k++) {
          const at = i * n + k;
          const q = levels[k];
          const e = d[i] - z[at];
          dz[at] = missing ? 0 : e >= 0 ? -q : 1 - q;
          if (!missing) sum += e >= 0 ? q * e : (q - 1) * e;
        }
      }
      return sum;
    },
    point(out, z) {
      for (let i = 0; i < targets; i++) out[i] = z[i * n + middle];
    },
    sample(out, z, random) {
      for (let i = 0; i < targets; i++) {
        for (let k = 0; k < n; k++) sorted[k] = z[i * n + k];
        // Levels learned apart may cross; in order they are a distribution again.
        sorted.sort();
        out[i] = invert(sorted, levels, random);
      }
    },
  };
}

function invert(values: Float64Array, levels: readonly number[], random: Random): number {
  const n = levels.length;
  const u = random();
  if (n === 1) return values[0];
  if (u < levels[0]) {
    const scale = (values[1] - values[0]) / Math.log(levels[1] / levels[0]);
    return values[0] + scale * Math.log(Math.max(u, Number.MIN_VALUE) / levels[0]);
  }
  if (u >= levels[n - 1]) {
    const scale = (values[n - 1] - values[n - 2]) / Math.log((1 - levels[n - 2]) / (1 - levels[n - 1]));
    return values[n - 1] - scale * Math.log((1 - u) / (1 - levels[n - 1]));
  }
  let k = 1;
  while (u >= levels[k]) k++;
  const share = (u - levels[k - 1]) / (levels[k] - levels[k - 1]);
  return values[k - 1] + share * (values[k] - values[k - 1]);
}
