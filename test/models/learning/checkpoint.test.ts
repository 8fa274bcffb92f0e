import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { LeastMeanSquares } from "../../../src/models/learning/lms.ts";
import { Ridge } from "../../../src/models/learning/ridge.ts";
import { RidgeOrthogonal } from "../../../src/models/learning/ridge-orthogonal.ts";
import { RecursiveLeastSquares } from "../../../src/models/learning/rls.ts";
import { DelayedLeastSquares } from "../../../src/models/learning/rls-delayed.ts";
import { DiagonalNetwork } from "../../../src/models/learning/rtrl.ts";
import { type LearnerOptions, OnlineLearner } from "../../../src/models/learning/tbptt.ts";
import { WindowLearner } from "../../../src/models/learning/window-learner.ts";
import { LiveNetwork } from "../../../src/models/network/live.ts";
import { systemNames, wiringOf } from "../../../src/models/network/model-spec.ts";
import { Network } from "../../../src/models/network/network.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import { esn } from "../../../src/models/network/systems.ts";
import type { Wiring } from "../../../src/models/network/wiring.ts";
import { makeReadout, readoutNames } from "../../../src/models/readouts/registry.ts";
import { squared } from "../../../src/models/readouts/squared.ts";
import { RecursiveTree } from "../../../src/models/recursive/recursive-tree.ts";
import { GapFiller } from "../../../src/models/sequence/gap-filler.ts";
import { SequenceModel } from "../../../src/models/sequence/sequence-model.ts";
import { sequenceWiring } from "../../../src/models/sequence/sequence-wiring.ts";

/** A model in a stream: takes event t, gives all the numbers that can be read of it. `figures` may be read at any time. */
interface Trial {
  event(t: number): ArrayLike<number>;
  figures?(): ArrayLike<number>;
}

const N = 3;
const M = 2;
/** Labels come so many events late. */
const LATE = 3;

const xOf = (t: number): Float64Array => {
  const random = seeded(t, "x");
  return Float64Array.from({ length: N }, () => 2 * random() - 1);
};
/** What belongs to event t: a number per target that suits every readout; now and then one is missing. */
const labelOf = (t: number, targets = M): Float64Array =>
  Float64Array.from({ length: targets }, (_, i) => (t % 7 === 5 && i === 0 ? Number.NaN : (t + i) % 2));

/** Truncated backpropagation, its labels LATE events late, the target fed back where the net reads it. */
function online(wiring: Wiring, options: LearnerOptions) {
  return (layout: Layout): Trial => {
    const network = new Network(wiring, layout);
    const learner = new OnlineLearner(network, layout, options);
    const { targets } = learner.readout;
    return {
      event(t) {
        const out = Float64Array.from(learner.step(xOf(t).subarray(0, network.inputs), 1 + (t % 2)));
        if (network.program.y > 0 && t % 5 < 3) learner.live.feedback(labelOf(t, network.program.y));
        if (t >= LATE) learner.label(LATE, labelOf(t - LATE, targets));
        learner.learn();
        return out;
      },
      figures: () => [
        ...learner.live.output,
        learner.live.steps,
        learner.live.resets,
        learner.updates,
        learner.loss,
        learner.gradientNorm,
        learner.guards.nonFinite,
      ],
    };
  };
}

function whole(wiring: Wiring, optimiser: LearnerOptions["optimiser"]) {
  return (layout: Layout): Trial => {
    const network = new Network(wiring, layout);
    const learner = new WindowLearner(network, layout, 4, { optimiser: optimiser ?? { kind: "adam" } });
    return {
      event(t) {
        const x = Float64Array.from([t, t + 1, t + 2, t + 3].flatMap((s) => [...xOf(s)]));
        const labels = [t, t + 1, t + 2, t + 3].flatMap((s) => [...labelOf(s)]);
        const loss = learner.learn({ x }, labels);
        return [loss, ...learner.window.forward({ x })];
      },
      figures: () => [learner.updates, learner.loss, learner.guards.nonFinite],
    };
  };
}

