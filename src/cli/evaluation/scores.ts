import { itemAt } from "../../models/item-at.ts";

/** Errors of the forecasts of one model, gathered window by window. Letters: D targets, H horizon, y label. */
export interface Tally {
  /** Labels scored. */
  readonly n: number;
  readonly mse: number;
  readonly mae: number;
  /** Share of labels inside their interval. */
  readonly coverage: number;
  /** Mean interval score (Gneiting and Raftery 2007): (u - l) + 2/α (l - y)⁺ + 2/α (y - u)⁺. */
  readonly intervalScore: number;
  /** Of each level asked for. */
  readonly quantiles: readonly QuantileTally[];
  /** MSE of persistence and of seasonal naive on the same labels. */
  readonly persistence: number;
  readonly seasonalNaive: number | null;
}

/** How the quantile of one level did. */
export interface QuantileTally {
  readonly level: number;
  /** Share of labels at or below it. */
  readonly below: number;
  /** Mean pinball loss (Koenker and Bassett 1978): p (y - q)⁺ + (1 - p) (q - y)⁺. */
  readonly pinball: number;
}

/** Sums over the labels of one cell (one step of one target). */
interface Sums {
  n: number;
  squared: number;
  absolute: number;
  inside: number;
  interval: number;
  persistence: number;
  seasonal: number;
  /** Labels for which the seasonal naive forecast exists. */
  seasonalN: number;
  /** Of each level. */
  readonly quantiles: readonly { below: number; pinball: number }[];
}

const noSums = (levels: readonly number[]): Sums => ({
  n: 0,
  squared: 0,
  absolute: 0,
  inside: 0,
  interval: 0,
  persistence: 0,
  seasonal: 0,
  seasonalN: 0,
  quantiles: levels.map(() => ({ below: 0, pinball: 0 })),
});

/** Gathers errors per step and target, and coverage per quarter; everything in units of the training rows' deviation. */
export class Scores {
  readonly #targets: number;
  readonly #horizon: number;
  readonly #alpha: number;
  readonly #levels: readonly number[];
  /** By step, then by target. */
  readonly #cells: readonly Sums[];
  readonly #quarters = Array.from({ length: 4 }, () => ({ inside: 0, n: 0 }));

  constructor(targets: number, horizon: number, coverage: number, levels: readonly number[]) {
    this.#targets = targets;
    this.#horizon = horizon;
    this.#alpha = 1 - coverage;
    this.#levels = levels;
    this.#cells = Array.from({ length: targets * horizon }, () => noSums(levels));
  }

  /** One label `y` of step `h`, target `d`, with what was said of it; all divided by `scale`. */
  add(
    h: number,
    d: number,
    y: number,
    said: {
      mean: number;
      lower: number;
      upper: number;
      quantiles: Float64Array;
      persistence: number;
      seasonal: number;
    },
    scale: number,
    quarter: number,
  ): void {
    const sums = itemAt(this.#cells, (h - 1) * this.#targets + d);
    const error = (said.mean - y) / scale;
    const inside = y >= said.lower && y <= said.upper ? 1 : 0;
    const below = Math.max(0, said.lower - y);
    const above = Math.max(0, y - said.upper);
    sums.n += 1;
    sums.squared += error * error;
    sums.absolute += Math.abs(error);
    sums.inside += inside;
    sums.interval += (said.upper - said.lower + (2 / this.#alpha) * (below + above)) / scale;
    sums.persistence += ((said.persistence - y) / scale) ** 2;
    if (Number.isFinite(said.seasonal)) {
      sums.seasonal += ((said.seasonal - y) / scale) ** 2;
      sums.seasonalN += 1;
    }
    for (const [k, p] of this.#levels.entries()) {
      const under = y - itemAt(said.quantiles, k);
      const level = itemAt(sums.quantiles, k);
      level.below += under <= 0 ? 1 : 0;
      level.pinball += Math.max(p * under, (p - 1) * under) / scale;
    }
    const part = itemAt(this.#quarters, quarter);
    part.inside += inside;
    part.n += 1;
  }

  get overall(): Tally {
    return this.#tally(() => true);
  }

  step(h: number): Tally {
    return this.#tally((step) => step === h);
  }

  target(d: number): Tally {
    return this.#tally((_, target) => target === d);
  }

  cell(h: number, d: number): Tally {
    return this.#tally((step, target) => step === h && target === d);
  }

  /** Coverage in each quarter of the scored rows; null where nothing was scored. */
  get quarters(): (number | null)[] {
    return this.#quarters.map(({ inside, n }) => (n > 0 ? inside / n : null));
  }

  #tally(chosen: (h: number, d: number) => boolean): Tally {
    const sum = noSums(this.#levels);
    for (let h = 1; h <= this.#horizon; h++) {
      for (let d = 0; d < this.#targets; d++) {
        if (!chosen(h, d)) continue;
        addTo(sum, itemAt(this.#cells, (h - 1) * this.#targets + d));
      }
    }
    const { n, squared, absolute, inside, interval, persistence, seasonal, seasonalN } = sum;
    return {
      n,
      mse: squared / n,
      mae: absolute / n,
      coverage: inside / n,
      intervalScore: interval / n,
      quantiles: sum.quantiles.map(({ below, pinball }, k) => ({
        level: itemAt(this.#levels, k),
        below: below / n,
        pinball: pinball / n,
      })),
      persistence: persistence / n,
      // Only where the naive forecast exists for every label: otherwise the two would not be of the same labels.
      seasonalNaive: seasonalN === n && n > 0 ? seasonal / n : null,
    };
  }
}

function addTo(sum: Sums, sums: Sums): void {
  sum.n += sums.n;
  sum.squared += sums.squared;
  sum.absolute += sums.absolute;
  sum.inside += sums.inside;
  sum.interval += sums.interval;
  sum.persistence += sums.persistence;
  sum.seasonal += sums.seasonal;
  sum.seasonalN += sums.seasonalN;
  for (const [k, { below, pinball }] of sums.quantiles.entries()) {
    const level = itemAt(sum.quantiles, k);
    level.below += below;
    level.pinball += pinball;
  }
}
