import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./expert.ts";

/**
 * Adaptive conformal intervals by quantile tracking (Angelopoulos, Candès and Tibshirani 2023, "P control"), per
 * target and step: radius += η s (miss - α) with miss 1 when the label fell outside and s a running scale of the error.
 */
export class Intervals {
  readonly #shape: Shape;
  readonly #alpha: number;
  /** radius, error scale, settled labels, labels held, per step and target. */
  readonly #state: Slice<Float64Array>;

  static readonly rate = 0.05;

  constructor(layout: Layout, shape: Shape, coverage: number) {
    this.#shape = shape;
    this.#alpha = 1 - coverage;
    this.#state = layout.float64("intervals", 4 * shape.horizon * shape.targets);
  }

  /** Learns from an issued interval [lower, upper] around `mean` once its label `y` is there. */
  learn(h: number, d: number, mean: number, lower: number, upper: number, y: number): void {
    const s = this.#state.view;
    const at = 4 * ((h - 1) * this.#shape.targets + d);
    const error = Math.abs(y - mean);
    const first = s[at + 2] === 0;
    s[at + 1] = first ? error : 0.99 * s[at + 1] + 0.01 * error;
    const miss = y < lower || y > upper ? 1 : 0;
    s[at] = first ? 2 * error : Math.max(0, s[at] + Intervals.rate * 2 * s[at + 1] * (miss - this.#alpha));
    s[at + 2]++;
    s[at + 3] += 1 - miss;
  }

  radius(h: number, d: number): number {
    return this.#state.view[4 * ((h - 1) * this.#shape.targets + d)];
  }

  /** Share of labels held so far, or null before the first. */
  coverage(h: number, d: number): number | null {
    const s = this.#state.view;
    const at = 4 * ((h - 1) * this.#shape.targets + d);
    return s[at + 2] > 0 ? s[at + 3] / s[at + 2] : null;
  }
}
