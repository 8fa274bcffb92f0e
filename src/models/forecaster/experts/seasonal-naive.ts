import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";

/** `second`: of the second season, for which the first stands in where there is none. `drift`: the change since a season ago is carried on. */
type Way = "first" | "second" | "drift";

const NAMES = { first: "seasonal-naive", second: "second-naive", drift: "seasonal-drift" } as const;

/**
 * ŷ(t+h) = y(t + h - k p), k the fewest seasons that lead back before t; with drift ŷ + y(t) - y(t - k p). Persistence until a season has
 * been seen.
 */
export class SeasonalNaive implements Expert {
  readonly name: string;
  readonly borrows: boolean;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #way: Way;

  constructor(shape: Shape, features: Features, way: Way = "first") {
    this.name = NAMES[way];
    this.#way = way;
    this.#shape = shape;
    this.#features = features;
    // A drift is known once the same phase of two seasons is remembered; before, it is the last value.
    this.borrows = way === "drift";
  }

  learn(): void {}

  step(): void {}

  predict(out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const features = this.#features;
    const { season } = features;
    const p = (this.#way === "second" ? season.period(1) : 0) || season.period(0);
    for (let h = 1; h <= H; h++) {
      const seasons = p > 0 ? Math.ceil(h / p) : 0;
      for (let d = 0; d < D; d++) {
        const now = features.last.view[d];
        const then = p > 0 ? features.past(d, seasons * p - h) : Number.NaN;
        const moved = this.#way === "drift" ? now - features.past(d, seasons * p) : 0;
        const v = then + moved;
        out[(h - 1) * D + d] = Number.isNaN(v) ? now : v;
      }
    }
  }
}
