import type { Layout } from "../../kernels/layout.ts";
import { CALENDAR_FEATURES } from "../calendar.ts";
import type { Expert, Settlement } from "../expert.ts";
import { type Features, TIME_SCALES } from "../features.ts";
import type { Shape } from "../shape.ts";
import { AnomalyReadout } from "./anomaly-readout.ts";

/** Many columns invite chance relations: a strong prior. */
const DELTA = 300;
const LAGS = 4;
const FEW_LAGS = 2;
/** With more columns than this, fewer lags of each. */
const MANY_COLUMNS = 12;

/**
 * Autoregression of all targets on all columns: φ = 1, the calendar, and of every column its level z, lagged steps,
 * distances from four leaky averages and its anomaly. One covariance for all targets.
 */
export class VectorAutoregression implements Expert {
  readonly name = "vector-autoregression";
  readonly borrows = true;
  readonly #columns: number;
  readonly #lags: number;
  readonly #readout: AnomalyReadout;

  constructor(layout: Layout, shape: Shape, features: Features) {
    this.#columns = shape.columns;
    this.#lags = shape.columns > MANY_COLUMNS ? FEW_LAGS : LAGS;
    const n = 1 + CALENDAR_FEATURES + shape.columns * (2 + this.#lags + TIME_SCALES.length);
    this.#readout = new AnomalyReadout(layout, this.name, shape, features, { features: n, delta: DELTA });
  }

  learn(settlement: Settlement): void {
    this.#readout.learn(settlement);
  }

  step(features: Features): void {
    const { phi } = this.#readout;
    let i = 0;
    phi[i++] = 1;
    for (let k = 0; k < CALENDAR_FEATURES; k++) phi[i++] = features.calendar[k];
    for (let c = 0; c < this.#columns; c++) {
      phi[i++] = features.z[c];
      for (let lag = 0; lag < this.#lags; lag++) phi[i++] = features.step(c, lag);
      for (let k = 0; k < TIME_SCALES.length; k++) phi[i++] = features.above(c, k);
      phi[i++] = features.anomaly[c];
    }
    this.#readout.issue();
  }

  predict(out: Float64Array): void {
    this.#readout.predict(out);
  }
}
