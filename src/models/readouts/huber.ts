import { EddyError } from "../errors.ts";
import { clip } from "../kernels/clip.ts";
import type { Random, Readout } from "./readout.ts";

/**
 * Huber's loss (Huber 1964), quadratic near the label and linear beyond δ, so that one wild label moves little:
 *
 *     e = z − d;   L = ½ e² for |e| <= δ, else δ (|e| − ½ δ);   ∂L/∂z = max(−δ, min(δ, e))
 *
 * It is the negative log-likelihood, less a constant, of a normal core with exponential tails; draws come from that.
 *
 * @example
 * ```ts
 * const dz = [0];
 * huber(1, 1).loss(dz, [3], [0]) === 2.5 && dz[0] === 1; // true
 * ```
 */
export function huber(targets = 1, delta = 1): Readout {
  if (!(delta > 0)) {
    throw new EddyError("bad-argument", "delta", { expected: "a number above 0", received: String(delta) });
  }
  return {
    name: "huber",
    inputs: targets,
    targets,
    logNormaliser: Number.NaN,
    loss(dz, z, d) {
      let sum = 0;
      for (let i = 0; i < targets; i++) {
        if (Number.isNaN(d[i])) {
          dz[i] = 0;
          continue;
        }
        const e = z[i] - d[i];
        dz[i] = clip(e, delta);
        sum += huberLoss(e, delta);
      }
      return sum;
    },
    point(out, z) {
      for (let i = 0; i < targets; i++) out[i] = z[i];
    },
    sample(out, z, random) {
      for (let i = 0; i < targets; i++) out[i] = z[i] + drawError(delta, random);
    },
  };
}

function huberLoss(e: number, delta: number): number {
  const size = Math.abs(e);
  return size <= delta ? 0.5 * e * e : delta * (size - 0.5 * delta);
}

/**
 * A draw of e with density proportional to exp(−L(e)), by rejection from a double exponential of rate r: for
 * r <= δ the line r |e| − ½ r² is a tangent of L and so lies below it. r = 1 accepts three draws of four.
 */
function drawError(delta: number, random: Random): number {
  const r = Math.min(delta, 1);
  for (;;) {
    const size = -Math.log(1 - random()) / r;
    const e = random() < 0.5 ? size : -size;
    if (random() < Math.exp(r * size - 0.5 * r * r - huberLoss(e, delta))) return e;
  }
}
