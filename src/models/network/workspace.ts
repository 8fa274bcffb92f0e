import type { Kernels } from "../kernels/open.ts";
import type { Program } from "./program.ts";
import { type Track, TrackPlan } from "./tracks.ts";

/** Working memory of one backward pass over a tape of as many rows. Letters as in `Place`. */
export class Workspace {
  /** dL/dh and dL/dz per node and row of the tape. */
  readonly dh: readonly Track[];
  readonly dz: readonly Track[];
  /** dL/ds, one per node: it flows from step to step. */
  readonly ds: readonly Track[];
  /** Gradients by the sources. */
  readonly dx: Track;
  readonly dy: Track;
  readonly dc: Track;
  /** The parameters' gradient [P]. */
  readonly gradient: Track;
  /** Vectors that a cell writes and nobody reads later. */
  readonly temporary: Track;
  /** What is added to and begins at zero: the first `#sums` elements, and these parts of the gradient. */
  readonly #sums: number;
  readonly #added: readonly Part[];
  readonly #plan: TrackPlan;

  constructor(program: Program, rows: number, bytesPerReal: number) {
    const { nodes, x, y, c, parameters } = program;
    const plan = new TrackPlan(bytesPerReal);
    this.dh = nodes.map(({ n }) => plan.rows(n, rows));
    this.ds = nodes.map(({ cell, n }) => plan.row((cell.states ?? 0) * n));
    this.dx = plan.rows(x, rows);
    this.dy = plan.rows(y, rows);
    this.dc = plan.row(c);
    this.#sums = plan.length;
    this.gradient = plan.row(parameters);
    this.dz = nodes.map(({ width }) => plan.rows(width, rows));
    this.temporary = plan.row(Math.max(...nodes.map(({ cell, n }) => (cell.temporaries ?? 0) * n)));
    this.#added = addedParts(program);
    this.#plan = plan;
  }

  get byteLength(): number {
    return this.#plan.length * this.#plan.bytesPerReal;
  }

  /** Lays the workspace at a byte pointer. */
  bind(pointer: number): void {
    this.#plan.bind(pointer);
  }

  /** Zeroes what a backward pass adds to; the gradients by the outputs may then be put into `dh`. */
  clear(k: Kernels): void {
    k.fill(this.dh[0].pointer, 0, this.#sums);
    for (const { offset, length } of this.#added) {
      k.fill(this.gradient.pointer + offset * this.#plan.bytesPerReal, 0, length);
    }
  }
}

interface Part {
  readonly offset: number;
  readonly length: number;
}

/** The parts of the gradient that outer products and column sums do not overwrite: learned vectors, starts, and padding. */
function addedParts(program: Program): Part[] {
  const written: [number, number][] = [];
  for (const node of program.nodes) {
    for (const edge of node.edges) if (edge.offset >= 0) written.push([edge.offset, edge.n * edge.m]);
    if (node.bias >= 0) written.push([node.bias, node.width]);
  }
  written.sort(([a], [b]) => a - b);
  const parts: Part[] = [];
  let end = 0;
  for (const [offset, length] of [...written, [program.parameters, 0] as const]) {
    if (offset > end) parts.push({ offset: end, length: offset - end });
    end = offset + length;
  }
  return parts;
}
