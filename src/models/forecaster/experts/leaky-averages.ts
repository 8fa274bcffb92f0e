import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Event, Expert, Settlement, Shape } from "../expert.ts";

/**
 * One running average per target as the forecast of every step: μ(t) = α^dt μ(t-1) + (1 - α^dt) y(t), bias-corrected
 * by the weight gathered so far (golden `11_running_average`).
 */
export class LeakyAverage implements Expert {
  readonly name: string;
  readonly #shape: Shape;
  readonly #alpha: number;
  readonly #mean: Slice<Float64Array>;
  readonly #weight: Slice<Float64Array>;

  /** `timeScale` in steps: α = exp(-1 / timeScale). */
  constructor(layout: Layout, shape: Shape, timeScale: number) {
    this.name = `average-${timeScale}`;
    this.#shape = shape;
    this.#alpha = Math.exp(-1 / timeScale);
    this.#mean = layout.float64(`${this.name}.mean`, shape.targets);
    this.#weight = layout.float64(`${this.name}.weight`, shape.targets);
  }

  learn(_settlement: Settlement): void {}

  step(event: Event): void {
    const keep = this.#alpha ** event.dt;
    const mean = this.#mean.view;
    const weight = this.#weight.view;
    for (let d = 0; d < this.#shape.targets; d++) {
      const y = event.x[d];
      if (!Number.isFinite(y)) continue;
      mean[d] = keep * mean[d] + (1 - keep) * y;
      weight[d] = keep * weight[d] + (1 - keep);
    }
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    for (let d = 0; d < D; d++) {
      const w = this.#weight.view[d];
      const level = w > 0 ? this.#mean.view[d] / w : 0;
      for (let h = 0; h < H; h++) out[h * D + d] = level;
    }
  }
}
