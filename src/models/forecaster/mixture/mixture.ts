import { clip } from "../../kernels/clip.ts";
import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Settlement } from "../expert.ts";
import type { Ledger } from "../ledger.ts";
import type { Shape } from "../shape.ts";
import { Amplitude } from "./amplitude.ts";
import { Choice } from "./choice.ts";
import { ErrorFeedback } from "./error-feedback.ts";
import { InverseError } from "./inverse-error.ts";
import { Polynomial } from "./polynomial.ts";
import { BLEND, PRIOR } from "./prior.ts";
import { Stacking } from "./stacking.ts";
import { type Named, StandIn } from "./stand-in.ts";

/** Discounts of the inverse-error rules. The last is also what stacking is shrunk towards. */
const DISCOUNTS = [0.95, 0.99, 0.9995] as const;
const LONGEST = DISCOUNTS.length - 1;
const STACKS = [
  { memory: 2000, ridge: 0.03, positive: true },
  { memory: 2000, ridge: 0.01, positive: false },
] as const;
/** Where there are several targets one more stack learns from all of them together, each in units of the error of persistence. */
const POOLED_STACK = { memory: 2000, ridge: 0.03, positive: true } as const;

/** Forecasts that are made from all experts, and are rules of the choice beside each expert. */
const combined = (targets: number): number =>
  1 + DISCOUNTS.length + 1 + STACKS.length + (targets > 1 ? 1 : 0);
/** Rows of the ledger behind the experts': one per combination, then what is chosen among all rules, and that with the whole correction by its last errors. */
export const combinations = (targets: number): number => combined(targets) + 2;

/** Events between two sweeps of a stack; a young one sweeps three times an event. */
const SWEEP_EVERY = 4;
const YOUNG = 200;

/**
 * The online combination of experts per target and step: a mixture over mixtures. Every expert is a rule by itself, so that
 * the mixture can fall back to it outright, and combinations (a blend of three with weights that stand, inverse discounted error
 * with three memories, ML-Poly, ridge stacking two ways and, of several targets, once over all of them) each make one forecast from
 * several experts; a choice by discounted error among all of these makes the last one, which its own last errors correct. Stacking
 * wins on long stationary series and loses badly under drift, inverse error is the reverse, on a short seasonal series one smoother
 * alone is best, and on a random walk nothing beats persistence: the choice finds out.
 *
 * Where what is chosen has explained little so far, its moves are drawn back towards the last value.
 *
 * A stack's forecast is held within those of its experts. Letters: M experts, R rules, cell = (h - 1) D + d. In the ledger
 * the rows of the combinations follow those of the experts. Cost per event: about 5 M² per cell.
 */
export class Mixture {
  readonly #shape: Shape;
  readonly #experts: number;
  /** Weights of the blend [M]. */
  readonly #blend: Float64Array;
  readonly #inverse: readonly InverseError[];
  readonly #polynomial: Polynomial;
  readonly #stacks: readonly Stacking[];
  readonly #pooled: Stacking | undefined;
  /** Whether this event has brought a label: where nothing is learned no weights move. */
  #told = false;
  readonly #choice: Choice;
  readonly #amplitude: Amplitude;
  readonly #feedback: ErrorFeedback;
  readonly #standIn: StandIn;
  /** Deviation of the experts' forecasts around that of the mixture in the issue last made [H x D], weighed by the longest memory of their errors. */
  readonly apart: Float64Array;
  /** Differences from persistence [M - 1], where kernels can read them. */
  readonly #x: Slice<Float64Array>;
  /** Errors of all rules [R], and the part of them that is the experts' [M]. */
  readonly #ruleErrors: Float64Array;
  readonly #errors: Float64Array;
  readonly #weights: Float64Array;

