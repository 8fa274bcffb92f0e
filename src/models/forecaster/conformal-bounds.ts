import type { Layout } from "../kernels/layout.ts";
import { AdaptiveConformal } from "../statistics/adaptive-conformal.ts";
import type { Shape } from "./shape.ts";

/** Errors remembered per cell. */
const WINDOW = 500;

/**
 * Adaptive conformal inference (Gibbs & Candès 2021, γ = 0.02) on the last 500 absolute errors of each step and target: the
 * published rule that other intervals are compared with. An unbounded interval, which its guarantee asks for now and then, is
 * issued as the largest error remembered. State: 1,004 per cell.
 */
export class ConformalBounds {
  readonly #targets: number;
  readonly #cells: readonly AdaptiveConformal[];

  constructor(layout: Layout, shape: Shape, coverage: number) {
    this.#targets = shape.targets;
    this.#cells = Array.from(
      { length: shape.horizon * shape.targets },
      (_, cell) =>
        new AdaptiveConformal(layout, `aci.${cell}`, { miscoverage: 1 - coverage, window: WINDOW }),
    );
    layout.whenAllocated(() => {
      for (const cell of this.#cells) cell.initialise();
    });
  }

  /** Judges a forecast `mean` by its label `y`, once it is there. */
  judge(h: number, d: number, mean: number, y: number): void {
    this.#cells[(h - 1) * this.#targets + d].judge(Math.abs(y - mean));
  }

  /** How far the interval reaches to either side of the forecast. */
  radius(h: number, d: number): number {
    const cell = this.#cells[(h - 1) * this.#targets + d];
    return Math.max(0, Math.min(cell.radius(), cell.largest));
  }
}
