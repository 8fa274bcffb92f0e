import { clip } from "../../kernels/clip.ts";
import type { Layout, Slice } from "../../kernels/layout.ts";
import { DelayedLeastSquares } from "../../learning/rls-delayed.ts";
import type { Expert, Settlement } from "../expert.ts";
import { type Features, LAGS, TIME_SCALES } from "../features.ts";
import type { Shape } from "../shape.ts";
import { FORGETTING } from "./anomaly-readout.ts";
import { DELTA } from "./autoregression.ts";

/** The roll-out must have beaten the direct forecast by this ratio of mean squared errors … */
const GAIN = 0.98;
/** … over at least so many labels, … */
const PATIENCE = 100;
/** … remembered at step h for `MEMORY + MEMORY_PER_STEP h` labels. */
const MEMORY = 500;
const MEMORY_PER_STEP = 10;
/** Per cell: labels, mean squared error of the roll-out, of the direct forecast. */
const LABELS = 0;
const ROLLED = 1;
const DIRECT = 2;
const FIELDS = 3;

/**
 * Recursive roll-out (iterated multi-step forecasting; Taieb et al. 2012 compare it with the direct kind): one autoregression
 * of each target, learned one step ahead, fed its own forecasts h times over,
 *
 *     b̂(t+1) = b(t) + w φ(b(t), b(t-1), …),   b̂(t+h) = b̂(t+h-1) + w φ(b̂(t+h-1), …, b(t), …)
 *
 * with b the value without its trusted season and φ = 1, level, 24 lagged steps, distances from four leaky averages of b. One
 * step has the most labels, so it wins where the one-step law holds, and loses where it does not, as errors feed on themselves:
 * per step and target the roll-out is issued only where it has had the smaller squared error, else the direct autoregression.
 *
 * State: per target n²/2 + 4 n of least squares, n = 30, and 2 H² + 3 H. Cost per event: per target 2.5 n² + H n.
 */
export class Rollout implements Expert {
  readonly name = "rollout";
  readonly borrows = true;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #direct: Expert;
  readonly #drives: boolean;
  readonly #oneStep: readonly DelayedLeastSquares[];
  /** b of the last event [D]; its lagged steps [D × 24]; its leaky averages [D × 4]. */
  readonly #last: Slice<Float64Array>;
  readonly #steps: Slice<Float64Array>;
  readonly #averages: Slice<Float64Array>;
  /** Issues so far. */
  readonly #count: Slice<Float64Array>;
  /** What both said in the last H issues: H × (roll-out, direct) × [H × D]. */
  readonly #said: Slice<Float64Array>;
  readonly #errors: Slice<Float64Array>;
  readonly #phi = new Float64Array(2 + LAGS + TIME_SCALES.length);
  readonly #label = new Float64Array(1);
  readonly #reach = new Float64Array(1);
  /** Steps and averages while they are rolled forward. */
  readonly #ahead = new Float64Array(LAGS);
  readonly #level = new Float64Array(TIME_SCALES.length);

