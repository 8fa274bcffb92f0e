import { EddyError, printable } from "../errors.ts";
import type { Block, Reals } from "../kernels/layout.ts";
import { backward } from "./backward.ts";
import { carryOutput, forward, start } from "./forward.ts";
import type { LiveNetwork } from "./live.ts";
import type { Network } from "./network.ts";
import { withinReach } from "./reach.ts";
import { rerun } from "./rerun.ts";
import { Tape } from "./tape.ts";
import { rowsOf, type Track } from "./tracks.ts";
import { Workspace } from "./workspace.ts";

/** A sequence for a window: everything row by row in time, [T × length]. */
export interface Sequence {
  readonly x: ArrayLike<number>;
  /** Steps; default: as many as rows of x. */
  readonly steps?: number;
  /** Targets for `y` edges, one row per step; a row with NaN (or none at all): the network's own output runs free. */
  readonly y?: ArrayLike<number>;
  /** y(0), what `y(1)` reads at the first step. Default zero. */
  readonly y0?: ArrayLike<number>;
  readonly context?: ArrayLike<number>;
  /** Time since the previous step, one per step. Default 1. */
  readonly dt?: ArrayLike<number>;
  /** States before the first step by node: `{ h: [...] }`, cell states as `"h.s"`. Default: as the network starts. */
  readonly start?: Readonly<Record<string, ArrayLike<number>>>;
}

/** Gradients of a loss, by what they belong to. */
export interface WindowGradients {
  /** By the parameters [P]; `network.read(name, gradient)` cuts it up. */
  readonly parameters: Float64Array;
  /** By x [T × length]. */
  readonly x: Float64Array;
  readonly y0: Float64Array;
  readonly context: Float64Array;
  /** By the states before the first step, named as in `Sequence.start`. */
  readonly start: Readonly<Record<string, Float64Array>>;
}

/**
 * A network unfolded over a whole sequence: forward, and back through all of it. Nodes that run from right to left may
 * take part, which makes this the place for smoothing and for the filling of gaps. Lives in scratch memory: nothing of
 * it is remembered.
 *
 * Cost: forward as many live steps; back about twice that.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const network = new Network(elman({ inputs: 1, hidden: 4, outputs: 1, seed: 3 }), layout);
 * layout.allocate();
 * const window = new Window(network, 5);
 * const o = window.forward({ x: [1, 0, 0, 0, 0] });
 * const gradients = window.backward(o); // of the loss ½ Σ o²
 * gradients.x.length === 5; // true
 * ```
 */
export class Window {
  readonly network: Network;
  /** Largest number of steps. */
  readonly capacity: number;
  readonly #tape: Tape;
  readonly #workspace: Workspace;
  #steps = 0;
  #fromStart = true;
  #firstTime = 1;

  constructor(network: Network, capacity: number) {
    if (!(Number.isInteger(capacity) && capacity >= 1)) {
      throw new EddyError("bad-argument", "window", {
        expected: "a whole number of steps from 1",
        received: printable(capacity),
      });
    }
    const { past, future } = network.program;
    this.network = network;
    this.capacity = capacity;
    const rows = past + capacity + future;
    this.#tape = new Tape(network.program, rows, true, network.bytesPerReal);
    this.#workspace = new Workspace(network.program, rows, network.bytesPerReal);
  }

