import { EddyError } from "../errors.ts";
import type { Block, Layout, Slice } from "../kernels/layout.ts";
import { ContextCounts } from "./context-counts.ts";
import { RankWindow } from "./rank-window.ts";

/** Symbols of a session that its next one depends on. */
const REACH = 3;
const DISCOUNT = 0.6;
/** Symbols as they are counted: 0 begins a session, 1 is its end, 2 one never met, then the symbols themselves. */
const BEGIN = 0;
const FINISH = 1;
const UNMET = 2;
const FIRST = 3;
/** Lengths by which sessions are compared: 1, 2, 3, 4, 5-6, 7-8, 9-12, ... */
const LENGTHS = 24;
/** Lengths by which the rest of a session is told. */
const REMAINING = 256;
/** How fast what is known of lengths fades: by so many sessions. */
const MEMORY = 2000;

const EVENTS = 0;
const OPEN = 1;
const ENDED = 2;
const OLDEST = 3;
const NEWEST = 4;
const KNOWN = 5;

/** How `Sessions` are made. */
export interface SessionOptions {
  /** Sessions held at once; the one that has been still for longest ends to make room. A power of two; default 16384. */
  readonly open?: number;
  /** A session that has been still for so many events of the stream has ended. Default 50000. */
  readonly idle?: number;
  readonly seed?: number;
}

/** What is told of a session with an event of it. */
export interface SessionOutcome {
  /** Events of it so far. */
  readonly events: number;
  /** What was forecast for this event by the ones before it in its session. */
  readonly probability: number;
  /** Mean of -ln p over its events. */
  readonly nats: number;
  /** A p-value: the share of sessions that were at least as unlikely when they were as long. */
  readonly surprise: number;
  /** The probability that nothing more comes; null until a session has ended. */
  readonly end: number | null;
  /** Events still to come, as it was with sessions that came so far; null until one has. */
  readonly remaining: number | null;
}

/**
 * Sequences that are woven into one stream, each with a key: what comes next in one is forecast by its last three symbols, by
 * interpolated counts over all sessions (absolute discounting). A session begins with the first event of its key. It ends when it
 * has been still for `idle` events, or makes room as the stillest of all; only then is its end learned from. How unlikely it is so
 * far is compared with other sessions of its length, so that one that is odd as a whole stands out though none of its
 * events does.
 *
 * Letters: s symbol, c the last symbols of a session. State: in the layout, some 1.8 MiB at 16384 sessions. Cost: some 20 looks
 * into tables per event.
 */
