import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import { LARGEST_NUMBER } from "./linear-rows.ts";

/** How a least-squares learner forgets, starts and is held in bounds. */
export interface LeastSquaresOptions {
  /** λ, the weight that yesterday's sample keeps per step: in (0, 1], 1 forgets nothing. Default 0.999. */
  readonly forgetting?: number;
  /** δ, the ridge at the start: P = I / δ. Default 1. */
  readonly delta?: number;
  /** Upper bound of every diagonal element of P. Default 1 / δ: never less certain than at the start. */
  readonly diagonalCap?: number;
  /** Upper bound of the trace of P. Default Infinity. */
  readonly traceCap?: number;
}

/** What the guards of a covariance have done so far. */
export interface CovarianceGuards {
  /** Updates after which a diagonal element or the trace was brought back to its bound. */
  readonly capped: number;
  /** Feature vectors left out because they held a number that is not finite or is beyond 1e100. */
  readonly refused: number;
  /** Times P had lost its positive definiteness to rounding and began again at I / δ. */
  readonly restarted: number;
}

const CAPPED = 0;
const REFUSED = 1;
const RESTARTED = 2;

/**
 * The inverse correlation matrix of recursive least squares and its gain (Haykin, Adaptive Filter Theory, ch. 10):
 *
 *     g = P φ,   k = g / (λ + φᵀ g),   P ← (P − g gᵀ / (λ + φᵀ g)) / λ
 *
 * P depends on features only, never on labels, so one covariance serves any number of outputs, and its gains may be
 * used later than they were made (see `DelayedLeastSquares`).
 *
 * Bounds. With λ < 1 a direction that is not excited grows as λ⁻ᵗ ("windup"). A diagonal element over its cap is
 * brought back by the congruence P ← S P S, S diagonal, which keeps P symmetric and positive definite; a trace over
 * its cap scales P as a whole. P is symmetric to the last bit because g_i g_j = g_j g_i in floating point.
 *
 * Letters: n features; P [n × n]; φ, g, k [n]. Cost: 3 n² multiplications. State: n² + 3 float64 in the caller's layout.
 */
export class RlsCovariance {
  readonly size: number;
  readonly forgetting: number;
  readonly delta: number;
  readonly diagonalCap: number;
  readonly traceCap: number;
  readonly #P: Slice<Float64Array>;
  readonly #guards: Slice<Float64Array>;
  readonly #g: Float64Array;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, size: number, options: LeastSquaresOptions = {}) {
    const {
      forgetting = 0.999,
      delta = 1,
      diagonalCap = 1 / delta,
      traceCap = Number.POSITIVE_INFINITY,
    } = options;
    if (!(Number.isInteger(size) && size > 0)) wrong("features", "a whole number above 0", size);
    if (!(forgetting > 0 && forgetting <= 1))
      wrong("forgetting", "a number above 0 and at most 1", forgetting);
    if (!(delta > 0 && Number.isFinite(delta))) wrong("delta", "a finite number above 0", delta);
    if (!(diagonalCap > 0)) wrong("diagonalCap", "a number above 0", diagonalCap);
    if (!(traceCap > 0)) wrong("traceCap", "a number above 0", traceCap);
    this.size = size;
    this.forgetting = forgetting;
    this.delta = delta;
    this.diagonalCap = diagonalCap;
    this.traceCap = traceCap;
    this.#P = layout.float64(`${name}.P`, size * size);
    this.#guards = layout.float64(`${name}.guards`, 3);
    this.#g = new Float64Array(size);
  }

  /** P [n × n], row by row. */
  get matrix(): Float64Array {
    return this.#P.view;
  }

  get guards(): CovarianceGuards {
    const counts = this.#guards.view;
    return { capped: counts[CAPPED]!, refused: counts[REFUSED]!, restarted: counts[RESTARTED]! };
  }

  /** P = I / δ and no guard has acted. Call once after the layout was allocated, unless a checkpoint is loaded. */
  initialise(): void {
    this.#guards.view.fill(0);
    this.#identity();
  }

  /**
   * Takes one feature vector φ into P and writes its gain k to `gain`.
   * Returns false, leaves P alone and writes zeros (a gain that teaches nothing) when φ is not usable.
   */
  update(gain: Float64Array, phi: Float64Array): boolean {
    const n = this.size;
    const P = this.#P.view;
    const g = this.#g;
    const lambda = this.forgetting;
    for (let i = 0; i < n; i++) {
      if (Math.abs(phi[i]!) <= LARGEST_NUMBER) continue;
      this.#guards.view[REFUSED]! += 1;
      gain.fill(0, 0, n);
      return false;
    }
    let energy = this.#project(phi);
    if (!(energy >= 0 && energy < Number.POSITIVE_INFINITY)) {
      this.#guards.view[RESTARTED]! += 1;
      this.#identity();
      energy = this.#project(phi);
    }
    const inverse = 1 / (lambda + energy);
    for (let i = 0; i < n; i++) gain[i] = g[i]! * inverse;
    const growth = 1 / lambda;
    for (let i = 0; i < n; i++) {
      const row = i * n;
      for (let j = 0; j < n; j++) P[row + j] = (P[row + j]! - g[i]! * g[j]! * inverse) * growth;
    }
    this.#bound();
    return true;
  }

  /** g = P φ; returns φᵀ P φ. */
  #project(phi: Float64Array): number {
    const n = this.size;
    const P = this.#P.view;
    let energy = 0;
    for (let i = 0; i < n; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = 0; j < n; j++) sum += P[row + j]! * phi[j]!;
      this.#g[i] = sum;
      energy += sum * phi[i]!;
    }
    return energy;
  }

  #bound(): void {
    const n = this.size;
    const P = this.#P.view;
    let trace = 0;
    let capped = false;
    for (let i = 0; i < n; i++) {
      const variance = P[i * n + i]!;
      if (variance > this.diagonalCap) {
        capped = true;
        const s = Math.sqrt(this.diagonalCap / variance);
        for (let j = 0; j < n; j++) {
          P[i * n + j]! *= s;
          P[j * n + i]! *= s;
        }
        P[i * n + i] = this.diagonalCap;
      }
      trace += P[i * n + i]!;
    }
    if (trace > this.traceCap) {
      capped = true;
      const s = this.traceCap / trace;
      for (let i = 0; i < n * n; i++) P[i]! *= s;
    }
    if (capped) this.#guards.view[CAPPED]! += 1;
  }

  #identity(): void {
    const n = this.size;
    this.#P.view.fill(0);
    for (let i = 0; i < n; i++) this.#P.view[i * n + i] = 1 / this.delta;
  }
}

function wrong(subject: string, expected: string, received: number): never {
  throw new EddyError("bad-argument", subject, { expected, received: String(received) });
}
