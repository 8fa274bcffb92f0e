import type { Layout, Slice } from "../../kernels/layout.ts";

/** A squared error this small, in units, is rounding. */
const LEAST = 1e-24;

/**
 * Weights by inverse discounted squared error (Bates & Granger 1969, discounted): L_m ← γ L_m + (ŷ_m - y)²,
 * w_m ∝ L_m⁻⁴. Experts are columns of a cell; a cell is a step and target. State: M per cell.
 */
export class InverseError {
  readonly #experts: number;
  readonly #discount: number;
  readonly #loss: Slice<Float64Array>;
  /** Weights of the last `weigh` [M]. */
  readonly w: Float64Array;

  constructor(layout: Layout, name: string, cells: number, experts: number, discount: number) {
    this.#experts = experts;
    this.#discount = discount;
    this.#loss = layout.float64(name, cells * experts);
    this.w = new Float64Array(experts);
  }

  /** Takes the errors [M] of a cell. */
  takeErrors(cell: number, errors: Float64Array): void {
    const loss = this.#loss.view;
    const at = cell * this.#experts;
    for (let m = 0; m < this.#experts; m++) {
      loss[at + m] = this.#discount * loss[at + m] + errors[m] * errors[m];
    }
  }

  /** Computes the weights of a cell into `w`. */
  weigh(cell: number): void {
    const M = this.#experts;
    const loss = this.#loss.view;
    const at = cell * M;
    let least = Number.POSITIVE_INFINITY;
    for (let m = 0; m < M; m++) least = Math.min(least, loss[at + m]);
    let sum = 0;
    for (let m = 0; m < M; m++) {
      const ratio = (least + LEAST) / (loss[at + m] + LEAST);
      this.w[m] = ratio * ratio * ratio * ratio;
      sum += this.w[m];
    }
    for (let m = 0; m < M; m++) this.w[m] /= sum;
  }
}
