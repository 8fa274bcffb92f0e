import { checkLength, checkWhole } from "../checks.ts";
import { EddyError, printable } from "../errors.ts";
import type { Block, Layout, Reals, Slice } from "../kernels/layout.ts";
import { forward, start } from "./forward.ts";
import type { Network } from "./network.ts";
import { LARGEST_INPUT, withinReach } from "./reach.ts";
import { copyRows, Tape } from "./tape.ts";
import { rowAt, type Track } from "./tracks.ts";

export interface LiveOptions {
  /** Steps of history that stay readable behind the current one, for learning. Default 0. */
  readonly history?: number;
  /** Keep all that a backward pass needs instead of recomputing it. */
  readonly full?: boolean;
  /** Length of a row of labels kept with each step. Default 0. */
  readonly labels?: number;
}

const ROW = 0;
const STEPS = 1;
const RESETS = 2;

/**
 * A network in time: one `step` per event, its state carried from event to event in slices of the caller's layout.
 * Memory and time per step are constant. The tape is a run of rows; when it is full, the history moves to its front.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const network = new Network(esn({ inputs: 1, units: 50 }), layout);
 * const live = new LiveNetwork(network, layout);
 * layout.allocate();
 * for (let t = 0; t < 10; t++) live.step([Math.sin(t)]);
 * live.steps === 10 && live.output.length === 50; // true
 * ```
 */
export class LiveNetwork {
  readonly network: Network;
  readonly tape: Tape;
  /** Labels, one row per row of the tape; NaN where there is none. */
  readonly labels: Slice<Reals>;
  readonly labelLength: number;
  readonly #history: number;
  readonly #output: Float64Array;
  readonly #slice: Slice<Reals>;
  /** [0] the row to be written next, [1] steps so far, [2] times the state was begun anew. */
  readonly #clock: Slice<Float64Array>;
  #reals: Reals = new Float32Array(0);
  #bytes: number;

