import { logistic, softplus } from "./logistic.ts";
import type { Readout } from "./readout.ts";

/**
 * Whether the sequence ends here (Bernoulli): p = σ(z), the label is 1 at the last step and 0 before,
 *
 *     L = −(d log p + (1 − d) log(1 − p)) = max(z, 0) − d z + log(1 + exp(−|z|)),   ∂L/∂z = p − d
 *
 * One output per target: `endOfSequence(3)` is three independent yes-or-no labels. The point forecast is p.
 *
 * @example
 * ```ts
 * const dz = [0];
 * endOfSequence().loss(dz, [-750], [0]) === 0 && dz[0] === 0; // true
 * ```
 */
export function endOfSequence(targets = 1): Readout {
  return {
    name: "end-of-sequence",
    inputs: targets,
    targets,
    logNormaliser: 0,
    loss(dz, z, d) {
      let sum = 0;
      for (let i = 0; i < targets; i++) {
        const missing = Number.isNaN(d[i]);
        dz[i] = missing ? 0 : logistic(z[i]) - d[i];
        // d softplus(−z) + (1 − d) softplus(z): no difference of large numbers.
        if (!missing) sum += d[i] * softplus(-z[i]) + (1 - d[i]) * softplus(z[i]);
      }
      return sum;
    },
    point(out, z) {
      for (let i = 0; i < targets; i++) out[i] = logistic(z[i]);
    },
    sample(out, z, random) {
      for (let i = 0; i < targets; i++) out[i] = random() < logistic(z[i]) ? 1 : 0;
    },
  };
}
