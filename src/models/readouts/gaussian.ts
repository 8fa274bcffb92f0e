import { drawNormal } from "./draws.ts";
import type { Readout } from "./readout.ts";

const HALF_LOG_TAU = 0.5 * Math.log(2 * Math.PI);
/** A log variance beyond this (a deviation of 2e-9 or 5e8) is held there: gradients of float32 networks stay finite. */
const LOG_VARIANCE_LIMIT = 40;

/**
 * A normal with a mean and a log variance per target: z = [mean (m), log variance (m)],
 *
 *     L = Σ ½ (v + (μ − d)² exp(−v)) + ½ log 2π
 *     ∂L/∂μ = (μ − d) exp(−v),   ∂L/∂v = ½ (1 − (μ − d)² exp(−v))
 *
 * @example
 * ```ts
 * const dz = [0, 0];
 * gaussian(1).loss(dz, [3, 0], [1]);
 * dz[0] === 2 && dz[1] === -1.5; // true
 * ```
 */
export function gaussian(targets = 1): Readout {
  const logVariance = (z: ArrayLike<number>, i: number): number =>
    Math.max(-LOG_VARIANCE_LIMIT, Math.min(LOG_VARIANCE_LIMIT, z[targets + i]));
  return {
    name: "gaussian",
    inputs: 2 * targets,
    targets,
    logNormaliser: 0,
    loss(dz, z, d) {
      let sum = 0;
      for (let i = 0; i < targets; i++) {
        if (Number.isNaN(d[i])) {
          dz[i] = 0;
          dz[targets + i] = 0;
          continue;
        }
        const e = z[i] - d[i];
        const v = logVariance(z, i);
        const precision = Math.exp(-v);
        const square = e * e * precision;
        dz[i] = e * precision;
        dz[targets + i] = 0.5 * (1 - square);
        sum += 0.5 * (v + square) + HALF_LOG_TAU;
      }
      return sum;
    },
    point(out, z) {
      for (let i = 0; i < targets; i++) out[i] = z[i];
    },
    sample(out, z, random) {
      for (let i = 0; i < targets; i++)
        out[i] = z[i] + Math.exp(0.5 * logVariance(z, i)) * drawNormal(random);
    },
  };
}
