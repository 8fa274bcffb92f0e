import { EddyError } from "../errors.ts";
import type { Layout, Slice } from "../kernels/layout.ts";

const CONTEXTS = 0;
const ENTRIES = 1;
const EVENTS = 2;
/** Share of a table that may be filled. */
const FILLED = 0.7;

/** What a context has been followed by. */
export interface ContextOptions {
  /** Contexts kept; a power of two. Default 16384. */
  readonly contexts?: number;
  /** Pairs of a context and a symbol kept; a power of two. Default 32768. */
  readonly entries?: number;
  /** Events after which all counts are halved, so that what was long ago weighs less. Default 65536. */
  readonly halve?: number;
}

/**
 * Counts of symbols by context, in two open tables of a fixed size. A context is a pair of 32-bit hashes of whatever it is made of;
 * a symbol is any whole number from 0. When a table is full, or after `halve` events, every count is halved and what falls below 1
 * is forgotten.
 *
 * Letters: n(c, s) times s followed c, N(c) their sum, T(c) different symbols after c. State: 20 bytes an entry, 24 a context, in
 * the layout. Cost: O(1) for a look and an addition; a halving goes over both tables.
 */
export class ContextCounts {
  readonly #contexts: number;
  readonly #entries: number;
  readonly #halve: number;
  readonly #contextA: Slice<Int32Array>;
  readonly #contextB: Slice<Int32Array>;
  readonly #total: Slice<Float64Array>;
  readonly #distinct: Slice<Float64Array>;
  readonly #entryA: Slice<Int32Array>;
  readonly #entryB: Slice<Int32Array>;
  /** The symbol plus 1; 0 where there is none. */
  readonly #symbol: Slice<Int32Array>;
  readonly #count: Slice<Float64Array>;
  /** [0] contexts used, [1] entries used, [2] events since the last halving. */
  readonly #used: Slice<Float64Array>;

  /** @throws EddyError `bad-argument` for sizes that are no powers of two. */
  constructor(layout: Layout, name: string, options: ContextOptions = {}) {
    const { contexts = 16_384, entries = 32_768, halve = 65_536 } = options;
    for (const [key, value] of Object.entries({ contexts, entries })) {
      if (Number.isInteger(value) && value >= 16 && value <= 2 ** 24 && (value & (value - 1)) === 0) continue;
      throw new EddyError("bad-argument", key, {
        expected: "a power of two from 16 to 16777216",
        received: String(value),
      });
    }
    if (!(Number.isInteger(halve) && halve >= 1)) {
      throw new EddyError("bad-argument", "halve", {
        expected: "a whole number of events from 1",
        received: String(halve),
      });
    }
    this.#contexts = contexts;
    this.#entries = entries;
    this.#halve = halve;
    this.#contextA = layout.int32(`${name}.context-a`, contexts);
    this.#contextB = layout.int32(`${name}.context-b`, contexts);
    this.#total = layout.float64(`${name}.total`, contexts);
    this.#distinct = layout.float64(`${name}.distinct`, contexts);
    this.#entryA = layout.int32(`${name}.entry-a`, entries);
    this.#entryB = layout.int32(`${name}.entry-b`, entries);
    this.#symbol = layout.int32(`${name}.symbol`, entries);
    this.#count = layout.float64(`${name}.count`, entries);
    this.#used = layout.float64(`${name}.used`, 3);
  }

  /** Where the context is, or -1: valid until something is added. */
  context(a: number, b: number): number {
    const at = this.#findContext(a, b);
    return this.#total.view[at] > 0 ? at : -1;
  }

  /** N(c) of a place that `context` gave. */
  total(at: number): number {
    return this.#total.view[at];
  }

  /** T(c) of a place that `context` gave. */
  distinct(at: number): number {
    return this.#distinct.view[at];
  }

  /** n(c, s). */
  count(a: number, b: number, symbol: number): number {
    return this.#count.view[this.#findEntry(a, b, symbol)];
  }

