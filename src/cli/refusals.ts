import type { World } from "./world.ts";

/** Refusals told one by one; after these they are only counted. */
const TOLD = 100;

/** Tells on stderr what was refused, by line, and sums it up at the end. */
export class Refusals {
  readonly #world: World;
  readonly #input: string;
  readonly #counts = new Map<string, number>();
  readonly #told: boolean;
  #total = 0;

  /** `told`: whether to say anything, or only count. */
  constructor(world: World, input: string, told = true) {
    this.#world = world;
    this.#told = told;
    this.#input = input;
  }

  add(line: number, reason: string, message: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#total++;
    if (!this.#told || this.#total > TOLD) return;
    const more = this.#total === TOLD ? "eddy: more refusals are counted, not told\n" : "";
    // So few lines need not wait for their reader.
    this.#world.stderr.write(`eddy: ${this.#input} line ${line}: ${message}\n${more}`);
  }

  get total(): number {
    return this.#total;
  }

  get byReason(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** One line, such as `eddy: stdin: 497 observations taken, 3 refused (1 bad-number, 2 empty-line)`. */
  summary(taken: number): string {
    const reasons = [...this.#counts].map(([reason, count]) => `${count} ${reason}`).join(", ");
    return `eddy: ${this.#input}: ${taken} observations taken, ${this.#total} refused${reasons === "" ? "" : ` (${reasons})`}\n`;
  }
}
