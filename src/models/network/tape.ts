import type { Kernels } from "../kernels/open.ts";
import type { Program } from "./program.ts";

/** One vector per row: byte pointer of row 0, bytes from row to row (0 when one row serves all), and its length. */
export interface Track {
  pointer: number;
  readonly step: number;
  readonly length: number;
}

/** The tracks of one node. `z` is `h` for cells that work in place. */
export interface NodeTracks {
  readonly z: Track;
  readonly h: Track;
  readonly s: Track;
  readonly cache: Track;
}

/**
 * What a network was and saw, row by row in time: `past` rows of history, then steps, then `future` rows. A row holds
 * the sources and every node's vectors. A full tape keeps all that the backward pass needs; a lean one keeps only what
 * later steps read (h, s and the sources), and one row for the rest.
 */
export class Tape {
  readonly rows: number;
  readonly full: boolean;
  readonly x: Track;
  readonly y: Track;
  /** 1 where y is given, 0 where it is the network's own output. */
  readonly given: Track;
  readonly dt: Track;
  readonly nodes: readonly NodeTracks[];
  /** Elements of the whole tape. */
  readonly length: number;
  /** Every track with a row of its own per step, in a fixed order: two tapes of one program match one to one. */
  readonly lasting: readonly Track[];
  readonly #tracks: { track: Track; offset: number }[] = [];
  readonly #bytes: number;

  constructor(program: Program, rows: number, full: boolean, bytesPerReal: number) {
    this.rows = rows;
    this.full = full;
    this.#bytes = bytesPerReal;
    let length = 0;
    const track = (size: number, lasting = true): Track => {
      const made: Track = { pointer: -1, step: lasting || full ? size * bytesPerReal : 0, length: size };
      this.#tracks.push({ track: made, offset: length });
      length += Math.ceil((size * (made.step === 0 ? 1 : rows)) / 4) * 4;
      return made;
    };
    this.x = track(program.x);
    this.y = track(program.y);
    this.given = track(program.y > 0 ? 1 : 0);
    this.dt = track(1);
    this.nodes = program.nodes.map(({ cell, n, width }) => {
      const h = track(n);
      return {
        h,
        z: cell.inPlace ? h : track(width, false),
        s: track((cell.states ?? 0) * n),
        cache: track((cell.caches ?? 0) * n, false),
      };
    });
    this.lasting = [this.x, this.y, this.given, this.dt, ...this.nodes.flatMap(({ h, s }) => [h, s])].filter(
      (candidate) => candidate.length > 0,
    );
    this.length = length;
  }

  get byteLength(): number {
    return this.length * this.#bytes;
  }

  /** Lays the tape at a byte pointer. */
  bind(pointer: number): void {
    for (const { track, offset } of this.#tracks) track.pointer = pointer + offset * this.#bytes;
  }
}

/** Copies rows of sources and states from one tape of a program to another, or to earlier rows of the same. */
export function copyRows(
  k: Kernels,
  from: Tape,
  fromRow: number,
  to: Tape,
  toRow: number,
  rows: number,
): void {
  for (let i = 0; i < from.lasting.length; i++) {
    const a = from.lasting[i];
    const b = to.lasting[i];
    k.copy(b.pointer + toRow * b.step, a.pointer + fromRow * a.step, rows * a.length);
  }
}
