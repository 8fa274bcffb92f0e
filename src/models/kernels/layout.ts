import { EddyError } from "../errors.ts";
import type { Arena, Region } from "./arena.ts";
import type { Kernels } from "./open.ts";

/** A named part of a model's block: `view` for TypeScript, `pointer` for kernels. Bound by `Layout.allocate`. */
export interface Slice<View> {
  readonly name: string;
  readonly length: number;
  pointer: number;
  view: View;
}

/** Network elements are float32, or float64 when the float64 reference specifies them. */
export type Reals = Float32Array | Float64Array;

type Kind = "real" | "float64" | "int32";

interface Planned {
  readonly slice: Slice<unknown>;
  readonly kind: Kind;
  readonly offset: number;
}

/**
 * Plans the one contiguous block that holds everything a model must not forget: parameters, optimiser moments,
 * hidden state, covariances, counters. Components reserve slices in a fixed order while they are constructed;
 * `allocate` then takes one block and binds every slice. A checkpoint is a copy of the block.
 *
 * @example
 * ```ts
 * const arena = new Arena();
 * const layout = new Layout(arena);
 * const mean = layout.float64("mean", 3);
 * const block = layout.allocate();
 * mean.view[0] = 1;
 * const checkpoint = block.save();
 * ```
 */
export class Layout {
  readonly arena: Arena;
  readonly #planned: Planned[] = [];
  readonly #bound: ((block: Block) => void)[] = [];
  #bytes = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  real(name: string, length: number): Slice<Reals> {
    return this.#plan("real", name, length, this.arena.bytesPerReal);
  }

  float64(name: string, length: number): Slice<Float64Array> {
    return this.#plan("float64", name, length, 8);
  }

  int32(name: string, length: number): Slice<Int32Array> {
    return this.#plan("int32", name, length, 4);
  }

  /** Asks to be called once the slices are bound, in the order of asking: the place to write initial values. */
  whenAllocated(callback: (block: Block) => void): void {
    this.#bound.push(callback);
  }

  /** Bytes planned so far. */
  get byteLength(): number {
    return this.#bytes;
  }

  allocate(): Block {
    const region = this.arena.allocate(this.#bytes);
    const { buffer } = region.bank;
    for (const { slice, kind, offset } of this.#planned) {
      const pointer = region.pointer + offset;
      slice.pointer = pointer;
      if (kind === "int32") slice.view = new Int32Array(buffer, pointer, slice.length);
      else if (kind === "float64" || this.arena.bytesPerReal === 8)
        slice.view = new Float64Array(buffer, pointer, slice.length);
      else slice.view = new Float32Array(buffer, pointer, slice.length);
    }
    const block = new Block(this.arena, region, this.#bytes, this.#bound);
    block.begin();
    return block;
  }

  #plan<View>(kind: Kind, name: string, length: number, bytes: number): Slice<View> {
    const slice: Slice<View> = { name, length, pointer: -1, view: undefined as View };
    // Every slice starts on a SIMD boundary, and a vector load past its last element stays inside the block.
    this.#planned.push({ slice, kind, offset: this.#bytes });
    this.#bytes += Math.ceil((length * bytes) / 16) * 16;
    return slice;
  }
}

/** A bound layout. */
export class Block {
  readonly region: Region;
  readonly byteLength: number;
  readonly #arena: Arena;
  readonly #initial: readonly ((block: Block) => void)[];
  #released = false;

  constructor(
    arena: Arena,
    region: Region,
    byteLength: number,
    initial: readonly ((block: Block) => void)[],
  ) {
    this.#arena = arena;
    this.region = region;
    this.byteLength = byteLength;
    this.#initial = initial;
  }

  /** Writes the initial values, as when it was allocated: all that has been learned since is forgotten. */
  begin(): void {
    this.bytes.fill(0);
    for (const callback of this.#initial) callback(this);
  }

  get kernels(): Kernels {
    return this.region.bank.kernels;
  }

  /** A live view of the block's bytes. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.region.bank.buffer, this.region.pointer, this.byteLength);
  }

  /** A copy of the block: with the specification it was made from, all there is to know of a model. */
  save(): Uint8Array {
    return this.bytes.slice();
  }

  /** Goes on from saved bytes. @throws EddyError `bad-state` when they are not as long as this block. */
  load(bytes: Uint8Array): void {
    if (bytes.byteLength !== this.byteLength) {
      throw new EddyError("bad-state", "saved model", {
        expected: `${this.byteLength} bytes`,
        received: `${bytes.byteLength} bytes`,
      });
    }
    this.bytes.set(bytes);
  }

  /** Working memory shared with everything in this block's bank; nothing in it outlives the call that asked. */
  scratch(byteLength: number): number {
    return this.#arena.scratch(this.region.bank, byteLength);
  }

  /** A read-only constant in this block's bank, made once and shared by every block there. */
  constant(key: string, byteLength: number, fill: (bytes: Uint8Array) => void): number {
    return this.#arena.constant(this.region.bank, key, byteLength, fill).pointer;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#arena.release(this.region);
  }
}
