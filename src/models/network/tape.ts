import type { Kernels } from "../kernels/open.ts";
import type { Program } from "./program.ts";
import { rowAt, type Track, TrackPlan } from "./tracks.ts";

/** The tracks of one node. `z` is `h` for cells that work in place. */
export interface NodeTracks {
  readonly z: Track;
  readonly h: Track;
  readonly s: Track;
  readonly cache: Track;
  /** What its edges read, in their order: the h of a node, or a source. */
  readonly origins: readonly Track[];
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
  /** The context vector, which is the network's and the same at every row. */
  readonly c: Track;
  readonly nodes: readonly NodeTracks[];
  /** Every track with a row of its own per step, in a fixed order: two tapes of one program match one to one. */
  readonly lasting: readonly Track[];
  readonly #plan: TrackPlan;

  constructor(program: Program, rows: number, full: boolean, bytesPerReal: number) {
    const plan = new TrackPlan(bytesPerReal);
    this.rows = rows;
    this.full = full;
    this.#plan = plan;
    const lasting = (length: number): Track => plan.rows(length, rows);
    const passing = (length: number): Track => (full ? plan.rows(length, rows) : plan.row(length));
    this.x = lasting(program.x);
    this.y = lasting(program.y);
    this.given = lasting(program.y > 0 ? 1 : 0);
    this.dt = lasting(1);
    this.c = { pointer: -1, step: 0, length: program.c };
    const nodes = program.nodes.map(({ cell, n, width }) => {
      const h = lasting(n);
      return {
        h,
        z: cell.inPlace ? h : passing(width),
        s: lasting((cell.states ?? 0) * n),
        cache: passing((cell.caches ?? 0) * n),
      };
    });
    this.nodes = program.nodes.map(({ edges }, i) => ({
      ...nodes[i],
      origins: edges.map(({ from }) => (typeof from === "number" ? nodes[from].h : this[from])),
    }));
    this.lasting = [this.x, this.y, this.given, this.dt, ...this.nodes.flatMap(({ h, s }) => [h, s])].filter(
      (candidate) => candidate.length > 0,
    );
  }

  /** Elements of the whole tape. */
  get length(): number {
    return this.#plan.length;
  }

  get byteLength(): number {
    return this.#plan.length * this.#plan.bytesPerReal;
  }

  /** Lays the tape at a byte pointer; `context`: where the network's context vector is. */
  bind(pointer: number, context: number): void {
    this.#plan.bind(pointer);
    this.c.pointer = context;
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
    k.copy(rowAt(to.lasting[i], toRow), rowAt(a, fromRow), rows * a.length);
  }
}
