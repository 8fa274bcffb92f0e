import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";

/** Scores are told apart by this much. */
const STEP = 1 / 64;
const BINS = 4096;
const NEXT = 0;
const FILLED = 1;
const SEED = 2;
const TAKEN = 3;
/** Scores that are kept from the first on. */
const FIRST = 64;
/** By so much a score may exceed all others and be no rarer for it. */
const MARGIN = 3;
/** Scores by which a tail is told. */
const ENOUGH = 256;

/**
 * How rare a score is among the last ones, as a p-value: the share of the last W scores that are at least as high, itself among
 * them. Where scores are equal, chance decides, so that of exchangeable scores exactly the share p is told a p-value of at most p:
 *
 *     p = (#{score > x} + U (1 + #{score = x})) / (n + 1),     U uniform on (0, 1)
 *
 * A score that exceeds all of 256 or more by more than 3 is rarer by as much as it does beyond that, as a tail of exp(−score) has it.
 * (Conformal p-values: Vovk, Gammerman & Shafer 2005, section 2.) Until the window is full, the later half of the scores so far counts:
 * the first ones are those of a model that knew nothing. The rate of alarms at p over any W scores is W p and a
 * few, whatever the scores do. Scores are from 0 to 64 and told apart by 1/64; U is drawn from the seed.
 *
 * State: 4 W + 16 KiB in the layout. Cost: O(log 4096).
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const ranks = new RankWindow(layout, "ranks", { window: 1000 });
 * layout.allocate();
 * for (let i = 0; i < 3000; i++) ranks.add((i % 10) / 10);
 * ranks.add(5) < 0.001; // true
 * ```
 */
export class RankWindow {
  readonly #window: number;
  readonly #seed: number;
  readonly #ring: Slice<Int32Array>;
  /** Fenwick tree of counts by bin. */
  readonly #tree: Slice<Int32Array>;
  /** [0] place written next, [1] scores held, [2] state of the generator, [3] scores so far, up to twice the window. */
  readonly #at: Slice<Int32Array>;

  /** @throws EddyError `bad-argument` for a window out of range. */
  constructor(
    layout: Layout,
    name: string,
    options: { readonly window?: number; readonly seed?: number } = {},
  ) {
    const { window = 32_768, seed = 1 } = options;
    if (!(Number.isInteger(window) && window >= 1 && window <= 2 ** 24)) {
      throw new EddyError("bad-argument", "window", {
        expected: "a whole number of scores from 1 to 16777216",
        received: String(window),
      });
    }
    this.#window = window;
    this.#seed = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x6d2b79f5) | 1;
    this.#ring = layout.int32(`${name}.ring`, window);
    this.#tree = layout.int32(`${name}.tree`, BINS + 1);
    this.#at = layout.int32(`${name}.at`, 4);
    layout.whenAllocated(() => {
      this.#at.view[SEED] = this.#seed;
    });
  }

  /** Scores held. */
  get count(): number {
    return this.#at.view[FILLED];
  }

  /** The p-value of a score among those before it; then it is one of them. */
  add(score: number): number {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(score / STEP)));
    const at = this.#at.view;
    const n = at[FILLED];
    const notAbove = this.#below(bin + 1);
    const equal = notAbove - this.#below(bin);
    let p = (n - notAbove + this.#uniform() * (1 + equal)) / (n + 1);
    if (n >= ENOUGH && n === notAbove && equal === 0) {
      const beyond = (bin - this.#highest()) * STEP - MARGIN;
      if (beyond > 0) p *= Math.exp(-beyond);
    }
    const ring = this.#ring.view;
    const W = this.#window;
    at[TAKEN] = Math.min(at[TAKEN] + 1, 2 * W);
    const kept = Math.min(W, Math.max(FIRST, Math.ceil(at[TAKEN] / 2)));
    if (n >= kept) this.#change(ring[(at[NEXT] - n + W) % W], -1);
    at[FILLED] = Math.min(n + 1, kept);
    ring[at[NEXT]] = bin;
    at[NEXT] = (at[NEXT] + 1) % this.#window;
    this.#change(bin, 1);
    return p;
  }

  /** The highest bin that holds a score. */
  #highest(): number {
    const tree = this.#tree.view;
    let left = this.#at.view[FILLED] - 1;
    let at = 0;
    for (let step = BINS; step > 0; step >>= 1) {
      if (at + step > BINS || tree[at + step] > left) continue;
      at += step;
      left -= tree[at];
    }
    return at;
  }

  /** Scores in bins before this one. */
  #below(bin: number): number {
    const tree = this.#tree.view;
    let sum = 0;
    for (let i = bin; i > 0; i &= i - 1) sum += tree[i];
    return sum;
  }

  #change(bin: number, by: number): void {
    const tree = this.#tree.view;
    for (let i = bin + 1; i <= BINS; i += i & -i) tree[i] = tree[i] + by;
  }

  /** Xorshift (Marsaglia 2003), within (0, 1). */
  #uniform(): number {
    const at = this.#at.view;
    let x = at[SEED];
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    at[SEED] = x;
    return ((x >>> 0) + 0.5) / 2 ** 32;
  }
}
