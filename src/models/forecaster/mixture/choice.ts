import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Trust } from "./prior.ts";

const LEAST = 1e-24;
/** Weights fall with this power of a rule's discounted squared error, once enough labels bear it out: … */
const POWER = 32;
/** … of those remembered, at step h by √h as many, each counts for one more power: that of a normal likelihood. */
const POWER_PER_LABEL = 0.5;
/** Share of the evidence of a target that comes from all targets together. */
const POOLED = 0.5;
/**
 * Of n labels so far the last n/4 are remembered, later all but the first 150: while everything is still being learned, large
 * errors of the start say nothing of which rule is right now.
 */
const YOUNG_SHARE = 0.25;
const START = 150;
const LEAST_REMEMBERED = 10;

/** So many labels of a step count as much as all that is known of the step before; hundreds leave next to nothing to it. */
const FEW_LABELS = 10;

/** Labels remembered at most: `base + perStep h`. Two memories, whose forecasts are averaged. */
const MEMORIES = [
  { base: 80, perStep: 6 },
  { base: 2000, perStep: 40 },
] as const;

/** Share of the evidence at a step that comes from the steps around it, within half its distance. */
const SMOOTHED = 0.5;
const REACH = 0.5;

/**
 * The choice among rules, per step and target. With L_r the discounted squared error of rule r and rule 0 persistence, the
 * evidence x_r = log L_r - mean over rules of log L_r is averaged twice: half at step h, half over the steps within h/2 of it
 * (neighbouring steps are much alike, and fewer turns of fortune in one of them count; few labels of a step are drawn towards what is
 * known of the step before); then half of the target, half of all
 * targets. For two memories, which are averaged,
 *
 *     w_r ∝ exp(-π x_r - (r > 0) π_h √(h / m_h) + a_r / (1 + (n_h / b_r)²)),   π_h = min(32, m_h / 2√h) with m_h labels remembered,   π = max(π_h, m_1 / 2√h)
 *
 * n_h are all labels of the step, a_r and b_r how far a rule is trusted while they are few, and until when (`PRIOR`): among thirty rules that a few dozen labels cannot tell apart,
 * those that do not learn from them are the safest. A step of few labels is chosen at by as many as there are one step ahead. √(h / m_h) is what a rule must gain on persistence in
 * log loss: as much as it gains by chance from m_h labels that overlap.
 *
 * On a random walk it stands still. State: 2 R + 1 per cell. Cost: 2 R logarithms and exponentials per cell and event.
 */
export class Choice {
  readonly #horizon: number;
  readonly #targets: number;
  readonly #rules: number;
  readonly #prior: readonly (Trust | undefined)[];
  readonly #loss: Slice<Float64Array>;
  /** Labels taken, per cell. */
  readonly #labels: Slice<Float64Array>;
  /** x_r per step, memory, target and rule, and its sums over the steps before each. Made from the losses when they have changed. */
  readonly #evidence: Float64Array;
  readonly #sums: Float64Array;
  #stale = true;
  /** Evidence of one step, per memory, target and rule; then its mean over the targets. */
  readonly #logs: Float64Array;
  readonly #pooled: Float64Array;
  readonly #v: Float64Array;
  /** Labels of the target that has most of them, one step ahead and at the step last pooled. */
  #first = 0;
  #most = 0;
  /** Weights of the last `weigh` [R]. */
  readonly w: Float64Array;

  /** `prior`: which rules are trusted while labels are few, in their order. */
  constructor(
    layout: Layout,
    name: string,
    horizon: number,
    targets: number,
    rules: number,
    prior: readonly (Trust | undefined)[] = [],
  ) {
    this.#prior = prior;
    this.#horizon = horizon;
    this.#targets = targets;
    this.#rules = rules;
    const row = MEMORIES.length * targets * rules;
    this.#loss = layout.float64(name, row * horizon);
    this.#labels = layout.float64(`${name}.labels`, horizon * targets);
    this.#evidence = new Float64Array(row * horizon);
    this.#sums = new Float64Array(row * (horizon + 1));
    this.#logs = new Float64Array(row);
    this.#pooled = new Float64Array(MEMORIES.length * rules);
    this.#v = new Float64Array(rules);
    this.w = new Float64Array(rules);
  }

  /** Element of the losses, and of the evidence, where rule 0 of a cell is. */
  #at(memory: number, h: number, d: number): number {
    return (((h - 1) * MEMORIES.length + memory) * this.#targets + d) * this.#rules;
  }

