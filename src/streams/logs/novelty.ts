/** Most words remembered. */
const MAX_WORDS = 32_768;
/** Words of one message that are looked at. */
const MAX_LOOKED_AT = 64;
/** Words that a line has, about. */
const WORDS_OF_A_LINE = 5;

/** What `Novelty` remembers. */
export interface NoveltyMemory {
  readonly words: readonly string[];
  readonly unmet: number;
  readonly lines: number;
}

/**
 * How odd the words of a new template are, in nats: each that has never been met costs as much as such words are rare among the words
 * of all lines. A line from elsewhere is odd by its words even where new templates are usual.
 */
export class Novelty {
  #words = new Set<string>();
  /** Words that were met for the first time, and lines. */
  #unmet = 0;
  #lines = 0;

  /** A line whose template was met before. */
  pass(): void {
    this.#lines++;
  }

  /** The oddness of a pattern that was not; its words are known from then on. */
  add(pattern: string): number {
    const own = new Set(
      pattern
        .toLowerCase()
        .match(/\p{L}{2,}/gu)
        ?.slice(0, MAX_LOOKED_AT) ?? [],
    );
    const share = (this.#unmet + 1) / (this.#unmet + WORDS_OF_A_LINE * this.#lines + 2);
    let unmet = 0;
    for (const word of own) {
      if (this.#words.has(word)) continue;
      unmet++;
      if (this.#words.size < MAX_WORDS) this.#words.add(word);
    }
    this.#unmet += unmet;
    this.#lines++;
    return -unmet * Math.log(share);
  }

  get memory(): NoveltyMemory {
    return { words: [...this.#words], unmet: this.#unmet, lines: this.#lines };
  }

  set memory({ words, unmet, lines }: NoveltyMemory) {
    this.#words = new Set(words);
    this.#unmet = unmet;
    this.#lines = lines;
  }
}
