import { normalDensity, normalShare } from "../statistics/normal.ts";

/** Nodes of the grid over the common part: cells of STEP from -REACH to REACH. */
const REACH = 5;
const STEP = 0.25;
const NODES = Math.round((2 * REACH) / STEP) + 1;
/** Deviations beyond which a step of the common part leads nowhere. */
const WIDEST = 4.5;
/** Deviations of a step below which its two moments are matched over three nodes; above, cells are integrated. */
const NARROW = 0.85 * STEP;
/** Shift of the limit that makes a path looked at continuously one looked at step by step (Broadie, Glasserman & Kou 1997). */
const DISCRETE = 0.5826;

const node = (i: number): number => i * STEP - REACH;

/**
 * How likely a path has left its range for the first time, step after step.
 *
 * Scores of the readings (each standard normal by itself) are z = a s + √(1 - a²) n, with s a common part that goes on from step to
 * step, s' = r s + √(1 - r²) e, and n noise of each reading alone; e, n standard normal. The distribution of s over paths that have
 * stayed inside so far is carried over a grid, and each step takes from it what has left:
 *
 *     f(s) ← f(s) [Φ((c₂ - a s) / b) - Φ((c₁ - a s) / b)],   b = √(1 - a²),   c₁ and c₂ the scores of the two limits
 *
 * averaged over the cell of each node. Nothing is drawn at random. Cost per step: some 41 to 1,700 multiplications. Where steps are
 * passed over between two looks, a Brownian bridge says how likely the common part has crossed between, and the noise of each
 * reading passed over has its chance.
 */
export class FirstPassage {
  #inside = new Float64Array(NODES);
  #next = new Float64Array(NODES);
  readonly #stay = new Float64Array(NODES);
  /** Chance of one reading to stay, by the noise alone, at the last look. */
  readonly #before = new Float64Array(NODES);
  #left = 0;
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;

  /** Probability that the path has left its range by the last look. */
  get probability(): number {
    return Math.min(1, this.#left);
  }

  begin(): void {
    let total = 0;
    for (let i = 0; i < NODES; i++) total += this.#inside[i] = normalDensity(node(i));
    for (let i = 0; i < NODES; i++) this.#inside[i] /= total;
    this.#left = 0;
    this.#before.fill(1);
  }

  /**
   * Looks at the path `steps` further on, where the scores of the limits are `low` and `high`. `a`: share of the common part;
   * `r`: how much of it goes on per step.
   */
  look(low: number, high: number, a: number, r: number, steps = 1): void {
    const b = Math.sqrt(Math.max(0, 1 - a * a));
    for (let i = 0; i < NODES; i++) this.#stay[i] = stays(node(i), low, high, a, b);
    if (steps > 0) this.#move(low, high, a, r, steps);
    const f = this.#inside;
    let left = 0;
    for (let i = 0; i < NODES; i++) {
      left += f[i] * (1 - this.#stay[i]);
      f[i] *= this.#stay[i];
    }
    this.#left += left;
    this.#before.set(this.#stay);
    this.#low = low;
    this.#high = high;
  }

  #move(low: number, high: number, a: number, r: number, steps: number): void {
    const whole = Math.exp(steps * Math.log(Math.max(r, 1e-12)));
    const variance = 1 - whole * whole;
    const deviation = Math.sqrt(Math.max(0, variance));
    if (deviation < 1e-9) return;
    const [f, g] = [this.#inside, this.#next];
    g.fill(0);
    const shift = steps > 1 ? DISCRETE * Math.sqrt(Math.max(0, 1 - r * r)) : 0;
    const reach = WIDEST * deviation + STEP;
    for (let i = 0; i < NODES; i++) {
      if (f[i] === 0) continue;
      const to = whole * node(i);
      if (deviation < NARROW) this.#narrow(i, to, variance);
      else {
        const from = Math.max(0, Math.floor((to - reach + REACH) / STEP));
        const last = Math.min(NODES - 1, Math.ceil((to + reach + REACH) / STEP));
        let below = 0;
        for (let j = from; j <= last; j++) {
          const up = j === last ? 1 : normalShare((node(j) + STEP / 2 - to) / deviation);
          const mass = f[i] * (up - below);
          below = up;
          if (steps === 1) g[j] += mass;
          else {
            const kept = mass * this.#between(i, j, low, high, a, variance, steps, shift);
            this.#left += mass - kept;
            g[j] += kept;
          }
        }
      }
    }
    this.#inside = g;
    this.#next = f;
  }

  /** Mean and variance of a short step, over three nodes. */
  #narrow(i: number, to: number, variance: number): void {
    const g = this.#next;
    const f = this.#inside[i];
    const j = Math.max(1, Math.min(NODES - 2, Math.round((to + REACH) / STEP)));
    const off = (to - node(j)) / STEP;
    const spread = Math.min(1, Math.max(Math.abs(off), variance / (STEP * STEP) + off * off));
    g[j + 1] += (f * (spread + off)) / 2;
    g[j - 1] += (f * (spread - off)) / 2;
    g[j] += f * (1 - spread);
  }

  /** How likely a path that was at node i and is at node j has stayed inside at the readings passed over. */
  #between(
    i: number,
    j: number,
    low: number,
    high: number,
    a: number,
    variance: number,
    steps: number,
    shift: number,
  ): number {
    const noise = Math.sqrt(this.#before[i] * this.#stay[j]);
    let kept = noise > 0 ? Math.exp((steps - 1) * Math.log(noise)) : 0;
    if (!(a > 0)) return kept;
    const [from, to] = [node(i), node(j)];
    if (high < Infinity && this.#high < Infinity)
      kept *= bridge(this.#high / a + shift - from, high / a + shift - to, variance);
    if (low > -Infinity && this.#low > -Infinity)
      kept *= bridge(from - this.#low / a + shift, to - low / a + shift, variance);
    return kept;
  }
}

/** How likely a Brownian bridge of a variance does not reach a limit that is `from` away at its start and `to` at its end. */
function bridge(from: number, to: number, variance: number): number {
  if (from <= 0 || to <= 0) return 0;
  return 1 - Math.exp((-2 * from * to) / variance);
}

/** Share of readings inside, over the cell of s. */
function stays(s: number, low: number, high: number, a: number, b: number): number {
  const above = high === Infinity ? 1 : below(high, s, a, b);
  const under = low === -Infinity ? 0 : below(low, s, a, b);
  return Math.max(0, Math.min(1, above - under));
}

/** Mean of Φ((c - a s) / b) over the cell of s. */
function below(c: number, s: number, a: number, b: number): number {
  if (c === Infinity) return 1;
  if (c === -Infinity) return 0;
  const half = (a * STEP) / 2;
  const u = c - a * s;
  if (half < 0.25 * b) return normalShare(u / b);
  if (b < 1e-3) return Math.max(0, Math.min(1, (u + half) / (2 * half)));
  const integral = (x: number): number => x * normalShare(x) + normalDensity(x);
  return ((integral((u + half) / b) - integral((u - half) / b)) * b) / (2 * half);
}
