import type { Layout, Slice } from "../../kernels/layout.ts";
import type { Expert } from "../expert.ts";
import { type Features, REMEMBERED } from "../features.ts";
import type { Shape } from "../shape.ts";

/** Lags that are compared. */
const LAGS = REMEMBERED;
/** Values by which they are compared; the fewest that say anything of one. */
const MEMORY = 12;
const LEAST = 8;
/** How much a difference in level counts beside one in shape. */
const LEVEL = 0.1;
/** What of the drift of one lap is left in the next. */
const CARRIED = 0.85;
/** So many of the most alike are averaged. */
const KEPT = 16;

/** Two that are alike to the last bit are the same. */
const TINY = 1e-300;
/** Per lag: mean and variance of y(t) - y(t - lag). */
const FIELDS = 2;

/**
 * What came after the last times that the series was like this, again: analogues (Lorenz 1969). For each lag L up to 2016 the mean μ
 * and the variance v of the differences y(t) - y(t-L), forgotten at a twelfth, tell how alike the last values are to those L
 * before. The sixteen most alike are averaged with weights (v + μ²/10)^-3,
 *
 *     ŷ(t+h) = y(t+h-kL) + μ + g μ (φ + … + φ^(k-1)),   k = ⌈h / L⌉ laps,   φ = 0.85
 *
 * with g = μ² / (μ² + v) where L is one season or several, else 0: of what merely looked alike the drift is chance.
 *
 * It needs no season, so it keeps up with one that slips: a clock that is put forward, a day that becomes shorter; and it
 * follows a path that is none. State per target: 2 numbers per lag. Cost per event and target: 2016 updates, as many comparisons, 16 H.
 */
export class Repetition implements Expert {
  readonly name = "repetition";
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #lags: Slice<Float64Array>;
  /** The last values, oldest first. */
  readonly #recent = new Float64Array(LAGS + 1);
  /** How unlike each lag is, and the best of them, in order. */
  readonly #unlike = new Float64Array(LAGS + 1);
  readonly #best = new Int32Array(KEPT);

  constructor(layout: Layout, shape: Shape, features: Features) {
    this.#shape = shape;
    this.#features = features;
    this.#lags = layout.float64("repetition", FIELDS * LAGS * shape.targets);
  }

  learn(): void {}

  step(features: Features): void {
    for (let d = 0; d < this.#shape.targets; d++) {
      const age = features.age.view[d];
      if (age < 2) continue;
      const z = this.#look(d);
      const n = z.length;
      const last = z[n - 1];
      const lags = this.#lags.view.subarray(d * FIELDS * LAGS, (d + 1) * FIELDS * LAGS);
      for (let lag = 1; lag < n; lag++) {
        const at = (lag - 1) * FIELDS;
        const seen = age - lag;
        const a = seen < MEMORY ? 1 / seen : 1 / MEMORY;
        const difference = last - z[n - 1 - lag];
        const delta = difference - lags[at];
        const mean = lags[at] + a * delta;
        lags[at] = mean;
        lags[at + 1] += a * (delta * (difference - mean) - lags[at + 1]);
      }
    }
  }

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const turn = this.#features.season.period(0);
    for (let d = 0; d < D; d++) {
      const last = this.#features.last.view[d];
      for (let h = 1; h <= H; h++) out[(h - 1) * D + d] = last;
      const known = Math.min(LAGS, this.#features.age.view[d] - LEAST);
      if (known < 1) continue;
      const lags = this.#lags.view.subarray(d * FIELDS * LAGS, (d + 1) * FIELDS * LAGS);
      const count = this.#choose(lags, known);
      const z = this.#look(d);
      const unlike = this.#unlike;
      const least = unlike[this.#best[0]];
      let total = 0;
      for (let i = 0; i < count; i++) total += cube((least + TINY) / (unlike[this.#best[i]] + TINY));
      for (let i = 0; i < count; i++) {
        const lag = this.#best[i];
        const w = cube((least + TINY) / (unlike[lag] + TINY)) / total;
        let away = lags[(lag - 1) * FIELDS] - last;
        let drift = turn > 0 && lag % turn === 0 ? this.#drift(lags, lag) : 0;
        for (let h = 1, back = z.length - 1 - lag; h <= H; h++) {
          if (++back === z.length) {
            back -= lag;
            drift *= CARRIED;
            away += drift;
          }
          out[(h - 1) * D + d] += w * (z[back] + away);
        }
      }
    }
  }

  /** The mean of what came between the last values and those a lag before, as far as it is more than chance. */
  #drift(lags: Float64Array, lag: number): number {
    const mean = lags[(lag - 1) * FIELDS];
    const variance = Math.max(0, lags[(lag - 1) * FIELDS + 1]);
    return (mean * mean * mean) / (mean * mean + variance + TINY);
  }

  /** The lags most alike, best first; returns how many there are. */
  #choose(lags: Float64Array, known: number): number {
    const unlike = this.#unlike;
    const best = this.#best;
    let count = 0;
    let bar = Number.POSITIVE_INFINITY;
    for (let lag = 1; lag <= known; lag++) {
      const mean = lags[(lag - 1) * FIELDS];
      const u = Math.max(0, lags[(lag - 1) * FIELDS + 1]) + LEVEL * mean * mean;
      unlike[lag] = u;
      if (!(u < bar)) continue;
      let i = count < KEPT ? count++ : KEPT - 1;
      for (; i > 0 && u < unlike[best[i - 1]]; i--) best[i] = best[i - 1];
      best[i] = lag;
      if (count === KEPT) bar = unlike[best[KEPT - 1]];
    }
    return count;
  }

  /** The last values of target d, as many as are compared. */
  #look(d: number): Float64Array {
    const z = this.#recent.subarray(0, Math.min(LAGS + 1, this.#features.age.view[d]));
    this.#features.recent(d, z);
    return z;
  }
}

function cube(x: number): number {
  return x * x * x;
}
