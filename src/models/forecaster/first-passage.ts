import { power } from "../kernels/power.ts";
import { normalDensity, normalShare } from "../statistics/normal.ts";

/** Nodes of the grid over the common part: cells of STEP from -REACH to REACH. */
const REACH = 4.4;
const STEP = 0.275;
const NODES = Math.round((2 * REACH) / STEP) + 1;
/** Less is no probability; so far from a limit, in the exponent, none is left. */
const NOTHING = 1e-15;
/** Variance of a place in a cell. */
const CELL = (STEP * STEP) / 12;
/** Ways to either end that are less likely than this are left out. */
const LEAST_WAY = 1e-6;
/** No path leaves a range whose limits have scores as far away as this. */
const BEYOND_REACH = 8;
const FAR = 30;
/** Deviations of a step below which its two moments are matched over three nodes; above, cells are integrated. */
const NARROW = 0.85 * STEP;
/** Ways from node to node are kept for this many square roots of the deviation of a step, once and for all who ask. */
const KEPT = 256;
/** Shift of the limit that makes a path looked at continuously one looked at step by step (Broadie, Glasserman & Kou 1997). */
const DISCRETE = 0.5826;

/** Tables of Φ and of its integral: entries per unit, up to where. */
const ENTRIES = 256;
const EDGE = 6;
const table = (of: (z: number) => number): Float64Array =>
  Float64Array.from({ length: 2 * EDGE * ENTRIES + 1 }, (_, i) => of(i / ENTRIES - EDGE));
const SHARE = table(normalShare);
const INTEGRAL = table((z) => z * normalShare(z) + normalDensity(z));
/** The distribution of the common part to begin with. */
const FIRST = Float64Array.from({ length: NODES }, (_, i) => normalDensity(i * STEP - REACH) * STEP);

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
 * averaged over the cell of each node. Nothing is drawn at random. Cost per step: some 1,000 multiplications. Where steps are
 * passed over between two looks, a Brownian bridge says how likely the common part has crossed between, and the noise of each
 * reading passed over has its chance.
 */
export class FirstPassage {
  #inside = new Float64Array(NODES);
  #next = new Float64Array(NODES);
  readonly #stay = new Float64Array(NODES);
  /** Chance of one reading to stay, by the noise alone, at the last look. */
  readonly #before = new Float64Array(NODES);
  /** Chances of the readings passed over to stay, by where the path was and where it is. */
  readonly #over = new Float64Array(2 * NODES);
  #left = 0;
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;