  /**
   * @throws EddyError `bad-model` for a network that looks ahead, which needs a window; `bad-argument` for an option out of
   * range
   */
  constructor(network: Network, layout: Layout, options: LiveOptions = {}, name = "live") {
    const { history = 0, full = false, labels = 0 } = options;
    const { program } = network;
    checkWhole("history", history, 0);
    checkWhole("labels", labels, 0);
    if (program.future > 0) {
      const ahead = program.nodes.find((node) => node.edges.some((edge) => edge.delay < 0))!;
      const edge = ahead.edges.find((candidate) => candidate.delay < 0)!;
      throw new EddyError("bad-model", `node ${ahead.name}, edge ${edge.label}`, {
        expected: "no negative delay in live use",
        received: String(edge.delay),
        hint: "a fixed-lag window may look ahead",
      });
    }
    this.network = network;
    this.labelLength = labels;
    this.#bytes = layout.arena.bytesPerReal;
    this.#history = full ? 0 : history;
    // A full tape begins again after each window; a lean one moves its history once per as many steps.
    const rows = program.past + history + (full ? 0 : Math.max(history, 4));
    this.tape = new Tape(program, rows, full, this.#bytes);
    this.#output = new Float64Array(network.outputs);
    this.#slice = layout.real(`${name}.tape`, this.tape.length);
    this.labels = layout.real(`${name}.labels`, labels * rows);
    this.#clock = layout.float64(`${name}.clock`, 3);
    layout.whenAllocated((block) => this.#bind(block));
  }

  /** Steps since the start. */
  get steps(): number {
    return this.#clock.view[STEPS];
  }

  /** The output of the last step; the array is reused. */
  get output(): Float64Array {
    this.#readOutput(this.row);
    return this.#output;
  }

  /** Times the state was begun anew because an output was not finite. */
  get resets(): number {
    return this.#clock.view[RESETS];
  }

  /** Row of the tape that the last step was written to. */
  get row(): number {
    return this.#clock.view[ROW] - 1;
  }

  /** Steps, the last one included, whose rows are on the tape. */
  get available(): number {
    return Math.min(this.steps, this.row + 1 - this.network.program.past);
  }

  /** Time t of the last step, as periods count it. */
  get time(): number {
    return this.steps - 1 + this.network.program.firstStep;
  }

  /**
   * Takes the features x of one event and returns the output. `dt` is the time since the last step in usual steps:
   * leaky units decay by it. The returned array is reused. Until `feedback` says otherwise, the network's own output
   * is what `y` edges will read.
   * @throws EddyError `bad-number` for a feature that is not finite, or a dt below 0; nothing has changed then.
   */
  step(x: ArrayLike<number>, dt = 1): Float64Array {
    const { program } = this.network;
    const clock = this.#clock.view;
    checkLength("x", x, program.x);
    if (!(dt >= 0 && dt < Number.POSITIVE_INFINITY)) {
      throw new EddyError("bad-number", "dt", {
        expected: "a finite number of steps from 0",
        received: String(dt),
      });
    }
    if (clock[ROW] >= this.tape.rows) this.#shift();
    const row = clock[ROW];
    const { tape } = this;
    const reals = this.#reals;
    const at = rowAt(tape.x, row) / this.#bytes;
    for (let i = 0; i < program.x; i++) {
      const value = x[i];
      if (!(Math.abs(value) <= LARGEST_INPUT)) reals[at + i] = cut(value, i);
      else reals[at + i] = value;
    }
    reals[rowAt(tape.dt, row) / this.#bytes] = dt;
    forward(this.network, tape, row, clock[STEPS] + program.firstStep);
    clock[ROW] = row + 1;
    clock[STEPS] = clock[STEPS] + 1;
    if (this.labelLength > 0) {
      // A loop: the built-in fill costs more than a whole step of a small net.
      const { view } = this.labels;
      for (let i = row * this.labelLength; i < (row + 1) * this.labelLength; i++) view[i] = Number.NaN;
    }
    if (!this.#readOutput(row)) {
      // A state that has left the numbers never comes back by itself: this series alone starts afresh.
      start(this.network, tape, row);
      clock[RESETS] = clock[RESETS] + 1;
      this.#readOutput(row);
    }
    if (program.y > 0) this.#writeY(row, this.#output, 0);
    return this.#output;
  }

  /** The target as it was observed at the last step: what `y` edges will read (teacher forcing). NaN: the own output stays. */
  feedback(y: ArrayLike<number>): void {
    checkLength("y", y, this.network.program.y);
    for (let i = 0; i < y.length; i++) if (!Number.isFinite(y[i])) return;
    this.#writeY(this.#clock.view[ROW] - 1, y, 1);
  }

  /** The context vector c, fixed from here on; before the first step it also sets the start h(0) = tanh(R c). */
  setContext(c: ArrayLike<number>): void {
    const { context, program } = this.network;
    checkLength("c", c, program.c);
    context.view.set(c);
    if (this.steps === 0) start(this.network, this.tape, program.past - 1);
  }

  /** A copy of the hidden state of a node (or with `what` "s" its cell state), written to `out` from `offset` on. */
  readState(node: string, out?: Float64Array, offset = 0, what: "h" | "s" = "h"): Float64Array {
    const track = this.#track(node, what);
    const target = out ?? new Float64Array(track.length);
    const at = rowAt(track, this.row) / this.#bytes;
    for (let i = 0; i < track.length; i++) target[offset + i] = this.#reals[at + i];
    return target;
  }

  /** Byte pointer of the hidden state of node `index` after the last step, for kernels. Moves with every step. */
  statePointer(index: number): number {
    return rowAt(this.tape.nodes[index].h, this.row);
  }

  /** Sets the state that the next step starts from. */
  writeState(node: string, values: ArrayLike<number>, what: "h" | "s" = "h"): void {
    const track = this.#track(node, what);
    checkLength(`state ${what} of ${node}`, values, track.length);
    this.#reals.set(values, rowAt(track, this.row) / this.#bytes);
  }

  /** Begins anew: no history, the start state, t at its first step. Parameters stay. */
  reset(): void {
    const { past } = this.network.program;
    this.#slice.view.fill(0);
    this.labels.view.fill(Number.NaN);
    this.#clock.view[ROW] = past;
    this.#clock.view[STEPS] = 0;
    start(this.network, this.tape, past - 1);
  }

  #track(node: string, what: "h" | "s"): Track {
    return this.tape.nodes[this.network.nodeIndex(node)][what];
  }

  /** Copies the output of a row; false where it is not finite. */
  #readOutput(row: number): boolean {
    const { h } = this.tape.nodes[this.network.program.output.index];
    const at = rowAt(h, row) / this.#bytes;
    for (let i = 0; i < h.length; i++) {
      const value = this.#reals[at + i];
      this.#output[i] = value;
      if (!Number.isFinite(value)) return false;
    }
    return true;
  }

  #writeY(row: number, y: ArrayLike<number>, given: 0 | 1): void {
    const { tape } = this;
    const at = rowAt(tape.y, row) / this.#bytes;
    // Outputs that describe a distribution begin with what is fed back, such as its mean.
    for (let i = 0; i < this.network.program.y; i++) {
      this.#reals[at + i] = withinReach(y[i]);
    }
    this.#reals[rowAt(tape.given, row) / this.#bytes] = given;
  }

  #shift(): void {
    const { past } = this.network.program;
    const kept = past + this.#history;
    const clock = this.#clock.view;
    const from = clock[ROW] - kept;
    copyRows(this.network.kernels, this.tape, from, this.tape, 0, kept);
    this.labels.view.copyWithin(0, from * this.labelLength, (from + kept) * this.labelLength);
    clock[ROW] = kept;
  }

  #bind(block: Block): void {
    this.tape.bind(this.#slice.pointer, this.network.context.pointer);
    const { buffer } = block.kernels;
    this.#reals = this.#bytes === 8 ? new Float64Array(buffer) : new Float32Array(buffer);
    this.reset();
  }
}

function cut(value: number, index: number): number {
  if (Number.isFinite(value)) return withinReach(value);
  throw new EddyError("bad-number", `x[${index}]`, {
    expected: "a finite number",
    received: printable(value),
  });
}
