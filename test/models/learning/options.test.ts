import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import * as models from "../../../src/models/index.ts";

const { Arena, Layout, squared } = models;

/** Options come from programs that no compiler has seen. */
type Options = Record<string, unknown>;

const lstm = (layout: models.Layout) =>
  new models.Network(models.lstm({ inputs: 2, hidden: 3, outputs: 2 }), layout);

/** How each learner is opened, options that it takes, and single options that it must not, by name. */
const learners: Record<
  string,
  {
    open(layout: models.Layout, options: unknown): unknown;
    good: Options;
    bad: Record<string, readonly unknown[]>;
  }
> = {
  LeastMeanSquares: {
    open: (layout, options: never) => new models.LeastMeanSquares(layout, "l", options),
    good: { features: 3, outputs: 2, rate: 0.1 },
    bad: { features: [0, -1, 1.5, Number.NaN, "3"], outputs: [0, 0.5], rate: [0, -1, Number.NaN, Infinity] },
  },
  RecursiveLeastSquares: {
    open: (layout, options: never) => new models.RecursiveLeastSquares(layout, "l", options),
    good: { features: 3, outputs: 2, forgetting: 0.99, delta: 1, diagonalCap: 5, traceCap: 5 },
    bad: {
      features: [0, 2.5],
      outputs: [0, Number.NaN],
      forgetting: [0, 1.01, Number.NaN],
      delta: [0, -1, Infinity],
      diagonalCap: [0, Number.NaN],
      traceCap: [0, -1],
    },
  },
  DelayedLeastSquares: {
    open: (layout, options: never) => new models.DelayedLeastSquares(layout, "l", options),
    good: { features: 3, horizon: 4, targets: 2 },
    bad: { features: [0], horizon: [0, 1.5, undefined], targets: [0, -2] },
  },
  Ridge: {
    open: (layout, options: never) => new models.Ridge(layout, "l", options),
    good: { features: 3, outputs: 1, ridge: 0, bias: "penalised" },
    bad: { features: [-1], outputs: [0], ridge: [-1, Number.NaN, Infinity], bias: ["none", null] },
  },
  RidgeOrthogonal: {
    open: (layout, options: never) => new models.RidgeOrthogonal(layout, "l", options),
    good: { features: 3, outputs: 1, ridge: 0, bias: "penalised" },
    bad: { features: [-1], outputs: [0], ridge: [-1, Number.NaN], bias: ["none"] },
  },
  DiagonalNetwork: {
    open: (layout, options: never) => new models.DiagonalNetwork(layout, "l", options),
    good: { inputs: 2, units: 3, readout: squared(1), activation: "linear" },
    bad: { inputs: [0, 1.5], units: [-1], activation: ["relu", ""], clip: [0, Number.NaN], largestStep: [0] },
  },
  OnlineLearner: {
    open: (layout, options: never) => new models.OnlineLearner(lstm(layout), layout, options),
    good: { every: 2, through: 4, lossSteps: "new", clip: 1 },
    bad: {
      every: [0, 1.5, Number.NaN],
      through: [1, 2.5],
      lossSteps: ["all"],
      readout: [squared(3)],
      clip: [0, -1],
      largestStep: [0, Number.NaN],
      optimiser: [
        null,
        "adam",
        { kind: "adagrad" },
        { kind: "adam", rate: -1 },
        { kind: "adam", rate: Infinity },
        { kind: "adam", beta2: 1 },
        { kind: "adam", epsilon: 0 },
        { kind: "sgd", momentum: 1 },
        { kind: "rmsprop", alpha: -0.1 },
      ],
    },
  },
  WindowLearner: {
    open: (layout, options: models.WindowLearnerOptions & { capacity: number }) =>
      new models.WindowLearner(lstm(layout), layout, options.capacity, options),
    good: { capacity: 8 },
    bad: { capacity: [0, 2.5, undefined], readout: [squared(1)], clip: [0] },
  },
  LiveNetwork: {
    open: (layout, options: never) => new models.LiveNetwork(lstm(layout), layout, options),
    good: { history: 3, labels: 2 },
    bad: { history: [-1, 0.5], labels: [-1, Number.NaN] },
  },
  RecursiveTree: {
    open: (layout, options: never) => new models.RecursiveTree(layout, "t", options),
    good: { inputs: 2, hidden: 3, window: 4 },
    bad: { inputs: [0, 1.5], hidden: [0, Number.NaN], window: [0], leafMap: [false] },
  },
  GapFiller: {
    open: (layout, options: never) => new models.GapFiller(layout, options),
    good: { columns: 2, window: 8, lag: 2, hidden: 3, hide: 0.2, every: 2 },
    bad: { columns: [0], window: [0, 2.5], lag: [-1, 8], hidden: [0], hide: [0, 1], every: [0, Number.NaN] },
  },
  SequenceModel: {
    open: (layout, options: never) => new models.SequenceModel(layout, "s", options),
    good: {
      readout: models.categories(2),
      wiring: models.sequenceWiring({ readout: models.categories(2), hidden: 3 }),
      longest: 9,
    },
    bad: { longest: [0, 1.5], length: ["none"], clip: [0] },
  },
};

