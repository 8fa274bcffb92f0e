import { checkLength } from "../checks.ts";
import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import { checkRidge, type LinearReadout, type RidgeOptions } from "./ridge.ts";

/** Rows that are rotated into R together: one column of them stays in the first cache. */
const ROWS = 64;

/**
 * Ridge regression in one batch by orthogonal rotations (Golub 1965; Householder's reflections, a block of rows at a time):
 *
 *     [√r I; φ(1)ᵀ; φ(2)ᵀ; …] = Q R,   R w = Qᵀ [0; d(1); d(2); …]
 *
 * The same minimum as `Ridge`, without squaring the condition number: where features are nearly dependent, as the states of a
 * large reservoir are, a ridge of 1e-10 and below still means what it says. Four times the work.
 *
 * Letters: n = features + 1 (the bias first), m outputs. Cost: 2 n (n + m) per sample, n² m / 2 per solve.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const ridge = new RidgeOrthogonal(layout, "line", { features: 1, ridge: 1e-12 });
 * layout.allocate();
 * for (const x of [0, 1, 2, 3]) ridge.add([x], [3 + 2 * x]);
 * const { c, V } = ridge.solve();
 * Math.abs(c[0] - 3) + Math.abs(V[0] - 2) < 1e-9; // true
 * ```
 */
export class RidgeOrthogonal {
  readonly features: number;
  readonly outputs: number;
  /** R and Qᵀd: column j holds its elements 0..n-1 one after the other, the m label columns last. */
  readonly #R: Slice<Float64Array>;
  /** Rows that wait, the same columns, [columns × ROWS]. */
  readonly #block: Slice<Float64Array>;
  /** How many wait. */
  readonly #waiting: Slice<Float64Array>;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, options: RidgeOptions) {
    const { features, outputs = 1, ridge = 1e-6, bias = "free" } = options;
    checkRidge(options);
    this.features = features;
    this.outputs = outputs;
    const n = features + 1;
    this.#R = layout.float64(`${name}.R`, n * (n + outputs));
    this.#block = layout.float64(`${name}.block`, (n + outputs) * ROWS);
    this.#waiting = layout.float64(`${name}.waiting`, 1);
    layout.whenAllocated(() => {
      for (let i = bias === "free" ? 1 : 0; i < n; i++) this.#R.view[i * n + i] = Math.sqrt(ridge);
    });
  }

  /** Takes one sample: features h, labels d [m]. */
  add(h: ArrayLike<number>, d: ArrayLike<number>): void {
    checkLength("features", h, this.features);
    checkLength("labels", d, this.outputs);
    const n = this.features + 1;
    const waiting = this.#waiting.view;
    const row = waiting[0];
    const block = this.#block.view;
    block[row] = 1;
    for (let j = 1; j < n; j++) block[j * ROWS + row] = h[j - 1];
    for (let k = 0; k < this.outputs; k++) block[(n + k) * ROWS + row] = d[k];
    waiting[0] += 1;
    if (waiting[0] === ROWS) this.#rotate();
  }

  /** The readout that fits the samples so far. @throws EddyError `bad-state` when they do not determine one. */
  solve(): LinearReadout {
    this.#rotate();
    const n = this.features + 1;
    const R = this.#R.view;
    const c = new Float64Array(this.outputs);
    const V = new Float64Array(this.outputs * this.features);
    for (let k = 0; k < this.outputs; k++) {
      const w = Float64Array.from(R.subarray((n + k) * n, (n + k + 1) * n));
      for (let j = n - 1; j >= 0; j--) {
        const pivot = R[j * n + j];
        if (pivot === 0) {
          throw new EddyError("bad-state", "ridge regression", {
            expected: "features that are independent, or a larger ridge",
            received: `a pivot of 0 at feature ${j}`,
          });
        }
        w[j] /= pivot;
        for (let i = 0; i < j; i++) w[i] -= w[j] * R[j * n + i];
      }
      c[k] = w[0];
      V.set(w.subarray(1), k * this.features);
    }
    return { c, V };
  }

  /** Reflects the waiting rows into R, column by column. */
  #rotate(): void {
    const n = this.features + 1;
    const R = this.#R.view;
    const block = this.#block.view;
    for (let k = 0; k < n; k++) {
      const v = block.subarray(k * ROWS, (k + 1) * ROWS);
      let square = 0;
      for (let i = 0; i < ROWS; i++) square += v[i] * v[i];
      if (square === 0) continue;
      const top = R[k * n + k];
      const norm = Math.sqrt(top * top + square);
      // The sign that adds: v₀ = top + sign(top) · norm loses no digits.
      const v0 = top >= 0 ? top + norm : top - norm;
      const factor = 2 / (v0 * v0 + square);
      R[k * n + k] = top >= 0 ? -norm : norm;
      for (let j = k + 1; j < n + this.outputs; j++) {
        const at = j * ROWS;
        let along = v0 * R[j * n + k];
        for (let i = 0; i < ROWS; i++) along += v[i] * block[at + i];
        along *= factor;
        R[j * n + k] -= along * v0;
        for (let i = 0; i < ROWS; i++) block[at + i] -= along * v[i];
      }
    }
    block.fill(0);
    this.#waiting.view[0] = 0;
  }
}
