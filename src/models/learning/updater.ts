import { check } from "../checks.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { makeOptimiser, type Optimiser, type OptimiserOptions } from "./optimisers.ts";

/** How a gradient becomes an update. */
export interface UpdaterOptions {
  /** Default adam. */
  readonly optimiser?: OptimiserOptions;
  /** Largest global norm of a gradient. Default 1. */
  readonly clip?: number;
  /** An update that might move all parameters together further than this is refused. Default 1e3. */
  readonly largestStep?: number;
}

/** What the guards of a learner have done so far. */
export interface LearnerGuards {
  /** Updates refused because the loss or a gradient was not finite. */
  readonly nonFinite: number;
  /** Updates refused because they would have moved the parameters too far. */
  readonly exploding: number;
}

const NON_FINITE = 0;
const EXPLODING = 1;

/**
 * Makes an update of a gradient: clipped to a global norm (Pascanu et al. 2013: one norm over all parameters together, so that
 * the direction stays), guarded, through the optimiser. Whether it may happen is decided before anything is written, so that a
 * refused one leaves parameters and moments exactly as they were. Moments and counts are in the caller's layout.
 */
export class Updater {
  /** One per part: parameters that lie together. */
  readonly optimisers: readonly Optimiser[];
  readonly #clip: number;
  readonly #largestStep: number;
  readonly #parts: readonly number[];
  readonly #parameters: number;
  readonly #bytes: number;
  readonly #refused: Slice<Float64Array>;
  /** Global norm of the gradient last given, before clipping. */
  norm = Number.NaN;

  /** `parts`: how many parameters lie together, in the order of their gradients. */
  constructor(
    layout: Layout,
    name: string,
    parts: readonly [number, ...number[]],
    { optimiser = { kind: "adam" }, clip = 1, largestStep = 1e3 }: UpdaterOptions,
  ) {
    check(clip > 0, "clip", "a number above 0", clip);
    check(largestStep > 0, "largestStep", "a number above 0", largestStep);
    this.#parts = parts;
    this.#parameters = parts.reduce((sum, size) => sum + size, 0);
    this.optimisers = parts.map((size, i) =>
      makeOptimiser(optimiser, layout, size, i === 0 ? name : `${name}.part${i}`),
    );
    this.#refused = layout.float64(`${name}.guards`, 2);
    this.#clip = clip;
    this.#largestStep = largestStep;
    this.#bytes = layout.arena.bytesPerReal;
  }

  /** Updates refused, by reason. */
  get guards(): LearnerGuards {
    const counts = this.#refused.view;
    return { nonFinite: counts[NON_FINITE], exploding: counts[EXPLODING] };
  }

  /**
   * Makes the update of a gradient g, part after part, with this loss, of the parameters that begin at `theta` (one pointer per
   * part). Returns whether it was made; one that is refused is counted.
   */
  update(kernels: Kernels, loss: number, g: number, ...theta: readonly number[]): boolean {
    const P = this.#parameters;
    this.norm = Math.sqrt(kernels.sumSquares(g, P));
    if (!Number.isFinite(loss) || !Number.isFinite(this.norm)) return this.#refuse(NON_FINITE);
    const scale = this.norm > this.#clip ? this.#clip / this.norm : 1;
    if (!(this.optimisers[0].largestStep(this.norm * scale, P) <= this.#largestStep)) {
      return this.#refuse(EXPLODING);
    }
    let at = g;
    this.#parts.forEach((size, i) => {
      if (size > 0) this.optimisers[i].update(kernels, theta[i], at, scale, size);
      at += size * this.#bytes;
    });
    return true;
  }

  #refuse(reason: number): false {
    this.#refused.view[reason] = this.#refused.view[reason] + 1;
    return false;
  }
}