  /** Runs the sequence; returns the outputs [T × outputs]. */
  forward(sequence: Sequence): Float64Array {
    const { network } = this;
    const { program } = network;
    const steps = sequence.steps ?? (program.x > 0 ? sequence.x.length / program.x : 0);
    if (!(Number.isInteger(steps) && steps >= 1 && steps <= this.capacity)) {
      throw new EddyError("bad-argument", "sequence", {
        expected: `1 to ${this.capacity} rows of ${program.x} numbers`,
        received: `${sequence.x.length} numbers`,
      });
    }
    this.#steps = steps;
    this.#firstTime = program.firstStep;
    this.#open();
    this.#load(sequence);
    const { past, firstStep, stages } = program;
    for (const { nodes, direction } of stages) {
      for (let i = 0; i < steps; i++) {
        const row = past + (direction === 1 ? i : steps - 1 - i);
        forward(network, this.#tape, row, row - past + firstStep, nodes, direction);
        if (direction === 1 && program.y > 0) carryOutput(network, this.#tape, row);
      }
    }
    return this.states(program.output.name);
  }

  /**
   * Runs the last `steps` steps of a live network again, with the parameters as they are now; `backward` may follow.
   * @throws EddyError `bad-argument` when so many are not on its tape.
   */
  replay(live: LiveNetwork, steps: number): Float64Array {
    const most = Math.min(this.capacity, live.available);
    if (!(Number.isInteger(steps) && steps >= 1 && steps <= most)) {
      throw new EddyError("bad-argument", "replay", {
        expected: `1 to ${most} steps, as many as are kept`,
        received: printable(steps),
      });
    }
    this.#steps = steps;
    this.#firstTime = live.steps - steps + this.network.program.firstStep;
    this.#fromStart = live.steps === steps;
    this.#open();
    rerun(live, steps, this.#tape);
    return this.states(this.network.program.output.name);
  }

  /** The states of a node [T × size] in the last sequence; what: h, s, the blocks of z, or the cell's cache. */
  states(node: string, what: "h" | "s" | "z" | "cache" = "h"): Float64Array {
    const track = this.#tape.nodes[this.network.nodeIndex(node)][what];
    return Float64Array.from(this.#view(track, this.network.program.past, this.#steps));
  }

  /** The state of a node before the first step, as the last sequence began. */
  startOf(node: string): Float64Array {
    const track = this.#tape.nodes[this.network.nodeIndex(node)].h;
    return Float64Array.from(this.#view(track, this.network.program.past - 1, 1));
  }

  /** ∂L/∂h(0) of a node when L depends only on its own state at step `step` (from 0), with the gradient `seed` [n] there. */
  backwardFrom(node: string, step: number, seed: ArrayLike<number>): Float64Array {
    const { network } = this;
    const { past } = network.program;
    const workspace = this.#workspace;
    const track = workspace.dh[network.nodeIndex(node)];
    workspace.clear(network.kernels);
    this.#view(track, past + step, 1).set(seed);
    const last = past + step;
    backward(network, this.#tape, workspace, { first: past, last, time: this.#firstTime, inputs: true });
    return Float64Array.from(this.#view(track, past - 1, 1));
  }

  /** dL/dz of a node [T × blocks · size] as the last `backward` left it: what a nudge at each step would have done. */
  preactivationGradients(node: string): Float64Array {
    const track = this.#workspace.dz[this.network.nodeIndex(node)];
    return Float64Array.from(this.#view(track, this.network.program.past, this.#steps));
  }

  /** Back through the sequence just run, from the gradients by the outputs [T × outputs]. */
  backward(dOutputs: ArrayLike<number>): WindowGradients {
    const { network } = this;
    const { program } = network;
    const { past } = program;
    const workspace = this.#workspace;
    if (this.#steps === 0 || dOutputs.length !== this.#steps * network.outputs) {
      throw new EddyError("bad-argument", "gradients by the outputs", {
        expected: `${this.#steps} × ${network.outputs} numbers, after forward`,
        received: String(dOutputs.length),
      });
    }
    workspace.clear(network.kernels);
    this.#view(workspace.dh[program.output.index], past, this.#steps).set(dOutputs);
    const last = past + this.#steps - 1;
    backward(network, this.#tape, workspace, {
      first: past,
      last,
      time: this.#firstTime,
      inputs: true,
      fromStart: this.#fromStart,
    });
    const copy = (track: Track, row: number, rows: number): Float64Array =>
      Float64Array.from(this.#view(track, row, rows));
    const starts: Record<string, Float64Array> = {};
    for (const node of program.nodes) {
      starts[node.name] = copy(workspace.dh[node.index], past - 1, 1);
      const states = (node.cell.states ?? 0) * node.n;
      if (states > 0) starts[`${node.name}.s`] = copy(workspace.ds[node.index], 0, 1);
    }
    return {
      parameters: copy(workspace.gradient, 0, 1),
      x: copy(workspace.dx, past, this.#steps),
      y0: copy(workspace.dy, past - 1, 1),
      context: copy(workspace.dc, 0, 1),
      start: starts,
    };
  }

  #open(): void {
    const { network } = this;
    const block: Block = network.block;
    const tapeBytes = Math.ceil(this.#tape.byteLength / 64) * 64;
    const pointer = block.scratch(tapeBytes + this.#workspace.byteLength);
    this.#tape.bind(pointer, network.context.pointer);
    this.#workspace.bind(pointer + tapeBytes);
    network.kernels.fill(pointer, 0, tapeBytes / network.bytesPerReal);
  }

  #load(sequence: Sequence): void {
    const { network } = this;
    const { program } = network;
    const { past } = program;
    const tape = this.#tape;
    if (sequence.context) network.context.view.set(sequence.context);
    this.#fromStart = sequence.start === undefined;
    start(network, tape, past - 1);
    for (const [name, values] of Object.entries(sequence.start ?? {})) {
      const [node, what] = name.split(".") as [string, string | undefined];
      const tracks = tape.nodes[network.nodeIndex(node)];
      this.#view(what === "s" ? tracks.s : tracks.h, past - 1, 1).set(values);
    }
    const x = this.#view(tape.x, past, this.#steps);
    for (let i = 0; i < x.length; i++) x[i] = withinReach(sequence.x[i]);
    const dt = this.#view(tape.dt, past, this.#steps);
    if (sequence.dt) dt.set(slice(sequence.dt, this.#steps));
    else dt.fill(1);
    if (program.y === 0) return;
    if (sequence.y0) this.#view(tape.y, past - 1, 1).set(sequence.y0);
    this.#view(tape.given, past - 1, 1)[0] = 1;
    const free = this.#freeRows(sequence);
    const y = this.#view(tape.y, past, this.#steps);
    const given = this.#view(tape.given, past, this.#steps);
    for (let i = 0; i < this.#steps; i++) {
      given[i] = free[i] ? 0 : 1;
      if (!free[i])
        for (let j = 0; j < program.y; j++)
          y[i * program.y + j] = withinReach(sequence.y![i * program.y + j]);
    }
  }

  /** Which steps feed their own output back. */
  #freeRows({ y }: Sequence): boolean[] {
    const width = this.network.program.y;
    return Array.from({ length: this.#steps }, (_, i) => {
      for (let j = 0; j < width; j++) if (!Number.isFinite(y?.[i * width + j])) return true;
      return false;
    });
  }

  #view(track: Track, row: number, rows: number): Reals {
    return rowsOf(this.network.reals, track, row, rows);
  }
}

function slice(values: ArrayLike<number>, length: number): ArrayLike<number> {
  return values.length === length ? values : Array.prototype.slice.call(values, 0, length);
}
