import type { Layout, Slice } from "../kernels/layout.ts";

/** Shares that are held, from the largest on. */
const LEVELS = [
  1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5,
] as const;
/** How far a limit goes with every value below it, as a logarithm. */
const RATE = 0.5;
/** Limits stay within this factor of their level. */
const FARTHEST = 64;

/**
 * Holds p-values to what they promise on a stream that drifts: for every level ℓ a limit α is kept, such that the share ℓ of the
 * values so far lies below it, and a value is told by the levels whose limits it lies between.
 *
 *     log α(ℓ) ← log α(ℓ) + γ (ℓ − 1{p ≤ α(ℓ)}),     γ = 0.5
 *
 * (Adaptive conformal inference: Gibbs & Candès 2021, on a logarithm.) While α is within its range, after T values the share
 * told to be at most ℓ is ℓ up to (log 64) / (γ T), whatever came. State: 16 float64 in the layout.
 */
export class HeldLevels {
  /** Logarithms of the limits. */
  readonly #limits: Slice<Float64Array>;

  constructor(layout: Layout, name: string) {
    this.#limits = layout.float64(`${name}.limits`, LEVELS.length);
    layout.whenAllocated(() => {
      for (const [j, level] of LEVELS.entries()) this.#limits.view[j] = Math.log(level);
    });
  }

  /** The p-value that is told for one within (0, 1); then the limits follow. */
  hold(p: number): number {
    const limits = this.#limits.view;
    const at = Math.log(p);
    let told = this.#told(at);
    if (told > 0) told = 0;
    for (let j = 1; j < LEVELS.length; j++) {
      const level = LEVELS[j];
      const next = limits[j] + RATE * (level - (at <= limits[j] ? 1 : 0));
      const own = Math.log(level);
      const reach = Math.log(FARTHEST);
      limits[j] = Math.min(Math.max(next, own - reach), Math.min(0, own + reach));
    }
    return Math.exp(told);
  }

  /** The logarithm of what is told: between the levels whose limits are about it. */
  #told(at: number): number {
    const limits = this.#limits.view;
    let above = 0;
    let aboveLevel = 0;
    for (let j = 1; j < LEVELS.length; j++) {
      // Of limits that have crossed the lower one counts, so that what is told grows with p.
      const limit = Math.min(limits[j], above);
      const level = Math.log(LEVELS[j]);
      if (at > limit) {
        const width = above - limit;
        return width > 0 ? level + ((aboveLevel - level) * (at - limit)) / width : aboveLevel;
      }
      above = limit;
      aboveLevel = level;
    }
    return aboveLevel + (at - above);
  }
}
