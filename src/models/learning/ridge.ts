import { EddyError } from "../errors.ts";

export interface RidgeOptions {
  /** Length of a feature vector h, without the bias. */
  readonly features: number;
  /** m, the number of outputs. Default 1. */
  readonly outputs?: number;
  /** r, the weight of the penalty. Default 1e-6. */
  readonly ridge?: number;
  /** Whether the bias is part of the penalised norm. Default "free". */
  readonly bias?: "penalised" | "free";
}

/** A linear readout y = c + V h. */
export interface LinearReadout {
  /** [m]. */
  readonly c: Float64Array;
  /** [m × features], row by row. */
  readonly V: Float64Array;
}

/**
 * Ridge regression in one batch, by the normal equations and Cholesky:
 *
 *     (c, V) = argmin Σ_n |c + V h(n) − d(n)|² + r (|V|² [+ |c|² when the bias is penalised])
 *
 * Samples are added one by one, so a recording never has to be held in memory; `solve` may be called at any time.
 * The normal equations square the condition number: where features are nearly dependent and the ridge is small, use
 * `RidgeOrthogonal`, which does not.
 *
 * Letters: n = features + 1 (the bias first), m outputs. Cost: n²/2 + m n per sample, n³/6 + m n² per solve.
 *
 * @example
 * ```ts
 * const ridge = new Ridge({ features: 1, ridge: 1e-9 });
 * for (const x of [0, 1, 2, 3]) ridge.add(Float64Array.of(x), Float64Array.of(3 + 2 * x));
 * const { c, V } = ridge.solve();
 * Math.abs(c[0] - 3) + Math.abs(V[0] - 2) < 1e-6; // true
 * ```
 */
export class Ridge {
  readonly features: number;
  readonly outputs: number;
  readonly ridge: number;
  readonly bias: "penalised" | "free";
  /** Lower triangle of Σ φ φᵀ, row by row in a full square. */
  readonly #A: Float64Array;
  /** Σ d φᵀ, [m × n]. */
  readonly #B: Float64Array;
  /** Four samples at a time share one pass over A, which is larger than the caches. */
  readonly #phi: [Float64Array, Float64Array, Float64Array, Float64Array];
  #waiting = 0;

  /** @throws EddyError `bad-argument` for a ridge below 0. */
  constructor(options: RidgeOptions) {
    const { features, outputs = 1, ridge = 1e-6, bias = "free" } = options;
    checkRidge(ridge);
    this.features = features;
    this.outputs = outputs;
    this.ridge = ridge;
    this.bias = bias;
    const n = features + 1;
    this.#A = new Float64Array(n * n);
    this.#B = new Float64Array(outputs * n);
    this.#phi = [new Float64Array(n), new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  }

  /** Takes one sample: features h, labels d [m]. */
  add(h: ArrayLike<number>, d: ArrayLike<number>): void {
    const n = this.features + 1;
    const phi = this.#phi[this.#waiting++];
    phi[0] = 1;
    for (let j = 1; j < n; j++) phi[j] = h[j - 1];
    for (let k = 0; k < this.outputs; k++) {
      for (let j = 0; j < n; j++) this.#B[k * n + j] += d[k] * phi[j];
    }
    if (this.#waiting === 4) this.#gather();
  }

  /** A += Σ φ φᵀ of the samples that wait. */
  #gather(): void {
    const n = this.features + 1;
    const A = this.#A;
    const [p, q, r, s] = this.#phi;
    for (let i = 0; i < n; i++) {
      const row = i * n;
      const [a, b, c, d] = [p[i], q[i], r[i], s[i]];
      for (let j = 0; j <= i; j++) A[row + j] += a * p[j] + b * q[j] + c * r[j] + d * s[j];
    }
    for (const phi of this.#phi) phi.fill(0);
    this.#waiting = 0;
  }

  /** The readout that fits the samples so far. @throws EddyError `bad-state` when they do not determine one. */
  solve(): LinearReadout {
    this.#gather();
    const n = this.features + 1;
    const L = this.#A.slice();
    for (let i = this.bias === "free" ? 1 : 0; i < n; i++) L[i * n + i] += this.ridge;
    cholesky(L, n);
    const c = new Float64Array(this.outputs);
    const V = new Float64Array(this.outputs * this.features);
    const w = new Float64Array(n);
    for (let k = 0; k < this.outputs; k++) {
      w.set(this.#B.subarray(k * n, (k + 1) * n));
      solveTriangles(w, L, n);
      c[k] = w[0];
      V.set(w.subarray(1), k * this.features);
    }
    return { c, V };
  }
}

/** A = L Lᵀ in place: reads and writes the lower triangle of `A` [n × n]. */
function cholesky(A: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    // A pivot within rounding of 0 is no pivot.
    const least = 4 * Number.EPSILON * A[i * n + i];
    for (let j = 0; j <= i; j++) {
      let sum = A[i * n + j];
      for (let k = 0; k < j; k++) sum -= A[i * n + k] * A[j * n + k];
      if (i !== j) A[i * n + j] = sum / A[j * n + j];
      else if (sum > least) A[i * n + i] = Math.sqrt(sum);
      else {
        throw new EddyError("bad-state", "ridge regression", {
          expected: "features that are independent, or a larger ridge",
          received: `a pivot of ${sum} at feature ${i}`,
        });
      }
    }
  }
}

/** Solves L Lᵀ w = b in place of b. */
function solveTriangles(b: Float64Array, L: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= L[i * n + k] * b[k];
    b[i] = sum / L[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i];
    for (let k = i + 1; k < n; k++) sum -= L[k * n + i] * b[k];
    b[i] = sum / L[i * n + i];
  }
}

/** Throws `bad-argument` for a ridge below 0. */
export function checkRidge(ridge: number): void {
  if (ridge >= 0 && Number.isFinite(ridge)) return;
  throw new EddyError("bad-argument", "ridge", {
    expected: "a finite number from 0 up",
    received: String(ridge),
  });
}
