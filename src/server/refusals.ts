import type { RefusedObservation } from "./engine/contract.ts";

/** Refusals that an answer tells one by one; how many more there were is told as a number. */
export const TOLD = 100;

/** What was refused of one batch: the first ones in words, all of them counted. */
export class Refusals {
  readonly #told: RefusedObservation[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Counts one; `word` is asked what was wrong only while there is room to tell it. */
  add(line: number, word: () => { readonly code: string; readonly message: string }): void {
    this.#count++;
    if (this.#told.length >= TOLD) return;
    const { code, message } = word();
    this.#told.push({ line, code, message });
  }

  /** Takes over those of another batch; `lineOf` says where its lines are in this one. */
  addAll(told: readonly RefusedObservation[], more: number, lineOf: (line: number) => number): void {
    for (const refusal of told) this.add(lineOf(refusal.line), () => refusal);
    this.#count += more;
  }

  /** Fields of a receipt: `moreRefused` is there only when some are not told. */
  get receipt(): { readonly refused: readonly RefusedObservation[]; readonly moreRefused?: number } {
    const refused = this.#told.toSorted((a, b) => a.line - b.line);
    return this.#count > refused.length
      ? { refused, moreRefused: this.#count - refused.length }
      : { refused };
  }
}
