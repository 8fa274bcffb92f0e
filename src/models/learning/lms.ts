import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import { correctRows, LARGEST_NUMBER, multiplyRows } from "./linear-rows.ts";

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
 * lms.initialise();
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
  readonly #k: Float64Array;

  /** @throws EddyError `bad-argument` for a rate that is not above 0. */
  constructor(layout: Layout, name: string, options: LmsOptions) {
    const { features, outputs = 1, rate = 0.01, normalised = false } = options;
    if (!(rate > 0 && Number.isFinite(rate))) {
      throw new EddyError("bad-argument", "rate", {
        expected: "a finite number above 0",
        received: String(rate),
      });
    }
    this.features = features;
    this.outputs = outputs;
    this.rate = rate;
    this.normalised = normalised;
    this.#W = layout.float64(`${name}.W`, outputs * features);
    this.#refused = layout.float64(`${name}.refused`, 1);
    this.#k = new Float64Array(features);
  }

  /** W [m × n], row by row. */
  get weights(): Float64Array {
    return this.#W.view;
  }

  /** Samples or labels left out because a number was not finite or beyond 1e100. */
  get refused(): number {
    return this.#refused.view[0]!;
  }

  /** W = 0. Call once after the layout was allocated, unless a checkpoint is loaded. */
  initialise(): void {
    this.#W.view.fill(0);
    this.#refused.view[0] = 0;
  }

  /** Writes W φ to `out` [m] and returns it. */
  predict(out: Float64Array, phi: Float64Array): Float64Array {
    return multiplyRows(out, this.#W.view, phi, 0, this.outputs, this.features);
  }

  /** Learns one sample. */
  learn(phi: Float64Array, d: Float64Array): void {
    const n = this.features;
    let energy = 0;
    for (let j = 0; j < n; j++) energy += phi[j]! * phi[j]!;
    if (!(energy <= LARGEST_NUMBER * LARGEST_NUMBER)) {
      this.#refused.view[0]! += 1;
      return;
    }
    const eta = this.normalised ? this.rate / (EPSILON + energy) : this.rate;
    for (let j = 0; j < n; j++) this.#k[j] = eta * phi[j]!;
    this.#refused.view[0]! += correctRows(this.#W.view, 0, phi, 0, this.#k, 0, d, 0, this.outputs, n);
  }
}
