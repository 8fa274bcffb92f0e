import { Arena } from "../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../src/models/kernels/layout.ts";
import type { Backend } from "../../../src/models/kernels/open.ts";
import { type LearnerOptions, OnlineLearner } from "../../../src/models/learning/tbptt.ts";
import { cellNamed } from "../../../src/models/network/cells/registry.ts";
import { LiveNetwork } from "../../../src/models/network/live.ts";
import { Network } from "../../../src/models/network/network.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import { type Sequence, Window, type WindowGradients } from "../../../src/models/network/window.ts";
import type { Edge, Node, Wiring } from "../../../src/models/network/wiring.ts";

/** The small net in which a cell is tried: it reads x, another node and its own past, and a readout reads it. */
export function trialWiring(
  cellName: string,
  settings: Readonly<Record<string, unknown>> | undefined,
  { size = 5, inputs = 3, seed = 1, period = 1 } = {},
): Wiring {
  const cell = cellNamed(cellName);
  const feeder: Node = { name: "p", cell: "tanh", size, edges: [{ from: "x" }, { from: "p", delay: 1 }] };
  // A weightless cell takes one edge per block, here over different delays.
  const edges: Edge[] = cell.weightless
    ? cell.blocks.map((_, b) => ({ from: "p", delay: b }))
    : [{ from: "x" }, { from: "p" }, { from: "h", delay: 1 }];
  const node: Node = { name: "h", cell: cellName, size, edges, period, ...(settings ? { settings } : {}) };
  const readout: Node = { name: "o", cell: "linear", size: 2, edges: [{ from: "h" }] };
  return { sources: { x: inputs }, nodes: [feeder, node, readout], output: "o", seed };
}

/** Every registered cell with its default settings and each of its examples: `[title, cell, settings]`. */
export function cellTrials(
  names: readonly string[],
): [title: string, cell: string, settings: Record<string, unknown> | undefined][] {
  return names.flatMap((name) => [
    [name, name, undefined] as [string, string, undefined],
    ...(cellNamed(name).examples ?? []).map(
      (settings) =>
        [`${name} ${JSON.stringify(settings)}`, name, settings] as [string, string, Record<string, unknown>],
    ),
  ]);
}

export interface Trial {
  readonly network: Network;
  readonly block: Block;
}

export function open(wiring: Wiring, backend: Backend = "reference64"): Trial {
  const layout = new Layout(new Arena({ backend, bankBytes: 2 ** 20 }));
  const network = new Network(wiring, layout);
  return { network, block: layout.allocate() };
}

export function openLive(wiring: Wiring, backend: Backend): Trial & { live: LiveNetwork } {
  const layout = new Layout(new Arena({ backend, bankBytes: 2 ** 20 }));
  const network = new Network(wiring, layout);
  const live = new LiveNetwork(network, layout);
  return { network, live, block: layout.allocate() };
}

export function openLearner(
  wiring: Wiring,
  backend: Backend,
  options: LearnerOptions,
): Trial & { learner: OnlineLearner } {
  const layout = new Layout(new Arena({ backend, bankBytes: 2 ** 20 }));
  const network = new Network(wiring, layout);
  const learner = new OnlineLearner(network, layout, options);
  return { network, learner, block: layout.allocate() };
}

/** Seeded numbers in [-scale, scale]. */
export function noise(length: number, seed: number, scale = 1): Float64Array {
  const random = seeded(seed, "noise");
  return Float64Array.from({ length }, () => scale * (2 * random() - 1));
}

/** ½ Σ (o - d)² of a sequence, and its gradients when asked. */
export function squaredLoss(
  network: Network,
  sequence: Sequence,
  d: Float64Array,
): { loss: number; gradients: () => WindowGradients } {
  const window = new Window(network, d.length / network.outputs);
  const o = window.forward(sequence);
  const error = o.map((value, i) => value - d[i]!);
  return {
    loss: error.reduce((sum, e) => sum + 0.5 * e * e, 0),
    gradients: () => window.backward(error),
  };
}

/** The five-point central difference of f at 0: its error is of order step⁴. */
export function slope(f: (shift: number) => number, step = 1e-3): number {
  return (f(-2 * step) - 8 * f(-step) + 8 * f(step) - f(2 * step)) / (12 * step);
}
