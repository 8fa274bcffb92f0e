import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";

/** How an exponential average starts: from its first value, or with weights that sum to 1 at every length. */
export type ExponentialStart = "first-value" | "normalised";

export interface ExponentialMomentsOptions {
  /** Components. Default 1. */
  readonly size?: number;
  /** Share of the past kept per value, in (0, 1): near 1 is slow. */
  readonly decay: number;
  /** Default "normalised". */
  readonly start?: ExponentialStart;
}

/**
 * Mean and variance that forget exponentially, one per component (West 1979; Finch 2009).
 *
 *     first-value:  mean = v, var = 0 at the first value; then δ = v − mean, mean ← mean + (1 − γ) δ,
 *                   var ← γ (var + (1 − γ) δ²)
 *     normalised:   w ← γ w + 1, δ = v − mean, mean ← mean + δ / w, M ← γ M + δ (v − mean), var = M / w
 *
 * "normalised" weighs the value i steps ago by γⁱ / Σ γʲ: no start value is favoured. γ is `decay`. A value that is
 * not finite is missing. State: 3 float64 per component.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const recent = new ExponentialMoments(layout, "recent", { decay: 0.5 });
 * layout.allocate();
 * for (const v of [0, 3]) recent.add([v]);
 * recent.mean(0) === 2; // true
 * ```
 */
export class ExponentialMoments {
  readonly size: number;
  readonly decay: number;
  readonly start: ExponentialStart;
  /** Weight of the past: a count that decays; for "first-value" 1 once there is a value. */
  readonly #w: Slice<Float64Array>;
  readonly #mean: Slice<Float64Array>;
  /** M, or the variance itself for "first-value". */
  readonly #M: Slice<Float64Array>;

  constructor(layout: Layout, name: string, options: ExponentialMomentsOptions) {
    const { size = 1, decay, start = "normalised" } = options;
    if (!(decay > 0 && decay < 1)) {
      throw new EddyError("bad-argument", "decay", {
        expected: "a number above 0 and below 1",
        received: String(decay),
      });
    }
    this.size = size;
    this.decay = decay;
    this.start = start;
    this.#w = layout.float64(`${name}.w`, size);
    this.#mean = layout.float64(`${name}.mean`, size);
    this.#M = layout.float64(`${name}.M`, size);
  }

  /** Takes one value per component. */
  add(values: ArrayLike<number>): void {
    for (let i = 0; i < this.size; i++) {
      const v = values[i];
      if (!Number.isFinite(v)) continue;
      if (this.start === "normalised") this.#addNormalised(i, v);
      else this.#addFromFirst(i, v);
    }
  }

  /** 0 before the first value. */
  mean(i: number): number {
    return this.#mean.view[i];
  }

  /** Weighted population variance; 0 before the second value. */
  variance(i: number): number {
    if (this.start === "first-value") return this.#M.view[i];
    return this.#w.view[i] === 0 ? 0 : this.#M.view[i] / this.#w.view[i];
  }

  #addNormalised(i: number, v: number): void {
    const w = this.decay * this.#w.view[i] + 1;
    const delta = v - this.#mean.view[i];
    this.#w.view[i] = w;
    this.#mean.view[i] += delta / w;
    this.#M.view[i] = this.decay * this.#M.view[i] + delta * (v - this.#mean.view[i]);
  }

  #addFromFirst(i: number, v: number): void {
    if (this.#w.view[i] === 0) {
      this.#w.view[i] = 1;
      this.#mean.view[i] = v;
      return;
    }
    const delta = v - this.#mean.view[i];
    this.#mean.view[i] += (1 - this.decay) * delta;
    this.#M.view[i] = this.decay * (this.#M.view[i] + (1 - this.decay) * delta * delta);
  }
}
