import { drawNormal } from "./draws.ts";
import type { Readout } from "./readout.ts";

/**
 * Squared error, L = ½ Σ (z − d)²: the negative log-likelihood of a normal with mean z and variance 1, less a constant.
 * ∂L/∂z = z − d. A draw is z plus a standard normal.
 *
 * @example
 * ```ts
 * const dz = [0, 0];
 * squared(2).loss(dz, [1, 3], [0, 5]) === 2.5 && dz[0] === 1 && dz[1] === -2; // true
 * ```
 */
export function squared(targets = 1): Readout {
  return {
    name: "squared",
    inputs: targets,
    targets,
    logNormaliser: 0.5 * Math.log(2 * Math.PI) * targets,
    loss(dz, z, d) {
      let sum = 0;
      for (let i = 0; i < targets; i++) {
        const e = z[i] - d[i];
        dz[i] = Number.isNaN(d[i]) ? 0 : e;
        if (!Number.isNaN(d[i])) sum += 0.5 * e * e;
      }
      return sum;
    },
    point(out, z) {
      for (let i = 0; i < targets; i++) out[i] = z[i];
    },
    sample(out, z, random) {
      for (let i = 0; i < targets; i++) out[i] = z[i] + drawNormal(random);
    },
  };
}
