import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./expert.ts";

/**
 * The online combination of experts, per target and step: weights proportional to the inverse of each expert's
 * discounted squared error to a power (Bates and Granger 1969, discounted):
 * L_e(t) = γ L_e(t-1) + (ŷ_e - y)²,  w_e ∝ (L_e + ε)^-p.
 */
export class Mixture {
  readonly #shape: Shape;
  readonly #experts: number;
  readonly #loss: Slice<Float64Array>;
  readonly #weights: Float64Array;

  static readonly discount = 0.999;
  static readonly power = 4;

  constructor(layout: Layout, shape: Shape, experts: number) {
    this.#shape = shape;
    this.#experts = experts;
    this.#loss = layout.float64("mixture.loss", shape.horizon * shape.targets * experts);
    this.#weights = new Float64Array(experts);
  }

  /** Learns how expert `e` did at step `h` for target `d`: `error` is forecast minus label. */
  learn(h: number, d: number, e: number, error: number): void {
    const at = ((h - 1) * this.#shape.targets + d) * this.#experts + e;
    this.#loss.view[at] = Mixture.discount * this.#loss.view[at] + error * error;
  }

  /** The weights of step `h`, target `d`: [experts], summing to 1. The array is reused by the next call. */
  weights(h: number, d: number): Float64Array {
    const E = this.#experts;
    const at = ((h - 1) * this.#shape.targets + d) * E;
    const L = this.#loss.view;
    let least = Number.POSITIVE_INFINITY;
    for (let e = 0; e < E; e++) least = Math.min(least, L[at + e]);
    const ε = 1e-12;
    let sum = 0;
    for (let e = 0; e < E; e++) {
      this.#weights[e] = ((least + ε) / (L[at + e] + ε)) ** Mixture.power;
      sum += this.#weights[e];
    }
    for (let e = 0; e < E; e++) this.#weights[e] /= sum;
    return this.#weights;
  }
}
