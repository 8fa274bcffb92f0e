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

/** Sums of one cell (one step of one target): n, squared, absolute, inside, interval, persistence, seasonal, seasonal n, then below and pinball of each level. */
const SUMS = 8;

/** Gathers errors per step and target, and coverage per quarter; everything in units of the training rows' deviation. */
export class Scores {
  readonly #targets: number;
  readonly #horizon: number;
  readonly #alpha: number;
  readonly #levels: readonly number[];
  /** Sums per cell. */
  readonly #width: number;
  readonly #sums: Float64Array;
  readonly #quarters = new Float64Array(8);

  constructor(targets: number, horizon: number, coverage: number, levels: readonly number[]) {
    this.#targets = targets;
    this.#horizon = horizon;
    this.#alpha = 1 - coverage;
    this.#levels = levels;
    this.#width = SUMS + 2 * levels.length;
    this.#sums = new Float64Array(targets * horizon * this.#width);
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
    const s = this.#sums;
    const at = ((h - 1) * this.#targets + d) * this.#width;
    const error = (said.mean - y) / scale;
    const inside = y >= said.lower && y <= said.upper ? 1 : 0;
    const below = Math.max(0, said.lower - y);
    const above = Math.max(0, y - said.upper);
    s[at] += 1;
    s[at + 1] += error * error;
    s[at + 2] += Math.abs(error);
    s[at + 3] += inside;
    s[at + 4] += (said.upper - said.lower + (2 / this.#alpha) * (below + above)) / scale;
    s[at + 5] += ((said.persistence - y) / scale) ** 2;
    if (Number.isFinite(said.seasonal)) {
      s[at + 6] += ((said.seasonal - y) / scale) ** 2;
      s[at + 7] += 1;
    }
    for (const [k, p] of this.#levels.entries()) {
      const under = y - said.quantiles[k];
      s[at + SUMS + 2 * k] += under <= 0 ? 1 : 0;
      s[at + SUMS + 2 * k + 1] += Math.max(p * under, (p - 1) * under) / scale;
    }
    this.#quarters[2 * quarter] += inside;
    this.#quarters[2 * quarter + 1] += 1;
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
    return [0, 1, 2, 3].map((q) =>
      this.#quarters[2 * q + 1] > 0 ? this.#quarters[2 * q] / this.#quarters[2 * q + 1] : null,
    );
  }

  #tally(chosen: (h: number, d: number) => boolean): Tally {
    const sum = new Float64Array(this.#width);
    for (let h = 1; h <= this.#horizon; h++) {
      for (let d = 0; d < this.#targets; d++) {
        if (!chosen(h, d)) continue;
        const at = ((h - 1) * this.#targets + d) * this.#width;
        for (let i = 0; i < this.#width; i++) sum[i] += this.#sums[at + i];
      }
    }
    const [n, squared, absolute, inside, interval, persistence, seasonal, seasonalN] = sum;
    return {
      n,
      mse: squared / n,
      mae: absolute / n,
      coverage: inside / n,
      intervalScore: interval / n,
      quantiles: this.#levels.map((level, k) => ({
        level,
        below: sum[SUMS + 2 * k] / n,
        pinball: sum[SUMS + 2 * k + 1] / n,
      })),
      persistence: persistence / n,
      // Only where the naive forecast exists for every label: otherwise the two would not be of the same labels.
      seasonalNaive: seasonalN === n && n > 0 ? seasonal / n : null,
    };
  }
}
