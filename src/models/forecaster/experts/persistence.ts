import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Event, Expert, Settlement, Shape } from "../expert.ts";

/** ŷ(t+h) = y(t): the last value seen. The forecast that every other one is measured against. */
export class Persistence implements Expert {
  readonly name = "persistence";
  readonly #shape: Shape;
  readonly #last: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape) {
    this.#shape = shape;
    this.#last = layout.float64("persistence.last", shape.targets);
  }

  learn(_settlement: Settlement): void {}

  step(event: Event): void {
    for (let d = 0; d < this.#shape.targets; d++) this.#last.view[d] = event.filled[d];
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    for (let h = 0; h < H; h++) out.set(this.#last.view, h * D);
  }
}
