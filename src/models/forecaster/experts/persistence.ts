import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";

/** ŷ(t+h) = y(t): the last value seen. The forecast that every other one is measured against. */
export class Persistence implements Expert {
  readonly name = "persistence";
  readonly #shape: Shape;
  readonly #features: Features;

  constructor(shape: Shape, features: Features) {
    this.#shape = shape;
    this.#features = features;
  }

  learn(): void {}

  step(): void {}

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const last = this.#features.last.view;
    for (let h = 0; h < H; h++) for (let d = 0; d < D; d++) out[h * D + d] = last[d];
  }
}
