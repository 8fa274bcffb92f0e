import type { Layout, Slice } from "../kernels/layout.ts";
import { ErrorQuantiles } from "./error-quantiles.ts";
import type { Shape } from "./expert.ts";

/** Bounds at first, in mean sizes of the error: normal errors have their 5 % quantile at about twice that. */
const FIRST_BOUND = 2;

const LOWER = 0;
const UPPER = 1;

/**
 * The central interval at `coverage` 1 - α: the quantiles of levels α/2 and 1 - α/2 of the errors, each tracked by itself and
 * held on its side of the forecast. Coverage tends to 1 - α whatever the errors do. State: 5 per cell.
 */
export class Intervals {
  readonly #targets: number;
  readonly #bounds: ErrorQuantiles;
  /** Labels held, per cell. */
  readonly #held: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape, coverage: number) {
    this.#targets = shape.targets;
    const tail = (1 - coverage) / 2;
    const first = [-FIRST_BOUND, FIRST_BOUND];
    this.#bounds = new ErrorQuantiles(layout, shape, [tail, 1 - tail], "intervals", first);
    this.#held = layout.float64("intervals.held", shape.horizon * shape.targets);
  }

  /** Learns from an issued interval around `mean` once its label `y` is there: `issued[at]` to `issued[at + stride]`. */
  learn(
    h: number,
    d: number,
    mean: number,
    issued: Float64Array,
    at: number,
    stride: number,
    y: number,
  ): void {
    this.#bounds.learn(h, d, mean, issued, at, stride, y);
    if (y >= issued[at] && y <= issued[at + stride]) this.#held.view[(h - 1) * this.#targets + d]++;
  }

  /** How far the interval of step h, target d reaches below the forecast. */
  below(h: number, d: number): number {
    return Math.max(0, -this.#bounds.offset(h, d, LOWER));
  }

  /** How far it reaches above. */
  above(h: number, d: number): number {
    return Math.max(0, this.#bounds.offset(h, d, UPPER));
  }

  /** Share of labels held so far, or null before the first. */
  coverage(h: number, d: number): number | null {
    const labels = this.#bounds.labels(h, d);
    return labels > 0 ? this.#held.view[(h - 1) * this.#targets + d] / labels : null;
  }
}
