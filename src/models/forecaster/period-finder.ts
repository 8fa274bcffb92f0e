import type { Layout, Slice } from "../kernels/layout.ts";

/** Longest season that is looked for, in steps. */
export const LONGEST_FOUND = 192;
/** Events between two looks. */
const EVERY = 64;
/** A season is believed from this autocorrelation on, at a lag that has been seen this many times over. */
const BELIEVED = 0.3;
const CYCLES = 4;

const EVENTS = 0;
const FOUND = 1;
const ENERGY = 2;

/**
 * Finds a season length online: the autocorrelation of the standardised steps of the targets,
 * r(p) = Σ_t Σ_d u_d(t) u_d(t-p) / Σ_t Σ_d u_d(t)², at lags 2..192. The shortest local maximum with r at least 0.3 and
 * at least nine tenths of the highest is believed, once four cycles have been seen, and kept.
 *
 * Cost: 192 D multiplications per event until a season is found, then none. State: 192 (D + 1) + 3 float64.
 */
export class PeriodFinder {
  readonly #targets: number;
  readonly #state: Slice<Float64Array>;
  readonly #products: Slice<Float64Array>;
  /** Steps of the last 192 events, ring of rows [D]. */
  readonly #recent: Slice<Float64Array>;

  constructor(layout: Layout, targets: number) {
    this.#targets = targets;
    this.#state = layout.float64("period.state", 3);
    this.#products = layout.float64("period.products", LONGEST_FOUND + 1);
    this.#recent = layout.float64("period.recent", (LONGEST_FOUND + 1) * targets);
  }

  /** The season found, 0 for none yet. */
  get found(): number {
    return this.#state.view[FOUND];
  }

  /** Takes the standardised steps u [D] of an event. */
  add(u: Float64Array): void {
    const state = this.#state.view;
    if (state[FOUND] > 0) return;
    const D = this.#targets;
    const recent = this.#recent.view;
    const r = this.#products.view;
    const n = state[EVENTS]++;
    const rows = LONGEST_FOUND + 1;
    const now = (n % rows) * D;
    for (let d = 0; d < D; d++) {
      recent[now + d] = u[d];
      state[ENERGY] += u[d] * u[d];
    }
    for (let lag = 2; lag <= Math.min(LONGEST_FOUND, n); lag++) {
      const then = ((n - lag) % rows) * D;
      for (let d = 0; d < D; d++) r[lag] += recent[now + d] * recent[then + d];
    }
    if (n % EVERY === EVERY - 1) state[FOUND] = this.#look(n + 1);
  }

  #look(events: number): number {
    const r = this.#products.view;
    const energy = this.#state.view[ENERGY];
    const longest = Math.min(LONGEST_FOUND - 1, Math.floor(events / CYCLES));
    let highest = 0;
    for (let p = 3; p <= longest; p++) {
      if (r[p] > r[p - 1] && r[p] >= r[p + 1]) highest = Math.max(highest, r[p]);
    }
    if (!(energy > 0) || highest < BELIEVED * energy) return 0;
    for (let p = 3; p <= longest; p++) {
      if (r[p] > r[p - 1] && r[p] >= r[p + 1] && r[p] >= 0.9 * highest) return p;
    }
    return 0;
  }
}
