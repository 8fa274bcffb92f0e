import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Kernels } from "../../kernels/open.ts";

export interface StackingOptions {
  /** Labels remembered at step 1. */
  readonly memory: number;
  /** Strength of the pull towards the prior weights, as a share of the mean variance of the experts. */
  readonly ridge: number;
  /** Weights may not be negative. */
  readonly positive: boolean;
}

/** Labels of neighbouring issues overlap in h - 1 steps: the memory grows by this many labels per step ahead. */
const MEMORY_PER_STEP = 20;

/**
 * Stacking (Breiman 1996) online, ridge-shrunk towards prior weights w⁰: with x = ŷ_m - ŷ_0 (m >= 1, differences from
 * persistence) and y likewise,
 *
 *     A ← γ A + x xᵀ,  b ← γ b + y x,  w minimises  wᵀAw - 2 bᵀw + ρ |w - w⁰|²,  ρ = ridge tr A / K
 *
 * by a sweep of coordinate descent from where w stood (with w >= 0 when `positive`). Persistence has what is left of 1.
 * State: K² + 2 K per cell, K = M - 1. Cost: K² per label, K² per sweep.
 */
export class Stacking {
  readonly #size: number;
  readonly #options: StackingOptions;
  readonly #A: Slice<Float64Array>;
  readonly #b: Slice<Float64Array>;
  readonly #w: Slice<Float64Array>;
  #kernels!: Kernels;

  constructor(layout: Layout, name: string, cells: number, experts: number, options: StackingOptions) {
    const K = experts - 1;
    this.#size = K;
    this.#options = options;
    this.#A = layout.float64(`${name}.A`, cells * K * K);
    this.#b = layout.float64(`${name}.b`, cells * K);
    this.#w = layout.float64(`${name}.w`, cells * K);
    layout.whenAllocated((block) => {
      this.#kernels = block.kernels;
      this.#w.view.fill(1 / experts);
    });
  }

  /**
   * Takes the differences x [K] (a slice, for the kernel) and the label's y of a cell at step h. `fade` false: of the
   * same event as the one before, so that nothing is forgotten in between.
   */
  learn(cell: number, h: number, x: Slice<Float64Array>, y: number, fade = true): void {
    const K = this.#size;
    const gamma = fade ? 1 - 1 / (this.#options.memory + MEMORY_PER_STEP * h) : 1;
    // (A + x xᵀ / γ) γ = γ A + x xᵀ.
    this.#kernels.rankOne64(this.#A.pointer + cell * K * K * 8, x.pointer, 1 / gamma, gamma, K);
    const b = this.#b.view;
    const at = cell * K;
    for (let i = 0; i < K; i++) b[at + i] = gamma * b[at + i] + y * x.view[i];
  }

  /** Moves the weights of a cell closer to their minimum; `prior` [M] has persistence first. */
  sweep(cell: number, prior: Float64Array, times: number): void {
    const K = this.#size;
    const A = this.#A.view;
    const w = this.#w.view;
    const first = cell * K;
    let trace = 0;
    for (let i = 0; i < K; i++) trace += A[(first + i) * K + i];
    const rho = (this.#options.ridge * trace) / K + 1e-300;
    for (let time = 0; time < times; time++) {
      for (let i = 0; i < K; i++) {
        const row = (first + i) * K;
        let sum = this.#b.view[first + i] + rho * prior[i + 1];
        for (let j = 0; j < K; j++) sum -= A[row + j] * w[first + j];
        const a = A[row + i];
        const next = (sum + a * w[first + i]) / (a + rho);
        w[first + i] = this.#options.positive && next < 0 ? 0 : next;
      }
    }
  }

  /** The combined difference from persistence. */
  combine(cell: number, x: Float64Array): number {
    const K = this.#size;
    const w = this.#w.view;
    let sum = 0;
    for (let i = 0; i < K; i++) sum += w[cell * K + i] * x[i];
    return sum;
  }

  /** Adds `share` times the weights [M] of a cell to `out`. */
  addWeights(out: Float64Array, cell: number, share: number): void {
    const K = this.#size;
    let rest = 1;
    for (let i = 0; i < K; i++) {
      const w = this.#w.view[cell * K + i];
      out[i + 1] += share * w;
      rest -= w;
    }
    out[0] += share * rest;
  }
}
