import type { Layout, Slice } from "../../kernels/layout.ts";

const LEAST = 1e-24;
/** Weights fall with this power of a rule's discounted squared error, once enough labels bear it out: half a label, … */
const POWER = 32;
/** … at step h by √h as many, each counts for one more power: that of a normal likelihood. */
const POWER_PER_LABEL = 0.5;
/** Share of the evidence of a target that comes from all targets together. */
const POOLED = 0.5;
/** What a rule must gain on persistence, in log weight over √h: chance gains grow with the overlap of labels. */
const MARGIN = 0.48;
/** Labels remembered: `base + perStep h`. Two memories, whose forecasts are averaged. */
const MEMORIES = [
  { base: 300, perStep: 10 },
  { base: 2000, perStep: 40 },
] as const;

/**
 * The choice among rules, per step and target: for two memories, weights ∝ exp(-π ℓ_r - (r > 0) 0.48 √h) with
 * ℓ_r = ½ log(L_r/L_0) + ½ mean over targets of log(L_r/L_0), L_r the discounted squared error of rule r and rule 0
 * persistence, and π = min(32, n / 2√h) after n labels. On a random walk it stands still. State: 2 R + 1 per cell.
 */
export class Choice {
  readonly #targets: number;
  readonly #rules: number;
  readonly #loss: Slice<Float64Array>;
  /** Labels taken, per cell. */
  readonly #labels: Slice<Float64Array>;
  /** log(L_r / L_0) of one step, per memory, target and rule; then its mean over the targets. */
  readonly #logs: Float64Array;
  readonly #pooled: Float64Array;
  readonly #v: Float64Array;
  /** Labels of the target that has most of them, at the step last pooled. */
  #most = 0;
  /** Weights of the last `weigh` [R]. */
  readonly w: Float64Array;

  constructor(layout: Layout, name: string, horizon: number, targets: number, rules: number) {
    this.#targets = targets;
    this.#rules = rules;
    this.#loss = layout.float64(name, MEMORIES.length * horizon * targets * rules);
    this.#labels = layout.float64(`${name}.labels`, horizon * targets);
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
    this.#labels.view[(h - 1) * this.#targets + d]++;
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
    this.#most = 0;
    for (let d = 0; d < D; d++) this.#most = Math.max(this.#most, this.#labels.view[(h - 1) * D + d]);
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
    const power = Math.min(POWER, (POWER_PER_LABEL * this.#most) / Math.sqrt(h));
    this.w.fill(0);
    for (let k = 0; k < MEMORIES.length; k++) {
      const at = (k * this.#targets + d) * R;
      let highest = Number.NEGATIVE_INFINITY;
      for (let r = 0; r < R; r++) {
        const evidence = (1 - POOLED) * this.#logs[at + r] + POOLED * this.#pooled[k * R + r];
        this.#v[r] = -power * evidence - (r > 0 ? margin : 0);
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