describe.each(Object.entries(learners))("%s", (_, { open, good, bad }) => {
  test("takes what it can be opened with", () => {
    const layout = new Layout(new Arena());
    open(layout, good as never);
    expect(layout.allocate().byteLength).toBeGreaterThan(0);
  });

  const cases = Object.entries(bad).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
  test.each(cases)("refuses %s: %j when it is opened", (name, value) => {
    let refused: unknown;
    try {
      open(new Layout(new Arena()), { ...good, [name]: value } as never);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(EddyError);
    const { code, subject, expected } = refused as EddyError;
    expect(["bad-argument", "bad-model"]).toContain(code);
    expect(subject).toMatch(/\w/);
    expect(expected).toBeDefined();
  });
});

describe("numbers of the wrong count", () => {
  const layout = new Layout(new Arena());
  const sizes = { features: 3, outputs: 2 };
  const lms = new models.LeastMeanSquares(layout, "lms", sizes);
  const rls = new models.RecursiveLeastSquares(layout, "rls", sizes);
  const delayed = new models.DelayedLeastSquares(layout, "delayed", { features: 3, horizon: 2 });
  const ridge = new models.Ridge(layout, "ridge", sizes);
  const rotated = new models.RidgeOrthogonal(layout, "rotated", sizes);
  const units = new models.DiagonalNetwork(layout, "units", { inputs: 3, units: 2, readout: squared(2) });
  const online = new models.OnlineLearner(lstm(layout), layout, { every: 2 });
  const tree = new models.RecursiveTree(layout, "tree", { inputs: 3, hidden: 2 });
  const block = layout.allocate();
  const [one, two, three] = [1, 2, 3].map((n) => new Float64Array(n));
  online.step(two);

  test.each<[string, () => unknown]>([
    ["lms, features", () => lms.learn(two, two)],
    ["lms, labels", () => lms.learn(three, one)],
    ["lms, prediction", () => lms.predict(two, two)],
    ["rls, features", () => rls.learn(two, two)],
    ["rls, labels", () => rls.learn(three, three)],
    ["rls, prediction", () => rls.predict(two, one)],
    ["delayed, labels", () => delayed.settle(three)],
    ["delayed, features", () => delayed.issue(two)],
    ["ridge, features", () => ridge.add(two, two)],
    ["ridge, labels", () => ridge.add(three, three)],
    ["ridge by rotations", () => rotated.add(three, one)],
    ["units, x", () => units.step(two)],
    ["units, NaN", () => units.step([1, Number.NaN, 1])],
    ["units, dt", () => units.step(three, -1)],
    ["units, label", () => units.learn(one)],
    ["online, x", () => online.step(one)],
    ["online, label", () => online.label(0, one)],
    ["online, target", () => online.labelAt(0, 2, 1)],
    ["tree, x", () => tree.push(two)],
    ["tree, infinite", () => tree.push([1, Infinity, 1])],
  ])("%s: refused, and nothing has changed", (_, act) => {
    const before = block.save();
    expect(act).toThrow(EddyError);
    expect(block.save()).toEqual(before);
  });
});
