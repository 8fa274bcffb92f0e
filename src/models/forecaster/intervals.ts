import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./expert.ts";

/** How far a bound moves, in sizes of the error, for a label outside it. */
const RATE = 0.05;
/** Labels that the running size of the errors remembers: short, so that intervals breathe with the errors. */
const SIZE_MEMORY = 50;
/** The size of errors at first: normal ones have their 5 % quantile at about twice the mean absolute error. */
const FIRST_BOUND = 2;

const SIZE = 0;
const BELOW = 1;
const ABOVE = 2;
const SETTLED = 3;
const HELD = 4;
const FIELDS = 5;

/**
 * Intervals by online quantile tracking (Gibbs & Candès 2021 in the form of Angelopoulos, Candès & Tibshirani 2023),
 * per step and target and on each side by itself: with e = y - ŷ, s the running mean |e|, and bounds in units of s,
 *
 *     u += η (1{e > u s} - α/2),   l += η (1{-e > l s} - α/2),   interval [ŷ - l s, ŷ + u s]
 *
 * What is judged is the interval as it was issued. Coverage tends to 1 - α whatever the errors do. State: 5 per cell.
 */
export class Intervals {
  readonly #shape: Shape;
  readonly #tail: number;
  readonly #state: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape, coverage: number) {
    this.#shape = shape;
    this.#tail = (1 - coverage) / 2;
    this.#state = layout.float64("intervals", FIELDS * shape.horizon * shape.targets);
  }

  #at(h: number, d: number): number {
    return FIELDS * ((h - 1) * this.#shape.targets + d);
  }

  /** Learns from an issued interval [lower, upper] around `mean` once its label `y` is there. */
  learn(h: number, d: number, mean: number, lower: number, upper: number, y: number): void {
    const s = this.#state.view;
    const at = this.#at(h, d);
    const size = Math.abs(y - mean);
    if (s[at + SETTLED] === 0) {
      s[at + BELOW] = FIRST_BOUND;
      s[at + ABOVE] = FIRST_BOUND;
    }
    const n = ++s[at + SETTLED];
    s[at + SIZE] += Math.max(1 / n, 1 / SIZE_MEMORY) * (size - s[at + SIZE]);
    const below = y < lower;
    const above = y > upper;
    s[at + BELOW] += RATE * ((below ? 1 : 0) - this.#tail);
    s[at + ABOVE] += RATE * ((above ? 1 : 0) - this.#tail);
    if (!below && !above) s[at + HELD]++;
  }

  /** How far the interval of step h, target d reaches below the forecast. */
  below(h: number, d: number): number {
    const at = this.#at(h, d);
    return Math.max(0, this.#state.view[at + BELOW] * this.#state.view[at + SIZE]);
  }

  /** How far it reaches above. */
  above(h: number, d: number): number {
    const at = this.#at(h, d);
    return Math.max(0, this.#state.view[at + ABOVE] * this.#state.view[at + SIZE]);
  }

  /** Share of labels held so far, or null before the first. */
  coverage(h: number, d: number): number | null {
    const s = this.#state.view;
    const at = this.#at(h, d);
    return s[at + SETTLED] > 0 ? s[at + HELD] / s[at + SETTLED] : null;
  }
}
