import type { Layout, Slice } from "../../kernels/layout.ts";

const LEAST = 1e-24;
/** Weights fall with this power of a rule's discounted squared error. */
const POWER = 32;
/** Share of the evidence of a target that comes from all targets together. */
const POOLED = 0.5;
/** What a rule must gain on persistence, in log squared error times √h: chance gains grow with the overlap of labels. */
const MARGIN = 0.015;
/** Labels remembered: `base + perStep h`. Two memories, whose forecasts are averaged. */
const MEMORIES = [
  { base: 300, perStep: 10 },
  { base: 2000, perStep: 40 },
] as const;

/**
 * The choice among rules, per step and target: for two memories, weights ∝ exp(-32 ℓ_r) with
 * ℓ_r = ½ log(L_r/L_0) + ½ mean over targets of log(L_r/L_0) + (r > 0) 0.015 √h, L_r the discounted squared error of rule
 * r and rule 0 persistence. On a random walk it stands still. State: 2 R per cell.
 */
export class Choice {
  readonly #targets: number;
  readonly #rules: number;
  readonly #loss: Slice<Float64Array>;
  /** log(L_r / L_0) of one step, per memory, target and rule; then its mean over the targets. */
  readonly #logs: Float64Array;
  readonly #pooled: Float64Array;
  readonly #v: Float64Array;
  /** Weights of the last `weigh` [R]. */
  readonly w: Float64Array;

  constructor(layout: Layout, name: string, horizon: number, targets: number, rules: number) {
    this.#targets = targets;
    this.#rules = rules;
    this.#loss = layout.float64(name, MEMORIES.length * horizon * targets * rules);
    this.#logs = new Float64Array(MEMORIES.length * targets * rules);
    this.#pooled = new Float64Array(MEMORIES.length * rules);
    this.#v = new Float64Array(rules);
    this.w = new Float64Array(rules);
  }

  #at(memory: number, h: number, d: number): number {
    return (((h - 1) * this.#targets + d) * MEMORIES.length + memory) * this.#rules;
  }

  /** Takes the errors [R] of the rules at step h, target d. */
  learn(h: number, d: number, errors: Float64Array): void {
    const loss = this.#loss.view;
    for (let k = 0; k < MEMORIES.length; k++) {
      const gamma = 1 - 1 / (MEMORIES[k].base + MEMORIES[k].perStep * h);
      const at = this.#at(k, h, d);
      for (let r = 0; r < this.#rules; r++) loss[at + r] = gamma * loss[at + r] + errors[r] * errors[r];
    }
  }

  /** Root mean squared error of persistence at step h, target d, over the long memory; 0 before a label. */
  size(h: number, d: number): number {
    const { base, perStep } = MEMORIES[MEMORIES.length - 1];
    return Math.sqrt(this.#loss.view[this.#at(MEMORIES.length - 1, h, d)] / (base + perStep * h));
  }

  /** Gathers the evidence of all targets at step h; call before `weigh`. */
  pool(h: number): void {
    const R = this.#rules;
    const D = this.#targets;
    const loss = this.#loss.view;
    this.#pooled.fill(0);
    for (let k = 0; k < MEMORIES.length; k++) {
      let n = 0;
      for (let d = 0; d < D; d++) {
        const at = this.#at(k, h, d);
        const to = (k * D + d) * R;
        const reference = 1 / (loss[at] + LEAST);
        for (let r = 0; r < R; r++) this.#logs[to + r] = Math.log((loss[at + r] + LEAST) * reference);
        if (!(loss[at] > 0)) continue;
        n++;
        for (let r = 0; r < R; r++) this.#pooled[k * R + r] += this.#logs[to + r];
      }
      for (let r = 0; r < R && n > 0; r++) this.#pooled[k * R + r] /= n;
    }
  }

  /** Computes the weights of target d at the step last pooled, h, into `w`: the mean over the memories. */
  weigh(h: number, d: number): void {
    const R = this.#rules;
    const margin = MARGIN * Math.sqrt(h);
    this.w.fill(0);
    for (let k = 0; k < MEMORIES.length; k++) {
      const at = (k * this.#targets + d) * R;
      let highest = Number.NEGATIVE_INFINITY;
      for (let r = 0; r < R; r++) {
        const evidence =
          (1 - POOLED) * this.#logs[at + r] + POOLED * this.#pooled[k * R + r] + (r > 0 ? margin : 0);
        this.#v[r] = -POWER * evidence;
        highest = Math.max(highest, this.#v[r]);
      }
      let sum = 0;
      for (let r = 0; r < R; r++) {
        this.#v[r] = Math.exp(this.#v[r] - highest);
        sum += this.#v[r];
      }
      for (let r = 0; r < R; r++) this.w[r] += this.#v[r] / (sum * MEMORIES.length);
    }
  }
}
