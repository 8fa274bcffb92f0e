import { EddyError } from "../errors.ts";
import { type Backend, type Kernels, openKernels } from "./open.ts";

/**
 * Memory for models. A bank is one WebAssembly memory of fixed size with its own instance of the kernels: it never
 * grows, so a view into it is never detached. Pages cost nothing until they are touched. Blocks of one size are
 * reused exactly (series of one shape come and go), so the free list never fragments in practice.
 */
export interface Bank {
  readonly buffer: ArrayBufferLike;
  readonly kernels: Kernels;
  /** Constants shared by every block of this bank, such as a frozen reservoir, by content key. */
  readonly constants: Map<string, Constant>;
  /** Regions whose contents nobody relies on. */
  readonly scratch: Constant[];
}

/** A read-only region of a bank. */
export interface Constant {
  readonly pointer: number;
  readonly bytes: Uint8Array;
}

export interface Region {
  readonly bank: Bank;
  readonly pointer: number;
  readonly byteLength: number;
}

export interface ArenaOptions {
  /** Which kernels: `wasm` (float32, SIMD), or the plain reference in float32 or float64. */
  backend?: Backend;
  /** Bytes of one bank; a larger block gets a bank of its own. */
  bankBytes?: number;
}

/** Blocks fill this share of a bank; constants and scratch have the rest. */
const BLOCK_SHARE = 0.75;
const ALIGNMENT = 64;
const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

class BankSpace implements Bank {
  readonly kernels: Kernels;
  readonly buffer: ArrayBufferLike;
  readonly constants = new Map<string, Constant>();
  readonly scratch: Constant[] = [];
  readonly #free = new Map<number, number[]>();
  #top: number;
  /** What lies below has been written to at some time. */
  #touched: number;
  /** Blocks that have not been released. */
  blocks = 0;

  constructor(backend: Backend, byteLength: number) {
    this.kernels = openKernels(backend, byteLength);
    this.buffer = this.kernels.buffer;
    this.#top = align(this.kernels.reservedBytes);
    this.#touched = this.#top;
  }

  /** `share` is how much of the bank may be taken: the rest stays free for constants and scratch. */
  take(byteLength: number, share = 1): number | undefined {
    const reused = this.#free.get(byteLength)?.pop();
    if (reused !== undefined) {
      new Uint8Array(this.buffer, reused, byteLength).fill(0);
      return reused;
    }
    if (this.#top + byteLength > this.buffer.byteLength * share) return undefined;
    const pointer = this.#top;
    this.#top += byteLength;
    if (pointer < this.#touched) new Uint8Array(this.buffer, pointer, byteLength).fill(0);
    this.#touched = Math.max(this.#touched, this.#top);
    return pointer;
  }

  /** Begins anew when it holds no block: blocks of one shape are gone, and another shape has use for the memory. */
  clear(): void {
    this.constants.clear();
    this.scratch.length = 0;
    this.#free.clear();
    this.#top = align(this.kernels.reservedBytes);
  }

  /** Bytes that nothing has taken yet. */
  get room(): number {
    return this.buffer.byteLength - this.#top;
  }

  give(pointer: number, byteLength: number): void {
    const list = this.#free.get(byteLength);
    if (list) list.push(pointer);
    else this.#free.set(byteLength, [pointer]);
  }
}

/** Hands out zero-filled blocks of bank memory. Cost: O(number of banks) for an allocation, O(1) for a release. */
export class Arena {
  readonly backend: Backend;
  readonly #bankBytes: number;
  readonly #banks: BankSpace[] = [];
  #used = 0;

  constructor(options: ArenaOptions = {}) {
    this.backend = options.backend ?? "wasm";
    this.#bankBytes = options.bankBytes ?? 64 * 2 ** 20;
  }

  /** Bytes of one network element: 4, or 8 with the float64 reference. */
  get bytesPerReal(): 4 | 8 {
    return this.backend === "reference64" ? 8 : 4;
  }

  /** Bytes in blocks that have not been released. */
  get usedBytes(): number {
    return this.#used;
  }

  allocate(byteLength: number): Region {
    if (!(byteLength >= 0 && byteLength < 2 ** 31)) {
      throw new EddyError("too-large", "model memory", {
        expected: "less than 2 GiB",
        received: `${byteLength} bytes`,
      });
    }
    const size = align(Math.max(byteLength, 1));
    for (const bank of this.#banks) {
      const pointer = bank.take(size, BLOCK_SHARE);
      if (pointer !== undefined) return this.#region(bank, pointer, size);
    }
    for (const bank of this.#banks) {
      if (bank.blocks > 0) continue;
      bank.clear();
      const pointer = bank.take(size, BLOCK_SHARE);
      if (pointer !== undefined) return this.#region(bank, pointer, size);
    }
    const bank = new BankSpace(
      this.backend,
      Math.max(this.#bankBytes, Math.min(4 * size, 2 ** 32 - 2 ** 20)),
    );
    this.#banks.push(bank);
    const pointer = bank.take(size);
    if (pointer === undefined)
      throw new EddyError("too-large", "model memory", { received: `${byteLength} bytes` });
    return this.#region(bank, pointer, size);
  }

  release(region: Region): void {
    const bank = region.bank as BankSpace;
    bank.give(region.pointer, region.byteLength);
    bank.blocks--;
    this.#used -= region.byteLength;
  }

  /**
   * The constant `key` of this bank, never released. `fill` writes it the first time it is asked for; a bank opened later has a
   * copy, since drawing a reservoir takes a tenth of a second and copying it none.
   */
  constant(bank: Bank, key: string, byteLength: number, fill: (bytes: Uint8Array) => void): Constant {
    const known = bank.constants.get(key);
    if (known) return known;
    const constant = this.#reserve(bank, key, byteLength);
    const elsewhere = this.#banks.find((other) => other.constants.has(key))?.constants.get(key);
    if (elsewhere) constant.bytes.set(elsewhere.bytes);
    else fill(constant.bytes);
    bank.constants.set(key, constant);
    return constant;
  }

  #reserve(bank: Bank, name: string, byteLength: number): Constant {
    const size = align(byteLength);
    const pointer = (bank as BankSpace).take(size);
    if (pointer === undefined) {
      throw new EddyError("too-large", `constant ${name}`, {
        expected: `at most the ${(bank as BankSpace).room} bytes left in its memory bank`,
        received: `${size} bytes`,
        hint: "an Arena with larger bankBytes has room",
      });
    }
    return { pointer, bytes: new Uint8Array(bank.buffer, pointer, byteLength) };
  }

  /**
   * Working memory of a bank, shared by everything in it: its contents are anybody's between two calls. A region that
   * is large enough is used again, so that a fleet of models of any sizes shares a few.
   */
  scratch(bank: Bank, byteLength: number): number {
    const fitting = bank.scratch.filter((region) => region.bytes.length >= byteLength);
    if (fitting.length > 0) {
      return fitting.reduce((best, region) => (region.bytes.length < best.bytes.length ? region : best))
        .pointer;
    }
    const generous = 2 ** Math.ceil(Math.log2(Math.max(byteLength, 1024)));
    const room = (bank as BankSpace).room;
    const size = generous <= room / 2 ? generous : byteLength;
    const region = this.#reserve(bank, `scratch:${size}`, size);
    bank.scratch.push(region);
    return region.pointer;
  }

  #region(bank: BankSpace, pointer: number, byteLength: number): Region {
    this.#used += byteLength;
    bank.blocks++;
    return { bank, pointer, byteLength };
  }
}
