import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./shape.ts";
import type { Units } from "./units.ts";

/** The record is kept in blocks of so many labels, … */
const BLOCK = 100;
/** … the last of which are remembered: between 401 and 500 labels. */
const BLOCKS = 5;

const READINGS = 0;
const INSIDE = 1;
const OWN = 2;
const PERSISTENCE = 3;
const SEASONAL = 4;
const FIELDS = 5;

/**
 * How the forecasts of late have done, per step and target, over the last 401 to 500 readings: what is told as coverage and
 * skill, so that it is true now. Coverage counts every reading, also one that was held at arm's length. Skill compares squared errors
 * over the readings that were taken, in forecasts made at a reading. Both are of forecasts as they were issued, in the measure of that time. State: 26 per cell, and 2 per pending issue and target.
 */
export class TrackRecord {
  readonly #shape: Shape;
  /** Readings so far per cell. */
  readonly #counts: Slice<Float64Array>;
  readonly #blocks: Slice<Float64Array>;
  /** Scale and zero of each target in the last H issues; scale 0 for one that was not told. */
  readonly #measures: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape) {
    this.#shape = shape;
    const { horizon: H, targets: D } = shape;
    this.#counts = layout.float64("record.counts", H * D);
    this.#blocks = layout.float64("record.blocks", H * D * BLOCKS * FIELDS);
    this.#measures = layout.float64("record.measures", H * D * 2);
  }

  /** Notes in which measure issue number `issue` is made, and whether it is told. */
  issue(issue: number, units: Units, told: boolean): void {
    const { horizon: H, targets: D } = this.#shape;
    for (let d = 0; d < D; d++) {
      const at = ((issue % H) * D + d) * 2;
      this.#measures.view[at] = told ? units.scale(d) : 0;
      this.#measures.view[at + 1] = units.zero(d);
    }
  }

  /**
   * Enters reading u of target d against step h of issue number `issue`. `said`: the bounds of the interval, then the forecast,
   * persistence and the seasonal naive forecast; the bounds alone when the reading was held or the issue made without one.
   */
  enter(issue: number, h: number, d: number, u: number, said: readonly number[]): void {
    const { horizon: H, targets: D } = this.#shape;
    const measure = ((issue % H) * D + d) * 2;
    const scale = this.#measures.view[measure];
    if (scale === 0) return;
    const cell = (h - 1) * D + d;
    const n = this.#counts.view[cell]++;
    const at = (cell * BLOCKS + (Math.floor(n / BLOCK) % BLOCKS)) * FIELDS;
    const blocks = this.#blocks.view;
    if (n % BLOCK === 0) blocks.fill(0, at, at + FIELDS);
    const y = (u - this.#measures.view[measure + 1]) / scale;
    blocks[at + READINGS]++;
    const [lower, upper] = said;
    if (y >= lower && y <= upper) blocks[at + INSIDE]++;
    for (let e = 0; e + 2 < said.length; e++) blocks[at + OWN + e] += (said[e + 2] - y) ** 2;
  }

  /** Reading u of target d in the measure of issue number `issue`, one of the last H; NaN where that was not told. */
  measured(issue: number, d: number, u: number): number {
    const { horizon: H, targets: D } = this.#shape;
    const at = ((issue % H) * D + d) * 2;
    const scale = this.#measures.view[at];
    return scale === 0 ? Number.NaN : (u - this.#measures.view[at + 1]) / scale;
  }

  #sum(h: number, d: number, field: number): number {
    const cell = (h - 1) * this.#shape.targets + d;
    let sum = 0;
    for (let b = 0; b < BLOCKS; b++) sum += this.#blocks.view[(cell * BLOCKS + b) * FIELDS + field];
    return sum;
  }

  /** Share of readings inside the intervals; null before the first. */
  coverage(h: number, d: number): number | null {
    const readings = this.#sum(h, d, READINGS);
    return readings > 0 ? this.#sum(h, d, INSIDE) / readings : null;
  }

  /** 1 - squared error / that of the naive forecast; null while that made none. */
  skill(h: number, d: number, against: "persistence" | "seasonal"): number | null {
    const reference = this.#sum(h, d, against === "persistence" ? PERSISTENCE : SEASONAL);
    return reference > 0 ? 1 - this.#sum(h, d, OWN) / reference : null;
  }
}