  /** Probability that the path has left its range by the last look. */
  get probability(): number {
    return Math.min(1, this.#left);
  }

  begin(): void {
    this.#inside.set(FIRST);
    this.#left = 0;
  }

  /**
   * Looks at the path `steps` further on, where the scores of the limits are `low` and `high`; 0 steps at first. `a`: square root of
   * the share that the readings have in common; `carried`: how much of that goes on to this look.
   */
  look(low: number, high: number, a: number, carried: number, steps: number): void {
    // While nothing has left, the common part is distributed as it was to begin with.
    if (this.#left === 0 && low < -BEYOND_REACH && high > BEYOND_REACH) this.#stay.fill(1);
    else {
      const b = Math.sqrt(Math.max(0, 1 - a * a));
      for (let i = 0; i < NODES; i++) this.#stay[i] = stays(node(i), low, high, a, b);
      if (steps === 1 && this.#left > 0) this.#move(waysOf(carried));
      else if (steps > 1) this.#pass(low, high, a, carried, steps);
      for (let i = 0; i < NODES; i++) {
        this.#left += this.#inside[i] * (1 - this.#stay[i]);
        this.#inside[i] *= this.#stay[i];
      }
    }
    this.#before.set(this.#stay);
    this.#low = low;
    this.#high = high;
  }

  #move({ first, count, chance }: Ways): void {
    const [f, g] = [this.#inside, this.#next];
    g.fill(0);
    for (let i = 0, at = 0; i < NODES; at += count[i], i++) {
      const inside = f[i];
      if (inside < NOTHING) continue;
      const to = first[i];
      for (let k = 0; k < count[i]; k++) g[to + k] += inside * chance[at + k];
    }
    this.#inside = g;
    this.#next = f;
  }

  /** Goes several steps at once. */
  #pass(low: number, high: number, a: number, carried: number, steps: number): void {
    const { first, count, chance } = waysOf(carried);
    const [f, g, over] = [this.#inside, this.#next, this.#over];
    const variance = Math.max(1 - carried * carried, Number.MIN_VALUE);
    const once = power(carried, 1 / steps);
    const shift = DISCRETE * Math.sqrt(Math.max(0, 1 - once * once));
    for (let i = 0; i < NODES; i++) {
      over[i] = passedOver(this.#before[i], steps);
      over[NODES + i] = passedOver(this.#stay[i], steps);
    }
    g.fill(0);
    for (let i = 0, at = 0; i < NODES; at += count[i], i++) {
      if (f[i] < NOTHING) continue;
      const [up, down] = [this.#high / a + shift - node(i), node(i) - this.#low / a + shift];
      for (let k = 0; k < count[i]; k++) {
        const j = first[i] + k;
        const mass = f[i] * chance[at + k];
        let kept = mass * over[i] * over[NODES + j];
        if (a > 0 && kept > 0) {
          kept *= bridge(up, high / a + shift - node(j), variance);
          kept *= bridge(down, node(j) - low / a + shift, variance);
        }
        this.#left += mass - kept;
        g[j] += kept;
      }
    }
    this.#inside = g;
    this.#next = f;
  }
}

/** How likely the common part goes from each node to which others: of node i to `count[i]` nodes from `first[i]` on, one after the other. */
interface Ways {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly chance: Float64Array;
}

const KNOWN_WAYS: (Ways | undefined)[] = [];

/** The ways where so much is carried on, to within 1/KEPT of the square root of the deviation of a step. */
function waysOf(carried: number): Ways {
  const place = Math.round(KEPT * Math.sqrt(Math.sqrt(Math.max(0, 1 - carried * carried))));
  let ways = KNOWN_WAYS[place];
  if (ways === undefined) {
    const root = place / KEPT;
    ways = waysFor(root * root);
    KNOWN_WAYS[place] = ways;
  }
  return ways;
}

function waysFor(deviation: number): Ways {
  const variance = deviation * deviation;
  const carried = Math.sqrt(1 - variance);
  const first = new Int32Array(NODES);
  const count = new Int32Array(NODES);
  const chance: number[] = [];
  for (let i = 0; i < NODES; i++) {
    const to = carried * node(i);
    if (deviation < NARROW) {
      // Mean and variance of a short step, over three nodes.
      const j = Math.max(1, Math.min(NODES - 2, Math.round((to + REACH) / STEP)));
      const off = (to - node(j)) / STEP;
      const spread = Math.min(1, Math.max(Math.abs(off), variance / (STEP * STEP) + off * off));
      chance.push((spread - off) / 2, 1 - spread, (spread + off) / 2);
      first[i] = j - 1;
      count[i] = 3;
      continue;
    }
    // To be at a node is to be anywhere in its cell, which adds the variance of that.
    const within = Math.sqrt(variance - CELL);
    const share = (j: number): number => read(SHARE, (node(j) + STEP / 2 - to) / within);
    let from = 0;
    while (from < NODES - 1 && share(from) < LEAST_WAY) from++;
    let last = NODES - 1;
    while (last > from && share(last - 1) > 1 - LEAST_WAY) last--;
    first[i] = from;
    count[i] = last + 1 - from;
    for (let j = from; j <= last; j++) {
      chance.push((j === last ? 1 : share(j)) - (j === from ? 0 : share(j - 1)));
    }
  }
  return { first, count, chance: Float64Array.from(chance) };
}

/** How likely the readings passed over next to a look stay, half of them each, when one of them does with this chance. */
function passedOver(stay: number, steps: number): number {
  return stay === 0 || stay === 1 ? stay : power(stay, (steps - 1) / 2);
}

/** How likely a Brownian bridge of a variance does not reach a limit that is `from` away at its start and `to` at its end. */
function bridge(from: number, to: number, variance: number): number {
  if (from <= 0 || to <= 0) return 0;
  const away = (2 * from * to) / variance;
  return away > FAR ? 1 : 1 - Math.exp(-away);
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
  if (half < 0.25 * b) return read(SHARE, u / b);
  if (b < 1e-3) return Math.max(0, Math.min(1, (u + half) / (2 * half)));
  return ((integral((u + half) / b) - integral((u - half) / b)) * b) / (2 * half);
}

/** ∫ Φ up to z. */
const integral = (z: number): number => (z > EDGE ? z : read(INTEGRAL, z));

/** A value at z of a table from -EDGE to EDGE, straight from entry to entry: within 1e-6 of these, at a fifth of the cost. */
function read(table: Float64Array, z: number): number {
  const place = (z + EDGE) * ENTRIES;
  if (!(place > 0)) return 0;
  const i = Math.floor(place);
  if (i >= table.length - 1) return table[table.length - 1];
  return table[i] + (place - i) * (table[i + 1] - table[i]);
}
