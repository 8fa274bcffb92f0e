import type { Expert } from "../expert.ts";
import type { Ledger } from "../ledger.ts";
import type { Shape } from "../shape.ts";

/** With so many labels of a step an expert is half its own there, … */
const HALF = 10;
/** … and where less than this is another's, all of it. */
const LEAST_SHARE = 1e-3;
/** What of an expert the mixture has to know. */
export type Named = Pick<Expert, "name" | "borrows">;

/** The kind of expert that knows how a series goes on beyond any label. */
const STAND_IN = "holt-winters";

/**
 * Holt-Winters stands in where experts have nothing of their own to say: a readout that learns every step from labels of that
 * step says, before they have come, that nothing moves, and as many votes for that outweigh whoever knows better. With n labels of
 * a step the share of the stand-in there is 1 / (1 + (n / 10)²). Cost: a few operations per such expert and cell while young.
 */
export class StandIn {
  readonly #shape: Shape;
  readonly #borrowing: readonly number[];
  readonly #from: number;

  constructor(shape: Shape, experts: readonly Named[]) {
    this.#shape = shape;
    this.#borrowing = experts.flatMap((expert, e) => (expert.borrows ? [e] : []));
    this.#from = experts.findIndex((expert) => expert.name === STAND_IN);
  }

  /** Fills the experts' rows of the issue being made; `labels` [H x D]: how many there have been. */
  fill({ values, rowLength, current }: Ledger, labels: Float64Array): void {
    if (this.#from < 0) return;
    const cells = this.#shape.horizon * this.#shape.targets;
    for (let cell = 0; cell < cells; cell++) {
      const share = 1 / (1 + (labels[cell] / HALF) ** 2);
      if (share < LEAST_SHARE) continue;
      const known = values[current + this.#from * rowLength + cell];
      for (const e of this.#borrowing) {
        const at = current + e * rowLength + cell;
        values[at] += share * (known - values[at]);
      }
    }
  }
}
