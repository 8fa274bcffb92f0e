import type { Reals } from "../kernels/layout.ts";

/** One vector per row: byte pointer of row 0, bytes from row to row (0 when one row serves all), and its length. */
export interface Track {
  pointer: number;
  readonly step: number;
  readonly length: number;
}

/** Byte pointer of a row of a track. */
export function rowAt(track: Track, row: number): number {
  return track.pointer + row * track.step;
}

/** The number in a track of single numbers; `reals` is the whole memory. */
export function valueAt(reals: Reals, track: Track, row: number): number {
  return reals[rowAt(track, row) / reals.BYTES_PER_ELEMENT];
}

/** A view of rows of a track. */
export function rowsOf(reals: Reals, track: Track, row: number, rows = 1): Reals {
  const first = rowAt(track, row) / reals.BYTES_PER_ELEMENT;
  return reals.subarray(first, first + rows * track.length);
}

/** Plans tracks one after the other in memory, each on a SIMD boundary, and lays them all at a pointer. */
export class TrackPlan {
  readonly bytesPerReal: number;
  readonly #planned: { track: Track; offset: number }[] = [];
  #length = 0;

  constructor(bytesPerReal: number) {
    this.bytesPerReal = bytesPerReal;
  }

  /** Elements planned so far. */
  get length(): number {
    return this.#length;
  }

  /** A track of `rows` rows of `length` elements. */
  rows(length: number, rows: number): Track {
    return this.#plan(length, length * rows, length * this.bytesPerReal);
  }

  /** A track of one row that serves all. */
  row(length: number): Track {
    return this.#plan(length, length, 0);
  }

  /** Lays everything planned at a byte pointer. */
  bind(pointer: number): void {
    for (const { track, offset } of this.#planned) track.pointer = pointer + offset * this.bytesPerReal;
  }

  #plan(length: number, elements: number, step: number): Track {
    const track: Track = { pointer: -1, step, length };
    this.#planned.push({ track, offset: this.#length });
    this.#length += Math.ceil(elements / 4) * 4;
    return track;
  }
}
