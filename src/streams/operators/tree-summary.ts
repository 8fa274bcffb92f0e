import type { OperatorFunction } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Layout } from "../../models/kernels/layout.ts";
import { Updater, type UpdaterOptions } from "../../models/learning/updater.ts";
import { seeded } from "../../models/network/seeded.ts";
import type { Readout } from "../../models/readouts/readout.ts";
import { makeReadout } from "../../models/readouts/registry.ts";
import { RecursiveTree, type RecursiveTreeOptions } from "../../models/recursive/recursive-tree.ts";
import { stage } from "../../stages/stage-operator.ts";
import {
  type Estimate,
  type Learner,
  type LearningOptions,
  LearningStage,
  type Sizes,
} from "./learning-stage.ts";
import type { Learnable } from "./sample.ts";

const HIDDEN = 16;

/** What `treeSummary` gives for every event. */
export interface TreeEstimate<T> extends Estimate<T> {
  /** The root: all events so far as one vector, [hidden]. */
  readonly summary: number[];
}

export interface TreeSummaryOptions<T extends Learnable = Learnable>
  extends LearningOptions<T>,
    Omit<RecursiveTreeOptions, "inputs" | "hidden">,
    UpdaterOptions {
  /** Length of the summary. Default 16. */
  readonly hidden?: number;
  /** What the outputs mean, by name or as one of your own. Default `squared`. */
  readonly readout?: string | Readout;
  /** Called once with the tree when it is opened: the place to set its weights. */
  readonly begin?: (tree: RecursiveTree) => void;
}

/**
 * A recursive network in a stream (Goodfellow, Bengio & Courville, Deep Learning, section 10.6): all events so far as a balanced tree that
 * is kept like a binary counter, so that the first event is log₂ T steps from the root and not T.
 *
 *     leaf = tanh(b₀ + U x);   node(l, r) = tanh(b + W_l l + W_r r);   o = c + V root
 *
 * Labels, where they come, are learned by backpropagation through the structure, as far as the last `window` leaves and nodes; they are those of
 * the event that brings them, or with `ahead: 1` what comes next. Without labels the tree is a fixed summary. Events and what is
 * refused are as with `recurrent`. Cost per event: 2 hidden² per merge (one on average, and log₂ T for the root), learning 8 hidden² per node of the window.
 *
 * @example
 * ```ts
 * import { treeSummary } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const { summary } = await lastValueFrom(from([1, 2, 3, 4, 5]).pipe(treeSummary({ hidden: 8 })));
 * summary.length; // 8
 * ```
 */
export function treeSummary<T extends Learnable>(
  options: TreeSummaryOptions<T> = {},
): OperatorFunction<T, TreeEstimate<T>> {
  return stage(
    "treeSummary",
    () => {
      // Without a leaf map an x is a leaf itself.
      const sized = {
        ...(options.leafMap === false ? { inputs: options.hidden ?? HIDDEN } : {}),
        ...options,
      };
      return new LearningStage<T, TreeEstimate<T>>((layout, sizes) => openTree(layout, sizes, sized), sized);
    },
    options.refused,
  );
}

function openTree<T extends Learnable>(
  layout: Layout,
  { inputs, targets }: Sizes,
  options: TreeSummaryOptions<T>,
): Learner {
  const { hidden = HIDDEN, readout: asked = "squared", seed = 1 } = options;
  if (!(Number.isInteger(hidden) && hidden >= 1)) {
    throw new EddyError("bad-argument", "hidden", {
      expected: "a whole number from 1",
      received: String(hidden),
    });
  }
  const readout = typeof asked === "string" ? makeReadout(asked, targets) : asked;
  const outputs = readout.inputs;
  const { leafMap = true, window = 64 } = options;
  const tree = new RecursiveTree(layout, "treeSummary", { inputs, hidden, leafMap, window });
  const P = tree.parameters.length;
  /** V [outputs × hidden], then c. */
  const linear = layout.real("treeSummary.readout", outputs * (hidden + 1));
  const gradient = layout.real("treeSummary.gradient", P + linear.length);
  const updater = new Updater(layout, "treeSummary.updater", [P, linear.length], options);
  const output = layout.float64("treeSummary.output", outputs);
  /** Labels learned, their running loss, updates. */
  const record = layout.float64("treeSummary.record", 3);
  const dz = new Float64Array(outputs);
  const dRoot = new Float64Array(hidden);
  let kernels: Parameters<Updater["update"]>[0];
  layout.whenAllocated((block) => {
    kernels = block.kernels;
  });
  const label = new Float64Array(readout.targets);
  let labelled = false;
  return {
    reach: 1,
    step(x) {
      tree.push(x);
      const root = tree.root();
      const V = linear.view;
      for (let k = 0; k < outputs; k++) {
        let sum = itemAt(V, outputs * hidden + k);
        for (const [i, one] of root.entries()) sum += itemAt(V, k * hidden + i) * one;
        output.view[k] = sum;
      }
      return output.view;
    },
    point: (out, z) => readout.point(out, z),
    label(_lag, given) {
      label.set(given as ArrayLike<number>);
      labelled = true;
    },
    learn() {
      if (!labelled || tree.leaves === 0) return;
      labelled = false;
      const loss = readout.loss(dz, output.view, label);
      const root = tree.root();
      const g = gradient.view;
      g.fill(0);
      dRoot.fill(0);
      for (const [k, dzk] of dz.entries()) {
        g[P + outputs * hidden + k] = dzk;
        for (const [i, one] of root.entries()) {
          g[P + k * hidden + i] = dzk * one;
          dRoot[i] = itemAt(dRoot, i) + dzk * itemAt(linear.view, k * hidden + i);
        }
      }
      tree.gradients.view.fill(0);
      tree.backward(dRoot);
      g.set(tree.gradients.view);
      const made = updater.update(kernels, loss, gradient.pointer, tree.parameters.pointer, linear.pointer);
      const labels = itemAt(record.view, 0) + 1;
      const before = itemAt(record.view, 1);
      record.view[0] = labels;
      record.view[1] = before + Math.max(1 / labels, 0.01) * (loss - before);
      if (made) record.view[2] = itemAt(record.view, 2) + 1;
    },
    begin() {
      const random = seeded(seed, "tree");
      const fill = (weights: { length: number; [i: number]: number }, fanIn: number): void => {
        for (let i = 0; i < weights.length; i++) weights[i] = (2 * random() - 1) / Math.sqrt(fanIn);
      };
      fill(tree.weights, 2 * hidden);
      fill(tree.leafWeights, inputs);
      fill(linear.view.subarray(0, outputs * hidden), hidden);
      options.begin?.(tree);
    },
    get loss() {
      return record.view[0] === 0 ? Number.NaN : itemAt(record.view, 1);
    },
    metrics: () => ({
      loss: itemAt(record.view, 1),
      labels: itemAt(record.view, 0),
      updates: itemAt(record.view, 2),
      updates_refused: updater.guards.nonFinite + updater.guards.exploding,
    }),
    details: () => ({ summary: Array.from(tree.root()) }),
  };
}
