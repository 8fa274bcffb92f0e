import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import { SortedWindow } from "./sorted-window.ts";

export interface AdaptiveConformalOptions {
  /** α, the share of labels that may miss, such as 0.1 for a coverage of 90 %. */
  readonly miscoverage: number;
  /** γ, how fast the level moves after a hit or a miss. Default 0.02. */
  readonly rate?: number;
  /** How many past scores are held. A window longer than the stream is the expanding form. */
  readonly window: number;
  /** The plain empirical quantile, ⌈(1 − α_t) n⌉, or the finite-sample one, ⌈(1 − α_t)(n + 1)⌉. Default "n+1". */
  readonly rank?: "n" | "n+1";
}

/**
 * Adaptive conformal inference (Gibbs & Candès 2021): intervals whose long-run coverage is 1 − α whatever the stream
 * does. A score says how far a label was from its forecast, such as |y − ŷ|.
 *
 *     k = ⌈(1 − α_t) n⌉ or ⌈(1 − α_t)(n + 1)⌉,   radius = k-th smallest of the n past scores
 *     err = 1 if score > radius else 0,   α_{t+1} = α_t + γ (α − err)
 *
 * The radius is ∞ for α_t <= 0 or k > n and −∞ for α_t >= 1 or k < 1; α_t itself is not clipped: that is what the
 * guarantee |mean err − α| <= (max(α, 1 − α) + γ) / (γ T) rests on. For an asymmetric interval keep one for
 * y − ŷ and one for ŷ − y, each with half the miscoverage: scores may be negative.
 *
 * State: 2 window + 4 float64 in the layout. Cost per score: O(log window) and one move inside the window.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const conformal = new AdaptiveConformal(layout, "interval", { miscoverage: 0.1, window: 100 });
 * layout.allocate();
 * conformal.initialise();
 * for (let t = 1; t <= 50; t++) conformal.add(t % 10);
 * conformal.radius() >= 8; // true
 * ```
 */
export class AdaptiveConformal {
  readonly miscoverage: number;
  readonly rate: number;
  readonly rank: "n" | "n+1";
  readonly #scores: SortedWindow;
  /** [0] α_t, [1] scores judged, [2] misses. */
  readonly #state: Slice<Float64Array>;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, name: string, options: AdaptiveConformalOptions) {
    const { miscoverage, rate = 0.02, window, rank = "n+1" } = options;
    if (!(miscoverage > 0 && miscoverage < 1))
      wrong("miscoverage", "a number above 0 and below 1", miscoverage);
    if (!(rate >= 0 && Number.isFinite(rate))) wrong("rate", "a finite number from 0 up", rate);
    if (!(Number.isInteger(window) && window > 0)) wrong("window", "a whole number above 0", window);
    this.miscoverage = miscoverage;
    this.rate = rate;
    this.rank = rank;
    this.#scores = new SortedWindow(layout, `${name}.scores`, window);
    this.#state = layout.float64(`${name}.level`, 3);
  }

  /** α_0 = α, no scores. Call once after the layout was allocated, unless a checkpoint is loaded. */
  initialise(): void {
    this.#state.view[0] = this.miscoverage;
  }

  /** α_t, the level of the next interval. */
  get level(): number {
    return this.#state.view[0];
  }

  /** Scores judged so far. */
  get judged(): number {
    return this.#state.view[1];
  }

  /** Share of judged scores within their radius; 1 before the first. */
  get coverage(): number {
    return 1 - this.#state.view[2] / Math.max(this.#state.view[1], 1);
  }

  /** The largest score remembered; 0 before the first. */
  get largest(): number {
    return this.#scores.size > 0 ? this.#scores.smallest(this.#scores.size) : 0;
  }

  /** The radius that the next score will be judged by: the half-width of the interval. */
  radius(): number {
    const n = this.#scores.size;
    const level = this.level;
    const k = Math.ceil((1 - level) * (this.rank === "n" ? n : n + 1));
    if (level <= 0 || k > n) return Number.POSITIVE_INFINITY;
    if (level >= 1 || k < 1) return Number.NEGATIVE_INFINITY;
    return this.#scores.smallest(k);
  }

  /** Judges a score by the radius as it stands, moves the level, and remembers the score. Returns whether it missed. NaN is a missing label. */
  judge(score: number): boolean {
    if (Number.isNaN(score)) return false;
    const missed = score > this.radius();
    this.#state.view[0] += this.rate * (this.miscoverage - (missed ? 1 : 0));
    this.#state.view[1] += 1;
    this.#state.view[2] += missed ? 1 : 0;
    this.add(score);
    return missed;
  }

  /** Remembers a score without judging it, as while warming up. */
  add(score: number): void {
    if (Number.isFinite(score)) this.#scores.add(score);
  }
}

function wrong(subject: string, expected: string, received: number): never {
  throw new EddyError("bad-argument", subject, { expected, received: String(received) });
}
