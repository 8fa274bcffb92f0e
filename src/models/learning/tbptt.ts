import { check, checkLength, checkWhole, checkWord } from "../checks.ts";
import type { Block, Layout, Reals, Slice } from "../kernels/layout.ts";
import { backward } from "../network/backward.ts";
import { type Diagnosis, diagnose } from "../network/diagnostics.ts";
import { LiveNetwork } from "../network/live.ts";
import type { Network } from "../network/network.ts";
import { rerun } from "../network/rerun.ts";
import { Tape } from "../network/tape.ts";
import { rowAt } from "../network/tracks.ts";
import { Workspace } from "../network/workspace.ts";
import type { Readout } from "../readouts/readout.ts";
import { squared } from "../readouts/squared.ts";
import type { Optimiser } from "./optimisers.ts";
import { type LearnerGuards, Updater, type UpdaterOptions } from "./updater.ts";

export interface LearnerOptions extends UpdaterOptions {
  /** k1: an update every so many steps. Default 16. */
  readonly every?: number;
  /** k2: back through so many steps. Default `every`. */
  readonly through?: number;
  /** Steps whose loss counts: the whole window, or those since the last update. Default window. */
  readonly lossSteps?: "window" | "new";
  /** Default: squared error of all outputs. */
  readonly readout?: Readout;
}

const UPDATES = 0;
const CONSIDERED = 1;
const LOSS = 2;
const NORM = 3;

/**
 * Truncated backpropagation through time, online: TBPTT(k1, k2) (Williams & Peng 1990). Every k1 steps back through the
 * last k2; the state carried is what the live steps made, never recomputed; it is a constant at the window's edge.
 * With k1 < k2 the parameters have changed inside the window: its steps are run again from the stored state, in scratch.
 *
 * Per event: `step(x)`, then `label` for every position whose label exists now (lag 0 is the step just made), then
 * `learn()`. A label that has not come is NaN and teaches nothing. Where labels come late, k2 > k1 plus the delay keeps
 * every position in the window until it has them; with k1 = k2 a window is let go once it has been learned from.
 *
 * Cost per event: one step, and k2/k1 times (a step again unless k1 = k2, and back: about two steps).
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const network = new Network(lstm({ inputs: 1, hidden: 8, outputs: 1 }), layout);
 * const learner = new OnlineLearner(network, layout, { every: 4, through: 8, optimiser: { kind: "adam", rate: 0.01 } });
 * layout.allocate();
 * for (let t = 0; t < 400; t++) {
 *   learner.step([Math.sin(t / 3)]);
 *   learner.label(0, [Math.sin((t + 1) / 3)]);
 *   learner.learn();
 * }
 * learner.updates === 100 && learner.loss < 0.1; // true
 * ```
 */
export class OnlineLearner {
  readonly network: Network;
  readonly live: LiveNetwork;
  readonly every: number;
  readonly through: number;
  readonly readout: Readout;
  readonly #newOnly: boolean;
  readonly #updater: Updater;
  /** [0] updates, [1] step last considered, [2] loss, [3] norm. */
  readonly #record: Slice<Float64Array>;
  readonly #again: Tape;
  readonly #z: Float64Array;
  readonly #d: Float64Array;
  readonly #dz: Float64Array;
  readonly #bytes: number;
  readonly #workspace: Workspace;
  #reals: Reals = new Float32Array(0);

