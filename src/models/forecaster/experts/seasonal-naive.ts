import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";

/**
 * ŷ(t+h) = y(t + h - k p), k the fewest seasons that lead back before t. With `drift` the change since a season ago is
 * carried on: `add` ŷ + y(t) - y(t - k p), `multiply` ŷ · y(t) / y(t - k p) (where all are positive, the ratio within a
 * factor of three). Persistence until a season has been seen. Of the second season the first stands in where there is none.
 */
export class SeasonalNaive implements Expert {
  readonly name: string;
  readonly borrows: boolean;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #drift: "none" | "add" | "multiply";
  readonly #season: 0 | 1;

  constructor(
    shape: Shape,
    features: Features,
    drift: "none" | "add" | "multiply" = "none",
    season: 0 | 1 = 0,
  ) {
    this.name =
      season === 1 ? "second-naive" : drift === "none" ? "seasonal-naive" : `seasonal-drift-${drift}`;
    this.#season = season;
    this.#shape = shape;
    this.#features = features;
    this.#drift = drift;
    // A drift is known once the same phase of two seasons is remembered; before, it is the last value.
    this.borrows = drift !== "none";
  }

  learn(): void {}

  step(): void {}

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    const p = features.season.period(this.#season) || features.season.period(0);
    for (let h = 1; h <= H; h++) {
      const seasons = p > 0 ? Math.ceil(h / p) : 0;
      for (let d = 0; d < D; d++) {
        const now = features.last.view[d];
        const then = p > 0 ? features.past(d, seasons * p - h) : Number.NaN;
        out[(h - 1) * D + d] = Number.isNaN(then)
          ? now
          : this.#carry(then, now, features.past(d, seasons * p));
      }
    }
  }

  #carry(then: number, now: number, before: number): number {
    if (this.#drift === "none") return then;
    if (Number.isNaN(before)) return now;
    if (this.#drift === "multiply" && then > 0 && now > 0 && before > 0) {
      return then * Math.min(3, Math.max(1 / 3, now / before));
    }
    return then + now - before;
  }
}
