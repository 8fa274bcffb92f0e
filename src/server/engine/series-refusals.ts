import { keepNewest } from "../newest.ts";

/** Series whose refusals are counted; the one that was refused longest ago makes room. */
const SERIES = 10_000;

/** How many readings of each series were not taken since the start, and why: by the code that whoever sent them was told. */
export class SeriesRefusals {
  /** Refused longest ago first. */
  readonly #counts = new Map<string, Map<string, number>>();

  add(series: string, code: string): void {
    const counts = this.#counts.get(series) ?? new Map<string, number>();
    counts.set(code, (counts.get(code) ?? 0) + 1);
    this.#counts.delete(series);
    this.#counts.set(series, counts);
    keepNewest(this.#counts, SERIES);
  }

  of(series: string): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts.get(series) ?? []);
  }

  /** The series is removed: one of its name begins anew. */
  forget(series: string): void {
    this.#counts.delete(series);
  }
}
