import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./expert.ts";

/** How far a quantile moves for each label one step ahead, in sizes of the error. */
const RATE = 0.03;

/**
 * Quantiles of the errors of a forecast by online quantile tracking (Gibbs & Candès 2021 in the form of Angelopoulos,
 * Candès & Tibshirani 2023), per step and target: with e = y - ŷ, s the size of the errors (`ErrorScale`), and the quantile of
 * level p at ŷ + q s,
 *
 *     q += η_h (p - 1{y ≤ ŷ + q s}),   η_h = 0.03 h^(-1/4)
 *
 * What is judged is the quantile as it was issued, h events ago: a delay, and labels that overlap, so far steps move more
 * slowly. A label right on the quantile counts as lying towards the middle level; one right on the forecast moves nothing, as a
 * stretch without any error says nothing about the errors to come. The share of labels below tends to p whatever the errors do.
 * State: one per level and cell.
 */
export class ErrorQuantiles {
  readonly #shape: Shape;
  readonly #levels: Float64Array;
  /** 1 - level, and for a level that is 1 - another one exactly that other: mirrored errors get mirrored quantiles. */
  readonly #rest: Float64Array;
  /** η per step. */
  readonly #rates: Float64Array;
  readonly #state: Slice<Float64Array>;

  /** `levels` ascending. Before any label the factors are those of normal errors. */
  constructor(layout: Layout, shape: Shape, levels: readonly number[], name = "quantiles") {
    this.#shape = shape;
    this.#levels = Float64Array.from(levels);
    this.#rest = Float64Array.from(levels, (p) => levels.find((other) => 1 - other === p) ?? 1 - p);
    this.#rates = Float64Array.from({ length: shape.horizon }, (_, k) => RATE / (k + 1) ** 0.25);
    const state = layout.float64(name, levels.length * shape.horizon * shape.targets);
    this.#state = state;
    layout.whenAllocated(() => {
      const first = levels.map(normalFactor);
      for (let at = 0; at < state.length; at += levels.length) state.view.set(first, at);
    });
  }

  #at(h: number, d: number): number {
    return this.#levels.length * ((h - 1) * this.#shape.targets + d);
  }

  /**
   * Learns from a forecast `mean` once its label `y` is there; the quantile of level k was issued as element
   * `at + k stride` of `issued`.
   */
  learn(
    h: number,
    d: number,
    mean: number,
    issued: Float64Array,
    at: number,
    stride: number,
    y: number,
  ): void {
    if (y === mean) return;
    const q = this.#state.view;
    const cell = this.#at(h, d);
    const rate = this.#rates[h - 1];
    for (let k = 0; k < this.#levels.length; k++) {
      const p = this.#levels[k];
      const quantile = issued[at + k * stride];
      const above = p < 0.5 ? y >= quantile : y > quantile;
      if (above) q[cell + k] += rate * p;
      else q[cell + k] -= rate * this.#rest[k];
    }
  }

  /** How far the quantile of level k of step h, target d lies from the forecast when the errors are of size `size`: signed. */
  offset(h: number, d: number, k: number, size: number): number {
    return this.#state.view[this.#at(h, d) + k] * size;
  }
}

/**
 * Quantile p of normal errors over their mean size, √(2/π) deviations; the quantile by the rational approximation 26.2.23 of
 * Abramowitz & Stegun, within 5e-4: enough to begin with.
 */
function normalFactor(p: number): number {
  const t = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
  const z =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return Math.sign(p - 0.5) * z * Math.sqrt(Math.PI / 2);
}
