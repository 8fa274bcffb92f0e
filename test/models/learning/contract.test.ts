import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
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
import { bidirectional, lstm } from "../../../src/models/network/systems.ts";
import { squared } from "../../../src/models/readouts/squared.ts";
import { noise } from "../network/trial.ts";

const X = 3;
const D = 2;

/** A learner as the contract sees it: an event of features and labels comes, a prediction is what it returns. */
type Event = (x: Float64Array, d: Float64Array) => ArrayLike<number>;

interface Subject {
  /** Reserves slices; what it returns is called only after the layout was allocated. */
  readonly open: (layout: Layout) => Event;
  /** How far float32 kernels may take its predictions from the float64 reference within 40 events. */
  readonly apart: number;
}

const subjects: Record<string, Subject> = {
  OnlineLearner: {
    apart: 1e-4,
    open(layout) {
      const network = new Network(lstm({ inputs: X, outputs: D, hidden: 6 }), layout);
      const learner = new OnlineLearner(network, layout, { every: 3, through: 8 });
      return (x, d) => {
        const o = Float64Array.from(learner.step(x));
        learner.label(0, d);
        learner.learn();
        return o;
      };
    },
  },
  WindowLearner: {
    apart: 1e-4,
    open(layout) {
      const network = new Network(bidirectional({ inputs: X, outputs: D, hidden: 4 }), layout);
      const learner = new WindowLearner(network, layout, 1);
      return (x, d) => {
        learner.learn({ x }, d);
        return learner.window.states("o");
      };
    },
  },
  DiagonalNetwork: {
    apart: 1e-4,
    open(layout) {
      const net = new DiagonalNetwork(layout, "net", { inputs: X, units: 5, readout: squared(D) });
      return (x, d) => {
        net.step(x);
        const o = Float64Array.from(net.output);
        net.learn(d);
        return o;
      };
    },
  },
  LeastMeanSquares: {
    apart: 1e-12,
    open(layout) {
      const lms = new LeastMeanSquares(layout, "lms", { features: X, outputs: D, rate: 0.05 });
      return (x, d) => {
        const y = Float64Array.from(lms.predict(new Float64Array(D), x));
        lms.learn(x, d);
        return y;
      };
    },
  },
  RecursiveLeastSquares: {
    apart: 1e-9,
    open(layout) {
      const rls = new RecursiveLeastSquares(layout, "rls", { features: X, outputs: D });
      return (x, d) => {
        const y = Float64Array.from(rls.predict(new Float64Array(D), x));
        rls.learn(x, d);
        return y;
      };
    },
  },
  DelayedLeastSquares: {
    apart: 1e-9,
    open(layout) {
      const rls = new DelayedLeastSquares(layout, "rls", { features: X, horizon: 2, targets: D });
      return (x, d) => {
        rls.settle(Float64Array.of(...d, ...d));
        rls.issue(x);
        return Float64Array.from(rls.predict(new Float64Array(2 * D)));
      };
    },
  },
};

/** Learners that the contract cannot hold, and why. */
const EXCEPT: Record<string, string> = {
  Ridge: "gathers a batch and solves it once; it is no part of a live model and has no slices",
};

const folder = new URL("../../../src/models/learning/", import.meta.url);
const found: string[] = [];
for (const file of readdirSync(fileURLToPath(folder)).sort()) {
  const module = (await import(new URL(file, folder).href)) as Record<string, unknown>;
  for (const [name, value] of Object.entries(module)) {
    const prototype = typeof value === "function" ? (value.prototype as object | undefined) : undefined;
    if (prototype && ["learn", "settle", "solve"].some((verb) => verb in prototype)) found.push(name);
  }
}

it("every class that learns is held to the contract, or excepted with a reason", () => {
  expect(found.sort()).toEqual([...Object.keys(subjects), ...Object.keys(EXCEPT)].sort());
});

function open(subject: Subject, backend: Backend): { event: Event; block: Block } {
  const layout = new Layout(new Arena({ backend, bankBytes: 2 ** 20 }));
  const event = subject.open(layout);
  return { event, block: layout.allocate() };
}

const feed = (event: Event, from: number, to: number): number[][] =>
  Array.from({ length: to - from }, (_, i) =>
    Array.from(event(noise(X, 500 + from + i), noise(D, 900 + from + i))),
  );

describe.each(Object.entries(subjects))("%s", (_, subject) => {
  it("leaves its inputs alone", () => {
    const { event } = open(subject, "wasm");
    for (let t = 0; t < 20; t++) {
      const x = noise(X, t);
      const d = noise(D, t);
      event(x, d);
      expect([x, d]).toEqual([noise(X, t), noise(D, t)]);
    }
  });

  it("same events, same bits; and it does learn", () => {
    const [one, two] = [open(subject, "wasm"), open(subject, "wasm")];
    const before = one.block.save();
    expect(feed(one.event, 0, 30)).toEqual(feed(two.event, 0, 30));
    expect(one.block.save()).toEqual(two.block.save());
    expect(one.block.save()).not.toEqual(before);
  });

  it.each(["wasm", "reference64"] as const)("save, load, continue: bit-identical, %s", (backend) => {
    const whole = open(subject, backend);
    const all = feed(whole.event, 0, 40);
    for (const cut of [1, 7, 20]) {
      const first = open(subject, backend);
      feed(first.event, 0, cut);
      const second = open(subject, backend);
      second.block.load(first.block.save());
      expect(feed(second.event, cut, 40)).toEqual(all.slice(cut));
      expect(second.block.save()).toEqual(whole.block.save());
    }
  });

  it("a clone is independent", () => {
    const one = open(subject, "wasm");
    feed(one.event, 0, 9);
    const saved = one.block.save();
    const other = open(subject, "wasm");
    other.block.load(saved);
    feed(other.event, 9, 20);
    expect(one.block.save()).toEqual(saved);
  });

  it("finite under extremes, and alive after them", () => {
    const { event } = open(subject, "wasm");
    const extremes = [0, 1e-300, 1, -1e6, 1e18, -1e30, 1e150, Number.MAX_VALUE];
    for (let t = 0; t < 200; t++) {
      const x = Float64Array.from({ length: X }, (_, i) => extremes[(t + 3 * i) % 8]!);
      const d = Float64Array.from({ length: D }, (_, i) =>
        t % 5 === 0 ? Number.NaN : extremes[(3 * t + i) % 8]!,
      );
      for (const value of Array.from(event(x, d))) expect(Number.isFinite(value)).toBe(true);
    }
    for (const row of feed(event, 0, 20)) for (const value of row) expect(Number.isFinite(value)).toBe(true);
  });

  it("WebAssembly equals the reference within the stated bound", () => {
    const got = feed(open(subject, "wasm").event, 0, 40).flat();
    const specified = feed(open(subject, "reference64").event, 0, 40).flat();
    for (const [i, value] of specified.entries()) {
      expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(subject.apart * (1 + Math.abs(value)));
    }
  });
});
