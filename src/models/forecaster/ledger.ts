import type { Layout, Slice } from "../kernels/layout.ts";
import type { Settlement, Shape } from "./expert.ts";

/**
 * The pending-label ledger: forecasts issued whose labels are still to come. It is the only road by which a label
 * reaches a model. An issue made at event t is kept for H events; when event t+h arrives, its values settle step h
 * of that issue and nothing else. What has not arrived cannot be asked for.
 *
 * Memory: H issues of R rows [H x D]: one per expert, then the combinations of the mixture, then mean, bounds, sizes of the errors and
 * quantiles.
 */
export class Ledger {
  readonly #shape: Shape;
  readonly #rows: number;
  readonly #issues: Slice<Float64Array>;
  /** [0] issues made so far. */
  readonly #count: Slice<Float64Array>;
  readonly #settlement: { y: Float64Array; steps: number };

  constructor(layout: Layout, shape: Shape, rows: number) {
    this.#shape = shape;
    this.#rows = rows;
    this.#issues = layout.float64("ledger.issues", shape.horizon * rows * shape.horizon * shape.targets);
    this.#count = layout.float64("ledger.count", 1);
    this.#settlement = { y: new Float64Array(shape.targets), steps: 0 };
  }

  /** Issues made so far. */
  get issued(): number {
    return this.#count.view[0];
  }

  /** All rows of all issues; see `issue` and `current` for where one begins. */
  get values(): Float64Array {
    return this.#issues.view;
  }

  /** Elements from one row of an issue to the next: H D. */
  get rowLength(): number {
    return this.#shape.horizon * this.#shape.targets;
  }

  /** The labels that event `y` brings, for the issues made before it. */
  settle(y: Float64Array): Settlement {
    for (let d = 0; d < this.#shape.targets; d++) this.#settlement.y[d] = y[d];
    this.#settlement.steps = Math.min(this.#shape.horizon, this.issued);
    return this.#settlement;
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

  /** Enters the issue made now. */
  issue(): void {
    this.#count.view[0]++;
  }
}
