import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./expert.ts";

/** How far a quantile moves, in sizes of the error, for each label. */
const RATE = 0.05;
/** Labels that the running size of the errors remembers: short, so that quantiles breathe with the errors. */
const SIZE_MEMORY = 50;

const SIZE = 0;
const LABELS = 1;
const FACTORS = 2;

/**
 * Quantiles of the errors of a forecast by online quantile tracking (Gibbs & Candès 2021 in the form of Angelopoulos,
 * Candès & Tibshirani 2023), per step and target: with e = y - ŷ, s the running mean |e|, and the quantile of level p at
 * ŷ + q s,
 *
 *     q += η (p - 1{y ≤ ŷ + q s})
 *
 * What is judged is the quantile as it was issued; a label right on it counts as lying towards the middle level. The share
 * of labels below tends to p whatever the errors do. State: 2 and one per level, per cell.
 */
export class ErrorQuantiles {
  readonly #shape: Shape;
  readonly #levels: Float64Array;
  /** 1 - level, and for a level that is 1 - another one exactly that other: mirrored errors get mirrored quantiles. */
  readonly #rest: Float64Array;
  readonly #fields: number;
  readonly #state: Slice<Float64Array>;

  /** `levels` ascending; `first`: the factors before any label, for errors that are normal. */
  constructor(
    layout: Layout,
    shape: Shape,
    levels: readonly number[],
    name = "quantiles",
    first: readonly number[] = levels.map(normalFactor),
  ) {
    this.#shape = shape;
    this.#levels = Float64Array.from(levels);
    this.#rest = Float64Array.from(levels, (p) => levels.find((other) => 1 - other === p) ?? 1 - p);
    this.#fields = FACTORS + levels.length;
    const state = layout.float64(name, this.#fields * shape.horizon * shape.targets);
    this.#state = state;
    layout.whenAllocated(() => {
      for (let at = FACTORS; at < state.length; at += this.#fields) state.view.set(first, at);
    });
  }

  #at(h: number, d: number): number {
    return this.#fields * ((h - 1) * this.#shape.targets + d);
  }

  /** Labels learned from so far. */
  labels(h: number, d: number): number {
    return this.#state.view[this.#at(h, d) + LABELS];
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
    const s = this.#state.view;
    const cell = this.#at(h, d);
    const n = ++s[cell + LABELS];
    s[cell + SIZE] += Math.max(1 / n, 1 / SIZE_MEMORY) * (Math.abs(y - mean) - s[cell + SIZE]);
    for (let k = 0; k < this.#levels.length; k++) {
      const p = this.#levels[k];
      const quantile = issued[at + k * stride];
      const above = p < 0.5 ? y >= quantile : y > quantile;
      if (above) s[cell + FACTORS + k] += RATE * p;
      else s[cell + FACTORS + k] -= RATE * this.#rest[k];
    }
  }

  /** How far the quantile of level k of step h, target d lies from the forecast: signed, in units. */
  offset(h: number, d: number, k: number): number {
    const cell = this.#at(h, d);
    return this.#state.view[cell + FACTORS + k] * this.#state.view[cell + SIZE];
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
