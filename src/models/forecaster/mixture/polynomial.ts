import type { Layout, Slice } from "../../kernels/layout.ts";

/**
 * ML-Poly (Gaillard, Stoltz & van Erven 2014) on the gradient of the squared loss: with f the combined forecast,
 *
 *     r_m = 2 (f - y)(f - ŷ_m),  R_m += r_m,  B_m += r_m²,  w_m ∝ max(0, R_m) / B_m
 *
 * No rate to choose; as good as the best fixed convex combination in the long run. Equal weights while no regret is
 * positive. State: 2 M per cell.
 */
export class Polynomial {
  readonly #experts: number;
  readonly #regret: Slice<Float64Array>;
  readonly w: Float64Array;

  constructor(layout: Layout, name: string, cells: number, experts: number) {
    this.#experts = experts;
    this.#regret = layout.float64(name, 2 * cells * experts);
    this.w = new Float64Array(experts);
  }

  /** Takes the errors [M] of the experts and the error of the forecast combined with the weights of that time. */
  takeErrors(cell: number, errors: Float64Array, combined: number): void {
    const regret = this.#regret.view;
    const at = 2 * cell * this.#experts;
    for (let m = 0; m < this.#experts; m++) {
      const r = 2 * combined * (combined - errors[m]);
      regret[at + 2 * m] += r;
      regret[at + 2 * m + 1] += r * r;
    }
  }

  weigh(cell: number): void {
    const M = this.#experts;
    const regret = this.#regret.view;
    const at = 2 * cell * M;
    let sum = 0;
    for (let m = 0; m < M; m++) {
      const R = regret[at + 2 * m];
      this.w[m] = R > 0 ? R / (1e-300 + regret[at + 2 * m + 1]) : 0;
      sum += this.w[m];
    }
    if (sum > 0 && Number.isFinite(sum)) for (let m = 0; m < M; m++) this.w[m] /= sum;
    else this.w.fill(1 / M);
  }
}
