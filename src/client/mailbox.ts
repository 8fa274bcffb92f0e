/** What waits for a reader who takes one at a time. */
export interface Mailbox<T> {
  /** `about`: what it is about; `size`: characters it came in. */
  put(item: T, about: string, size: number): void;
  take(): T | undefined;
  readonly empty: boolean;
  /** More than is good waits: nothing more should come for now. */
  readonly full: boolean;
  /** Little enough waits for more to come. */
  readonly low: boolean;
}

/** Items and characters that wait before no more is taken. */
const MOST_ITEMS = 1024;
const MOST_CHARACTERS = 8 * 2 ** 20;

/** All, in order. */
export class Everything<T> implements Mailbox<T> {
  #items: { readonly item: T; readonly size: number }[] = [];
  #head = 0;
  #characters = 0;

  put(item: T, _about: string, size: number): void {
    this.#items.push({ item, size });
    this.#characters += size;
  }

  take(): T | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head++;
    this.#characters -= first.size;
    if (2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first.item;
  }

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  get full(): boolean {
    return this.#items.length - this.#head >= MOST_ITEMS || this.#characters >= MOST_CHARACTERS;
  }

  get low(): boolean {
    return this.#items.length - this.#head <= MOST_ITEMS / 2 && this.#characters <= MOST_CHARACTERS / 2;
  }
}

/** The latest about each: a newer one takes the place of one that waits. */
export class Latest<T> implements Mailbox<T> {
  readonly #items = new Map<string, T>();
  readonly full = false;
  readonly low = true;

  put(item: T, about: string): void {
    this.#items.set(about, item);
  }

  take(): T | undefined {
    for (const [about, item] of this.#items) {
      this.#items.delete(about);
      return item;
    }
    return undefined;
  }

  get empty(): boolean {
    return this.#items.size === 0;
  }
}
