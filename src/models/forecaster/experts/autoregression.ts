import type { Layout } from "../../kernels/layout.ts";
import type { Expert, Settlement } from "../expert.ts";
import { type Features, LAGS, TIME_SCALES } from "../features.ts";
import type { Shape } from "../shape.ts";
import { AnomalyReadout } from "./anomaly-readout.ts";

/** δ of autoregressions of one column, direct or rolled out. */
export const DELTA = 30;

/**
 * Autoregression of each target on its own past: φ = 1, level z, 24 lagged steps, distances from four leaky averages, the
 * anomaly. One least-squares readout per target. Cost 3 n² + 2 H n per target, n = 31.
 */
export class Autoregression implements Expert {
  readonly name = "autoregression";
  readonly #readouts: readonly AnomalyReadout[];

  constructor(layout: Layout, shape: Shape, features: Features) {
    const n = 3 + LAGS + TIME_SCALES.length;
    this.#readouts = Array.from(
      { length: shape.targets },
      (_, first) =>
        new AnomalyReadout(layout, `autoregression.${first}`, shape, features, {
          features: n,
          first,
          targets: 1,
          delta: DELTA,
        }),
    );
  }

  learn(settlement: Settlement): void {
    for (const readout of this.#readouts) readout.learn(settlement);
  }

  step(features: Features): void {
    this.#readouts.forEach((readout, d) => {
      const { phi } = readout;
      let i = 0;
      phi[i++] = 1;
      phi[i++] = features.z[d];
      for (let lag = 0; lag < LAGS; lag++) phi[i++] = features.step(d, lag);
      for (let k = 0; k < TIME_SCALES.length; k++) phi[i++] = features.above(d, k);
      phi[i++] = features.anomaly[d];
      readout.issue();
    });
  }

  predict(out: Float64Array): void {
    for (const readout of this.#readouts) readout.predict(out);
  }
}
