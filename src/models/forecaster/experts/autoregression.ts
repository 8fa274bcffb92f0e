import type { Layout } from "../../kernels/layout.ts";
import { harmonics } from "../calendar.ts";
import type { Expert, Settlement } from "../expert.ts";
import { type Features, LAGS, TIME_SCALES } from "../features.ts";
import type { Season } from "../season.ts";
import type { Shape } from "../shape.ts";
import { AnomalyReadout } from "./anomaly-readout.ts";

/**
 * Lagged steps, harmonics of the first season with which weights turn, and δ. The periodic one needs few lags, as its season says the
 * rest; with as many features a strong pull towards no weights would be slow to learn what has changed.
 */
const KINDS = {
  autoregression: { lags: LAGS, harmonics: 0, delta: 30 },
  "periodic-autoregression": { lags: 10, harmonics: 3, delta: 10 },
} as const;
/** Features whose weights turn: 1, the anomaly, distances from the leaky averages, the last step. */
const TURNING = 3 + TIME_SCALES.length;

/**
 * Autoregression of each target on its own past: φ = 1, level z, 24 lagged steps, distances from four leaky averages, the
 * anomaly. One least-squares readout per target. Cost 3 n² + 2 H n per target, n = 31.
 *
 * The periodic one (Gladyshev 1961; Franses & Paap 2004) has weights that turn with the season: to φ come 1, the anomaly, these distances
 * and the last step, each times r sin and r cos 2π k s / p, k = 1..3, with s the phase in the season of length p and r how far its
 * profile is to be believed, and ten lagged steps are enough. What a reading far from its season means for later ones differs by the hour of the day. Without a season it is the last value. n = 59.
 */
export class Autoregression implements Expert {
  readonly name: keyof typeof KINDS;
  readonly borrows = true;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #readouts: readonly AnomalyReadout[];
  /** sin and cos of each harmonic at this event; 0 without a season, or where it is too short for it. None where weights stand. */
  readonly #turn: Float64Array;
  readonly #lags: number;

  constructor(layout: Layout, shape: Shape, features: Features, name: keyof typeof KINDS) {
    this.#shape = shape;
    this.#features = features;
    this.name = name;
    const { lags, harmonics, delta } = KINDS[name];
    this.#turn = new Float64Array(2 * harmonics);
    this.#lags = lags;
    const n = 3 + this.#lags + TIME_SCALES.length + this.#turn.length * TURNING;
    this.#readouts = Array.from(
      { length: shape.targets },
      (_, first) =>
        new AnomalyReadout(layout, `${this.name}.${first}`, shape, features, {
          features: n,
          first,
          targets: 1,
          delta,
        }),
    );
  }

  learn(settlement: Settlement): void {
    for (const readout of this.#readouts) readout.learn(settlement);
  }

  step(features: Features): void {
    this.#turnWith(features.season);
    this.#readouts.forEach((readout, d) => {
      const { phi } = readout;
      let i = 0;
      phi[i++] = 1;
      phi[i++] = features.z[d];
      for (let lag = 0; lag < this.#lags; lag++) phi[i++] = features.step(d, lag);
      const turning = i;
      for (let k = 0; k < TIME_SCALES.length; k++) phi[i++] = features.above(d, k);
      phi[i++] = features.anomaly[d];
      const end = i;
      const believed = features.reliability(d);
      for (const full of this.#turn) {
        const turn = believed * full;
        phi[i++] = turn;
        phi[i++] = turn * features.step(d, 0);
        for (let j = turning; j < end; j++) phi[i++] = turn * phi[j];
      }
      readout.issue();
    });
  }

  #turnWith(season: Season): void {
    const turn = this.#turn;
    turn.fill(0);
    const period = season.period(0);
    if (turn.length === 0 || period === 0) return;
    harmonics(turn, 0, season.phase(0) / period, Math.min(turn.length / 2, (period - 1) >> 1));
  }

  predict(out: Float64Array): void {
    for (const readout of this.#readouts) readout.predict(out);
    if (this.#turn.length === 0 || this.#features.season.period(0) > 0) return;
    const { targets: D } = this.#shape;
    for (let cell = 0; cell < out.length; cell++) out[cell] = this.#features.last.view[cell % D];
  }
}
