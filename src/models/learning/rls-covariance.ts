import { check, checkPositive, checkWhole } from "../checks.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { LARGEST_NUMBER } from "./label-errors.ts";

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
/** 0 until P holds I / δ: a block of zeros is a learner that has not begun. */
const BEGUN = 3;

/**
 * The inverse correlation matrix of recursive least squares and its gain (Haykin, Adaptive Filter Theory, ch. 10):
 *
 *     g = P φ,   k = g / (λ + φᵀ g),   P ← (P − g gᵀ / (λ + φᵀ g)) / λ
 *
 * P depends on features only, never on labels, so one covariance serves any number of outputs, and its gains may be
 * used later than they were made (see `DelayedLeastSquares`).
 *
 * Bounds. With λ < 1 a direction that is not excited grows as λ⁻ᵗ ("windup"). A diagonal element over its cap is
 * brought back by the congruence P ← S P S, S diagonal, which keeps P symmetric and positive definite; where the trace
 * would pass its cap, P grows by less than 1 / λ. P is kept as its upper triangle, row by row, so it cannot lose its
 * symmetry, and half the memory and half the work are saved.
 *
 * Letters: n features; P [n × n]; φ, g, k [n]. Cost: 2.5 n² multiplications. State: n²/2 + 1.5 n + 4 float64 in the layout.
 */
export class RlsCovariance {
  readonly size: number;
  readonly forgetting: number;
  readonly delta: number;
  readonly diagonalCap: number;
  readonly traceCap: number;
  readonly #P: Slice<Float64Array>;
  readonly #g: Slice<Float64Array>;
  readonly #guards: Slice<Float64Array>;
  #kernels!: Kernels;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, size: number, options: LeastSquaresOptions = {}) {
    const { forgetting = 0.999, delta = 1, traceCap = Number.POSITIVE_INFINITY } = options;
    const { diagonalCap = 1 / delta } = options;
    checkWhole("features", size);
    check(forgetting > 0 && forgetting <= 1, "forgetting", "a number above 0 and at most 1", forgetting);
    checkPositive("delta", delta);
    check(diagonalCap > 0, "diagonalCap", "a number above 0", diagonalCap);
    check(traceCap > 0, "traceCap", "a number above 0", traceCap);
    this.size = size;
    this.forgetting = forgetting;
    this.delta = delta;
    this.diagonalCap = diagonalCap;
    this.traceCap = traceCap;
    this.#P = layout.float64(`${name}.P`, (size * (size + 1)) / 2);
    this.#g = layout.float64(`${name}.g`, size);
    this.#guards = layout.float64(`${name}.guards`, 4);
    layout.whenAllocated(({ kernels }) => {
      this.#kernels = kernels;
    });
  }

  /** The upper triangle of P, row by row, live: P[i, i] .. P[i, n-1] follow each other; zeros until the first update. */
  get triangle(): Float64Array {
    return this.#P.view;
  }

  /** A copy of P [n × n], row by row. */
  get matrix(): Float64Array {
    const n = this.size;
    const matrix = new Float64Array(n * n);
    for (let i = 0, p = 0; i < n; i++) {
      for (let j = i; j < n; j++, p++) {
        matrix[i * n + j] = this.#P.view[p];
        matrix[j * n + i] = this.#P.view[p];
      }
    }
    return matrix;
  }

  get guards(): CovarianceGuards {
    const counts = this.#guards.view;
    return { capped: counts[CAPPED], refused: counts[REFUSED], restarted: counts[RESTARTED] };
  }

  /**
   * Takes the feature vector φ, element `atPhi` of its slice on, into P; writes its gain to `k` from element `atK` on.
   * Returns false, leaves P alone and writes zeros (a gain that teaches nothing) when φ is not usable.
   */
  update(k: Slice<Float64Array>, atK: number, phi: Slice<Float64Array>, atPhi: number): boolean {
    const n = this.size;
    const counts = this.#guards.view;
    for (let i = 0; i < n; i++) {
      if (Math.abs(phi.view[atPhi + i]) <= LARGEST_NUMBER) continue;
      counts[REFUSED] += 1;
      k.view.fill(0, atK, atK + n);
      return false;
    }
    if (counts[BEGUN] === 0) {
      counts[BEGUN] = 1;
      this.#identity();
    }
    const P = this.#P.pointer;
    const g = this.#g.pointer;
    const p = phi.pointer + atPhi * 8;
    this.#kernels.symmetricMultiply64(g, P, p, n);
    let energy = this.#kernels.dot64(g, p, n);
    if (!(energy >= 0 && energy < Number.POSITIVE_INFINITY)) {
      counts[RESTARTED] += 1;
      this.#identity();
      this.#kernels.symmetricMultiply64(g, P, p, n);
      energy = this.#kernels.dot64(g, p, n);
    }
    const inverse = 1 / (this.forgetting + energy);
    for (let i = 0; i < n; i++) k.view[atK + i] = this.#g.view[i] * inverse;
    this.#kernels.symmetricDowndate64(P, g, inverse, this.#growth(inverse), n);
    this.#bound();
    return true;
  }

  /** 1 / λ, or what brings the trace to its cap. */
  #growth(inverse: number): number {
    const growth = 1 / this.forgetting;
    if (this.traceCap === Number.POSITIVE_INFINITY) return growth;
    const n = this.size;
    let trace = 0;
    for (let i = 0, at = 0; i < n; at += n - i, i++)
      trace += this.#P.view[at] - this.#g.view[i] ** 2 * inverse;
    if (trace * growth <= this.traceCap) return growth;
    this.#guards.view[CAPPED] += 1;
    return this.traceCap / trace;
  }

  /** P ← S P S, where s_i brings a diagonal element over its cap back to it and is 1 elsewhere. Cost n per such element. */
  #bound(): void {
    const n = this.size;
    const P = this.#P.view;
    const cap = this.diagonalCap;
    let over = 0;
    for (let i = 0, at = 0; i < n; at += n - i, i++) {
      if (!(P[at] > cap)) continue;
      over++;
      const s = Math.sqrt(cap / P[at]);
      // Column i above the diagonal, then row i behind it.
      for (let r = 0, above = i; r < i; r++, above += n - r) P[above] *= s;
      for (let j = 1; j < n - i; j++) P[at + j] *= s;
      // s² rounds: exactly at the cap, or the next step would find the element over it by one bit.
      P[at] = cap;
    }
    if (over > 0) this.#guards.view[CAPPED] += 1;
  }

  #identity(): void {
    const n = this.size;
    this.#P.view.fill(0);
    for (let i = 0, at = 0; i < n; at += n - i, i++) this.#P.view[at] = 1 / this.delta;
  }
}