/** Labels LATE events late for a model of single samples: what was read then waits in a ring of the caller's layout. */
function linear(
  open: (layout: Layout) => Pick<LeastMeanSquares | RecursiveLeastSquares, "predict" | "learn">,
) {
  return (layout: Layout): Trial => {
    const model = open(layout);
    const waiting = layout.float64("waiting", LATE * N);
    return {
      event(t) {
        const at = waiting.view.subarray((t % LATE) * N, ((t % LATE) + 1) * N);
        if (t >= LATE) model.learn(at.slice(), labelOf(t - LATE));
        at.set(xOf(t));
        return model.predict(new Float64Array(M), xOf(t));
      },
    };
  };
}

function ridge(Method: typeof Ridge | typeof RidgeOrthogonal) {
  return (layout: Layout): Trial => {
    const model = new Method(layout, "ridge", { features: N, outputs: M, ridge: 0.01 });
    return {
      event(t) {
        const d = labelOf(t);
        if (!d.some(Number.isNaN)) model.add(xOf(t), d);
        if (t % 10 !== 9) return [];
        const { c, V } = model.solve();
        return [...c, ...V];
      },
    };
  };
}

const adam = { kind: "adam", rate: 0.02 } as const;
const sizes = { inputs: N, outputs: M, seed: 5 };
const ahead = (wiring: Wiring): boolean =>
  wiring.nodes.some(({ edges }) => edges.some(({ delay = 0 }) => delay < 0));

/** Every system by every rule that can teach it. */
const systems = systemNames().flatMap((name): [string, (layout: Layout) => Trial][] => {
  if (name === "esn") return [];
  const options = name === "deep" ? { layers: [4, 3] } : name === "clockwork" ? { hidden: 6 } : { hidden: 5 };
  const wiring = wiringOf({ name, options }, sizes);
  const windows: [string, (layout: Layout) => Trial][] = [[`${name}, whole sequences`, whole(wiring, adam)]];
  if (ahead(wiring)) return windows;
  const { y = 0 } = wiring.sources;
  return [
    ...(y > 0 ? [] : windows),
    [`${name}, truncated`, online(wiring, { every: 4, through: 9, optimiser: adam })],
    [`${name}, truncated, one window after the other`, online(wiring, { every: 5, optimiser: adam })],
  ];
});

const readouts = readoutNames().map((name): [string, (layout: Layout) => Trial] => {
  const readout = makeReadout(name, 2);
  const wiring = wiringOf(
    { name: "gru", options: { hidden: 5 } },
    { inputs: N, outputs: readout.inputs, seed: 2 },
  );
  return [`readout ${name}`, online(wiring, { every: 2, through: 6, readout, optimiser: adam })];
});

const optimisers = (["sgd", "rmsprop", "adam"] as const).map((kind): [string, (layout: Layout) => Trial] => {
  const optimiser = kind === "sgd" ? { kind, momentum: 0.9 } : { kind };
  const wiring = wiringOf({ name: "elman", options: { hidden: 5 } }, sizes);
  return [`optimiser ${kind}`, online(wiring, { every: 2, through: 6, lossSteps: "new", optimiser })];
});

