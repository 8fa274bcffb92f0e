import type { Layout, Slice } from "../kernels/layout.ts";

/** Longest season that is looked for, in steps. */
const LONGEST_FOUND = 192;
/** Events between two looks. */
const EVERY = 64;
/** A season is believed from this autocorrelation on, at a lag that has been seen this many times over. */
const BELIEVED = 0.3;
const CYCLES = 4;
const YOUNG_BELIEVED = 4;

/** Another season, or a second one, is believed when its autocorrelation exceeds that of the first by so many times what chance makes of n events. */
const HIGHER = 8;
/** Seasons that differ by no more than this share of their length are one. */
const SAME = 0.05;
/** Of these the one whose values a season apart are most alike is it: a change of mind needs at most this share of the squared differences. */
const CLOSER = 0.95;
/** A maximum stands out of the autocorrelations before it by so many times what chance makes of n events. */
const PROMINENT = 2;
/** A shorter season is one within a longer one when its autocorrelation is at least this share of the longer's; else it was a mistake. */
const NEARLY = 0.7;
const SECOND_LONGER = 2;
const SECOND_CYCLES = 2;
/** A second season leaves at most this share of the squared differences that the first one leaves. */
const LEFT = 0.5;
/** Events after which a season that was found stays, and no second one is looked for. */
const LONGEST_SEARCH = 4 * LONGEST_FOUND;

const EVENTS = 0;
const FOUND = 1;
const ENERGY = 2;
const SECOND = 3;

/**
 * Finds a season length online: the autocorrelation of the standardised steps of the targets,
 * r(p) = Σ_t Σ_d u_d(t) u_d(t-p) / Σ_t Σ_d u_d(t)², at lags 2..192. The shortest local maximum with r at least 0.3 and
 * at least nine tenths of the highest is believed, once four cycles have been seen, until another has a clearly higher r. A second one,
 * p a whole number of times as long, is believed after two cycles where values a season apart are much more alike than those of the first
 * apart: the mean of (y(t) - y(t-p))² is less than half. That is a week of days that are not alike, of which the levels tell more than the steps.
 *
 * Cost: 384 D multiplications per event for the first 768 or until one is found, then none. State: 192 (D + 2) + 4 float64.
 */
export class PeriodFinder {
  readonly #targets: number;
  readonly #state: Slice<Float64Array>;
  readonly #products: Slice<Float64Array>;
  /** Steps of the last 192 events, ring of rows [D]. */
  readonly #recent: Slice<Float64Array>;
  /** Sums of the squared differences of values at every lag. */
  readonly #differences: Slice<Float64Array>;

  constructor(layout: Layout, targets: number) {
    this.#targets = targets;
    this.#state = layout.float64("period.state", 4);
    this.#products = layout.float64("period.products", LONGEST_FOUND + 1);
    this.#recent = layout.float64("period.recent", (LONGEST_FOUND + 1) * targets);
    this.#differences = layout.float64("period.differences", LONGEST_FOUND + 1);
  }

  /** The season found, 0 for none yet. */
  get found(): number {
    return this.#state.view[FOUND];
  }

  /** The second season found, 0 for none. */
  get second(): number {
    return this.#state.view[SECOND];
  }

  /** Takes the standardised steps u [D] of an event, the sizes of steps [D], and what tells the value of target d so many events ago. */
  add(u: Float64Array, sizes: Float64Array, past: (d: number, back: number) => number): void {
    const state = this.#state.view;
    if (state[FOUND] > 0 && state[EVENTS] > LONGEST_SEARCH) return;
    const D = this.#targets;
    const recent = this.#recent.view;
    const differences = this.#differences.view;
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
      for (let d = 0; d < D; d++) {
        r[lag] += recent[now + d] * recent[then + d];
        if (sizes[d] > 0) differences[lag] += ((past(d, 0) - past(d, lag)) / sizes[d]) ** 2;
      }
    }
    if (n % EVERY !== EVERY - 1) return;
    const found = this.#closest(this.#look(n + 1), n + 1);
    const known = state[FOUND];
    if (found === 0) return;
    // A neighbour is the same season, told better by more events.
    const same = Math.abs(found - known) <= Math.max(1, SAME * known);
    const higher = known > 0 ? this.#r(found, n + 1) - this.#r(known, n + 1) : 0;
    const closer = this.#apart(found, n + 1) < CLOSER * this.#apart(known, n + 1);
    const better = same ? known !== found && closer : higher > this.#chance(known, n + 1);
    const within = found % known === 0 && this.#r(known, n + 1) >= NEARLY * this.#r(found, n + 1);
    if (better && within) state[SECOND] = found;
    else if (known === 0 || better) {
      state[FOUND] = found;
      state[SECOND] = 0;
    }
    state[SECOND] ||= this.#lookFurther(n + 1, state[FOUND]);
  }

  /** Autocorrelation at lag p after `events`: a lag of p has p products fewer. */
  #r(p: number, events: number): number {
    return (this.#products.view[p] / this.#state.view[ENERGY]) * (events / (events - p));
  }

  /** What a difference of autocorrelations must exceed not to be chance. */
  #chance(p: number, events: number): number {
    return (HIGHER * (1 - this.#r(p, events))) / Math.sqrt(events);
  }

  /** Mean squared difference of values p events apart. */
  #apart(p: number, events: number): number {
    return this.#differences.view[p] / (events - p);
  }

  /** Of season p and its neighbours the one whose values are most alike. */
  #closest(p: number, events: number): number {
    if (p === 0) return 0;
    const reach = Math.max(1, Math.floor(SAME * p));
    let best = p;
    for (let q = Math.max(2, p - reach); q <= Math.min(LONGEST_FOUND, p + reach); q++) {
      if (this.#apart(q, events) < this.#apart(best, events)) best = q;
    }
    return best;
  }

  #lookFurther(events: number, first: number): number {
    const longest = Math.min(LONGEST_FOUND, Math.floor(events / SECOND_CYCLES));
    let best = 0;
    for (let p = SECOND_LONGER * first; p <= longest; p += first) {
      if (best === 0 || this.#apart(p, events) < this.#apart(best, events)) best = p;
    }
    return best > 0 && this.#apart(best, events) < LEFT * this.#apart(first, events) ? best : 0;
  }

  #look(events: number): number {
    if (!(this.#state.view[ENERGY] > 0)) return 0;
    const longest = Math.min(LONGEST_FOUND - 1, Math.floor(events / CYCLES));
    const r = (p: number): number => this.#r(p, events);
    const prominent = PROMINENT / Math.sqrt(events);
    let lowest = 1;
    const peaks = new Set<number>();
    for (let p = 3; p <= longest; p++) {
      lowest = Math.min(lowest, r(p - 1));
      if (r(p) > r(p - 1) && r(p) >= r(p + 1) && r(p) - lowest > prominent) peaks.add(p);
    }
    const peak = (p: number): boolean => peaks.has(p);
    let highest = 0;
    for (let p = 3; p <= longest; p++) if (peak(p)) highest = Math.max(highest, r(p));
    // A few events agree by chance.
    if (highest < Math.max(BELIEVED, YOUNG_BELIEVED / Math.sqrt(events))) return 0;
    for (let p = 3; p <= longest; p++) if (peak(p) && r(p) >= 0.9 * highest) return p;
    return 0;
  }
}