  /** Symbol s has followed context (a, b). */
  add(a: number, b: number, symbol: number): void {
    const used = this.#used.view;
    if (used[CONTEXTS] >= FILLED * this.#contexts || used[ENTRIES] >= FILLED * this.#entries) this.halve();
    const at = this.#findContext(a, b);
    const entry = this.#findEntry(a, b, symbol);
    if (this.#total.view[at] === 0) {
      this.#contextA.view[at] = a;
      this.#contextB.view[at] = b;
      used[CONTEXTS] = used[CONTEXTS] + 1;
    }
    if (this.#symbol.view[entry] === 0) {
      this.#entryA.view[entry] = a;
      this.#entryB.view[entry] = b;
      this.#symbol.view[entry] = symbol + 1;
      this.#distinct.view[at] = this.#distinct.view[at] + 1;
      used[ENTRIES] = used[ENTRIES] + 1;
    }
    this.#count.view[entry] = this.#count.view[entry] + 1;
    this.#total.view[at] = this.#total.view[at] + 1;
  }

  /** An event has passed, whatever was added for it. */
  pass(): void {
    const used = this.#used.view;
    used[EVENTS] = used[EVENTS] + 1;
    if (used[EVENTS] >= this.#halve) this.halve();
  }

  /** The symbols that have followed a context. Cost: goes over the table. */
  symbols(a: number, b: number): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.#entries; i++) {
      const symbol = this.#symbol.view[i];
      if (symbol !== 0 && this.#entryA.view[i] === a && this.#entryB.view[i] === b) found.push(symbol - 1);
    }
    return found.sort((x, y) => x - y);
  }

  /** Halves every count; what falls below 1 is forgotten, and so on until there is room. */
  halve(): void {
    const used = this.#used.view;
    for (;;) {
      const kept: [number, number, number, number][] = [];
      for (let i = 0; i < this.#entries; i++) {
        const symbol = this.#symbol.view[i];
        const count = Math.floor(this.#count.view[i] / 2);
        if (symbol !== 0 && count >= 1)
          kept.push([this.#entryA.view[i], this.#entryB.view[i], symbol, count]);
      }
      this.#contextA.view.fill(0);
      this.#contextB.view.fill(0);
      this.#total.view.fill(0);
      this.#distinct.view.fill(0);
      this.#entryA.view.fill(0);
      this.#entryB.view.fill(0);
      this.#symbol.view.fill(0);
      this.#count.view.fill(0);
      used.fill(0);
      for (const [a, b, symbol, count] of kept) {
        const at = this.#findContext(a, b);
        if (this.#total.view[at] === 0) {
          this.#contextA.view[at] = a;
          this.#contextB.view[at] = b;
          used[CONTEXTS] = used[CONTEXTS] + 1;
        }
        const entry = this.#findEntry(a, b, symbol - 1);
        this.#entryA.view[entry] = a;
        this.#entryB.view[entry] = b;
        this.#symbol.view[entry] = symbol;
        this.#count.view[entry] = count;
        this.#total.view[at] = this.#total.view[at] + count;
        this.#distinct.view[at] = this.#distinct.view[at] + 1;
        used[ENTRIES] = used[ENTRIES] + 1;
      }
      if (used[CONTEXTS] < 0.5 * this.#contexts && used[ENTRIES] < 0.5 * this.#entries) return;
    }
  }

  #findContext(a: number, b: number): number {
    const mask = this.#contexts - 1;
    const { view: A } = this.#contextA;
    const { view: B } = this.#contextB;
    const { view: total } = this.#total;
    let at = (a ^ (b >>> 7)) & mask;
    while (total[at] !== 0 && (A[at] !== a || B[at] !== b)) at = (at + 1) & mask;
    return at;
  }

  #findEntry(a: number, b: number, symbol: number): number {
    const mask = this.#entries - 1;
    const { view: A } = this.#entryA;
    const { view: B } = this.#entryB;
    const { view: S } = this.#symbol;
    const wanted = symbol + 1;
    let at = (Math.imul(a ^ Math.imul(wanted, 0x9e3779b1), 0x85ebca6b) >>> 8) & mask;
    while (S[at] !== 0 && (S[at] !== wanted || A[at] !== a || B[at] !== b)) at = (at + 1) & mask;
    return at;
  }
}
