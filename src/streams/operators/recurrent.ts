import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import type { Layout } from "../../models/kernels/layout.ts";
import { type LearnerOptions, OnlineLearner } from "../../models/learning/tbptt.ts";
import type { LiveNetwork } from "../../models/network/live.ts";
import { type ModelSpec, parseModelSpec, wiringOf } from "../../models/network/model-spec.ts";
import { Network } from "../../models/network/network.ts";
import type { Wiring } from "../../models/network/wiring.ts";
import type { Readout } from "../../models/readouts/readout.ts";
import { makeReadout } from "../../models/readouts/registry.ts";
import { stage } from "../../stages/stage-operator.ts";
import {
  type Estimate,
  type Learner,
  type LearningOptions,
  LearningStage,
  type Sizes,
} from "./learning-stage.ts";
import type { Learnable } from "./sample.ts";

export interface RecurrentOptions<T extends Learnable = Learnable>
  extends LearningOptions<T>,
    Omit<LearnerOptions, "readout"> {
  /** Units, where the system takes one number for them. */
  readonly hidden?: number;
  /** What the outputs mean and how they are judged, by name (`squared`, `gaussian`, `softmax`, ...) or as one of your own. Default `squared`. */
  readonly readout?: string | Readout;
  /** Categories of a label, with `softmax`. */
  readonly categories?: number;
  /**
   * What a network reads that reads its past outputs: the label, where it is known by then (teacher forcing, the default), or
   * always what it said itself (`own`: free running).
   */
  readonly feedback?: "label" | "own";
  /** The context c of a network that has one, from the first event on. */
  readonly context?: ArrayLike<number>;
  /** Called once when the network is opened: the place to set its weights (`network.write`) and its state (`live.writeState`). */
  readonly begin?: (network: Network, live: LiveNetwork) => void;
}

/**
 * A recurrent network in a stream: it carries its state h(t) from event to event, says something at each, and learns online by
 * truncated backpropagation through time, TBPTT(k1, k2) (Williams & Peng 1990): `every` k1 events, back `through` the last k2.
 *
 *     h(t), o(t) = network(x(t), h(t − 1));   every k1 events: θ ← θ − update(∂ mean loss of the last k2 steps / ∂θ)
 *
 * `system` is any wiring of docs/systems.md that does not look ahead: by name with its options (`lstm`, `gru:hidden=16`,
 * `deep:layers=32x16`), or as data. Events are numbers, or `{ x, label, time, context }`; a label may come with its event, be what comes
 * `ahead` events later, or come as `{ label, time }` once it is known. An event whose numbers are not finite, or are not as many as those of the first one, goes to `refused`; a wrong option, and a
 * wrong first event, is an error of the stream. The network lives in the subscription.
 *
 * Cost per event: a step and, over k1 of them, one pass back through k2. Memory: k2 rows of the network's values.
 *
 * @example
 * ```ts
 * import { recurrent } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const wave = Array.from({ length: 2000 }, (_, t) => Math.sin(t / 4));
 * const lstm = recurrent("lstm", { hidden: 8, ahead: 1, every: 4, through: 8, optimiser: { kind: "adam", rate: 0.01 } });
 * const { point, loss } = await lastValueFrom(from(wave).pipe(lstm));
 * Math.abs(point[0] - Math.sin(2000 / 4)) < 0.2 && loss < 0.01; // true
 * ```
 */
export function recurrent<T extends Learnable>(
  system: string | ModelSpec | Wiring,
  options: RecurrentOptions<T> | number = {},
): OperatorFunction<T, Estimate<T>> {
  const all: RecurrentOptions<T> = typeof options === "number" ? { hidden: options, ahead: 1 } : options;
  return stage(
    "recurrent",
    () => {
      const sized = sizedBy(system, all);
      return new LearningStage<T>((layout, sizes) => openNetwork(layout, sizes, system, sized), sized);
    },
    all.refused,
  );
}

/** A network given as data says itself how many numbers it reads and gives. */
function sizedBy<T extends Learnable>(
  system: string | ModelSpec | Wiring,
  options: RecurrentOptions<T>,
): RecurrentOptions<T> {
  if (!isWiring(system)) return options;
  const { readout = "squared" } = options;
  const outputs = system.nodes?.find(({ name }) => name === system.output)?.size ?? 1;
  const sizes = { inputs: system.sources?.x ?? 1, ...options };
  if (typeof readout !== "string") return { targets: readout.targets, ...sizes };
  if (readout === "softmax") return { targets: 1, categories: outputs, ...sizes };
  for (let targets = 1; targets <= outputs; targets++) {
    if (makeReadout(readout, targets).inputs === outputs) return { targets, ...sizes };
  }
  return sizes;
}

