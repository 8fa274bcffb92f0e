import { checkWhole, checkWord } from "../checks.ts";
import { EddyError } from "../errors.ts";
import type { Layout, Reals, Slice } from "../kernels/layout.ts";
import type { Kernels } from "../kernels/open.ts";
import { type LearnerGuards, Updater, type UpdaterOptions } from "../learning/updater.ts";
import { LiveNetwork } from "../network/live.ts";
import { Network } from "../network/network.ts";
import { Window } from "../network/window.ts";
import type { Wiring } from "../network/wiring.ts";
import { endOfSequence } from "../readouts/end-of-sequence.ts";
import { softplus } from "../readouts/logistic.ts";
import { poisson } from "../readouts/poisson.ts";
import type { Random, Readout } from "../readouts/readout.ts";
import { encodedLength, type LengthModel } from "./sequence-wiring.ts";

export interface SequenceModelOptions extends UpdaterOptions {
  /** The net, such as `sequenceWiring` makes: its node `h` is read by the length output. */
  readonly wiring: Wiring;
  /** The distribution of one row of values: squared (a normal of variance 1), gaussian, softmax, poisson. */
  readonly readout: Readout;
  /** How the length is modelled. Default "end". */
  readonly length?: LengthModel;
  /** Longest sequence that is scored or learned. Default 256. */
  readonly longest?: number;
}

/** log P of one whole sequence and its parts. */
export interface SequenceLikelihood {
  /** log P(x(1..τ), τ) = logLength + Σ logValues. */
  readonly log: number;
  /** log P(τ), for "end" given the values as they came. */
  readonly logLength: number;
  /** log P(x(t) | x(1..t−1), …), one per step. */
  readonly logValues: Float64Array;
  /** With "end": log P(the sequence goes on past step t), one per step. With "count": empty. */
  readonly logSurvival: Float64Array;
}

const end = endOfSequence();
const count = poisson();

/**
 * Whole sequences of any length: P(x(1..τ), τ), to score, to learn and to draw from (Goodfellow, Bengio & Courville, Deep
 * Learning, section 10.2.3). The length is modelled in one of two ways:
 *
 *     end:    p(t) = σ(z(t)) = P(τ = t | τ >= t), z one more output;   log P(τ) = log p(τ) + Σ_{t<τ} log(1 − p(t))
 *     count:  τ ~ Poisson(rate), rate = softplus(c_τ + V_τ h(0)); the steps left, τ − t, are one more input
 *
 * and log P(x, τ) = log P(τ) + Σ_t log P(x(t) | x(1..t−1) [, τ]). At step t the net has seen x up to t − 1; x(0) = 0.
 *
 * All that is learned is in the layout: the network's parameters, V_τ and c_τ, the optimiser's moments. Gradients are by
 * full back-propagation through the sequence. Cost: as many steps as values, back twice that.
 *
 * @example
 * ```ts
 * const readout = categories(3);
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const wiring = sequenceWiring({ readout, hidden: 8, seed: 1 });
 * const sessions = new SequenceModel(layout, "sessions", { wiring, readout, optimiser: { kind: "adam", rate: 0.01 } });
 * layout.allocate();
 * const before = sessions.likelihood([0, 1, 2]).log;
 * for (let i = 0; i < 200; i++) sessions.learn([0, 1, 2]);
 * before < -4 && sessions.likelihood([0, 1, 2]).log > -1; // true
 * ```
 */
export class SequenceModel {
  readonly network: Network;
  readonly readout: Readout;
  readonly length: LengthModel;
  readonly longest: number;
  /** V_τ [hidden], then c_τ; empty when an output ends the sequence. */
  readonly lengthParameters: Slice<Reals>;
  /** Gradients of −log P: by the network's parameters, then by the length's. */
  readonly gradients: Slice<Reals>;
  readonly #live: LiveNetwork;
  readonly #updater: Updater;
  readonly #updates: Slice<Float64Array>;
  readonly #encoded: number;
  #window!: Window;
  #kernels!: Kernels;
  #contextGradient: Float64Array = new Float64Array(0);

