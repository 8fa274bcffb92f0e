import { matchesPattern } from "../streams/pattern.ts";

/** Units learned at most; those of more series are left to be said by the configuration. */
const LEARNED = 20_000;

/**
 * In which units series are read, for whoever shows them: as the configuration says, else as the tables have told that they were
 * read from. Forecasts do not depend on it.
 */
export class Units {
  readonly #said: readonly (readonly [pattern: string, unit: string])[];
  readonly #learned = new Map<string, string>();

  /** `said`: units by patterns of the names of series or of columns; the first that fits counts. */
  constructor(said: Readonly<Record<string, string>> = {}) {
    this.#said = Object.entries(said);
  }

  /** A table told the unit of a column. */
  learn(series: string, column: string, unit: string): void {
    if (unit === "" || unit.length > 16) return;
    const key = `${series}\u0000${column}`;
    if (this.#learned.size < LEARNED || this.#learned.has(key)) this.#learned.set(key, unit);
  }

  /** Empty when nothing is known. */
  of(series: string, target: string): string {
    const said = this.#said.find(
      ([pattern]) =>
        matchesPattern(pattern, series) || (target !== "value" && matchesPattern(pattern, target)),
    );
    return said?.[1] ?? this.#learned.get(`${series}\u0000${target}`) ?? "";
  }
}
