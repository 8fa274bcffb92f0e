import type { Layout, Slice } from "../kernels/layout.ts";

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
 * Decides before anything is written whether an update may happen, so that a refused one leaves parameters and moments
 * exactly as they were; no copy for a way back is needed. Counted in the caller's layout.
 */
export class UpdateGuard {
  readonly #counts: Slice<Float64Array>;
  readonly #largestStep: number;

  /** `largestStep`: an update that may move the parameters further than this (as one vector) is refused. */
  constructor(layout: Layout, name: string, largestStep: number) {
    this.#counts = layout.float64(`${name}.guards`, 2);
    this.#largestStep = largestStep;
  }

  get counts(): LearnerGuards {
    const counts = this.#counts.view;
    return { nonFinite: counts[NON_FINITE]!, exploding: counts[EXPLODING]! };
  }

  /** Whether an update may happen that has this loss, gradient norm, and bound on its step. Counts a refusal. */
  admits(loss: number, gradientNorm: number, step: number): boolean {
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) return this.#refuse(NON_FINITE);
    if (!(step <= this.#largestStep)) return this.#refuse(EXPLODING);
    return true;
  }

  #refuse(reason: number): false {
    this.#counts.view[reason] = this.#counts.view[reason]! + 1;
    return false;
  }
}
