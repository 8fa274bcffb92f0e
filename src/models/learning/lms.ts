import { checkLength, checkPositive, checkWhole } from "../checks.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { LARGEST_NUMBER, labelErrors } from "./label-errors.ts";

export interface LmsOptions {
  /** n, the length of a feature vector φ. */
  readonly features: number;
  /** m, the number of outputs. Default 1. */
  readonly outputs?: number;
  /** η, the step size; stable in the mean for η < 2 / (largest eigenvalue of E[φ φᵀ]). Default 0.01. */
  readonly rate?: number;
  /** Divide the step by ε + |φ|² (normalised LMS, stable for rate < 2 whatever the features). Default false. */
  readonly normalised?: boolean;
}

/** ε of normalised LMS: only keeps an all-zero φ from dividing by zero. */
const EPSILON = 1e-8;

/**
 * Least mean squares (Widrow & Hoff 1960) and its normalised form:
 *
 *     y = W φ,   W ← W + η (d − y) φᵀ          normalised: η / (ε + |φ|²) in the place of η
 *
 * Letters: n features, m outputs; W [m × n]; φ [n]; y, d [m]. Cost: 2 m n multiplications. State: W.
 * A NaN in `d` is a missing label. Labels that are infinite, features that are not finite, or either beyond 1e100,
 * teach nothing and are counted.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const lms = new LeastMeanSquares(layout, "line", { features: 2, rate: 0.5, normalised: true });
 * layout.allocate();
 * for (let t = 0; t < 500; t++) lms.learn(Float64Array.of(1, t % 3), Float64Array.of(3 + 2 * (t % 3)));
 * const y = lms.predict(new Float64Array(1), Float64Array.of(1, 10));
 * Math.abs(y[0] - 23) < 1e-6; // true
 * ```
 */
export class LeastMeanSquares {
  readonly features: number;
  readonly outputs: number;
  readonly rate: number;
  readonly normalised: boolean;
  readonly #W: Slice<Float64Array>;
  readonly #refused: Slice<Float64Array>;
  readonly #phi: Slice<Float64Array>;
  /** Predictions, then errors, [m]. */
  readonly #e: Slice<Float64Array>;
  #kernels!: Kernels;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, options: LmsOptions) {
    const { features, outputs = 1, rate = 0.01, normalised = false } = options;
    checkWhole("features", features);
    checkWhole("outputs", outputs);
    checkPositive("rate", rate);
    this.features = features;
    this.outputs = outputs;
    this.rate = rate;
    this.normalised = normalised;
    this.#W = layout.float64(`${name}.W`, outputs * features);
    this.#refused = layout.float64(`${name}.refused`, 1);
    this.#phi = layout.float64(`${name}.phi`, features);
    this.#e = layout.float64(`${name}.e`, outputs);
    layout.whenAllocated(({ kernels }) => {
      this.#kernels = kernels;
    });
  }

  /** W [m × n], row by row. */
  get weights(): Float64Array {
    return this.#W.view;
  }

  /** Samples or labels left out because a number was not finite or beyond 1e100. */
  get refused(): number {
    return this.#refused.view[0];
  }

  /** Writes W φ to `out` [m] and returns it. */
  predict(out: Float64Array, phi: Float64Array): Float64Array {
    checkLength("features", phi, this.features);
    this.#phi.view.set(phi);
    this.#multiply();
    out.set(this.#e.view);
    return out;
  }

  /** Learns one sample. */
  learn(phi: Float64Array, d: Float64Array): void {
    const { features: n, outputs: m } = this;
    const x = this.#phi;
    checkLength("features", phi, n);
    checkLength("labels", d, m);
    x.view.set(phi);
    const energy = this.#kernels.dot64(x.pointer, x.pointer, n);
    if (!(energy <= LARGEST_NUMBER * LARGEST_NUMBER)) {
      this.#refused.view[0] += 1;
      return;
    }
    this.#multiply();
    const e = this.#e.view;
    this.#refused.view[0] += labelErrors(e, d, 0, m);
    const eta = this.normalised ? this.rate / (EPSILON + energy) : this.rate;
    for (let i = 0; i < m; i++) e[i] *= eta;
    this.#kernels.correct64(this.#W.pointer, this.#e.pointer, x.pointer, m, n);
  }

  #multiply(): void {
    this.#kernels.multiply64(
      this.#e.pointer,
      this.#W.pointer,
      this.#phi.pointer,
      this.outputs,
      this.features,
    );
  }
}
