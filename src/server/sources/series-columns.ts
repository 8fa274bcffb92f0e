import { printable } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import type { Engine } from "../engine.ts";
import type { SourceCounts } from "./counts.ts";

/** Series whose columns are remembered. */
const MAX_SERIES = 10_000;

/** Notices columns that the first reading of their series did not have: their values are not looked at, which is told and counted. */
export class SeriesColumns {
  readonly #engine: Pick<Engine, "summary">;
  /** Columns met of each series: whether the series has them. */
  readonly #met = new Map<string, Map<string, boolean>>();

  constructor(engine: Pick<Engine, "summary">) {
    this.#engine = engine;
  }

  /** Looks at an observation that has been handed in. */
  note({ series, values }: Observation, counts: SourceCounts): void {
    const names = Object.keys(values);
    let met = this.#met.get(series);
    if (met === undefined || names.some((name) => !met?.has(name))) {
      const summary = this.#engine.summary(series);
      if (summary === undefined) return;
      if (met === undefined && this.#met.size >= MAX_SERIES) this.#met.clear();
      const had = [...summary.targets, ...summary.inputs];
      met = new Map(had.map((name) => [name, true]));
      for (const name of names) {
        if (met.has(name)) continue;
        met.set(name, false);
        counts.disturbed(
          `series ${printable(series)}: ${printable(name)} is not among the columns of its first reading ` +
            `(${printable(had.join(", "), 100)}), and is left out`,
        );
      }
      this.#met.set(series, met);
    }
    for (const name of names) if (met.get(name) === false) counts.ignored++;
  }
}