const isWiring = (system: string | ModelSpec | Wiring): system is Wiring =>
  typeof system === "object" && "nodes" in system;

/** A learning network of these sizes in a layout. */
function openNetwork<T extends Learnable>(
  layout: Layout,
  sizes: Sizes,
  system: string | ModelSpec | Wiring,
  options: RecurrentOptions<T>,
): Learner {
  const readout = readoutFor(options, sizes.targets);
  const wiring = wiringFor(
    system,
    { inputs: sizes.inputs, outputs: readout.inputs },
    readout.targets,
    options,
  );
  const network = new Network(wiring, layout);
  if (network.program.parameters === 0) {
    throw new EddyError("bad-model", "system", {
      expected: "a network that learns",
      received: "one without a weight to learn",
      hint: "echoState learns the readout of an echo state net",
    });
  }
  const { every = 16, ahead = 0, feedback = "label", context } = options;
  if (feedback !== "label" && feedback !== "own") {
    throw new EddyError("bad-argument", "feedback", {
      expected: "label or own",
      received: printable(feedback),
    });
  }
  // A label that is so late must still find its step in the window.
  const through = options.through ?? (ahead > 1 ? every + ahead : every);
  const learner = new OnlineLearner(network, layout, { ...options, every, through, readout });
  const { live } = learner;
  const setContext = (values: ArrayLike<number>): void => live.setContext(values);
  return {
    reach: through,
    step: (x, dt) => learner.step(x, dt),
    point: (out, output) => readout.point(out, output),
    checkLabel: (label) => checkCategory(readout, label),
    labelsStay: !QUANTITIES.includes(readout.name),
    label: (lag, label) => void learner.label(lag, label),
    learn: () => void learner.learn(),
    ...(feedback === "label" && network.program.y > 0
      ? { feedback: (label: ArrayLike<number>) => live.feedback(label) }
      : {}),
    ...(network.program.c > 0 ? { context: setContext } : {}),
    begin() {
      options.begin?.(network, live);
      if (context !== undefined) setContext(context);
    },
    get loss() {
      return learner.updates + refusedUpdates(learner) > 0 ? learner.loss : Number.NaN;
    },
    metrics: () => ({
      loss: learner.loss,
      gradient_norm: learner.gradientNorm,
      updates: learner.updates,
      updates_refused: refusedUpdates(learner),
      state_resets: live.resets,
    }),
  };
}

/** Readouts whose labels are quantities: the others' are categories, counts and answers. */
const QUANTITIES: readonly string[] = ["squared", "huber", "gaussian", "quantile"];

function checkCategory({ name, inputs }: Readout, label: ArrayLike<number>): void {
  const category = label[0];
  if (name !== "softmax") return;
  if (category !== undefined && Number.isInteger(category) && category >= 0 && category < inputs) return;
  throw new EddyError("bad-number", "label", {
    expected: `a category from 0 to ${inputs - 1}`,
    received: String(category),
  });
}

const refusedUpdates = ({ guards }: OnlineLearner): number => guards.nonFinite + guards.exploding;

function readoutFor<T extends Learnable>(
  { readout = "squared", categories }: RecurrentOptions<T>,
  targets: number,
): Readout {
  if (typeof readout !== "string") return readout;
  return makeReadout(readout, readout === "softmax" ? (categories ?? 2) : targets);
}

/** The wiring of a system with these sizes; one that is given as data has its own, which must fit. */
export function wiringFor(
  system: string | ModelSpec | Wiring,
  sizes: { readonly inputs: number; readonly outputs: number },
  targets: number,
  { hidden, seed = 1 }: { readonly hidden?: number; readonly seed?: number },
): Wiring {
  if (isWiring(system)) return fitting(system, sizes);
  const spec = typeof system === "string" ? parseModelSpec(system) : system;
  const options = hidden === undefined ? spec.options : { hidden, ...spec.options };
  const wiring = wiringOf({ name: spec.name, options }, { ...sizes, seed });
  // What is fed back is the value itself, not the numbers that describe its distribution.
  return wiring.sources.y === undefined ? wiring : { ...wiring, sources: { ...wiring.sources, y: targets } };
}

function fitting(wiring: Wiring, { inputs, outputs }: { inputs: number; outputs: number }): Wiring {
  const given = wiring.sources.x;
  const gives = wiring.nodes.find(({ name }) => name === wiring.output)?.size;
  for (const [what, expected, received] of [
    ["x", inputs, given],
    ["output", outputs, gives],
  ] as const) {
    if (received === undefined || received === expected) continue;
    throw new EddyError("bad-model", `wiring, ${what}`, {
      expected: `${expected} numbers, as many as the events have`,
      received: String(received),
      hint: what === "x" ? "inputs says how many numbers an event has" : "targets says how many a label has",
    });
  }
  return wiring;
}
