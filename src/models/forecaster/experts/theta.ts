import { power } from "../../kernels/power.ts";
import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import { classicalSeason, LONGEST_SMOOTHED, slope, smoothable } from "./classical.ts";

/** Values looked back on. */
const WINDOW = 240;
/** The fewest that say anything. */
const LEAST = 4;
/** Gains of the smoothers. */
const GAINS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1] as const;
/** Share of the trend that is carried on. */
const DRIFT = 0.5;
/** A season is taken off where its autocorrelation is beyond this many deviations, 90 %; before three seasons it always is. */
const SIGNIFICANT = 1.645;

/**
 * The Theta method (Assimakopoulos & Nikolopoulos 2000), in the form of Hyndman & Billah 2003: exponential smoothing with a drift
 * of half the trend, on values without their season,
 *
 *     l = α z + (1-α) l',   ŷ(t+h) = (l + b/2 (h - 1 + (1 - (1-α)^n) / α)) s(t+h)
 *
 * with b the slope of a line through the n values, s the classical factors (means of ratios to a centred average over one
 * season; differences where a value is not positive). Ten gains α are weighed by inverse squared one-step error to the power
 * eight. Made anew from the last 240 values at each event, and so without state of its own: as good from the second year of months
 * on as it will be. Seasons of up to 48 steps. Cost per event and target: some 240 (p + 40) operations.
 */
export class Theta implements Expert {
  readonly name = "theta";
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #z = new Float64Array(WINDOW);
  readonly #season = new Float64Array(LONGEST_SMOOTHED);
  readonly #levels = new Float64Array(GAINS.length);
  readonly #weights = new Float64Array(GAINS.length);

  constructor(shape: Shape, features: Features) {
    this.#shape = shape;
    this.#features = features;
  }

  learn(): void {}

  step(): void {}

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    for (let d = 0; d < D; d++) {
      const n = Math.min(WINDOW, features.age.view[d]);
      if (n < LEAST) {
        for (let h = 1; h <= H; h++) out[(h - 1) * D + d] = features.last.view[d];
        continue;
      }
      const z = this.#z.subarray(0, n);
      features.recent(d, z);
      const p = features.season.period(0);
      const seasonal = smoothable(p) && n >= 2 * p && (n < 3 * p || recurs(z, p));
      const factors = seasonal && z.every((v) => v > 0);
      if (seasonal) this.#takeSeason(z, p, factors);
      const b = slope(z);
      this.#smooth(z);
      for (let h = 1; h <= H; h++) {
        let v = 0;
        for (let k = 0; k < GAINS.length; k++) {
          const start = (1 - power(1 - GAINS[k], n)) / GAINS[k];
          v += this.#weights[k] * (this.#levels[k] + DRIFT * b * (h - 1 + start));
        }
        const s = seasonal ? this.#season[(n + h - 1) % p] : 0;
        out[(h - 1) * D + d] = factors ? v * s : v + s;
      }
    }
  }

  /** Finds the season of z and takes it off: its factors, or its differences. */
  #takeSeason(z: Float64Array, p: number, factors: boolean): void {
    const season = this.#season;
    classicalSeason(z, p, factors, season);
    for (let i = 0; i < z.length; i++) z[i] = factors ? z[i] / season[i % p] : z[i] - season[i % p];
  }

  /** The level by each gain, and how much it counts. */
  #smooth(z: Float64Array): void {
    let least = Number.POSITIVE_INFINITY;
    const errors = this.#weights;
    for (const [k, gain] of GAINS.entries()) {
      let level = z[0];
      let squared = 0;
      for (let i = 1; i < z.length; i++) {
        const error = z[i] - level;
        squared += error * error;
        level += gain * error;
      }
      this.#levels[k] = level;
      errors[k] = squared;
      least = Math.min(least, squared);
    }
    let sum = 0;
    for (let k = 0; k < GAINS.length; k++) {
      const ratio = (least + Number.MIN_VALUE) / (errors[k] + Number.MIN_VALUE);
      const squared = ratio * ratio;
      errors[k] = squared * squared * squared * squared;
      sum += errors[k];
    }
    for (let k = 0; k < GAINS.length; k++) errors[k] /= sum;
  }
}

/** Whether values a season apart are more alike than chance has it. */
function recurs(z: Float64Array, p: number): boolean {
  const n = z.length;
  let mean = 0;
  for (const v of z) mean += v / n;
  const correlation = (lag: number): number => {
    let sum = 0;
    for (let i = lag; i < n; i++) sum += (z[i] - mean) * (z[i - lag] - mean);
    return sum;
  };
  const variance = correlation(0);
  if (!(variance > 0)) return false;
  let squares = 0;
  for (let lag = 1; lag < p; lag++) squares += (correlation(lag) / variance) ** 2;
  return Math.abs(correlation(p) / variance) > SIGNIFICANT * Math.sqrt((1 + 2 * squares) / n);
}
