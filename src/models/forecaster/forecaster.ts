import { EddyError } from "../errors.ts";
import type { Arena } from "../kernels/arena.ts";
import { type Block, Layout, type Slice } from "../kernels/layout.ts";
import type { Expert, Shape } from "./expert.ts";
import { openExperts } from "./experts/open.ts";
import { Intervals } from "./intervals.ts";
import { Ledger } from "./ledger.ts";
import { Mixture } from "./mixture.ts";
import { Scaling } from "./scaling.ts";
import type { ForecasterSpecification } from "./specification.ts";

/** Recent intervals between events, whose median is the step of the series. */
const RECENT_INTERVALS = 16;
/** Discount of the running errors behind live skill: a memory of about 1,000 labels. */
const SKILL_DISCOUNT = 0.999;

/**
 * Scaler + experts + ledger + mixture + intervals for one series. All of its state is one block of bytes.
 *
 * Per event: scale, settle the ledger (labels that exist now), experts learn, state steps, experts predict, mixture,
 * intervals, forecast (issued), ledger. Cost per event and memory are constant.
 */
export class Forecaster {
  readonly specification: ForecasterSpecification;
  readonly #shape: Shape;
  readonly #experts: readonly Expert[];
  readonly #scaling: Scaling;
  readonly #ledger: Ledger;
  readonly #mixture: Mixture;
  readonly #intervals: Intervals;
  readonly #block: Block;
  /** [0] events, [1] time of the last event, [2..] recent intervals. */
  readonly #clock: Slice<Float64Array>;
  readonly #last: Slice<Float64Array>;
  /** Discounted squared error of the mixture and of persistence per step and target. */
  readonly #skill: Slice<Float64Array>;
  readonly #event: { x: Float64Array; filled: Float64Array; dt: number; time: number };

  /** The forecast as last issued, in the units of the observations: element (h - 1) * D + d. */
  readonly mean: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;

  constructor(specification: ForecasterSpecification, arena: Arena) {
    this.specification = specification;
    const { targets, inputs, horizon, coverage } = specification;
    this.#shape = { targets: targets.length, columns: targets.length + inputs.length, horizon };
    const { targets: D, columns: C } = this.#shape;
    const layout = new Layout(arena);
    this.#clock = layout.float64("clock", 2 + RECENT_INTERVALS);
    this.#last = layout.float64("last", C);
    this.#skill = layout.float64("skill", 2 * horizon * D);
    this.#scaling = new Scaling(layout, C);
    this.#experts = openExperts(layout, this.#shape, specification);
    this.#ledger = new Ledger(layout, this.#shape, this.#experts.length + 3);
    this.#mixture = new Mixture(layout, this.#shape, this.#experts.length);
    this.#intervals = new Intervals(layout, this.#shape, coverage);
    this.#block = layout.allocate();
    this.#event = { x: new Float64Array(C), filled: new Float64Array(C), dt: 1, time: 0 };
    this.mean = new Float64Array(horizon * D);
    this.lower = new Float64Array(horizon * D);
    this.upper = new Float64Array(horizon * D);
  }

  /** Events taken so far. */
  get events(): number {
    return this.#clock.view[0];
  }

  /** A forecast is issued from the second event on. */
  get ready(): boolean {
    return this.events >= 2;
  }

