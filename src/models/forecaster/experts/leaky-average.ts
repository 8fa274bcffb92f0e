import type { Expert } from "../expert.ts";
import { type Features, TIME_SCALES } from "../features.ts";
import type { Shape } from "../shape.ts";

/** ŷ(t+h) = the mean of some leaky averages of the features: the level at a time scale, for every step. */
export class LeakyAverage implements Expert {
  readonly name: string;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #scales: readonly number[];

  /** `scales`: indices into `TIME_SCALES`. */
  constructor(shape: Shape, features: Features, scales: readonly number[]) {
    this.name = `average-${scales.map((k) => TIME_SCALES[k]).join("-")}`;
    this.#shape = shape;
    this.#features = features;
    this.#scales = scales;
  }

  learn(): void {}

  step(): void {}

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    for (let d = 0; d < D; d++) {
      let level = 0;
      for (const k of this.#scales) level += this.#features.average(d, k) / this.#scales.length;
      for (let h = 0; h < H; h++) out[h * D + d] = level;
    }
  }
}
