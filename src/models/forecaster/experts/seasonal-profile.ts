import type { Expert } from "../expert.ts";
import { ANOMALY_SCALES, type Features } from "../features.ts";
import type { Shape } from "../shape.ts";

/** Where a seasonal profile starts from: the last value, or an average of recent anomalies (short, long). */
export type ProfileStart = "last" | "second" | "short" | "long";

const NAMES = {
  last: "profile",
  second: "second-profile",
  short: `profile-revert-${ANOMALY_SCALES[0]}`,
  long: `profile-revert-${ANOMALY_SCALES[1]}`,
} as const;

/**
 * The seasonal profile S carried forward. `last`: ŷ(t+h) = y(t) + S(t+h) - S(t), and so for the `second` season;
 * `short`, `long`: ŷ(t+h) = m + S(t+h) with m the leaky average of the anomalies y - S.
 */
export class SeasonalProfile implements Expert {
  readonly name: string;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #start: ProfileStart;

  constructor(shape: Shape, features: Features, start: ProfileStart) {
    this.name = NAMES[start];
    this.#shape = shape;
    this.#features = features;
    this.#start = start;
  }

  learn(): void {}

  step(): void {}

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    const start = this.#start;
    for (let d = 0; d < D; d++) {
      const base = features.last.view[d] - features.seasonal(d, 0);
      const level =
        start === "short" || start === "long" ? features.anomalyAverage(d, start === "short" ? 0 : 1) : base;
      const seasonless = features.season.period(0) === 0;
      for (let h = 1; h <= H; h++) {
        const at = (h - 1) * D + d;
        if (seasonless) out[at] = features.last.view[d];
        else if (start === "second" && features.knowsSecond(d, h)) {
          out[at] = features.last.view[d] + features.secondSeasonal(d, h) - features.secondSeasonal(d, 0);
        } else if (start === "short" || start === "long") out[at] = level + features.whole(d, h);
        else out[at] = level + features.seasonal(d, h);
      }
    }
  }
}
