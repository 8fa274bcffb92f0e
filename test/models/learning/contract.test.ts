import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../src/models/kernels/layout.ts";
import type { Backend } from "../../../src/models/kernels/open.ts";
import { LeastMeanSquares } from "../../../src/models/learning/lms.ts";
import { RecursiveLeastSquares } from "../../../src/models/learning/rls.ts";
import { DelayedLeastSquares } from "../../../src/models/learning/rls-delayed.ts";
import { DiagonalNetwork } from "../../../src/models/learning/rtrl.ts";
import { OnlineLearner } from "../../../src/models/learning/tbptt.ts";
import { WindowLearner } from "../../../src/models/learning/window-learner.ts";
import { Network } from "../../../src/models/network/network.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import { elman, lstm } from "../../../src/models/network/systems.ts";
import { squared } from "../../../src/models/readouts/squared.ts";

/** A learner on a stream of samples (x, d): it answers with what it says of d, then learns. */
interface Trial {
  sample(x: Float64Array, d: Float64Array): ArrayLike<number>;
}

const N = 3;
const M = 2;

/** How every learner of the folder is tried. A class that learns and is not here fails the first test. */
const trials: Record<string, (layout: Layout) => Trial> = {
  LeastMeanSquares: (layout) => {
    const lms = new LeastMeanSquares(layout, "l", { features: N, outputs: M, rate: 0.2, normalised: true });
    return linear(lms);
  },
  RecursiveLeastSquares: (layout) =>
    linear(new RecursiveLeastSquares(layout, "l", { features: N, outputs: M, forgetting: 0.99 })),
  DelayedLeastSquares: (layout) => {
    const rls = new DelayedLeastSquares(layout, "l", {
      features: N,
      targets: M,
      horizon: 2,
      forgetting: 0.99,
    });
    return {
      sample: (x, d) => {
        rls.settle(Float64Array.of(...d, ...d));
        rls.issue(x);
        return rls.predict(new Float64Array(2 * M));
      },
    };
  },
  DiagonalNetwork: (layout) => {
    const optimiser = { kind: "adam", rate: 0.02 } as const;
    const net = new DiagonalNetwork(layout, "l", { inputs: N, units: 5, readout: squared(M), optimiser });
    layout.whenAllocated(() => {
      net.spread(1, 10);
      const random = seeded(3, "weights");
      for (let i = 0; i < net.inputWeights.length; i++) net.inputWeights[i] = 2 * random() - 1;
    });
    return {
      sample: (x, d) => {
        net.step(x);
        const answer = Float64Array.from(net.output);
        net.learn(d);
        return answer;
      },
    };
  },
  OnlineLearner: (layout) => {
    const network = new Network(lstm({ inputs: N, outputs: M, hidden: 5, seed: 2 }), layout);
    const optimiser = { kind: "adam", rate: 0.02 } as const;
    const learner = new OnlineLearner(network, layout, { every: 2, through: 5, optimiser });
    return {
      sample: (x, d) => {
        const answer = Float64Array.from(learner.step(x));
        learner.label(0, d);
        learner.learn();
        return answer;
      },
    };
  },
  WindowLearner: (layout) => {
    const network = new Network(elman({ inputs: N, outputs: M, hidden: 5, seed: 2 }), layout);
    const optimiser = { kind: "adam", rate: 0.02 } as const;
    const learner = new WindowLearner(network, layout, 1, { optimiser });
    return { sample: (x, d) => [learner.learn({ x }, d)] };
  },
};

function linear(learner: LeastMeanSquares | RecursiveLeastSquares): Trial {
  return {
    sample: (x, d) => {
      const answer = learner.predict(new Float64Array(M), x);
      learner.learn(x, d);
      return answer;
    },
  };
}

/** Labels are a fixed linear map of x: every learner here can learn that. */
function stream(length: number): { x: Float64Array; d: Float64Array }[] {
  const random = seeded(9, "stream");
  return Array.from({ length }, () => {
    const x = Float64Array.from({ length: N }, () => 2 * random() - 1);
    return { x, d: Float64Array.of(0.5 * x[0] - x[1], 0.3 * x[2]) };
  });
}

