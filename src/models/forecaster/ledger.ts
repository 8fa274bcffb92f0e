import type { Layout, Slice } from "../kernels/layout.ts";
import type { Settlement } from "./expert.ts";
import type { Shape } from "./shape.ts";

/**
 * The pending-label ledger: forecasts issued whose labels are still to come. An issue made at event t is kept for H events;
 * when event t+h arrives, its values settle step h of that issue and nothing else. What has not arrived cannot be asked for.
 *
 * Whatever fits weights to labels has them from `settle` alone: least-squares readouts, networks, the mixture, the fan and the
 * record. A forecast issued while readings of its target were missing is one from further back than its step says: nobody
 * learns from its label. Running figures of readings (features, seasons, Holt-Winters) take each reading as it comes.
 *
 * Memory: H issues of R rows [H x D]: one per expert, then the combinations of the mixture, then mean, bounds and quantiles.
 */
export class Ledger {
  readonly #shape: Shape;
  readonly #rows: number;
  readonly #issues: Slice<Float64Array>;
  /** [0] issues made so far. */
  readonly #count: Slice<Float64Array>;
  /** Per issue and target: 1 when it was made at a reading, 0 while readings were missing. */
  readonly #sound: Slice<Float64Array>;
  readonly #settlement: {
    y: Float64Array;
    labels: Float64Array;
    reach: Float64Array;
    noise: Float64Array;
    steps: number;
  };

  constructor(layout: Layout, shape: Shape, rows: number) {
    this.#shape = shape;
    this.#rows = rows;
    this.#issues = layout.float64("ledger.issues", shape.horizon * rows * shape.horizon * shape.targets);
    this.#count = layout.float64("ledger.count", 1);
    this.#sound = layout.float64("ledger.sound", shape.horizon * shape.targets);
    const { horizon, targets } = shape;
    this.#settlement = {
      y: new Float64Array(targets),
      labels: new Float64Array(horizon * targets),
      reach: new Float64Array(horizon * targets),
      noise: new Float64Array(targets),
      steps: 0,
    };
  }

  /** Issues made so far. */
  get issued(): number {
    return this.#count.view[0];
  }

  /** All rows of all issues; see `issue` and `current` for where one begins. */
  get values(): Float64Array {
    return this.#issues.view;
  }

  /** Rows of an issue. */
  get rows(): number {
    return this.#rows;
  }

  /** Elements from one row of an issue to the next: H D. */
  get rowLength(): number {
    return this.#shape.horizon * this.#shape.targets;
  }

  /** The labels that event `y` brings, for the issues made before it. */
  settle(y: Float64Array): Settlement {
    const { targets: D, horizon: H } = this.#shape;
    const settlement = this.#settlement;
    settlement.steps = Math.min(H, this.issued);
    for (let d = 0; d < D; d++) settlement.y[d] = y[d];
    settlement.labels.fill(Number.NaN);
    settlement.reach.fill(Number.POSITIVE_INFINITY);
    settlement.noise.fill(1);
    for (let h = 1; h <= settlement.steps; h++) {
      for (let d = 0; d < D; d++) if (this.sound(h, d)) settlement.labels[(h - 1) * D + d] = y[d];
    }
    return settlement;
  }

  /** Whether the issue made `back` events ago was made at a reading of target d. */
  sound(back: number, d: number): boolean {
    const { targets: D, horizon: H } = this.#shape;
    return this.#sound.view[((this.issued - back) % H) * D + d] === 1;
  }

  /** Element of `values` where row 0 of the issue made `back` events ago has step `back`, target 0. */
  settled(back: number): number {
    const { horizon: H, targets: D } = this.#shape;
    return ((this.issued - back) % H) * this.#rows * H * D + (back - 1) * D;
  }

  /** Element of `values` where row 0 of the issue being made now begins. */
  get current(): number {
    const { horizon: H, targets: D } = this.#shape;
    return (this.issued % H) * this.#rows * H * D;
  }

  /** Row `row` of the issue being made now [H x D]: write its forecast here. */
  row(row: number): Float64Array {
    const start = this.current + row * this.rowLength;
    return this.#issues.view.subarray(start, start + this.rowLength);
  }

  /** Enters the issue made now; `gap` [D] says how many steps ago the last reading of each target was. */
  issue(gap: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const at = (this.issued % H) * D;
    for (let d = 0; d < D; d++) this.#sound.view[at + d] = gap[d] === 0 ? 1 : 0;
    this.#count.view[0]++;
  }
}
