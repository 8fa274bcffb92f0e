import type { Layout, Slice } from "../kernels/layout.ts";
import { ConformalBounds } from "./conformal-bounds.ts";
import type { Shape } from "./expert.ts";
import { TrackedBounds } from "./tracked-bounds.ts";

/** How far an interval reaches from its forecast, learned online: one published rule each. */
export interface Bounds {
  /** Learns from an issued interval around `mean` once its label `y` is there: `issued[at]` to `issued[at + stride]`. */
  learn(
    h: number,
    d: number,
    mean: number,
    issued: Float64Array,
    at: number,
    stride: number,
    y: number,
  ): void;
  /** How far the interval of step h, target d reaches below the forecast when the errors are of size `size`; never negative. */
  below(h: number, d: number, size: number): number;
  /** How far it reaches above. */
  above(h: number, d: number, size: number): number;
}

/** `tracked`: quantile tracking in sizes of the error. `aci`: adaptive conformal inference on the last 500 errors. */
export const INTERVAL_RULES = ["tracked", "aci"] as const;
export type IntervalRule = (typeof INTERVAL_RULES)[number];

const LABELS = 0;
const HELD = 1;

/** The interval at a coverage, by one of the rules, and the share of labels it held. State: that of the rule and 2 per cell. */
export class Intervals {
  readonly #bounds: Bounds;
  readonly #targets: number;
  /** Labels, and labels held, per cell. */
  readonly #counts: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape, coverage: number, rule: IntervalRule = "tracked") {
    this.#targets = shape.targets;
    this.#bounds =
      rule === "aci"
        ? new ConformalBounds(layout, shape, coverage)
        : new TrackedBounds(layout, shape, coverage);
    this.#counts = layout.float64("intervals.counts", 2 * shape.horizon * shape.targets);
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
    const counts = this.#counts.view;
    const cell = this.#at(h, d);
    counts[cell + LABELS]++;
    if (y >= issued[at] && y <= issued[at + stride]) counts[cell + HELD]++;
  }

  #at(h: number, d: number): number {
    return 2 * ((h - 1) * this.#targets + d);
  }

  /** How far the interval reaches below the forecast when the errors are of size `size`. */
  below(h: number, d: number, size: number): number {
    return this.#bounds.below(h, d, size);
  }

  /** How far it reaches above. */
  above(h: number, d: number, size: number): number {
    return this.#bounds.above(h, d, size);
  }

  /** Share of labels held so far, or null before the first. */
  coverage(h: number, d: number): number | null {
    const counts = this.#counts.view;
    const cell = this.#at(h, d);
    return counts[cell + LABELS] > 0 ? counts[cell + HELD] / counts[cell + LABELS] : null;
  }
}
