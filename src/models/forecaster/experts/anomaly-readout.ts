import type { Layout, Slice } from "../../kernels/layout.ts";
import { DelayedLeastSquares } from "../../learning/rls-delayed.ts";
import type { Settlement } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";

export interface AnomalyReadoutOptions {
  /** n, the length of φ. */
  readonly features: number;
  /** First target it serves. Default 0. */
  readonly first?: number;
  /** How many targets it serves. Default all. */
  readonly targets?: number;
  /** δ: the ridge, in events whose features say nothing. */
  readonly delta: number;
  readonly forgetting?: number;
}

/** Every least-squares readout forgets alike: a memory of about 5,000 events. */
const FORGETTING = 0.9998;

/**
 * A linear readout per horizon and target of features φ(t), learned by recursive least squares with one shared gain. What
 * it learns is how far the anomaly b = y - S moves in h steps, so that with no weights it is the seasonal forecast:
 *
 *     ŷ(t+h) = b(t) + w_h φ(t) + S(t+h),   label of w_h:  (y(t+h) - S'(t+h)) - b(t)
 *
 * with S' the season as it was before y(t+h) was learned. Without a trusted season, S = 0: differences from the last value.
 */
export class AnomalyReadout {
  /** Where the caller puts φ(t) before `issue`. */
  readonly phi: Float64Array;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #first: number;
  readonly #targets: number;
  readonly #rls: DelayedLeastSquares;
  /** b of the last H issues [H × D]. */
  readonly #base: Slice<Float64Array>;
  readonly #labels: Float64Array;
  readonly #reach: Float64Array;
  readonly #moves: Float64Array;

  constructor(
    layout: Layout,
    name: string,
    shape: Shape,
    features: Features,
    options: AnomalyReadoutOptions,
  ) {
    const { features: n, first = 0, targets = shape.targets, delta, forgetting = FORGETTING } = options;
    this.#shape = shape;
    this.#features = features;
    this.#first = first;
    this.#targets = targets;
    this.phi = new Float64Array(n);
    const horizon = shape.horizon;
    this.#rls = new DelayedLeastSquares(layout, name, { features: n, horizon, targets, forgetting, delta });
    this.#base = layout.float64(`${name}.base`, horizon * targets);
    this.#labels = new Float64Array(horizon * targets);
    this.#reach = new Float64Array(horizon * targets);
    this.#moves = new Float64Array(horizon * targets);
  }

  learn({ labels, reach, steps }: Settlement): void {
    const D = this.#targets;
    const { horizon: H, targets } = this.#shape;
    const issues = this.#rls.issues;
    const base = this.#base.view;
    const { expected } = this.#features;
    for (let h = 1; h <= steps; h++) {
      const then = ((issues - h) % H) * D;
      for (let d = 0; d < D; d++) {
        const c = this.#first + d;
        this.#reach[(h - 1) * D + d] = reach[(h - 1) * targets + c];
        this.#labels[(h - 1) * D + d] = labels[(h - 1) * targets + c] - expected[c] - base[then + d];
      }
    }
    this.#rls.settle(this.#labels, this.#reach);
  }

  /** Takes `phi` as the features of the issue being made. */
  issue(): void {
    const D = this.#targets;
    const now = (this.#rls.issues % this.#shape.horizon) * D;
    let sound = false;
    for (let d = 0; d < D; d++) {
      this.#base.view[now + d] = this.#features.base(this.#first + d);
      sound ||= this.#features.gap.view[this.#first + d] === 0;
    }
    this.#rls.issue(this.phi, sound);
  }

  predict(out: Float64Array): void {
    const D = this.#targets;
    const { targets, horizon: H } = this.#shape;
    this.#rls.predict(this.#moves);
    for (let d = 0; d < D; d++) {
      const c = this.#first + d;
      const base = this.#features.base(c);
      for (let h = 1; h <= H; h++) {
        out[(h - 1) * targets + c] = base + this.#moves[(h - 1) * D + d] + this.#features.known(c, h);
      }
    }
  }
}
