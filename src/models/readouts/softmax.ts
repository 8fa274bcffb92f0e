import { EddyError } from "../errors.ts";
import { drawIndex } from "./draws.ts";
import type { Readout, Writable } from "./readout.ts";

/** p = softmax(z), shifted by max z so that nothing overflows. Returns log Σ exp z. */
export function softmax(p: Writable, z: ArrayLike<number>, n = z.length): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) top = Math.max(top, z[i]);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const u = Math.exp(z[i] - top);
    p[i] = u;
    sum += u;
  }
  for (let i = 0; i < n; i++) p[i] = p[i] / sum;
  return top + Math.log(sum);
}

/**
 * One of n categories, L = −log softmax(z)_d = log Σ exp z − z_d. The label d is an index from 0.
 * ∂L/∂z = softmax(z) − onehot(d). The point forecast is the likeliest index.
 *
 * @example
 * ```ts
 * const dz = [0, 0];
 * const loss = categories(2).loss(dz, [1000, 1000], [1]);
 * Math.abs(loss - Math.log(2)) < 1e-12 && dz[0] === 0.5 && dz[1] === -0.5; // true
 * ```
 */
export function categories(n = 2): Readout {
  const p = new Float64Array(n);
  return {
    name: "softmax",
    inputs: n,
    targets: 1,
    logNormaliser: 0,
    loss(dz, z, d) {
      const k = d[0];
      if (Number.isNaN(k)) {
        for (let i = 0; i < n; i++) dz[i] = 0;
        return 0;
      }
      if (!(Number.isInteger(k) && k >= 0 && k < n)) {
        throw new EddyError("bad-number", "category", {
          expected: `a whole number from 0 to ${n - 1}`,
          received: String(k),
        });
      }
      const total = softmax(p, z, n);
      for (let i = 0; i < n; i++) dz[i] = i === k ? p[i] - 1 : p[i];
      return total - z[k];
    },
    point(out, z) {
      let best = 0;
      for (let i = 1; i < n; i++) if (z[i] > z[best]) best = i;
      out[0] = best;
    },
    sample(out, z, random) {
      softmax(p, z, n);
      out[0] = drawIndex(p, random);
    },
  };
}