const others: Record<string, (layout: Layout) => Trial> = {
  "least mean squares": linear((layout) => new LeastMeanSquares(layout, "l", { features: N, outputs: M })),
  "recursive least squares": linear(
    (layout) => new RecursiveLeastSquares(layout, "l", { features: N, outputs: M, traceCap: 5 }),
  ),
  "delayed least squares": (layout) => {
    const model = new DelayedLeastSquares(layout, "l", { features: N, horizon: LATE, targets: M });
    return {
      event(t) {
        model.settle(Float64Array.from(Array.from({ length: LATE }, () => [...labelOf(t)]).flat()));
        model.issue(xOf(t), t % 4 !== 1);
        return model.predict(new Float64Array(LATE * M));
      },
      figures: () => [model.issues, model.refusedLabels, ...model.weights],
    };
  },
  ridge: ridge(Ridge),
  "ridge by rotations": ridge(RidgeOrthogonal),
  "real-time recurrent": (layout) => {
    const net = new DiagonalNetwork(layout, "net", {
      inputs: N,
      units: 5,
      readout: squared(M),
      optimiser: adam,
    });
    layout.whenAllocated(() => net.inputWeights.set(net.inputWeights.map((_, i) => (i % 3) - 1)));
    return {
      event(t) {
        net.step(xOf(t), 1 + (t % 2));
        const out = [...net.output];
        if (t % 3 > 0) out.push(net.learn(labelOf(t)));
        return out;
      },
      figures: () => [...net.output, ...net.sensitivities, net.updates, net.guards.nonFinite],
    };
  },
  "echo state and its readout": (layout) => {
    const live = new LiveNetwork(new Network(esn({ inputs: N, units: 20, degree: 4 }), layout), layout);
    const model = new RecursiveLeastSquares(layout, "l", { features: 20, outputs: M });
    return {
      event(t) {
        model.learn(live.output, labelOf(t));
        return model.predict(new Float64Array(M), live.step(xOf(t)));
      },
      figures: () => live.output,
    };
  },
  "recursive tree": (layout) => {
    const tree = new RecursiveTree(layout, "tree", { inputs: N, hidden: 4, window: 8 });
    layout.whenAllocated(() =>
      tree.parameters.view.set(tree.parameters.view.map((_, i) => ((i % 5) - 2) / 3)),
    );
    return {
      event(t) {
        tree.push(xOf(t));
        const root = [...tree.root()];
        tree.backward([1, -1, 0.5, 0]);
        return [...root, ...tree.gradients.view];
      },
      figures: () => [tree.leaves, ...tree.blocks],
    };
  },
  "gap filler": (layout) => {
    const filler = new GapFiller(layout, { columns: 2, window: 12, lag: 3, hidden: 4 });
    return {
      event: (t) => [...(filler.push(t % 5 === 2 ? [Number.NaN, 1] : xOf(t).subarray(0, 2)) ?? [])],
      figures: () => [filler.count, ...(filler.smooth() ?? [])],
    };
  },
  "sequence model": (layout) => {
    const readout = makeReadout("softmax", 3);
    const wiring = sequenceWiring({ readout, hidden: 4, context: 0 });
    const model = new SequenceModel(layout, "m", { wiring, readout, longest: 6, optimiser: adam });
    return {
      event: (t) => [model.learn([t % 3, (t * t) % 3, 1].slice(0, 1 + (t % 3)))],
      figures: () => [model.likelihood([0, 1, 2]).log, model.guards.nonFinite],
    };
  },
};

function open(make: (layout: Layout) => Trial) {
  const layout = new Layout(new Arena({ bankBytes: 2 ** 20 }));
  const trial = make(layout);
  return { trial, block: layout.allocate() };
}

const run = (trial: Trial, from: number, to: number): number[][] =>
  Array.from({ length: to - from }, (_, i) => [...Array.from(trial.event(from + i))]);
const figures = (trial: Trial): number[] => Array.from(trial.figures?.() ?? []);

describe.each([...systems, ...readouts, ...optimisers, ...Object.entries(others)])("%s", (_, make) => {
  test("a copy of the block is all there is to know, for a model that is new and for one that has lived", () => {
    const whole = open(make);
    run(whole.trial, 0, 23);
    const saved = whole.block.save();
    const told = figures(whole.trial);
    const rest = run(whole.trial, 23, 41);
    for (const lived of [0, 11]) {
      const other = open(make);
      run(other.trial, 100, 100 + lived);
      other.block.load(saved);
      expect(figures(other.trial)).toEqual(told);
      expect(run(other.trial, 23, 41)).toEqual(rest);
      expect(figures(other.trial)).toEqual(figures(whole.trial));
      expect(other.block.save()).toEqual(whole.block.save());
    }
    expect(whole.block.save()).not.toEqual(saved);
    expect(rest.flat().length).toBeGreaterThan(0);
    for (const value of rest.flat()) expect(value).toSatisfy(Number.isFinite);
  });
});
