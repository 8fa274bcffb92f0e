import type { Layout, Slice } from "../kernels/layout.ts";
import type { Settlement, Shape } from "./expert.ts";

/**
 * The pending-label ledger: forecasts issued whose labels are still to come. It is the only road by which a label
 * reaches a model. An issue made at event t is kept for H events; when event t+h arrives, its values settle step h
 * of that issue and nothing else. What has not arrived cannot be asked for.
 *
 * Memory: H issues of R rows [H x D] (one row per expert, then the mixture and the interval bounds).
 */
export class Ledger {
  readonly #shape: Shape;
  readonly #rows: number;
  readonly #issues: Slice<Float64Array>;
  /** [0] events settled so far. */
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

  /** The labels that event `x` brings, for the issues made before it. */
  settle(x: Float64Array): Settlement {
    for (let d = 0; d < this.#shape.targets; d++) this.#settlement.y[d] = x[d];
    this.#settlement.steps = Math.min(this.#shape.horizon, this.issued);
    return this.#settlement;
  }

  /** What row `row` said of step `h` in the issue made `h` events ago: [D]. */
  issuedFor(row: number, h: number): Float64Array {
    const { horizon: H, targets: D } = this.#shape;
    const slot = (this.issued - h) % H;
    const start = ((slot * this.#rows + row) * H + (h - 1)) * D;
    return this.#issues.view.subarray(start, start + D);
  }

  /** Rows of the issue being made now: write the forecast of row `row` here, then `issue`. */
  row(row: number): Float64Array {
    const { horizon: H, targets: D } = this.#shape;
    const slot = this.issued % H;
    const start = (slot * this.#rows + row) * H * D;
    return this.#issues.view.subarray(start, start + H * D);
  }

  /** Enters the issue made now. */
  issue(): void {
    this.#count.view[0]++;
  }
}
