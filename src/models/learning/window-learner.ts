import { checkLength, checkWhole } from "../checks.ts";
import type { Layout, Reals, Slice } from "../kernels/layout.ts";
import type { Network } from "../network/network.ts";
import { type Sequence, Window } from "../network/window.ts";
import type { Readout } from "../readouts/readout.ts";
import { squared } from "../readouts/squared.ts";
import { checkReadout } from "./tbptt.ts";
import { type LearnerGuards, Updater, type UpdaterOptions } from "./updater.ts";

export interface WindowLearnerOptions extends UpdaterOptions {
  readonly readout?: Readout;
}

/**
 * Learns from whole sequences: forward over a window, back through all of it, one update. For nets that look ahead, and
 * for recordings cut into sequences. The gradient is that of the mean loss per labelled step.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const network = new Network(bidirectional({ inputs: 1, hidden: 6, outputs: 1 }), layout);
 * const learner = new WindowLearner(network, layout, 8, { optimiser: { kind: "adam", rate: 0.01 } });
 * layout.allocate();
 * const x = Float64Array.of(1, -1, 1, 1, -1, 1, -1, -1);
 * const before = learner.learn({ x }, x);
 * for (let i = 0; i < 200; i++) learner.learn({ x }, x);
 * learner.loss < before; // true
 * ```
 */
export class WindowLearner {
  readonly network: Network;
  readonly readout: Readout;
  readonly #capacity: number;
  readonly #updater: Updater;
  /** [0] updates, [1] last loss. */
  readonly #record: Slice<Float64Array>;
  readonly #gradient: Slice<Reals>;
  #window: Window | undefined;

  /**
   * @param capacity the longest sequence, in steps
   * @throws EddyError `bad-argument` for an option out of range
   */
  constructor(
    network: Network,
    layout: Layout,
    capacity: number,
    options: WindowLearnerOptions = {},
    name = "learner",
  ) {
    const { parameters } = network.program;
    this.network = network;
    this.readout = options.readout ?? squared(network.outputs);
    checkWhole("window", capacity);
    checkReadout(this.readout, network);
    this.#capacity = capacity;
    this.#updater = new Updater(layout, name, [parameters], options);
    this.#record = layout.float64(`${name}.record`, 2);
    this.#gradient = layout.real(`${name}.gradient`, parameters);
  }

  get updates(): number {
    return this.#record.view[0];
  }

  /** Mean loss per labelled step of the last sequence, before its update. */
  get loss(): number {
    return this.#record.view[1];
  }

  get guards(): LearnerGuards {
    return this.#updater.guards;
  }

  /** The unfolded network. */
  get window(): Window {
    this.#window ??= new Window(this.network, this.#capacity);
    return this.#window;
  }

  /**
   * One update from one sequence. `labels` [T × targets], NaN where there is none; a step without any label counts
   * for nothing. Returns the mean loss per labelled step, NaN when no step has a label.
   */
  learn(sequence: Sequence, labels: ArrayLike<number>): number {
    const { network, readout, window } = this;
    const outputs = window.forward(sequence);
    const O = network.outputs;
    const D = readout.targets;
    const T = outputs.length / O;
    checkLength("labels", labels, T * D);
    const dOutputs = new Float64Array(outputs.length);
    const d = new Float64Array(D);
    let loss = 0;
    let labelled = 0;
    for (let t = 0; t < T; t++) {
      for (let j = 0; j < D; j++) d[j] = labels[t * D + j];
      if (d.every(Number.isNaN)) continue;
      labelled++;
      const row = dOutputs.subarray(t * O, (t + 1) * O);
      loss += readout.loss(row, outputs.subarray(t * O, (t + 1) * O), d);
    }
    if (labelled === 0) return Number.NaN;
    const record = this.#record.view;
    record[1] = loss / labelled;
    for (let i = 0; i < dOutputs.length; i++) dOutputs[i] /= labelled;
    this.#gradient.view.set(window.backward(dOutputs).parameters);
    const { pointer } = network.parameters;
    const made = this.#updater.update(network.kernels, loss, this.#gradient.pointer, pointer);
    if (made) record[0] = record[0] + 1;
    return record[1];
  }
}
