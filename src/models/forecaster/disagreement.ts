import { clip } from "../kernels/clip.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import type { Knots } from "./knots.ts";

/** Issues over which it is known how far apart experts usually are. */
const USUAL = 1000;
/** More than e² times as far apart as usual says no more than that. */
const MOST = 2;
/** An error counts as at most this many sizes. */
const LARGEST_RATIO = 10;
/** Labels that a slope remembers, and as how many its beginning at 0 counts. */
const REMEMBERED = 20_000;
const RIDGE = 200;
/** Experts that differ by less than this part of the size of the errors say the same. */
const LEAST_APART = 1e-12;

/** Per target: the slope and what it was learned from; per target and knot: issues so far and their mean. */
const SLOPE_FIELDS = 2;
const USUAL_FIELDS = 2;

/**
 * How much larger errors are where the experts are further apart than usual: where they agree, less can be wrong. With a(x) the
 * deviation of the experts' forecasts at a distance of x steps and s(x) the size of the errors there,
 *
 *     factor = exp(β z),   z = log(a / s) less its mean over the last 1000 issues, within ±2
 *
 * z is kept at the knots of the fan, and read in between; while readings are missing, that of the last one holds. β is one number
 * per target, from 0 to 1: where the Laplace loss log s + |e| / s of errors e is least, followed online by Newton's method,
 *
 *     β += z (|e| / s - 1) / (200 + Σ z²),   both means over the steps whose labels have come
 *
 * State: per target 2, and per knot 3 and H as issued. Cost: an exponential per step, a logarithm per knot.
 */
export class Disagreement {
  readonly #knots: Knots;
  readonly #targets: number;
  readonly #horizon: number;
  readonly #usual: Slice<Float64Array>;
  readonly #slopes: Slice<Float64Array>;
  /** z at the knots as issued in the last H issues, and in the last of them that followed a reading. */
  readonly #issued: Slice<Float64Array>;
  readonly #last: Slice<Float64Array>;
  #pull = 0;
  #weight = 0;
  #labels = 0;

  constructor(layout: Layout, targets: number, horizon: number, knots: Knots) {
    this.#knots = knots;
    this.#targets = targets;
    this.#horizon = horizon;
    this.#usual = layout.float64("disagreement.usual", USUAL_FIELDS * targets * knots.length);
    this.#slopes = layout.float64("disagreement.slopes", SLOPE_FIELDS * targets);
    this.#issued = layout.float64("disagreement.issued", targets * knots.length * horizon);
    this.#last = layout.float64("disagreement.last", targets * knots.length);
  }

  /** Keeps for issue number `issue`, right after a reading, that the experts of target d are `apart` at knot k, where errors have the size `size`. */
  note(issue: number, d: number, k: number, apart: number, size: number): void {
    const K = this.#knots.length;
    let z = 0;
    if (apart > LEAST_APART * size && size > 0) {
      const log = Math.log(apart / size);
      const usual = this.#usual.view;
      const at = USUAL_FIELDS * (d * K + k);
      usual[at + 1] += Math.max(1 / ++usual[at], 1 / USUAL) * (log - usual[at + 1]);
      z = clip(log - usual[at + 1], MOST);
    }
    this.#issued.view[this.#at(issue, d) + k] = z;
    this.#last.view[d * K + k] = z;
  }

  /** Keeps for issue number `issue`, made `gap` steps after the last reading, what was told then of the same distance. */
  carry(issue: number, d: number, gap: number): void {
    const at = this.#at(issue, d);
    for (let k = 0; k < this.#knots.length; k++) {
      this.#issued.view[at + k] = this.last(d, Math.min(this.#horizon, this.#knots.x[k] + gap));
    }
  }

  /** z of target d at a distance of x steps, up to H, from its last reading. */
  last(d: number, x: number): number {
    return this.#knots.read(this.#last.view, d * this.#knots.length, x);
  }

  /** z of target d at step h of issue number `issue`, one of the last H. */
  issued(issue: number, d: number, h: number): number {
    return this.#knots.read(this.#issued.view, this.#at(issue, d), h);
  }

  /** Element of `#issued` where the first knot of target d is, of issue number `issue`. */
  #at(issue: number, d: number): number {
    return ((issue % this.#horizon) * this.#targets + d) * this.#knots.length;
  }

  /** How much larger than usual errors of target d are where its experts are apart by z. */
  factor(d: number, z: number): number {
    return z === 0 ? 1 : Math.exp(this.#slopes.view[SLOPE_FIELDS * d] * z);
  }

  /** Takes an error of this event, in sizes that were expected of it. */
  take(z: number, ratio: number): void {
    this.#pull += z * (Math.min(ratio, LARGEST_RATIO) - 1);
    this.#weight += z * z;
    this.#labels++;
  }

  /** Learns from what was taken, all of target d. */
  learn(d: number): void {
    if (this.#weight > 0) {
      const slopes = this.#slopes.view;
      const at = SLOPE_FIELDS * d;
      slopes[at + 1] += this.#weight / this.#labels - slopes[at + 1] / REMEMBERED;
      const slope = slopes[at] + this.#pull / this.#labels / (slopes[at + 1] + RIDGE);
      slopes[at] = Math.max(0, Math.min(1, slope));
    }
    this.#pull = this.#weight = this.#labels = 0;
  }
}