  constructor(layout: Layout, shape: Shape, all: readonly Named[]) {
    const experts = all.length;
    this.#shape = shape;
    this.#experts = experts;
    this.#standIn = new StandIn(shape, all);
    const cells = shape.horizon * shape.targets;
    this.apart = new Float64Array(cells);
    this.#blend = blend(all);
    this.#inverse = DISCOUNTS.map(
      (discount) => new InverseError(layout, `inverse-${discount}`, cells, experts, discount),
    );
    this.#polynomial = new Polynomial(layout, "polynomial", cells, experts);
    this.#stacks = STACKS.map((options, k) => new Stacking(layout, `stack-${k}`, cells, experts, options));
    if (shape.targets > 1)
      this.#pooled = new Stacking(layout, "stack-pooled", shape.horizon, experts, POOLED_STACK);
    this.#amplitude = new Amplitude(layout, "amplitude", shape.horizon, shape.targets);
    this.#feedback = new ErrorFeedback(layout, "feedback", shape);
    const rules = experts + combined(shape.targets);
    const prior = [...all.map(({ name }) => PRIOR[name]), PRIOR.blend];
    this.#choice = new Choice(layout, "choice", shape.horizon, shape.targets, rules, prior);
    this.#x = layout.float64("mixture.x", experts - 1);
    this.#ruleErrors = new Float64Array(rules);
    this.#errors = this.#ruleErrors.subarray(0, experts);
    this.#weights = new Float64Array(experts);
  }

  /**
   * Learns from the labels of `settlement` how experts and rules did in the issues that the ledger kept. A squared error counts by
   * one over how much larger than usual errors are in its phase of the season: half way from a square, by which noon decides
   * alone where nights are still, to a likelihood, by which nights would.
   */
  learn(ledger: Ledger, settlement: Settlement): void {
    const { labels, reach, noise, steps } = settlement;
    const { targets: D } = this.#shape;
    const M = this.#experts;
    const { values, rowLength } = ledger;
    const x = this.#x.view;
    this.#told = false;
    for (let h = 1; h <= steps; h++) {
      const issue = ledger.settled(h);
      let fade = true;
      for (let d = 0; d < D; d++) {
        const cell = (h - 1) * D + d;
        const label = labels[cell];
        if (Number.isNaN(label)) continue;
        this.#told = true;
        const at = issue + d;
        const base = values[at];
        const bound = reach[cell];
        const count = 1 / Math.sqrt(noise[d]);
        for (let r = 0; r < this.#ruleErrors.length; r++) {
          const error = values[at + r * rowLength] - label;
          this.#ruleErrors[r] = clip(error, bound) * count;
        }
        // A label that all were far from counts for less in least squares, by Huber's weight.
        const chosen = values[at + this.#ruleErrors.length * rowLength];
        const away = Math.abs(chosen - label);
        const weight = away > bound ? count * Math.sqrt(bound / away) : count;
        for (let m = 1; m < M; m++) x[m - 1] = weight * (values[at + m * rowLength] - base);
        for (const rule of this.#inverse) rule.takeErrors(cell, this.#errors);
        this.#polynomial.takeErrors(cell, this.#errors, this.#ruleErrors[M + 1 + DISCOUNTS.length]);
        for (const stack of this.#stacks) stack.learn(cell, h, this.#x, weight * (label - base));
        this.#amplitude.take(cell, weight * (chosen - base), weight * (label - base));
        this.#choice.takeErrors(h, d, this.#ruleErrors);
        const size = this.#choice.size(h, d);
        if (this.#pooled === undefined || ledger.issued < YOUNG || !(size > 0)) continue;
        for (let m = 1; m < M; m++) x[m - 1] /= size;
        this.#pooled.learn(h - 1, h, this.#x, (weight * (label - base)) / size, fade);
        fade = false;
      }
    }
    this.#feedback.learn(ledger, settlement, this.#ruleErrors.length);
  }

  /** Combines the experts' rows of the issue being made; writes the combinations' rows and the forecast [H × D] to `mean`. */
  combine(ledger: Ledger, mean: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const M = this.#experts;
    const { values, rowLength, issued } = ledger;
    const x = this.#x.view;
    const w = this.#choice.w;
    this.#standIn.fill(ledger, this.#choice.labels);
    this.#amplitude.weigh();
    for (let h = 1; h <= H; h++) {
      this.#choice.pool(h);
      const due = issued < YOUNG ? 3 : (issued + h) % SWEEP_EVERY === 0 ? 1 : 0;
      const sweeps = this.#told ? due : 0;
      for (let d = 0; d < D; d++) {
        const cell = (h - 1) * D + d;
        const at = ledger.current + cell;
        const base = values[at];
        let [low, high] = [0, 0];
        for (let m = 1; m < M; m++) {
          const difference = values[at + m * rowLength] - base;
          x[m - 1] = difference;
          if (difference < low) low = difference;
          else if (difference > high) high = difference;
        }
        let r = M;
        values[at + r++ * rowLength] = base + weighted(this.#blend, x);
        for (const rule of this.#inverse) {
          rule.weigh(cell);
          values[at + r++ * rowLength] = base + weighted(rule.w, x);
        }
        this.#polynomial.weigh(cell);
        values[at + r++ * rowLength] = base + weighted(this.#polynomial.w, x);
        const prior = this.#inverse[LONGEST].w;
        for (const stack of this.#stacks) {
          if (sweeps > 0) stack.sweep(cell, prior, sweeps);
          values[at + r++ * rowLength] = base + Math.max(low, Math.min(high, stack.combine(cell, x)));
        }
        if (this.#pooled !== undefined) {
          if (sweeps > 0 && d === 0) this.#pooled.sweep(h - 1, prior, sweeps);
          values[at + r * rowLength] = base + Math.max(low, Math.min(high, this.#pooled.combine(h - 1, x)));
        }
        this.#choice.weigh(h, d);
        let difference = 0;
        for (let k = 0; k < w.length; k++) difference += w[k] * (values[at + k * rowLength] - base);
        values[at + w.length * rowLength] = base + difference;
        let square = 0;
        for (let m = 0; m < M; m++)
          square += prior[m] * (values[at + m * rowLength] - base - difference) ** 2;
        this.apart[cell] = Math.sqrt(square);
      }
    }
    const R = this.#ruleErrors.length;
    this.#feedback.correct(ledger.row(R), ledger.row(R + 1), mean);
    const { share } = this.#amplitude;
    for (let cell = 0; cell < mean.length; cell++) {
      const base = values[ledger.current + cell];
      mean[cell] = base + share[cell] * (mean[cell] - base);
    }
  }

  /** Call after the state was restored: what was derived from it is derived anew. */
  refresh(): void {
    this.#choice.refresh();
    this.#amplitude.weigh();
  }

  /** The weights of the experts in what is chosen for step h, target d, all rules together, before its last errors correct it; the array is reused. */
  weights(h: number, d: number): Float64Array {
    const out = this.#weights;
    const cell = (h - 1) * this.#shape.targets + d;
    this.#choice.pool(h);
    this.#choice.weigh(h, d);
    const { w } = this.#choice;
    let r = 0;
    for (; r < out.length; r++) out[r] = w[r];
    addScaled(out, this.#blend, w[r++]);
    for (const rule of this.#inverse) {
      rule.weigh(cell);
      addScaled(out, rule.w, w[r++]);
    }
    this.#polynomial.weigh(cell);
    addScaled(out, this.#polynomial.w, w[r++]);
    for (const stack of this.#stacks) stack.addWeights(out, cell, w[r++]);
    this.#pooled?.addWeights(out, h - 1, w[r]);
    const share = this.#amplitude.share[cell];
    for (let m = 0; m < out.length; m++) out[m] *= share;
    out[0] += 1 - share;
    return out;
  }
}

/** Weights of the blend over the experts that are there; equal ones where none of its own is. */
function blend(experts: readonly Named[]): Float64Array {
  const shares = Float64Array.from(experts, ({ name }) => BLEND[name] ?? 0);
  const sum = shares.reduce((a, b) => a + b, 0);
  return sum > 0 ? shares.map((share) => share / sum) : shares.fill(1 / experts.length);
}

/** Σ_m w_m x_m over the differences from persistence, whose own is 0. */
function weighted(w: Float64Array, x: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += w[k + 1] * x[k];
  return sum;
}

function addScaled(out: Float64Array, w: Float64Array, share: number): void {
  for (let m = 0; m < out.length; m++) out[m] += share * w[m];
}
