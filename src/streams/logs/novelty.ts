/** Most words remembered. */
const MAX_WORDS = 32_768;
/** Words of one message that are looked at. */
const MAX_LOOKED_AT = 64;

/**
 * How odd the words of a new template are, in nats: of every word it is told whether it has been met in a template before, by how often
 * that has been so of the words of new templates. A line from elsewhere is odd by its words even where new templates are usual.
 */
export class Novelty {
  #words = new Set<string>();
  #met = 0;
  #unmet = 0;

  /** The oddness of a pattern that has not been met; its words are known from then on. */
  add(pattern: string): number {
    let nats = 0;
    const own = new Set(
      pattern
        .toLowerCase()
        .match(/\p{L}{2,}/gu)
        ?.slice(0, MAX_LOOKED_AT) ?? [],
    );
    const share = (this.#unmet + 1) / (this.#met + this.#unmet + 2);
    let unmet = 0;
    for (const word of own) {
      if (this.#words.has(word)) continue;
      nats -= Math.log(share);
      unmet++;
      if (this.#words.size < MAX_WORDS) this.#words.add(word);
    }
    this.#unmet += unmet;
    this.#met += own.size - unmet;
    return nats;
  }

  get memory(): { words: string[]; met: number; unmet: number } {
    return { words: [...this.#words], met: this.#met, unmet: this.#unmet };
  }

  set memory({ words, met, unmet }: { words: string[]; met: number; unmet: number }) {
    this.#words = new Set(words);
    this.#met = met;
    this.#unmet = unmet;
  }
}
