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
  #lines = 0;
  readonly #missing = new Map<string, number>();

  /** `told`: whether to say anything, or only count. */
  constructor(world: World, input: string, told = true) {
    this.#world = world;
    this.#told = told;
    this.#input = input;
  }

  add(line: number, reason: string, message: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#total++;
    this.#tell(line, message);
  }

  /** A value that is taken as missing, in an observation that is taken. */
  missing(line: number, reason: string, message: string): void {
    this.#missing.set(reason, (this.#missing.get(reason) ?? 0) + 1);
    this.#tell(line, message);
  }

  /** Whether there is anything to sum up. */
  get any(): boolean {
    return this.#total > 0 || this.#missing.size > 0;
  }

  #tell(line: number, message: string): void {
    this.#lines++;
    if (!this.#told || this.#lines > TOLD) return;
    const more = this.#lines === TOLD ? "eddy: more refusals are counted, not told\n" : "";
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
    const reasons = (counts: ReadonlyMap<string, number>): string =>
      counts.size === 0 ? "" : ` (${[...counts].map(([reason, count]) => `${count} ${reason}`).join(", ")})`;
    const values = [...this.#missing.values()].reduce((sum, count) => sum + count, 0);
    const missing = values === 0 ? "" : `, ${values} values taken as missing${reasons(this.#missing)}`;
    return `eddy: ${this.#input}: ${taken} observations taken, ${this.#total} refused${reasons(this.#counts)}${missing}\n`;
  }
}