  /** Usual milliseconds between events: the median of the last ones, 1,000 before there are two. */
  get stepMilliseconds(): number {
    const n = Math.min(RECENT_INTERVALS, this.events - 1);
    if (n < 1) return 1000;
    const recent = Array.from(this.#clock.view.subarray(2, 2 + n)).sort((a, b) => a - b);
    return recent[n >> 1] || 1000;
  }

  /** Names of the experts in the order of `weights`. */
  get experts(): readonly string[] {
    return this.#experts.map((expert) => expert.name);
  }

  /**
   * Takes one event: `time` in epoch milliseconds, not before the last; `values` [C], targets then inputs, NaN where
   * missing. Afterwards `mean`, `lower` and `upper` hold the forecast from here (once `ready`).
   */
  observe(time: number, values: Float64Array): void {
    const { targets: D, columns: C, horizon: H } = this.#shape;
    const clock = this.#clock.view;
    const last = this.#last.view;
    const n = clock[0];
    const usual = this.stepMilliseconds;
    if (n > 0) clock[2 + ((n - 1) % RECENT_INTERVALS)] = time - clock[1];
    const event = this.#event;
    event.time = time;
    event.dt = n > 1 ? Math.min(1000, Math.max(1e-3, (time - clock[1]) / usual)) : 1;
    clock[0] = n + 1;
    clock[1] = time;

    this.#scaling.learn(values);
    for (let c = 0; c < C; c++) {
      if (Number.isFinite(values[c])) last[c] = values[c];
      const scale = this.#scaling.deviation(c);
      event.x[c] = (values[c] - this.#scaling.mean(c)) / scale;
      event.filled[c] = (last[c] - this.#scaling.mean(c)) / scale;
    }

    this.#settle();
    for (const expert of this.#experts) expert.step(event);
    for (let e = 0; e < this.#experts.length; e++) this.#experts[e].predict(this.#ledger.row(e));
    const E = this.#experts.length;
    const [mean, lower, upper] = [this.#ledger.row(E), this.#ledger.row(E + 1), this.#ledger.row(E + 2)];
    for (let h = 1; h <= H; h++) {
      for (let d = 0; d < D; d++) {
        const at = (h - 1) * D + d;
        const w = this.#mixture.weights(h, d);
        let m = 0;
        for (let e = 0; e < E; e++) m += w[e] * this.#ledger.row(e)[at];
        const radius = this.#intervals.radius(h, d);
        mean[at] = m;
        lower[at] = m - radius;
        upper[at] = m + radius;
        const scale = this.#scaling.deviation(d);
        const level = this.#scaling.mean(d);
        this.mean[at] = m * scale + level;
        this.lower[at] = lower[at] * scale + level;
        this.upper[at] = upper[at] * scale + level;
      }
    }
    this.#ledger.issue();
  }

  #settle(): void {
    const { targets: D } = this.#shape;
    const settlement = this.#ledger.settle(this.#event.x);
    const E = this.#experts.length;
    const skill = this.#skill.view;
    for (let h = 1; h <= settlement.steps; h++) {
      const mean = this.#ledger.issuedFor(E, h);
      const lower = this.#ledger.issuedFor(E + 1, h);
      const upper = this.#ledger.issuedFor(E + 2, h);
      for (let d = 0; d < D; d++) {
        const y = settlement.y[d];
        if (!Number.isFinite(y)) continue;
        for (let e = 0; e < E; e++) this.#mixture.learn(h, d, e, this.#ledger.issuedFor(e, h)[d] - y);
        this.#intervals.learn(h, d, mean[d], lower[d], upper[d], y);
        const at = 2 * ((h - 1) * D + d);
        skill[at] = SKILL_DISCOUNT * skill[at] + (mean[d] - y) ** 2;
        skill[at + 1] = SKILL_DISCOUNT * skill[at + 1] + (this.#ledger.issuedFor(0, h)[d] - y) ** 2;
      }
    }
    for (const expert of this.#experts) expert.learn(settlement);
  }

  /** Live skill of step `h`, target `d`, against persistence: 1 - error / its error; null before a label. */
  skill(h: number, d: number): number | null {
    const at = 2 * ((h - 1) * this.#shape.targets + d);
    const reference = this.#skill.view[at + 1];
    return reference > 0 ? 1 - this.#skill.view[at] / reference : null;
  }

  /** Share of labels that the intervals of step `h`, target `d` held; null before a label. */
  coverage(h: number, d: number): number | null {
    return this.#intervals.coverage(h, d);
  }

  /** Weights of the experts for step `h`, target `d`. The array is reused by the next call. */
  weights(h: number, d: number): Float64Array {
    return this.#mixture.weights(h, d);
  }

  /** Bytes of a checkpoint. */
  get byteLength(): number {
    return this.#block.byteLength;
  }

  /** A checkpoint: everything that shapes a future forecast. */
  save(): Uint8Array {
    return this.#block.save();
  }

  /** Goes on from a checkpoint of the same specification; throws `bad-state` when the size does not fit. */
  restore(bytes: Uint8Array): void {
    if (bytes.byteLength !== this.#block.byteLength) {
      throw new EddyError("bad-state", "checkpoint", {
        expected: `${this.#block.byteLength} bytes`,
        received: `${bytes.byteLength} bytes`,
      });
    }
    this.#block.bytes.set(bytes);
  }

  /** Gives the memory back. The forecaster cannot be used afterwards. */
  release(): void {
    this.#block.release();
  }
}