  /** @throws EddyError `bad-model` when wiring, readout and length do not fit together. */
  constructor(layout: Layout, name: string, options: SequenceModelOptions) {
    const { wiring, readout, length = "end", longest = 256 } = options;
    checkWhole("longest", longest);
    checkWord("length", length, ["end", "count"]);
    if (Number.isNaN(readout.logNormaliser)) {
      throw new EddyError("bad-model", "sequence readout", {
        expected: "a distribution: squared, gaussian, softmax, poisson or end-of-sequence",
        received: readout.name,
      });
    }
    this.network = new Network(wiring, layout, `${name}.network`);
    this.readout = readout;
    this.length = length;
    this.longest = longest;
    this.#encoded = encodedLength(readout);
    fits("inputs", this.network.inputs, this.#encoded + (length === "count" ? 1 : 0));
    fits("outputs", this.network.outputs, readout.inputs + (length === "end" ? 1 : 0));
    const hidden = wiring.nodes.find((node) => node.name === "h")?.size ?? 0;
    const P = this.network.program.parameters;
    const L = length === "count" ? hidden + 1 : 0;
    this.lengthParameters = layout.real(`${name}.lengthParameters`, L);
    this.gradients = layout.real(`${name}.gradients`, P + L);
    this.#updater = new Updater(layout, name, [P, L], options);
    this.#updates = layout.float64(`${name}.updates`, 1);
    this.#live = new LiveNetwork(this.network, layout, {}, `${name}.live`);
    layout.whenAllocated(({ kernels }) => {
      this.#kernels = kernels;
      this.#window = new Window(this.network, longest);
    });
  }

  /** The unfolded network, as the last sequence left it. */
  get window(): Window {
    return this.#window;
  }

  /** Updates refused, by reason. */
  get guards(): LearnerGuards {
    return this.#updater.guards;
  }

  /** log P of a sequence x [τ × targets], row by row, under a context [c] where the net has one. */
  likelihood(x: ArrayLike<number>, context?: ArrayLike<number>): SequenceLikelihood {
    return this.#score(x, context, false);
  }

  /** Writes the gradient of −log P(x, τ) to `gradients` and returns −log P(x, τ). */
  gradient(x: ArrayLike<number>, context?: ArrayLike<number>): number {
    return -this.#score(x, context, true).log;
  }

  /** After `gradient`: ∂(−log P)/∂context [c]. */
  get contextGradient(): Float64Array {
    return this.#contextGradient;
  }

  /** One update from one sequence; returns −log P(x, τ) before it. What is not finite or explodes is refused and counted. */
  learn(x: ArrayLike<number>, context?: ArrayLike<number>): number {
    const loss = this.gradient(x, context);
    const [network, length] = [this.network.parameters.pointer, this.lengthParameters.pointer];
    const made = this.#updater.update(this.#kernels, loss, this.gradients.pointer, network, length);
    if (made) this.#updates.view[0] += 1;
    return loss;
  }

  /** The rate of the length, softplus(c_τ + V_τ h(0)): its mean before anything is seen. Only with "count". */
  rate(context?: ArrayLike<number>): number {
    return softplus(this.#lengthInput(this.#start(context)));
  }

  /**
   * Draws a whole sequence [τ × targets], every draw fed back as the next input. One that would be longer than
   * `longest` is cut there.
   */
  sample(random: Random, context?: ArrayLike<number>, longest = this.longest): Float64Array {
    const { readout } = this;
    const live = this.#live;
    live.reset();
    if (context) live.setContext(context);
    let tau = longest;
    if (this.length === "count") {
      const drawn = [0];
      count.sample(drawn, [this.#lengthInput(live.readState("h"))], random);
      tau = Math.min(drawn[0], longest);
    }
    const rows: number[] = [];
    const row = new Array<number>(readout.targets).fill(0);
    const input = new Float64Array(this.network.inputs);
    const flag = [0];
    for (let t = 1; t <= tau && flag[0] === 0; t++) {
      if (t > 1) this.#encode(input, 0, row, 0);
      if (this.length === "count") input[this.#encoded] = tau - t;
      const o = live.step(input);
      readout.sample(row, o, random);
      rows.push(...row);
      if (this.length === "end") end.sample(flag, o.subarray(readout.inputs), random);
    }
    return Float64Array.from(rows);
  }

  #score(x: ArrayLike<number>, context: ArrayLike<number> | undefined, back: boolean): SequenceLikelihood {
    const { readout, network } = this;
    const tau = x.length / readout.targets;
    const least = this.length === "end" ? 1 : 0;
    if (!(Number.isInteger(tau) && tau >= least && tau <= this.longest)) {
      throw new EddyError("bad-argument", "sequence", {
        expected: `${least} to ${this.longest} rows of ${readout.targets} numbers`,
        received: `${x.length} numbers`,
      });
    }
    const { outputs } = network;
    const o = tau > 0 ? this.#window.forward(this.#sequence(x, tau, context)) : new Float64Array(0);
    const dOutputs = new Float64Array(o.length);
    const logValues = new Float64Array(tau);
    const logSurvival = new Float64Array(this.length === "end" ? tau : 0);
    const row = new Float64Array(readout.targets);
    const dz = new Float64Array(readout.inputs);
    const dEnd = [0];
    let logLength = 0;
    for (let t = 0; t < tau; t++) {
      for (let i = 0; i < row.length; i++) row[i] = x[t * row.length + i];
      const z = o.subarray(t * outputs, (t + 1) * outputs);
      logValues[t] = -(readout.loss(dz, z, row) + readout.logNormaliser);
      dOutputs.set(dz, t * outputs);
      if (this.length !== "end") continue;
      const last = t === tau - 1;
      const stop = z.subarray(readout.inputs);
      logSurvival[t] = (t > 0 ? logSurvival[t - 1] : 0) - end.loss(dEnd, stop, [0]);
      logLength -= end.loss(dEnd, stop, [last ? 1 : 0]);
      dOutputs[t * outputs + readout.inputs] = dEnd[0];
    }
    const gradients = back && tau > 0 ? this.#window.backward(dOutputs) : undefined;
    if (back) {
      this.gradients.view.fill(0);
      if (gradients) this.gradients.view.set(gradients.parameters);
    }
    const dContext = gradients?.context ?? new Float64Array(network.program.c);
    if (this.length === "count") logLength = this.#scoreCount(tau, context, back, dContext);
    if (back) this.#contextGradient = dContext;
    const log = logValues.reduce((sum, value) => sum + value, logLength);
    return { log, logLength, logValues, logSurvival };
  }

  /** log P(τ) of the Poisson length; adds its gradient, which reaches R and the context through h(0). */
  #scoreCount(
    tau: number,
    context: ArrayLike<number> | undefined,
    back: boolean,
    dContext: Float64Array,
  ): number {
    const h0 = this.#start(context);
    const dz = [0];
    const loss = count.loss(dz, [this.#lengthInput(h0)], [tau]) + count.logNormaliser;
    if (!back) return -loss;
    const { program } = this.network;
    const n = h0.length;
    const g = this.gradients.view;
    for (let i = 0; i < n; i++) g[program.parameters + i] = dz[0] * h0[i];
    g[program.parameters + n] = dz[0];
    if (program.c === 0 || !context) return -loss;
    const { offset, stride } = this.network.tensor("h.start");
    for (let i = 0; i < n; i++) {
      const da = dz[0] * this.lengthParameters.view[i] * (1 - h0[i] * h0[i]);
      for (let j = 0; j < program.c; j++) {
        g[offset + i + j * stride] += da * context[j];
        dContext[j] += da * this.network.parameters.view[offset + i + j * stride];
      }
    }
    return -loss;
  }

  /** h(0) = tanh(R c), or zeros where nothing sets it. */
  #start(context: ArrayLike<number> | undefined): Float64Array {
    const live = this.#live;
    live.reset();
    if (context) live.setContext(context);
    return live.readState("h");
  }

  #lengthInput(h0: Float64Array): number {
    const V = this.lengthParameters.view;
    let sum = V[h0.length];
    for (let i = 0; i < h0.length; i++) sum += V[i] * h0[i];
    return sum;
  }

  #sequence(x: ArrayLike<number>, tau: number, context: ArrayLike<number> | undefined) {
    const width = this.network.inputs;
    const inputs = new Float64Array(tau * width);
    for (let t = 0; t < tau; t++) {
      if (t > 0) this.#encode(inputs, t * width, x, (t - 1) * this.readout.targets);
      if (this.length === "count") inputs[t * width + this.#encoded] = tau - t - 1;
    }
    return context ? { x: inputs, context } : { x: inputs };
  }

  /** One row of values as the net reads it. */
  #encode(to: Float64Array, at: number, x: ArrayLike<number>, from: number): void {
    if (this.readout.name === "softmax") {
      to.fill(0, at, at + this.#encoded);
      to[at + x[from]] = 1;
    } else for (let i = 0; i < this.#encoded; i++) to[at + i] = x[from + i];
  }
}

function fits(what: string, received: number, expected: number): void {
  if (received === expected) return;
  throw new EddyError("bad-model", `sequence network, ${what}`, {
    expected: String(expected),
    received: String(received),
  });
}
