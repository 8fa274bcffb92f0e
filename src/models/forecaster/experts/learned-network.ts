import { clip } from "../../kernels/clip.ts";
import type { Layout, Slice } from "../../kernels/layout.ts";
import { OnlineLearner } from "../../learning/tbptt.ts";
import { Network } from "../../network/network.ts";
import type { Node, Wiring } from "../../network/wiring.ts";
import type { Expert, Settlement } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import { AnomalyReadout } from "./anomaly-readout.ts";
import { networkInputs, readNetworkInputs } from "./network-inputs.ts";

export interface LearnedNetworkOptions {
  readonly name: string;
  /** The net for so many inputs and outputs. */
  readonly wire: (sizes: { inputs: number; outputs: number; memory: number; seed: number }) => Wiring;
}

/** Horizons that the network itself learns. */
const HEADS = [1, 4, 12, 24] as const;
const EVERY = 4;
const THROUGH = 32;
const RATE = 0.003;
/** Longest dependency the gates begin with, in steps. */
const MEMORY = 48;
/** Labels are held within this many deviations. */
const LARGEST_LABEL = 4;
/** Labels that the running size of a move remembers. */
const SIZE_MEMORY = 1000;
const DELTA = 100;

/** The nodes that carry memory: those that some edge reads in a later step. */
function statefulNodes({ nodes }: Wiring): readonly Node[] {
  const remembered = new Set(
    nodes.flatMap(({ edges }) => edges.filter(({ delay = 0 }) => delay > 0).map(({ from }) => from)),
  );
  return nodes.filter(({ name }) => remembered.has(name));
}

/**
 * A recurrent net that learns while it runs, by TBPTT(4, 32) and Adam, to say how far each target moves in 1, 4, 12 and 24
 * steps (in units of the usual move). It forecasts by a least-squares readout of its hidden state per horizon.
 */
export class LearnedNetwork implements Expert {
  readonly name: string;
  readonly borrows = true;
  readonly #shape: Shape;
  readonly #features: Features;
  readonly #steps: readonly number[];
  readonly #learner: OnlineLearner;
  readonly #readout: AnomalyReadout;
  /** Nodes whose state the readout sees. */
  readonly #states: readonly Node[];
  /** Mean squared move per head and target. */
  readonly #size: Slice<Float64Array>;
  readonly #x: Float64Array;

  constructor(
    layout: Layout,
    shape: Shape,
    features: Features,
    options: LearnedNetworkOptions,
    seed: number,
  ) {
    const { name } = options;
    this.name = name;
    this.#shape = shape;
    this.#features = features;
    this.#steps = HEADS.filter((h) => h <= shape.horizon);
    const inputs = networkInputs(shape.columns);
    const outputs = this.#steps.length * shape.targets;
    const wiring = options.wire({ inputs, outputs, memory: MEMORY, seed });
    this.#states = statefulNodes(wiring);
    const states = this.#states.reduce((sum, { size }) => sum + size, 0);
    const network = new Network(wiring, layout, name);
    this.#learner = new OnlineLearner(
      network,
      layout,
      { every: EVERY, through: THROUGH, optimiser: { kind: "adam", rate: RATE } },
      `${name}.learner`,
    );
    this.#readout = new AnomalyReadout(layout, `${name}.readout`, shape, features, {
      features: 1 + inputs + states,
      delta: DELTA,
    });
    this.#size = layout.float64(`${name}.size`, outputs);
    this.#x = new Float64Array(inputs);
  }

  learn(settlement: Settlement): void {
    this.#readout.learn(settlement);
    this.#label(settlement);
  }

  /** The move that ended at this event labels the step it began at, as many steps ago as the head looks ahead. */
  #label({ labels, steps }: Settlement): void {
    const D = this.#shape.targets;
    const { events } = this.#features;
    const size = this.#size.view;
    for (let k = 0; k < this.#steps.length && this.#steps[k] <= steps; k++) {
      const h = this.#steps[k];
      for (let d = 0; d < D; d++) {
        const move = labels[(h - 1) * D + d] - this.#features.past(d, h);
        if (Number.isNaN(move)) continue;
        const at = k * D + d;
        size[at] += Math.max(1 / (events - h), 1 / SIZE_MEMORY) * (move * move - size[at]);
        // The step of this event itself is still to come: the one it began at is one less far back.
        if (size[at] > 0) this.#learner.labelAt(h - 1, at, clip(move / Math.sqrt(size[at]), LARGEST_LABEL));
      }
    }
  }

  step(features: Features): void {
    const learner = this.#learner;
    readNetworkInputs(this.#x, features);
    learner.step(this.#x, features.clock.dt);
    const { phi } = this.#readout;
    phi[0] = 1;
    phi.set(this.#x, 1);
    let at = 1 + this.#x.length;
    for (const node of this.#states) {
      learner.live.readState(node.name, phi, at);
      at += node.size;
    }
    this.#readout.issue();
    learner.learn();
  }

  predict(out: Float64Array): void {
    this.#readout.predict(out);
  }
}