function open(make: (layout: Layout) => Trial, backend: Backend): { trial: Trial; block: Block } {
  const layout = new Layout(new Arena({ backend }));
  const trial = make(layout);
  return { trial, block: layout.allocate() };
}

const run = (trial: Trial, samples: readonly { x: Float64Array; d: Float64Array }[]): number[][] =>
  samples.map(({ x, d }) => [...Array.from(trial.sample(x, d))]);

const folder = new URL("../../../src/models/learning/", import.meta.url);

test("every class that learns from samples has a trial here", async () => {
  const found: string[] = [];
  for (const file of readdirSync(folder)) {
    const exported = (await import(/* @vite-ignore */ new URL(file, folder).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exported)) {
      const methods = typeof value === "function" ? Object.getOwnPropertyNames(value.prototype ?? {}) : [];
      if (methods.includes("learn") || methods.includes("settle")) found.push(name);
    }
  }
  expect(found.sort()).toEqual(Object.keys(trials).sort());
});

describe.each(Object.entries(trials))("%s", (_, make) => {
  const samples = stream(60);

  test("learns", () => {
    const { trial } = open(make, "wasm");
    const long = stream(1500);
    const before = JSON.stringify(run(trial, long.slice(0, 1)));
    run(trial, long);
    const after = run(trial, long.slice(0, 1));
    expect(JSON.stringify(after)).not.toBe(before);
    if (_ === "WindowLearner") expect(after[0][0]).toBeLessThan(0.02);
    else if (_ !== "DelayedLeastSquares")
      long[0].d.forEach((d, i) => {
        expect(Math.abs(after[0][i] - d)).toBeLessThan(0.2);
      });
  });

  test.each(["wasm", "reference64"] as const)("same samples, same bits; inputs untouched, %s", (backend) => {
    const copies = samples.map(({ x, d }) => [x.slice(), d.slice()]);
    const [a, b] = [open(make, backend), open(make, backend)];
    expect(run(a.trial, samples)).toEqual(run(b.trial, samples));
    expect(a.block.save()).toEqual(b.block.save());
    expect(samples.map(({ x, d }) => [x, d])).toEqual(copies);
  });

  test("save, load, continue: bit for bit; the copy lives on its own", () => {
    const a = open(make, "wasm");
    run(a.trial, samples.slice(0, 31));
    const saved = a.block.save();
    const b = open(make, "wasm");
    b.block.load(saved);
    const left = run(a.trial, samples.slice(31));
    // Two learners in two banks, one after the other: nothing they share is state.
    expect(run(b.trial, samples.slice(31))).toEqual(left);
    expect(b.block.save()).toEqual(a.block.save());
    expect(a.block.save()).not.toEqual(saved);
  });

  test("a fast machine and the specification agree", () => {
    const fast = run(open(make, "wasm").trial, samples.slice(0, 20)).flat();
    const specified = run(open(make, "reference64").trial, samples.slice(0, 20)).flat();
    fast.forEach((value, i) => {
      expect(Math.abs(value - specified[i])).toBeLessThan(1e-3 * (1 + Math.abs(specified[i])));
    });
  });

  test("stays finite whatever comes, and learns on", () => {
    const { trial, block } = open(make, "wasm");
    run(trial, samples);
    const wild = [1e30, -1e30, 1e-40, 0].map((v) => ({
      x: new Float64Array(N).fill(v),
      d: new Float64Array(M).fill(-v),
    }));
    run(trial, wild);
    const none = { x: samples[0].x, d: new Float64Array(M).fill(Number.NaN) };
    run(trial, [none]);
    for (const value of run(trial, samples).flat()) expect(value).toSatisfy(Number.isFinite);
    expect(block.byteLength).toBeGreaterThan(0);
  });
});
