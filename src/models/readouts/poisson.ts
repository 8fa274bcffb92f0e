import { EddyError } from "../errors.ts";
import { drawPoisson } from "./draws.ts";
import { logistic, logSoftplus, softplus } from "./logistic.ts";
import type { Readout } from "./readout.ts";

const HALF_LOG_TAU = 0.5 * Math.log(2 * Math.PI);

/** log n! for a whole n >= 0: a sum of logarithms up to 20, Stirling's series (error below 1e-14) beyond. */
export function logFactorial(n: number): number {
  if (n <= 20) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  const r = 1 / (x * x);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_TAU + series;
}

/**
 * A count or a length (Poisson): rate = softplus(z) = log(1 + exp z), the label n is a whole number from 0,
 *
 *     L = −log P(n) = rate − n log rate + log n!,   ∂L/∂z = σ(z) (1 − n / rate)
 *
 * The point forecast is the rate. log rate is taken from z itself where the rate underflows.
 *
 * @example
 * ```ts
 * const dz = [0];
 * const loss = poisson().loss(dz, [-800], [2]);
 * Math.abs(loss - (1600 + Math.log(2))) < 1e-9 && dz[0] === -2; // true
 * ```
 */
export function poisson(targets = 1): Readout {
  return {
    name: "poisson",
    inputs: targets,
    targets,
    logNormaliser: 0,
    loss(dz, z, d) {
      let sum = 0;
      for (let i = 0; i < targets; i++) {
        const n = d[i];
        if (Number.isNaN(n)) {
          dz[i] = 0;
          continue;
        }
        if (!(Number.isInteger(n) && n >= 0)) {
          throw new EddyError("bad-number", "count", {
            expected: "a whole number from 0 up",
            received: String(n),
          });
        }
        const rate = softplus(z[i]);
        const p = logistic(z[i]);
        // σ(z) / softplus(z) = 1 − exp(z)/2 + ..., where both underflow.
        const ratio = z[i] < -30 ? 1 - Math.exp(z[i]) / 2 : p / rate;
        dz[i] = p - n * ratio;
        sum += rate - n * logSoftplus(z[i]) + logFactorial(n);
      }
      return sum;
    },
    point(out, z) {
      for (let i = 0; i < targets; i++) out[i] = softplus(z[i]);
    },
    sample(out, z, random) {
      for (let i = 0; i < targets; i++) out[i] = drawPoisson(softplus(z[i]), random);
    },
  };
}
