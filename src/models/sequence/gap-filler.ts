import { check, checkLength, checkWhole } from "../checks.ts";
import type { Layout, Slice } from "../kernels/layout.ts";
import type { OptimiserOptions } from "../learning/optimisers.ts";
import { WindowLearner } from "../learning/window-learner.ts";
import { Network } from "../network/network.ts";
import { seeded } from "../network/seeded.ts";
import { bidirectional } from "../network/systems.ts";

export interface GapFillerOptions {
  /** Columns of a row. Default 1. */
  readonly columns?: number;
  /** Rows that are looked at together. Default 32. */
  readonly window?: number;
  /** A row is answered when so many later ones are known. Default 8. */
  readonly lag?: number;
  /** Units in each direction. Default 16. */
  readonly hidden?: number;
  /** Share of the known values that are hidden on purpose while learning. Default 0.1. */
  readonly hide?: number;
  /** An update every so many rows. Default 2. */
  readonly every?: number;
  readonly optimiser?: OptimiserOptions;
  readonly seed?: number;
}

/**
 * Fills gaps and smooths, always `lag` rows behind. A missing value is first bridged by a straight line between its
 * known neighbours; a bidirectional net reads the window from both sides and says how far off the line is. It teaches
 * itself from values that are known: some are hidden, it learns to name them. For looking back only; nothing of it may enter a forecast, because it has seen later rows.
 *
 * Values should be scaled (mean 0, deviation about 1). State and memory are constant and lie in the caller's layout.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const filler = new GapFiller(layout, { window: 16, lag: 4, hidden: 6 });
 * layout.allocate();
 * let filled;
 * for (let t = 0; t < 40; t++) filled = filler.push([t === 33 ? NaN : Math.sin(t / 3)]);
 * filled.length === 1 && Number.isFinite(filled[0]); // true: row 35, complete as it was
 * ```
 */