  /** Takes the errors [R] of the rules at step h, target d. */
  takeErrors(h: number, d: number, errors: Float64Array): void {
    const loss = this.#loss.view;
    this.#stale = true;
    const n = ++this.#labels.view[(h - 1) * this.#targets + d];
    for (let k = 0; k < MEMORIES.length; k++) {
      const gamma = 1 - 1 / Math.max(LEAST_REMEMBERED, remembered(k, h, n));
      const at = this.#at(k, h, d);
      for (let r = 0; r < this.#rules; r++) loss[at + r] = gamma * loss[at + r] + errors[r] * errors[r];
    }
  }

  /** Labels taken [H x D]. */
  get labels(): Float64Array {
    return this.#labels.view;
  }

  /** Root mean squared error of persistence at step h, target d, over the long memory; 0 before a label. */
  size(h: number, d: number): number {
    const long = MEMORIES.length - 1;
    const n = this.#labels.view[(h - 1) * this.#targets + d];
    return Math.sqrt(this.#loss.view[this.#at(long, h, d)] / Math.max(1, remembered(long, h, n)));
  }

  /** Call after the losses were restored. */
  refresh(): void {
    this.#stale = true;
  }

  #weighEvidence(): void {
    const R = this.#rules;
    const loss = this.#loss.view;
    const x = this.#evidence;
    for (let at = 0; at < x.length; at += R) {
      let mean = 0;
      for (let r = 0; r < R; r++) {
        x[at + r] = Math.log(loss[at + r] + LEAST);
        mean += x[at + r] / R;
      }
      for (let r = 0; r < R; r++) x[at + r] -= mean;
    }
    this.#carry();
    const row = this.#logs.length;
    for (let i = 0; i < x.length; i++) this.#sums[row + i] = this.#sums[i] + x[i];
    this.#stale = false;
  }

  /** What few labels say of a step is drawn towards what is said of the step before. */
  #carry(): void {
    const x = this.#evidence;
    const row = this.#logs.length;
    for (let h = 2; h <= this.#horizon; h++) {
      for (let d = 0; d < this.#targets; d++) {
        const share = 1 / (1 + (this.#labels.view[(h - 1) * this.#targets + d] / FEW_LABELS) ** 2);
        for (let k = 0; k < MEMORIES.length; k++) {
          const at = this.#at(k, h, d);
          for (let i = at; i < at + this.#rules; i++) x[i] += share * (x[i - row] - x[i]);
        }
      }
    }
  }

  /** Gathers the evidence of all targets at step h; call before `weigh`. */
  pool(h: number): void {
    if (this.#stale) this.#weighEvidence();
    const R = this.#rules;
    const D = this.#targets;
    const row = this.#logs.length;
    const reach = Math.round(REACH * h);
    const [from, to] = [Math.max(1, h - reach), Math.min(this.#horizon, h + reach)];
    const share = SMOOTHED / (to - from + 1);
    for (let i = 0; i < row; i++) {
      const around = this.#sums[to * row + i] - this.#sums[(from - 1) * row + i];
      this.#logs[i] = (1 - SMOOTHED) * this.#evidence[(h - 1) * row + i] + share * around;
    }
    const labels = this.#labels.view.subarray((h - 1) * D, h * D);
    this.#first = Math.max(...this.#labels.view.subarray(0, D));
    this.#most = Math.max(...labels);
    this.#pooled.fill(0);
    for (let k = 0; k < MEMORIES.length; k++) {
      let n = 0;
      for (let d = 0; d < D; d++) {
        if (labels[d] === 0) continue;
        n++;
        const at = (k * D + d) * R;
        for (let r = 0; r < R; r++) this.#pooled[k * R + r] += this.#logs[at + r];
      }
      for (let r = 0; r < R && n > 0; r++) this.#pooled[k * R + r] /= n;
    }
  }

  /** What rule r is trusted by beside what labels say of it, at the step last pooled. */
  #trusted(r: number): number {
    const trust = this.#prior[r];
    return trust === undefined ? 0 : trust.weight / (1 + (this.#most / trust.half) ** 2);
  }

  /** Computes the weights of target d at the step last pooled, h, into `w`: the mean over the memories. */
  weigh(h: number, d: number): void {
    const R = this.#rules;
    const labels = remembered(MEMORIES.length - 1, h, this.#most);
    const sure = (n: number): number => Math.min(POWER, (POWER_PER_LABEL * n) / Math.sqrt(h));
    const power = Math.max(sure(labels), sure(remembered(MEMORIES.length - 1, 1, this.#first)));
    const margin = labels > 0 ? sure(labels) * Math.sqrt(h / labels) : 0;
    this.w.fill(0);
    for (let k = 0; k < MEMORIES.length; k++) {
      const at = (k * this.#targets + d) * R;
      let highest = Number.NEGATIVE_INFINITY;
      for (let r = 0; r < R; r++) {
        const evidence = (1 - POOLED) * this.#logs[at + r] + POOLED * this.#pooled[k * R + r];
        this.#v[r] = -power * evidence - (r > 0 ? margin : 0) + this.#trusted(r);
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

/** How many of n labels of step h memory k has. */
function remembered(k: number, h: number, n: number): number {
  const { base, perStep } = MEMORIES[k];
  return Math.min(base + perStep * h, n, Math.max(LEAST_REMEMBERED, YOUNG_SHARE * n, n - START));
}