export class Sessions {
  readonly #capacity: number;
  readonly #idle: number;
  readonly #counts: ContextCounts;
  readonly #ranks: RankWindow[];
  readonly #keyA: Slice<Int32Array>;
  readonly #keyB: Slice<Int32Array>;
  /** Place in `slots` plus 1 by hash. */
  readonly #table: Slice<Int32Array>;
  readonly #past: Slice<Int32Array>;
  readonly #length: Slice<Int32Array>;
  readonly #sum: Slice<Float64Array>;
  readonly #last: Slice<Float64Array>;
  /** The next and the last one by stillness, plus 1. */
  readonly #younger: Slice<Int32Array>;
  readonly #older: Slice<Int32Array>;
  readonly #free: Slice<Int32Array>;
  /** By length: sessions that came so far, and their events after it. */
  readonly #reached: Slice<Float64Array>;
  readonly #after: Slice<Float64Array>;
  readonly #record: Slice<Float64Array>;
  #block: Block | undefined;

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(layout: Layout, options: SessionOptions = {}, name = "sessions") {
    const { open = 16_384, idle = 50_000, seed = 1 } = options;
    if (!(Number.isInteger(open) && open >= 2 && open <= 2 ** 20 && (open & (open - 1)) === 0)) {
      throw new EddyError("bad-argument", "open", {
        expected: "a power of two from 2 to 1048576",
        received: String(open),
      });
    }
    if (!(Number.isInteger(idle) && idle >= 1)) {
      throw new EddyError("bad-argument", "idle", {
        expected: "a whole number of events from 1",
        received: String(idle),
      });
    }
    this.#capacity = open;
    this.#idle = idle;
    this.#counts = new ContextCounts(layout, `${name}.counts`);
    this.#ranks = Array.from(
      { length: LENGTHS },
      (_, i) => new RankWindow(layout, `${name}.ranks-${i}`, { window: 4096, seed: seed + i }),
    );
    this.#keyA = layout.int32(`${name}.key-a`, open);
    this.#keyB = layout.int32(`${name}.key-b`, open);
    this.#table = layout.int32(`${name}.table`, 2 * open);
    this.#past = layout.int32(`${name}.past`, REACH * open);
    this.#length = layout.int32(`${name}.length`, open);
    this.#sum = layout.float64(`${name}.sum`, open);
    this.#last = layout.float64(`${name}.last`, open);
    this.#younger = layout.int32(`${name}.younger`, open);
    this.#older = layout.int32(`${name}.older`, open);
    this.#free = layout.int32(`${name}.free`, open);
    this.#reached = layout.float64(`${name}.reached`, REMAINING);
    this.#after = layout.float64(`${name}.after`, REMAINING);
    this.#record = layout.float64(`${name}.record`, 6);
    layout.whenAllocated((block) => {
      this.#block = block;
      for (let i = 0; i < open; i++) this.#free.view[i] = open - 1 - i;
    });
  }

  /** Sessions that have not ended. */
  get open(): number {
    return this.#record.view[OPEN];
  }

  /** Sessions that have ended. */
  get ended(): number {
    return this.#record.view[ENDED];
  }

  /** Bytes of the whole block that this is part of; `restore` goes on from them. */
  save(): Uint8Array {
    return (this.#block as Block).save();
  }

  /** Goes on from saved bytes. @throws EddyError `bad-state` when they are not as long as this block. */
  restore(bytes: Uint8Array): void {
    (this.#block as Block).load(bytes);
  }

  /** An event of the session with this key, two hashes of 32 bits: tells what was forecast for it, and learns from it. */
  step(keyA: number, keyB: number, symbol: number): SessionOutcome {
    if (!(Number.isInteger(symbol) && symbol >= 0 && symbol < 2 ** 30)) {
      throw new EddyError("bad-number", "symbol", {
        expected: "a whole number from 0 to 2^30",
        received: String(symbol),
      });
    }
    const record = this.#record.view;
    record[EVENTS] = record[EVENTS] + 1;
    this.#endStill();
    const slot = this.#slotOf(keyA | 0, keyB | 0);
    const past = this.#past.view.subarray(REACH * slot, REACH * slot + REACH);
    const s = this.#isKnown(symbol) ? symbol + FIRST : UNMET;
    const probability = this.#likelihood(past, s);
    this.#learn(past, s);
    if (s === UNMET) {
      this.#counts.add(ORDER_0[0], ORDER_0[1], symbol + FIRST);
      record[KNOWN] = record[KNOWN] + 1;
    }
    for (let k = REACH - 1; k > 0; k--) past[k] = past[k - 1];
    past[0] = s;
    const length = this.#length.view[slot] + 1;
    this.#length.view[slot] = length;
    this.#sum.view[slot] = this.#sum.view[slot] - Math.log(probability);
    this.#last.view[slot] = record[EVENTS];
    this.#makeYoungest(slot);
    const nats = this.#sum.view[slot] / length;
    return {
      events: length,
      probability,
      nats,
      surprise: this.#ranks[lengthClass(length)].add(nats),
      end: this.ended > 0 ? this.#likelihood(past, FINISH) : null,
      remaining: this.remaining(length),
    };
  }

  /** Mean of -ln p of a whole session with its end, by what is known now; nothing is learned from it. */
  score(symbols: readonly number[]): number {
    const past = new Int32Array(REACH);
    let nats = 0;
    for (const symbol of symbols) {
      const s = this.#isKnown(symbol) ? symbol + FIRST : UNMET;
      nats -= Math.log(this.#likelihood(past, s));
      for (let k = REACH - 1; k > 0; k--) past[k] = past[k - 1];
      past[0] = s;
    }
    if (this.ended > 0) nats -= Math.log(this.#likelihood(past, FINISH));
    return nats / (symbols.length + 1);
  }

  /** Mean of the events that came after so many in sessions that have ended; null when none came so far. */
  remaining(length: number): number | null {
    const i = Math.min(length, REMAINING) - 1;
    const reached = this.#reached.view[i];
    return reached > 0 ? this.#after.view[i] / reached : null;
  }

  /** Ends every session: the stream has ended. */
  end(): void {
    while (this.#record.view[OLDEST] > 0) this.#finish(this.#record.view[OLDEST] - 1);
  }

  #isKnown(symbol: number): boolean {
    return this.#counts.count(ORDER_0[0], ORDER_0[1], symbol + FIRST) > 0;
  }

  #likelihood(past: Int32Array, s: number): number {
    let p = 1 / (this.#record.view[KNOWN] + 2);
    let [a, b] = ORDER_0 as readonly [number, number] as [number, number];
    for (let k = 0; k <= REACH; k++) {
      if (k > 0) [a, b] = longer(a, b, past[k - 1], k);
      const at = this.#counts.context(a, b);
      if (at >= 0) {
        const n = this.#counts.count(a, b, s);
        p = (Math.max(0, n - DISCOUNT) + DISCOUNT * this.#counts.distinct(at) * p) / this.#counts.total(at);
      }
      if (k < REACH && k > 0 && past[k - 1] === BEGIN) break;
    }
    return p;
  }

  #learn(past: Int32Array, s: number): void {
    let [a, b] = ORDER_0 as readonly [number, number] as [number, number];
    for (let k = 0; k <= REACH; k++) {
      if (k > 0) [a, b] = longer(a, b, past[k - 1], k);
      this.#counts.add(a, b, s);
      if (k < REACH && k > 0 && past[k - 1] === BEGIN) break;
    }
    this.#counts.pass();
  }

  #endStill(): void {
    const record = this.#record.view;
    while (record[OLDEST] > 0 && record[EVENTS] - this.#last.view[record[OLDEST] - 1] > this.#idle) {
      this.#finish(record[OLDEST] - 1);
    }
  }

  #finish(slot: number): void {
    const record = this.#record.view;
    this.#learn(this.#past.view.subarray(REACH * slot, REACH * slot + REACH), FINISH);
    const length = this.#length.view[slot];
    const keep = 1 - 1 / MEMORY;
    for (let i = 0; i < REMAINING; i++) {
      if (i >= length) break;
      this.#reached.view[i] = this.#reached.view[i] * keep + 1;
      this.#after.view[i] = this.#after.view[i] * keep + (length - i - 1);
    }
    this.#unlink(slot);
    this.#removeKey(slot);
    this.#length.view[slot] = 0;
    this.#sum.view[slot] = 0;
    this.#past.view.fill(BEGIN, REACH * slot, REACH * slot + REACH);
    record[OPEN] = record[OPEN] - 1;
    record[ENDED] = record[ENDED] + 1;
    this.#free.view[this.#capacity - record[OPEN] - 1] = slot;
  }

  #slotOf(a: number, b: number): number {
    const at = this.#find(a, b);
    if (this.#table.view[at] > 0) return this.#table.view[at] - 1;
    const record = this.#record.view;
    if (record[OPEN] === this.#capacity) this.#finish(record[OLDEST] - 1);
    const slot = this.#free.view[this.#capacity - record[OPEN] - 1];
    record[OPEN] = record[OPEN] + 1;
    this.#keyA.view[slot] = a;
    this.#keyB.view[slot] = b;
    this.#table.view[this.#find(a, b)] = slot + 1;
    return slot;
  }

  #find(a: number, b: number): number {
    const mask = 2 * this.#capacity - 1;
    const table = this.#table.view;
    let at = (a ^ (b >>> 9)) & mask;
    while (table[at] > 0 && (this.#keyA.view[table[at] - 1] !== a || this.#keyB.view[table[at] - 1] !== b)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  /** Takes a key out of the table and moves those behind it that its place had kept from theirs. */
  #removeKey(slot: number): void {
    const mask = 2 * this.#capacity - 1;
    const table = this.#table.view;
    let hole = this.#find(this.#keyA.view[slot], this.#keyB.view[slot]);
    table[hole] = 0;
    for (let at = (hole + 1) & mask; table[at] > 0; at = (at + 1) & mask) {
      const other = table[at] - 1;
      const home = (this.#keyA.view[other] ^ (this.#keyB.view[other] >>> 9)) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      table[hole] = table[at];
      table[at] = 0;
      hole = at;
    }
  }

  #unlink(slot: number): void {
    const record = this.#record.view;
    const older = this.#older.view;
    const younger = this.#younger.view;
    if (older[slot] > 0) younger[older[slot] - 1] = younger[slot];
    else if (record[OLDEST] === slot + 1) record[OLDEST] = younger[slot];
    if (younger[slot] > 0) older[younger[slot] - 1] = older[slot];
    else if (record[NEWEST] === slot + 1) record[NEWEST] = older[slot];
    older[slot] = 0;
    younger[slot] = 0;
  }

  #makeYoungest(slot: number): void {
    const record = this.#record.view;
    this.#unlink(slot);
    this.#older.view[slot] = record[NEWEST];
    if (record[NEWEST] > 0) this.#younger.view[record[NEWEST] - 1] = slot + 1;
    record[NEWEST] = slot + 1;
    if (record[OLDEST] === 0) record[OLDEST] = slot + 1;
  }
}

/** The empty context. */
const ORDER_0 = [0x2545f491, 0x4f6cdd1d] as const;

/** The context that is longer by one symbol. */
function longer(a: number, b: number, symbol: number, k: number): [number, number] {
  let x = Math.imul(a ^ symbol, 0x85ebca6b) + k;
  x ^= x >>> 15;
  let y = Math.imul(b + symbol + 1, 0xc2b2ae35) ^ k;
  y ^= y >>> 13;
  return [x | 0, y | 0];
}

const lengthClass = (length: number): number =>
  Math.min(LENGTHS - 1, length <= 4 ? length - 1 : Math.floor(2 * Math.log2(length)));
