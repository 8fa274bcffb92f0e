import type { Layout, Slice } from "../kernels/layout.ts";
import { correctRows, multiplyRows } from "./linear-rows.ts";
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
 * Cost: 3 n² + 2 m n multiplications per sample. State: everything is in the caller's layout.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const rls = new RecursiveLeastSquares(layout, "line", { features: 2, forgetting: 1, delta: 1e-9 });
 * layout.allocate();
 * rls.initialise();
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
  readonly #refused: Slice<Float64Array>;
  readonly #k: Float64Array;

  constructor(layout: Layout, name: string, options: RlsOptions) {
    this.features = options.features;
    this.outputs = options.outputs ?? 1;
    this.covariance = new RlsCovariance(layout, name, options.features, options);
    this.#W = layout.float64(`${name}.W`, this.outputs * this.features);
    this.#refused = layout.float64(`${name}.refused`, 1);
    this.#k = new Float64Array(this.features);
  }

  /** W [m × n], row by row. */
  get weights(): Float64Array {
    return this.#W.view;
  }

  /** Labels left out because they were not finite or beyond 1e100. */
  get refusedLabels(): number {
    return this.#refused.view[0]!;
  }

  /** W = 0, P = I / δ. Call once after the layout was allocated, unless a checkpoint is loaded. */
  initialise(): void {
    this.covariance.initialise();
    this.#W.view.fill(0);
    this.#refused.view[0] = 0;
  }

  /** Writes W φ to `out` [m] and returns it. */
  predict(out: Float64Array, phi: Float64Array): Float64Array {
    return multiplyRows(out, this.#W.view, phi, 0, this.outputs, this.features);
  }

  /** Learns one sample. A NaN in `d` is a missing label: that output keeps its weights, the covariance moves on. */
  learn(phi: Float64Array, d: Float64Array): void {
    if (!this.covariance.update(this.#k, phi)) return;
    this.#refused.view[0]! += correctRows(
      this.#W.view,
      0,
      phi,
      0,
      this.#k,
      0,
      d,
      0,
      this.outputs,
      this.features,
    );
  }
}
