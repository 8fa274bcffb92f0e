import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./expert.ts";

/** Discount of the running errors behind live skill: a memory of about 1,000 labels. */
const DISCOUNT = 0.999;
const OWN = 0;
const PERSISTENCE = 1;
const SEASONAL = 2;
const FIELDS = 3;

/** Discounted squared errors of the forecast and of the naive ones, per step and target. */
export class Skill {
  readonly #shape: Shape;
  readonly #error: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape) {
    this.#shape = shape;
    this.#error = layout.float64("skill", FIELDS * shape.horizon * shape.targets);
  }

  /** Takes the errors of the forecast, of persistence and of the seasonal naive forecast. */
  learn(h: number, d: number, own: number, persistence: number, seasonal: number): void {
    const e = this.#error.view;
    const at = FIELDS * ((h - 1) * this.#shape.targets + d);
    e[at + OWN] = DISCOUNT * e[at + OWN] + own * own;
    e[at + PERSISTENCE] = DISCOUNT * e[at + PERSISTENCE] + persistence * persistence;
    e[at + SEASONAL] = DISCOUNT * e[at + SEASONAL] + seasonal * seasonal;
  }

  /** 1 - squared error / that of the naive forecast; null before a label. */
  against(naive: "persistence" | "seasonal", h: number, d: number): number | null {
    const at = FIELDS * ((h - 1) * this.#shape.targets + d);
    const reference = this.#error.view[at + (naive === "persistence" ? PERSISTENCE : SEASONAL)];
    return reference > 0 ? 1 - this.#error.view[at + OWN] / reference : null;
  }
}
