import { checkLength, checkWhole } from "../checks.ts";
import { clip } from "../kernels/clip.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { labelErrors } from "./label-errors.ts";
import { type LeastSquaresOptions, RlsCovariance } from "./rls-covariance.ts";

export interface DelayedLeastSquaresOptions extends LeastSquaresOptions {
  /** n, the length of a feature vector φ. */
  readonly features: number;
  /** H, the number of steps ahead, each with weights of its own. */
  readonly horizon: number;
  /** D, the number of targets per step. Default 1. */
  readonly targets?: number;
}

/**
 * Recursive least squares for labels that come late: one covariance for all H horizons. The label of step h of the
 * forecast issued at s exists at s + h. P and the gain k depend on φ(s) alone, so they are computed once, at s, and
 * kept with φ(s) for the last H issues; a label then costs one row update:
 *
 *     at s, once:            k(s) = P φ(s) / (λ + φ(s)ᵀ P φ(s)),   P ← (P − k(s) φ(s)ᵀ P) / λ
 *     at t, for h = 1 .. H:  W_h ← W_h + (d_h − W_h φ(t−h)) k(t−h)ᵀ
 *
 * Each W_h passes through the samples in order with the gains that belong to them, so it equals a learner of its own
 * fed with the pairs (φ(s), d_h(s)) as they become known: exact, at the cost of one covariance instead of H.
 *
 * Letters: n features, H horizon, D targets; W [H × D × n]; φ, k [n] per issue; d [H × D], step 1 first.
 * Cost per event: 2.5 n² + 2 H D n multiplications. State: n²/2 + (D + 2) H n float64, all in the caller's layout.
 *
 * Order of calls per event t: `settle` with the labels that exist now, then `issue` with φ(t), then `predict`.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const rls = new DelayedLeastSquares(layout, "ahead", { features: 2, horizon: 2, forgetting: 1, delta: 1e-9 });
 * layout.allocate();
 * const ahead = new Float64Array(2);
 * for (let t = 0; t < 9; t++) {
 *   rls.settle(Float64Array.of(t, t)); // the value now is the label of both steps
 *   rls.issue(Float64Array.of(1, t));
 * }
 * rls.predict(ahead);
 * Math.abs(ahead[0] - 9) + Math.abs(ahead[1] - 10) < 1e-6; // true
 * ```
 */
export class DelayedLeastSquares {
  readonly features: number;
  readonly horizon: number;
  readonly targets: number;
  readonly covariance: RlsCovariance;
  readonly #W: Slice<Float64Array>;
  /** φ and k of the last H issues; issue s has slot s mod H. */
  readonly #phi: Slice<Float64Array>;
  readonly #k: Slice<Float64Array>;
  /** Predictions [H × D]; while settling, predictions and then errors of one step. */
  readonly #y: Slice<Float64Array>;
  /** [0] issues so far, [1] labels refused. */
  readonly #counts: Slice<Float64Array>;
  #kernels!: Kernels;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, options: DelayedLeastSquaresOptions) {
    const { features, horizon, targets = 1 } = options;
    checkWhole("horizon", horizon);
    checkWhole("targets", targets);
    this.features = features;
    this.horizon = horizon;
    this.targets = targets;
    this.covariance = new RlsCovariance(layout, name, features, options);
    this.#W = layout.float64(`${name}.W`, horizon * targets * features);
    this.#phi = layout.float64(`${name}.phi`, horizon * features);
    this.#k = layout.float64(`${name}.k`, horizon * features);
    this.#y = layout.float64(`${name}.y`, horizon * targets);
    this.#counts = layout.float64(`${name}.counts`, 2);
    layout.whenAllocated(({ kernels }) => {
      this.#kernels = kernels;
    });
  }

  /** W [H × D × n], step 1 first. */
  get weights(): Float64Array {
    return this.#W.view;
  }

  /** Issues so far. */
  get issues(): number {
    return this.#counts.view[0];
  }

  /** Labels left out because they were infinite or beyond 1e100. */
  get refusedLabels(): number {
    return this.#counts.view[1];
  }

  /**
   * Learns labels [H × D]: row h − 1 belongs to the issue h events ago. Rows without an issue are ignored; NaN is missing.
   * `reach` [H × D], when given, bounds the errors that are learned from (Huber's rule).
   */
  settle(labels: Float64Array, reach?: Float64Array): void {
    const { features: n, targets: D } = this;
    checkLength("labels", labels, this.horizon * D);
    const issues = this.issues;
    const steps = Math.min(this.horizon, issues);
    const y = this.#y.pointer;
    for (let h = 1; h <= steps; h++) {
      const slot = ((issues - h) % this.horizon) * n * 8;
      const W = this.#W.pointer + (h - 1) * D * n * 8;
      this.#kernels.multiply64(y, W, this.#phi.pointer + slot, D, n);
      this.#counts.view[1] += labelErrors(this.#y.view, labels, (h - 1) * D, D);
      if (reach !== undefined) {
        for (let d = 0; d < D; d++) {
          this.#y.view[d] = clip(this.#y.view[d], reach[(h - 1) * D + d]);
        }
      }
      this.#kernels.correct64(W, y, this.#k.pointer + slot, D, n);
    }
  }

  /**
   * Takes the features of a new issue: one covariance update, the gain kept until its last label has come. One that does not
   * `teach` (features made up where readings are missing) keeps its place in time and is predicted from, no more.
   */
  issue(phi: Float64Array, teach = true): void {
    checkLength("features", phi, this.features);
    const slot = (this.issues % this.horizon) * this.features;
    this.#phi.view.set(phi, slot);
    if (!teach) {
      this.#k.view.fill(0, slot, slot + this.features);
      this.#counts.view[0] += 1;
      return;
    }
    // An unusable φ keeps its place in time, with zeros that neither predict nor teach.
    const usable = this.covariance.update(this.#k, slot, this.#phi, slot);
    if (!usable) this.#phi.view.fill(0, slot, slot + this.features);
    this.#counts.view[0] += 1;
  }

  /** Writes W_h φ of the latest issue for every step and target to `out` [H × D] and returns it; zeros before the first. */
  predict(out: Float64Array): Float64Array {
    const { features: n, targets: D, horizon: H } = this;
    const slot = ((this.issues + H - 1) % H) * n * 8;
    this.#kernels.multiply64(this.#y.pointer, this.#W.pointer, this.#phi.pointer + slot, H * D, n);
    out.set(this.#y.view);
    return out;
  }
}
