/** One bin of probabilities: what was said on average, how often it came, and how exactly that is known. */
export interface ReliabilityBin {
  readonly forecasts: number;
  readonly said: number;
  readonly came: number;
  /**
   * Standard error of `came - said`. Forecasts of one block (neighbours in time, other limits at the same time) count as one, however
   * many they are; blocks count as independent. NaN with fewer than two blocks.
   */
  readonly error: number;
}

/** Fields of what is added up: forecasts, what they said, how often it came. */
type Sums = [n: number, said: number, came: number];

/** How often something came, by how likely it was said to be. */
export class Reliability {
  readonly #bins: readonly Map<string, Sums>[];

  constructor(bins: number) {
    this.#bins = Array.from({ length: bins }, () => new Map());
  }

  /** Adds a forecast: `block` names those that are not independent of it. */
  add(block: string, said: number, came: boolean): void {
    const count = this.#bins.length;
    const blocks = this.#bins[Math.min(count - 1, Math.floor(said * count))];
    if (blocks === undefined) return;
    const sums = blocks.get(block) ?? [0, 0, 0];
    blocks.set(block, [sums[0] + 1, sums[1] + said, sums[2] + (came ? 1 : 0)]);
  }

  /** Adds all that another one, of as many bins, has; its blocks are taken to be others than those here. */
  join(other: Reliability, name: string): void {
    other.#bins.forEach((blocks, b) => {
      for (const [block, sums] of blocks) this.#bins[b]?.set(`${name} ${block}`, sums);
    });
  }

  get bins(): readonly ReliabilityBin[] {
    return this.#bins.map((blocks) => {
      const all = [...blocks.values()];
      const total = (of: (sums: Sums) => number): number => all.reduce((sum, sums) => sum + of(sums), 0);
      const n = total((sums) => sums[0]);
      const [said, came] = [total((sums) => sums[1]) / n, total((sums) => sums[2]) / n];
      // That of a ratio of sums over blocks (Cochran, Sampling Techniques, 1977, 6.3).
      const off = came - said;
      const squares = total((sums) => (sums[2] - sums[1] - off * sums[0]) ** 2);
      const error = Math.sqrt((squares * all.length) / (all.length - 1)) / n;
      return { forecasts: n, said, came, error };
    });
  }
}
