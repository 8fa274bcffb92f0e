import { checkLength, checkWhole } from "../checks.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { labelErrors } from "./label-errors.ts";
import { type LeastSquaresOptions, RlsCovariance } from "./rls-covariance.ts";

export interface RlsOptions extends LeastSquaresOptions {
  /** n, the length of a feature vector φ. */
  readonly features: number;
  /** m, the number of outputs that share one covariance. Default 1. */
  readonly outputs?: number;
}

/**
 * Recursive least squares with exponential forgetting, many outputs over one covariance:
 *
 *     y = W φ,   k = P φ / (λ + φᵀ P φ),   W ← W + (d − y) kᵀ,   P ← (P − k φᵀ P) / λ
 *
 * After s samples W minimises Σ λ^(s−i) |W φ(i) − d(i)|² + λ^s δ |W|² exactly, as long as no bound of the covariance
 * has acted. Letters: n features, m outputs; W [m × n]; P [n × n]; φ, k [n]; y, d [m].
 * Cost: 2.5 n² + 2 m n multiplications per sample. State: everything is in the caller's layout.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const rls = new RecursiveLeastSquares(layout, "line", { features: 2, forgetting: 1, delta: 1e-9 });
 * layout.allocate();
 * for (const x of [0, 1, 2]) rls.learn(Float64Array.of(1, x), Float64Array.of(3 + 2 * x));
 * const y = rls.predict(new Float64Array(1), Float64Array.of(1, 10));
 * Math.abs(y[0] - 23) < 1e-6; // true
 * ```
 */
export class RecursiveLeastSquares {
  readonly features: number;
  readonly outputs: number;
  readonly covariance: RlsCovariance;
  readonly #W: Slice<Float64Array>;
  readonly #phi: Slice<Float64Array>;
  readonly #k: Slice<Float64Array>;
  /** Predictions, then errors, [m]. */
  readonly #e: Slice<Float64Array>;
  readonly #refused: Slice<Float64Array>;
  #kernels!: Kernels;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, options: RlsOptions) {
    const { features, outputs = 1 } = options;
    checkWhole("outputs", outputs);
    this.features = features;
    this.outputs = outputs;
    this.covariance = new RlsCovariance(layout, name, features, options);
    this.#W = layout.float64(`${name}.W`, this.outputs * this.features);
    this.#phi = layout.float64(`${name}.phi`, this.features);
    this.#k = layout.float64(`${name}.k`, this.features);
    this.#e = layout.float64(`${name}.e`, this.outputs);
    this.#refused = layout.float64(`${name}.refused`, 1);
    layout.whenAllocated(({ kernels }) => {
      this.#kernels = kernels;
    });
  }

  /** W [m × n], row by row. */
  get weights(): Float64Array {
    return this.#W.view;
  }

  /** Labels left out because they were infinite or beyond 1e100. */
  get refusedLabels(): number {
    return this.#refused.view[0];
  }

  /** Writes W φ to `out` [m] and returns it. */
  predict(out: Float64Array, phi: Float64Array): Float64Array {
    const { features: n, outputs: m } = this;
    checkLength("features", phi, n);
    this.#phi.view.set(phi);
    this.#kernels.multiply64(this.#e.pointer, this.#W.pointer, this.#phi.pointer, m, n);
    out.set(this.#e.view);
    return out;
  }

  /** Learns one sample. A NaN in `d` is a missing label: that output keeps its weights, the covariance moves on. */
  learn(phi: Float64Array, d: Float64Array): void {
    const { features: n, outputs: m } = this;
    checkLength("features", phi, n);
    checkLength("labels", d, m);
    this.#phi.view.set(phi);
    if (!this.covariance.update(this.#k, 0, this.#phi, 0)) return;
    this.#kernels.multiply64(this.#e.pointer, this.#W.pointer, this.#phi.pointer, m, n);
    this.#refused.view[0] += labelErrors(this.#e.view, d, 0, m);
    this.#kernels.correct64(this.#W.pointer, this.#e.pointer, this.#k.pointer, m, n);
  }
}