export class GapFiller {
  readonly columns: number;
  readonly window: number;
  readonly lag: number;
  readonly learner: WindowLearner;
  readonly #hide: number;
  readonly #every: number;
  readonly #seed: number;
  /** The last rows, oldest first. */
  readonly #rows: Slice<Float64Array>;
  readonly #count: Slice<Float64Array>;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, options: GapFillerOptions = {}, name = "gaps") {
    const { columns = 1, window = 32, lag = 8, hidden = 16, hide = 0.1, every = 2, seed = 1 } = options;
    for (const [subject, count] of Object.entries({ columns, window, hidden, every }))
      checkWhole(subject, count);
    const below = `a whole number below the window of ${window}`;
    check(Number.isInteger(lag) && lag >= 0 && lag < window, "lag", below, lag);
    check(hide > 0 && hide < 1, "hide", "a share between 0 and 1", hide);
    this.columns = columns;
    this.window = window;
    this.lag = lag;
    this.#hide = hide;
    this.#every = every;
    this.#seed = seed;
    // Each value comes with a flag that says whether it is known: a zero alone could be a reading.
    const wiring = bidirectional({ inputs: 2 * columns, hidden, outputs: columns, seed });
    // The readout begins at zero, so that the first answers are the straight line itself.
    const nodes = wiring.nodes.map((node) =>
      node.name === wiring.output
        ? { ...node, edges: node.edges.map((edge) => ({ ...edge, initial: { kind: "zero" } as const })) }
        : node,
    );
    const network = new Network({ ...wiring, nodes }, layout, `${name}.network`);
    const { optimiser = { kind: "adam", rate: 0.002 } as const } = options;
    this.learner = new WindowLearner(network, layout, window, { optimiser }, `${name}.learner`);
    this.#rows = layout.float64(`${name}.rows`, window * columns);
    this.#count = layout.float64(`${name}.count`, 1);
  }

  /** Rows taken so far. */
  get count(): number {
    return this.#count.view[0];
  }

  /**
   * Takes a row, NaN where a value is missing. Returns the row `lag` rows back with its gaps filled, or undefined while
   * there are not yet so many.
   */
  push(row: ArrayLike<number>): Float64Array | undefined {
    this.#take(row);
    if (this.count % this.#every === 0 && this.count >= this.window) this.#learn();
    if (this.count <= this.lag) return undefined;
    const at = this.window - 1 - this.lag;
    const known = this.#rows.view.slice(at * this.columns, (at + 1) * this.columns);
    if (known.every(Number.isFinite)) return known;
    const estimate = this.#estimate(at);
    return known.map((value, c) => (Number.isFinite(value) ? value : estimate[c]));
  }

  /** The net's own view of the row `lag` rows back, known or not: smoothed. */
  smooth(): Float64Array | undefined {
    return this.count <= this.lag ? undefined : this.#estimate(this.window - 1 - this.lag);
  }

  #take(row: ArrayLike<number>): void {
    checkLength("row", row, this.columns);
    const rows = this.#rows.view;
    rows.copyWithin(0, this.columns);
    for (let c = 0; c < this.columns; c++) {
      rows[(this.window - 1) * this.columns + c] = Number.isFinite(row[c]) ? row[c] : Number.NaN;
    }
    this.#count.view[0] = this.count + 1;
  }

  /** First row of the window that has been taken. */
  get #first(): number {
    return this.window - Math.min(this.window, this.count);
  }

  #estimate(at: number): Float64Array {
    const C = this.columns;
    const bridged = this.#bridge(this.#rows.view);
    const outputs = this.learner.window.forward({ x: this.#features(this.#rows.view, bridged) });
    const row = at - this.#first;
    return Float64Array.from({ length: C }, (_, c) => bridged[at * C + c] + outputs[row * C + c]);
  }

  /** Rows with straight lines over the gaps; level beyond the first and last known value, 0 where none is known. */
  #bridge(rows: Float64Array): Float64Array {
    const C = this.columns;
    const out = rows.slice();
    for (let c = 0; c < C; c++) {
      let before = -1;
      for (let r = this.#first; r <= this.window; r++) {
        const known = r < this.window && !Number.isNaN(rows[r * C + c]);
        if (!known && r < this.window) continue;
        for (let gap = Math.max(before + 1, this.#first); gap < r; gap++) {
          const left = before >= 0 ? rows[before * C + c] : Number.NaN;
          const right = known ? rows[r * C + c] : Number.NaN;
          const between = left + ((right - left) * (gap - before)) / (r - before);
          out[gap * C + c] = [between, left, right, 0].find(Number.isFinite)!;
        }
        before = r;
      }
    }
    return out;
  }

  /** Rows as features: value (bridged where missing), flag (1 where known). */
  #features(rows: Float64Array, bridged: Float64Array): Float64Array {
    const C = this.columns;
    const x = new Float64Array((this.window - this.#first) * 2 * C);
    for (let i = this.#first * C, j = 0; i < rows.length; i++, j += 2) {
      x[j] = bridged[i];
      x[j + 1] = Number.isNaN(rows[i]) ? 0 : 1;
    }
    return x;
  }

  /** Hides runs of known values, 1 to 4 long as gaps are, and learns how far they lie off the line. */
  #learn(): void {
    const random = seeded(this.#seed, `hide ${this.count}`);
    const C = this.columns;
    const shown = this.#rows.view.slice();
    const hidden = new Set<number>();
    for (let c = 0; c < C; c++) {
      // Only rows with neighbours on both sides, as those are that will be asked for.
      for (let r = Math.min(this.lag, 4); r < this.window - this.lag; r++) {
        if (random() >= this.#hide / 2.5) continue;
        for (const end = r + Math.ceil(4 * random()); r < Math.min(end, this.window); r++)
          hidden.add(r * C + c);
      }
    }
    for (const i of hidden) shown[i] = Number.NaN;
    const bridged = this.#bridge(shown);
    const labels = new Float64Array(shown.length).fill(Number.NaN);
    for (const i of hidden) labels[i] = this.#rows.view[i] - bridged[i];
    this.learner.learn({ x: this.#features(shown, bridged) }, labels);
  }
}
