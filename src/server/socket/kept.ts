/** So many are kept; with one more all of them go. */
const KEPT = 32;

/** A few things made for one who asks, for the next one who asks for the same. */
export class Kept<V> {
  readonly #made = new Map<string, V>();

  get(key: string, make: () => V): V {
    let made = this.#made.get(key);
    if (made === undefined) {
      made = make();
      if (this.#made.size >= KEPT) this.#made.clear();
      this.#made.set(key, made);
    }
    return made;
  }
}
