import { check, checkLength, checkWhole, checkWord } from "../checks.ts";
import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";

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
 * const layout = new Layout(new Arena());
 * const ridge = new Ridge(layout, "line", { features: 1, ridge: 1e-9 });
 * layout.allocate();
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
  readonly #A: Slice<Float64Array>;
  /** Σ d φᵀ, [m × n]. */
  readonly #B: Slice<Float64Array>;
  /** φ of samples that wait [4 × n]: four at a time share one pass over A, which is larger than the caches. */
  readonly #phi: Slice<Float64Array>;
  /** How many wait. */
  readonly #waiting: Slice<Float64Array>;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, options: RidgeOptions) {
    const { features, outputs = 1, ridge = 1e-6, bias = "free" } = options;
    checkRidge(options);
    this.features = features;
    this.outputs = outputs;
    this.ridge = ridge;
    this.bias = bias;
    const n = features + 1;
    this.#A = layout.float64(`${name}.A`, n * n);
    this.#B = layout.float64(`${name}.B`, outputs * n);
    this.#phi = layout.float64(`${name}.phi`, 4 * n);
    this.#waiting = layout.float64(`${name}.waiting`, 1);
  }

  /** Takes one sample: features h, labels d [m]. */
  add(h: ArrayLike<number>, d: ArrayLike<number>): void {
    checkLength("features", h, this.features);
    checkLength("labels", d, this.outputs);
    const n = this.features + 1;
    const waiting = this.#waiting.view;
    const phi = this.#sample(waiting[0]);
    const B = this.#B.view;
    phi[0] = 1;
    for (let j = 1; j < n; j++) phi[j] = h[j - 1];
    for (let k = 0; k < this.outputs; k++) {
      for (let j = 0; j < n; j++) B[k * n + j] += d[k] * phi[j];
    }
    waiting[0] += 1;
    if (waiting[0] === 4) this.#gather();
  }

  /** φ of the `i`-th sample that waits. */
  #sample(i: number): Float64Array {
    const n = this.features + 1;
    return this.#phi.view.subarray(i * n, (i + 1) * n);
  }

  /** A += Σ φ φᵀ of the samples that wait. */
  #gather(): void {
    const n = this.features + 1;
    const A = this.#A.view;
    const [p, q, r, s] = [0, 1, 2, 3].map((i) => this.#sample(i));
    for (let i = 0; i < n; i++) {
      const row = i * n;
      const [a, b, c, d] = [p[i], q[i], r[i], s[i]];
      for (let j = 0; j <= i; j++) A[row + j] += a * p[j] + b * q[j] + c * r[j] + d * s[j];
    }
    this.#phi.view.fill(0);
    this.#waiting.view[0] = 0;
  }

  /** The readout that fits the samples so far. @throws EddyError `bad-state` when they do not determine one. */
  solve(): LinearReadout {
    this.#gather();
    const n = this.features + 1;
    const L = Float64Array.from(this.#A.view);
    for (let i = this.bias === "free" ? 1 : 0; i < n; i++) L[i * n + i] += this.ridge;
    cholesky(L, n);
    const c = new Float64Array(this.outputs);
    const V = new Float64Array(this.outputs * this.features);
    const w = new Float64Array(n);
    for (let k = 0; k < this.outputs; k++) {
      w.set(this.#B.view.subarray(k * n, (k + 1) * n));
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

/** @throws EddyError `bad-argument` for an option out of range */
export function checkRidge({ features, outputs = 1, ridge = 1e-6, bias = "free" }: RidgeOptions): void {
  checkWhole("features", features, 0);
  checkWhole("outputs", outputs);
  check(ridge >= 0 && ridge < Number.POSITIVE_INFINITY, "ridge", "a finite number from 0", ridge);
  checkWord("bias", bias, ["penalised", "free"]);
}
