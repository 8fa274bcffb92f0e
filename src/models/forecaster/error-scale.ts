import type { Layout, Slice } from "../kernels/layout.ts";
import type { Shape } from "./expert.ts";

/** Labels that each running size of the errors remembers. */
const MEMORIES = [10, 40, 160, 640] as const;
/** Running sizes kept per cell, and rows of the ledger that they take. */
export const SIZES = MEMORIES.length;
/** Labels over which the sizes are compared. */
const COMPARED = 1000;
/** A label counts at most this many sizes: one outlier says little about which memory is right. */
const LARGEST_RATIO = 10;

/** A size below this is none: the long memories underflow first. */
const LEAST_SIZE = 1e-300;

const LABELS = 0;
const JUDGED = 1;
const SIZE = 2;
const LOSS = SIZE + SIZES;
const FIELDS = LOSS + SIZES;

/**
 * How large the errors of a forecast are just now, per step and target: a mixture of running means of |e| over several
 * memories, s_j ← s_j + max(1/n, 1/m_j) (|e| - s_j). Each is judged, as it was when the forecast was issued, by the negative
 * log likelihood of a Laplace density, ℓ_j = log s_j + |e| / s_j, and
 *
 *     s = Σ w_j s_j,   w_j ∝ exp(-n' L_j),   L_j the running mean of ℓ_j,   n' = min(n / √h, 1000)
 *
 * (labels at step h overlap in h - 1 steps, so that n of them count for less). Errors that cluster get the short memories, those
 * of a random walk the long ones. State: 10 per cell. Cost: 8 logarithms and exponentials per cell and event.
 */
export class ErrorScale {
  readonly #targets: number;
  readonly #state: Slice<Float64Array>;

  constructor(layout: Layout, shape: Shape) {
    this.#targets = shape.targets;
    this.#state = layout.float64("error-scale", FIELDS * shape.horizon * shape.targets);
  }

  #at(h: number, d: number): number {
    return FIELDS * ((h - 1) * this.#targets + d);
  }

  /** Learns from the error of a forecast; `issue` had written its sizes to `issued`, element `at + j stride`. */
  learn(h: number, d: number, error: number, issued: Float64Array, at: number, stride: number): void {
    const s = this.#state.view;
    const cell = this.#at(h, d);
    const size = Math.abs(error);
    const n = ++s[cell + LABELS];
    if (issued[at] > 0) {
      const rate = Math.max(1 / ++s[cell + JUDGED], 1 / COMPARED);
      for (let j = 0; j < SIZES; j++) {
        const then = Math.max(issued[at + j * stride], LEAST_SIZE);
        const loss = Math.log(then) + Math.min(size / then, LARGEST_RATIO);
        s[cell + LOSS + j] += rate * (loss - s[cell + LOSS + j]);
      }
    }
    for (let j = 0; j < SIZES; j++) {
      s[cell + SIZE + j] += Math.max(1 / n, 1 / MEMORIES[j]) * (size - s[cell + SIZE + j]);
    }
  }

  /** The size for the forecast being issued, s; the s_j behind it go to `issued`, element `at + j stride`. */
  issue(h: number, d: number, issued: Float64Array, at: number, stride: number): number {
    const s = this.#state.view;
    const cell = this.#at(h, d);
    const evidence = Math.min(s[cell + LABELS] / Math.sqrt(h), COMPARED);
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < SIZES; j++) least = Math.min(least, s[cell + LOSS + j]);
    let total = 0;
    let sum = 0;
    for (let j = 0; j < SIZES; j++) {
      const size = s[cell + SIZE + j];
      const w = Math.exp(-evidence * (s[cell + LOSS + j] - least));
      issued[at + j * stride] = size;
      total += w;
      sum += w * size;
    }
    return sum / total;
  }
}