  /** `direct`: what is issued where rolling out does not win. `drives`: it is no expert of its own and is taught from here. */
  constructor(layout: Layout, shape: Shape, features: Features, direct: Expert, drives: boolean) {
    this.#shape = shape;
    this.#features = features;
    this.#direct = direct;
    this.#drives = drives;
    const { targets: D, horizon: H } = shape;
    this.#oneStep = Array.from(
      { length: D },
      (_, d) =>
        new DelayedLeastSquares(layout, `rollout.${d}`, {
          features: this.#phi.length,
          horizon: 1,
          forgetting: FORGETTING,
          delta: DELTA,
        }),
    );
    this.#last = layout.float64("rollout.last", D);
    this.#steps = layout.float64("rollout.steps", D * LAGS);
    this.#averages = layout.float64("rollout.averages", D * TIME_SCALES.length);
    this.#count = layout.float64("rollout.count", 1);
    this.#said = layout.float64("rollout.said", 2 * H * H * D);
    this.#errors = layout.float64("rollout.errors", FIELDS * H * D);
  }

  learn(settlement: Settlement): void {
    if (this.#drives) this.#direct.learn(settlement);
    const { labels, reach, steps } = settlement;
    const { targets: D, horizon: H } = this.#shape;
    const { expected } = this.#features;
    const cells = H * D;
    const said = this.#said.view;
    const errors = this.#errors.view;
    for (let d = 0; d < D; d++) {
      this.#label[0] = labels[d] - expected[d] - this.#last.view[d];
      this.#reach[0] = reach[d];
      this.#oneStep[d].settle(this.#label, this.#reach);
      for (let h = 1; h <= steps; h++) {
        const cell = (h - 1) * D + d;
        const y = labels[cell];
        if (Number.isNaN(y)) continue;
        const bound = reach[cell] ** 2;
        const issue = ((this.#count.view[0] - h) % H) * 2 * cells + cell;
        const at = FIELDS * cell;
        const rate = Math.max(1 / ++errors[at + LABELS], 1 / (MEMORY + MEMORY_PER_STEP * h));
        errors[at + ROLLED] += rate * (Math.min(bound, (said[issue] - y) ** 2) - errors[at + ROLLED]);
        errors[at + DIRECT] += rate * (Math.min(bound, (said[issue + cells] - y) ** 2) - errors[at + DIRECT]);
      }
    }
  }

  step(features: Features): void {
    if (this.#drives) this.#direct.step(features);
    this.#count.view[0]++;
    for (let d = 0; d < this.#shape.targets; d++) {
      const b = features.base(d);
      const steps = this.#stepsOf(d);
      const averages = this.#averagesOf(d);
      steps.copyWithin(1, 0, LAGS - 1);
      const age = features.age.view[d];
      steps[0] = age <= 1 ? 0 : b - this.#last.view[d];
      for (let k = 0; k < averages.length; k++) {
        averages[k] += Math.max(1 / Math.max(1, age), 1 / TIME_SCALES[k]) * (b - averages[k]);
      }
      this.#last.view[d] = b;
      this.#read(d, b, steps, averages);
      this.#oneStep[d].issue(this.#phi, features.gap.view[d] === 0);
    }
    const issue = this.#issue;
    const cells = this.#shape.horizon * this.#shape.targets;
    this.#direct.predict(this.#said.view.subarray(issue + cells, issue + 2 * cells));
    for (let d = 0; d < this.#shape.targets; d++) this.#roll(this.#said.view, issue + d, d);
  }

  /** Where in `said` the latest issue stands. */
  get #issue(): number {
    const { targets: D, horizon: H } = this.#shape;
    return ((this.#count.view[0] + H - 1) % H) * 2 * H * D;
  }

  #stepsOf(d: number): Float64Array {
    return this.#steps.view.subarray(d * LAGS, (d + 1) * LAGS);
  }

  #averagesOf(d: number): Float64Array {
    const n = TIME_SCALES.length;
    return this.#averages.view.subarray(d * n, (d + 1) * n);
  }

  /** φ of target d at b. */
  #read(d: number, b: number, steps: Float64Array, averages: Float64Array): void {
    const { scaling } = this.#features;
    const perDeviation = 1 / (scaling.deviation(d) || 1);
    const perStep = 1 / (scaling.step(d) || 1);
    const phi = this.#phi;
    let i = 0;
    phi[i++] = 1;
    phi[i++] = clip((b - scaling.mean(d)) * perDeviation, 6);
    for (let lag = 0; lag < LAGS; lag++) phi[i++] = clip(steps[lag] * perStep, 10);
    for (let k = 0; k < averages.length; k++) phi[i++] = clip((b - averages[k]) * perDeviation, 6);
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const cells = H * D;
    const issue = this.#issue;
    const said = this.#said.view;
    const errors = this.#errors.view;
    for (let cell = 0; cell < cells; cell++) {
      const at = FIELDS * cell;
      const won = errors[at + LABELS] >= PATIENCE && errors[at + ROLLED] < GAIN * errors[at + DIRECT];
      out[cell] = said[issue + (won ? cell : cells + cell)];
    }
  }

  /** Rolls target d out into `out`, element `at + (h - 1) D`. */
  #roll(out: Float64Array, at: number, d: number): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    const [steps, averages, weights] = [this.#ahead, this.#level, this.#oneStep[d].weights];
    steps.set(this.#stepsOf(d));
    averages.set(this.#averagesOf(d));
    const start = this.#last.view[d];
    let b = start;
    for (let h = 1; h <= H; h++) {
      this.#read(d, b, steps, averages);
      let next = b;
      for (let i = 0; i < weights.length; i++) next += weights[i] * this.#phi[i];
      next = features.within(d, h, next, start);
      steps.copyWithin(1, 0, LAGS - 1);
      steps[0] = next - b;
      for (let k = 0; k < averages.length; k++) averages[k] += (next - averages[k]) / TIME_SCALES[k];
      b = next;
      out[at + (h - 1) * D] = b + features.known(d, h);
    }
  }
}
