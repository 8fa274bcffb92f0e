import type { Loss } from "../streams/formats/reading.ts";
import type { World } from "./world.ts";

/** Refusals told one by one; after these they are only counted. */
const TOLD = 100;

const words = (counts: ReadonlyMap<string, number>): string => {
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).join(", ");
  return reasons === "" ? "" : ` (${reasons})`;
};

/** Tells on stderr what an input was found to be and what of it was refused, by line, and sums it up at the end. */
export class Refusals {
  readonly #world: World;
  readonly #input: string;
  readonly #counts = new Map<string, number>();
  readonly #lost = new Map<string, number>();
  readonly #told: boolean;
  #total = 0;
  #lostCells = 0;
  #tellings = 0;
  #leftOut = 0;
  #found = "";

  /** `told`: whether to say anything, or only count. */
  constructor(world: World, input: string, told = true) {
    this.#world = world;
    this.#told = told;
    this.#input = input;
  }

  /** Notes what the input was found to be. It is told before anything else, unless an error is told instead. */
  found(line: string): void {
    this.#found = line;
  }

  /** Tells what the input was found to be: it has been taken as that. */
  tellFound(): void {
    if (this.#found !== "") this.#world.stderr.write(this.#found);
    this.#found = "";
  }

  add(line: number, reason: string, message: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#total++;
    this.#tell(line, message);
  }

  /** Counts a cell that an observation was taken without. */
  lose(line: number, { reason, message }: Loss): void {
    this.#lost.set(reason, (this.#lost.get(reason) ?? 0) + 1);
    this.#lostCells++;
    this.#tell(line, `${message} (the rest of the line is taken)`);
  }

  /** Counts values that no series wanted. */
  leftOut(values: number): void {
    this.#leftOut += values;
  }

  #tell(line: number, message: string): void {
    this.tellFound();
    this.#tellings++;
    if (!this.#told || this.#tellings > TOLD) return;
    const more = this.#tellings === TOLD ? "eddy: more refusals are counted, not told\n" : "";
    const where = line > 0 ? ` line ${line}` : "";
    // So few lines need not wait for their reader.
    this.#world.stderr.write(`eddy: ${this.#input}${where}: ${message}\n${more}`);
  }

  /** Whether there is anything to sum up. */
  get any(): boolean {
    return this.#total + this.#lostCells + this.#leftOut > 0;
  }

  get total(): number {
    return this.#total;
  }

  get byReason(): Readonly<Record<string, number>> {
    return {
      ...Object.fromEntries(this.#counts),
      ...(this.#lostCells > 0 ? { "lost-cell": this.#lostCells } : {}),
    };
  }

  /** What was refused by reason, in brackets; empty when nothing was. */
  get reasons(): string {
    return words(this.#counts);
  }

  /** One line, such as `eddy: stdin: 497 observations taken, 3 refused (1 bad-number, 2 empty-line)`. */
  summary(taken: number): string {
    const cells =
      this.#lostCells === 0
        ? ""
        : `, ${this.#lostCells} ${this.#lostCells === 1 ? "cell" : "cells"} left out${words(this.#lost)}`;
    const late =
      this.#leftOut === 0
        ? ""
        : `, ${this.#leftOut} ${this.#leftOut === 1 ? "value" : "values"} left out of columns that the first readings did not have`;
    return `eddy: ${this.#input}: ${taken} observations taken, ${this.#total} refused${words(this.#counts)}${cells}${late}\n`;
  }
}
