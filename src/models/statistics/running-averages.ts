import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import { power } from "../kernels/power.ts";

/**
 * Running averages of the same values at several time scales, also when values come at irregular times:
 *
 *     a = αᵈᵗ,   μ ← a μ + (1 − a) v,   w ← a w + (1 − a)          corrected: μ / w
 *
 * μ starts at 0, so early on it leans to 0; w is the weight it has really seen (1 − αᵗ after t steps of dt 1), and the
 * corrected average leans nowhere. A missing value (not finite) leaves μ and w as they are; give the next one the dt
 * since the last value that was seen.
 *
 * Letters: A scales α, C components; μ, w [A × C]. State: 2 A C float64 in the layout. Cost: A exponentials per step.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const averages = new RunningAverages(layout, "averages", [0.5, 0.9]);
 * layout.allocate();
 * for (const v of [4, 4, 4]) averages.add([v]);
 * averages.plain(0, 0) === 3.5 && Math.abs(averages.corrected(1, 0) - 4) < 1e-12; // true
 * ```
 */
export class RunningAverages {
  readonly alphas: readonly number[];
  readonly size: number;
  readonly #mu: Slice<Float64Array>;
  readonly #w: Slice<Float64Array>;

  /** @throws EddyError `bad-argument` for an α outside (0, 1). */
  constructor(layout: Layout, name: string, alphas: readonly number[], size = 1) {
    for (const alpha of alphas) {
      if (alpha > 0 && alpha < 1) continue;
      throw new EddyError("bad-argument", "alpha", {
        expected: "a number above 0 and below 1",
        received: String(alpha),
      });
    }
    this.alphas = [...alphas];
    this.size = size;
    this.#mu = layout.float64(`${name}.mu`, alphas.length * size);
    this.#w = layout.float64(`${name}.w`, alphas.length * size);
  }

  /** Takes one value per component, `dt` usual steps after the one before. */
  add(values: ArrayLike<number>, dt = 1): void {
    const mu = this.#mu.view;
    const w = this.#w.view;
    this.alphas.forEach((alpha, scale) => {
      const a = dt === 1 ? alpha : power(alpha, dt);
      for (let i = 0; i < this.size; i++) {
        const v = values[i];
        if (!Number.isFinite(v)) continue;
        const at = scale * this.size + i;
        mu[at] = a * mu[at] + (1 - a) * v;
        w[at] = a * w[at] + (1 - a);
      }
    });
  }

  /** μ of component i at the scale with that index. */
  plain(scale: number, i: number): number {
    return this.#mu.view[scale * this.size + i];
  }

  /** μ / w; 0 before the first value. */
  corrected(scale: number, i: number): number {
    const at = scale * this.size + i;
    return this.#w.view[at] === 0 ? 0 : this.#mu.view[at] / this.#w.view[at];
  }
}
