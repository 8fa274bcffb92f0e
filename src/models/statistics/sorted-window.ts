import type { Layout, Slice } from "../kernels/layout.ts";

/**
 * The last `capacity` numbers, kept both in order of arrival and in ascending order. Cost per number: a binary search
 * and one move of part of the window. State: 2 capacity + 1 float64 in the layout.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const last = new SortedWindow(layout, "last", 3);
 * layout.allocate();
 * for (const v of [9, 1, 5, 3]) last.add(v);
 * last.smallest(1) === 1 && last.smallest(3) === 5; // true
 * ```
 */
export class SortedWindow {
  readonly capacity: number;
  readonly #ring: Slice<Float64Array>;
  readonly #sorted: Slice<Float64Array>;
  readonly #seen: Slice<Float64Array>;

  constructor(layout: Layout, name: string, capacity: number) {
    this.capacity = capacity;
    this.#ring = layout.float64(`${name}.ring`, capacity);
    this.#sorted = layout.float64(`${name}.sorted`, capacity);
    this.#seen = layout.float64(`${name}.seen`, 1);
  }

  /** Numbers in the window now. */
  get size(): number {
    return Math.min(this.#seen.view[0], this.capacity);
  }

  /** How many of the numbers are at least as large as a value. */
  countFrom(value: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.smallest(middle + 1) < value) low = middle + 1;
      else high = middle;
    }
    return this.size - low;
  }

  /** Takes a finite number; the oldest leaves when the window is full. */
  add(value: number): void {
    const sorted = this.#sorted.view;
    const slot = this.#seen.view[0] % this.capacity;
    let n = this.size;
    if (n === this.capacity) {
      const oldest = this.#rank(this.#ring.view[slot], n);
      sorted.copyWithin(oldest, oldest + 1, n);
      n--;
    }
    const at = this.#rank(value, n);
    sorted.copyWithin(at + 1, at, n);
    sorted[at] = value;
    this.#ring.view[slot] = value;
    this.#seen.view[0] += 1;
  }

  /** The k-th smallest number in the window, k from 1 to `size`. */
  smallest(k: number): number {
    return this.#sorted.view[k - 1];
  }

  /** How many of the first n sorted numbers are below `value`. */
  #rank(value: number, n: number): number {
    const sorted = this.#sorted.view;
    let low = 0;
    let high = n;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