  /** @throws EddyError `bad-argument` for an option out of range. */
  constructor(network: Network, layout: Layout, options: LearnerOptions = {}, name = "learner") {
    const { every = 16, through = every, lossSteps = "window" } = options;
    checkWhole("every", every);
    checkWhole("through", through, every);
    checkWord("lossSteps", lossSteps, ["window", "new"]);
    this.network = network;
    this.readout = options.readout ?? squared(network.outputs);
    checkReadout(this.readout, network);
    this.every = every;
    this.through = through;
    this.#newOnly = lossSteps === "new";
    const full = every === through;
    this.live = new LiveNetwork(
      network,
      layout,
      { history: through, full, labels: this.readout.targets },
      `${name}.live`,
    );
    const parameters = network.program.parameters;
    this.#updater = new Updater(layout, name, [parameters], options);
    this.#record = layout.float64(`${name}.record`, 4);
    this.#bytes = layout.arena.bytesPerReal;
    this.#again = full
      ? this.live.tape
      : new Tape(network.program, network.program.past + through, true, this.#bytes);
    this.#workspace = new Workspace(network.program, this.#again.rows, this.#bytes);
    this.#z = new Float64Array(this.readout.inputs);
    this.#d = new Float64Array(this.readout.targets);
    this.#dz = new Float64Array(this.readout.inputs);
    layout.whenAllocated((block) => this.#bind(block));
  }

  /** Updates made. */
  get updates(): number {
    return this.#record.view[UPDATES];
  }

  /** Mean loss of the last window considered, per labelled step, before its update. */
  get loss(): number {
    return this.#record.view[LOSS];
  }

  /** Global norm of the last gradient, before clipping. */
  get gradientNorm(): number {
    return this.#record.view[NORM];
  }

  /** Updates refused, by reason. */
  get guards(): LearnerGuards {
    return this.#updater.guards;
  }

  /** What the parameters are changed by. */
  get optimiser(): Optimiser {
    return this.#updater.optimisers[0];
  }

  /** The gradient of the last `learn` that returned true or was refused; valid until anything else learns. */
  get gradient(): Reals {
    const first = this.#workspace.gradient.pointer / this.#bytes;
    return this.#reals.subarray(first, first + this.network.program.parameters);
  }

  /** What the network remembers over its last steps; see `diagnose`. Cost: as many passes back as it has units. */
  diagnose(steps = Math.min(this.through, this.live.available)): Diagnosis {
    return diagnose(this.live, steps);
  }

  /** One step of the network; see `LiveNetwork.step`. */
  step(x: ArrayLike<number>, dt = 1): Float64Array {
    return this.live.step(x, dt);
  }

  /**
   * The labels of the step `lag` steps ago; 0 is the last one. NaN is "none yet": only numbers are written. A position
   * that has left the window is ignored. Returns whether it was still there.
   */
  label(lag: number, values: ArrayLike<number>): boolean {
    checkLength("label", values, this.live.labelLength);
    if (!this.#reaches(lag)) return false;
    const { labels, labelLength } = this.live;
    const at = (this.live.row - lag) * labelLength;
    for (let i = 0; i < labelLength; i++) if (!Number.isNaN(values[i])) labels.view[at + i] = values[i];
    return true;
  }

  /** One label: target `index` of the step `lag` steps ago. */
  labelAt(lag: number, index: number, value: number): boolean {
    const { labelLength: D } = this.live;
    check(index >= 0 && index < D, "label", () => `an index below ${D}`, index);
    if (!this.#reaches(lag)) return false;
    const { labels, labelLength } = this.live;
    labels.view[(this.live.row - lag) * labelLength + index] = value;
    return true;
  }

  #reaches(lag: number): boolean {
    return lag >= 0 && lag < Math.min(this.through, this.live.available);
  }

  /** Updates the parameters when a window is due, that is after every k1-th step. Returns whether they changed. */
  learn(): boolean {
    const { live, network } = this;
    const record = this.#record.view;
    const { steps } = live;
    if (steps === 0 || steps % this.every !== 0 || record[CONSIDERED] === steps) return false;
    record[CONSIDERED] = steps;
    const L = Math.min(this.through, live.available);
    const { past, firstStep } = network.program;
    const lossSteps = this.#newOnly ? Math.min(this.every, L) : L;
    const tape = this.#again;
    let first = live.row + 1 - L;
    // With k1 = k2 the parameters have not changed since the window began: the live tape is what a re-run would give.
    if (tape !== live.tape) {
      rerun(live, L, tape);
      first = past;
    }
    const workspace = this.#workspace;
    const k = network.kernels;
    workspace.clear(k);
    const loss = this.#lossGradients(
      tape,
      workspace,
      first + L - lossSteps,
      lossSteps,
      live.row + 1 - lossSteps,
    );
    if (loss === undefined) return false;
    const fromStart = L === steps && network.program.nodes.some((node) => node.start >= 0);
    const last = first + L - 1;
    backward(network, tape, workspace, { first, last, time: steps - L + firstStep, fromStart });
    const made = this.#updater.update(k, loss, workspace.gradient.pointer, network.parameters.pointer);
    record[LOSS] = loss;
    record[NORM] = this.#updater.norm;
    if (made) record[UPDATES] = record[UPDATES] + 1;
    return made;
  }

  /** Puts dL/do into the workspace; the mean loss per labelled step, or undefined when no step has a label. */
  #lossGradients(
    tape: Tape,
    workspace: Workspace,
    first: number,
    count: number,
    labelRow: number,
  ): number | undefined {
    const { index } = this.network.program.output;
    const o = tape.nodes[index].h;
    const dOut = workspace.dh[index];
    const { labels, labelLength } = this.live;
    const reals = this.#reals;
    let loss = 0;
    let labelled = 0;
    for (let i = 0; i < count; i++) {
      let any = false;
      const l = (labelRow + i) * labelLength;
      for (let j = 0; j < labelLength; j++) {
        this.#d[j] = labels.view[l + j];
        if (!Number.isNaN(this.#d[j])) any = true;
      }
      if (!any) continue;
      labelled++;
      const z = rowAt(o, first + i) / this.#bytes;
      for (let j = 0; j < o.length; j++) this.#z[j] = reals[z + j];
      loss += this.readout.loss(this.#dz, this.#z, this.#d);
      const dz = rowAt(dOut, first + i) / this.#bytes;
      for (let j = 0; j < o.length; j++) reals[dz + j] = this.#dz[j];
    }
    if (labelled === 0) return undefined;
    this.network.kernels.scale(rowAt(dOut, first), 1 / labelled, count * o.length);
    return loss / labelled;
  }

  #bind(block: Block): void {
    const { live, network } = this;
    const { buffer } = block.kernels;
    this.#reals = this.#bytes === 8 ? new Float64Array(buffer) : new Float32Array(buffer);
    const own = this.#again !== live.tape;
    const tapeBytes = own ? this.#again.byteLength : 0;
    const pointer = block.scratch(tapeBytes + this.#workspace.byteLength);
    if (own) this.#again.bind(pointer, network.context.pointer);
    this.#workspace.bind(pointer + tapeBytes);
  }
}

/** A readout that reads all outputs of a network and nothing else. @throws EddyError `bad-argument` */
export function checkReadout(readout: Readout, { outputs }: Network): void {
  const expected = `one of ${outputs} numbers, as many as the network's outputs`;
  check(readout.inputs === outputs, "readout", expected, readout.inputs);
}
