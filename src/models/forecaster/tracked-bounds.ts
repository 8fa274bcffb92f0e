import type { Layout } from "../kernels/layout.ts";
import { ErrorQuantiles } from "./error-quantiles.ts";
import type { Shape } from "./expert.ts";
import type { Bounds } from "./intervals.ts";

const LOWER = 0;
const UPPER = 1;

/**
 * The central interval at `coverage` 1 - α: the quantiles of levels α/2 and 1 - α/2 of the errors, each tracked by itself and
 * held on its side of the forecast. Coverage tends to 1 - α whatever the errors do. State: 2 per cell.
 */
export class TrackedBounds implements Bounds {
  readonly #quantiles: ErrorQuantiles;

  constructor(layout: Layout, shape: Shape, coverage: number) {
    const tail = (1 - coverage) / 2;
    this.#quantiles = new ErrorQuantiles(layout, shape, [tail, 1 - tail], "intervals");
  }

  learn(
    h: number,
    d: number,
    mean: number,
    issued: Float64Array,
    at: number,
    stride: number,
    y: number,
  ): void {
    this.#quantiles.learn(h, d, mean, issued, at, stride, y);
  }

  below(h: number, d: number, size: number): number {
    return Math.max(0, -this.#quantiles.offset(h, d, LOWER, size));
  }

  above(h: number, d: number, size: number): number {
    return Math.max(0, this.#quantiles.offset(h, d, UPPER, size));
  }
}
