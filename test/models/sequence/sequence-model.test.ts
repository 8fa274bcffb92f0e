import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../src/models/kernels/layout.ts";
import type { Backend } from "../../../src/models/kernels/open.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import { gaussian } from "../../../src/models/readouts/gaussian.ts";
import { huber } from "../../../src/models/readouts/huber.ts";
import type { Readout } from "../../../src/models/readouts/readout.ts";
import { categories } from "../../../src/models/readouts/softmax.ts";
import { squared } from "../../../src/models/readouts/squared.ts";
import { SequenceModel } from "../../../src/models/sequence/sequence-model.ts";
import { type SequenceWiringOptions, sequenceWiring } from "../../../src/models/sequence/sequence-wiring.ts";

function made(
  backend: Backend,
  options: SequenceWiringOptions,
  rate = 0.01,
): { model: SequenceModel; block: Block } {
  const layout = new Layout(new Arena({ backend }));
  const wiring = sequenceWiring({ seed: 7, ...options });
  const { readout, length = "end" } = options;
  const optimiser = { kind: "adam", rate } as const;
  const model = new SequenceModel(layout, "model", { wiring, readout, length, longest: 40, optimiser });
  const block = layout.allocate();
  const random = seeded(7, "length");
  for (let i = 0; i < model.lengthParameters.length; i++) model.lengthParameters.view[i] = random() - 0.3;
  return { model, block };
}

const variants: readonly [string, SequenceWiringOptions, number[], number[] | undefined][] = [
  ["end, LSTM, categories", { readout: categories(3), hidden: 4 }, [0, 2, 1, 1], undefined],
  ["end, GRU, gaussian", { readout: gaussian(1), hidden: 3, cell: "gru" }, [0.3, -1, 0.8], undefined],
  [
    "end from a context",
    { readout: squared(2), hidden: 3, cell: "tanh", context: 2 },
    [0.3, -1, 0.8, 2],
    [1, -0.5],
  ],
  ["count, LSTM, squared", { readout: squared(1), hidden: 3, length: "count" }, [0.5, 1, -1, 0.2], undefined],
  [
    "count from a context",
    { readout: categories(2), hidden: 3, cell: "tanh", length: "count", context: 2 },
    [1, 0],
    [1, 2],
  ],
  [
    "count of nothing",
    { readout: categories(2), hidden: 3, cell: "tanh", length: "count", context: 2 },
    [],
    [1, 2],
  ],
];

describe.each(variants)("sequences: %s", (_, options, x, context) => {
  test("the gradient equals central differences for every parameter and the context", () => {
    const { model } = made("reference64", options);
    const loss = model.gradient(x, context);
    expect(loss).toBe(-model.likelihood(x, context).log);
    const g = Float64Array.from(model.gradients.view);
    const dContext = model.contextGradient.slice();
    const P = model.network.program.parameters;
    const h = 1e-5;
    const slope = (nudge: (step: number) => number[] | undefined): number => {
      const [up, down] = [h, -h].map((step) => {
        const moved = nudge(step);
        const value = -model.likelihood(x, moved ?? context).log;
        nudge(-step);
        return value;
      });
      return (up - down) / (2 * h);
    };
    for (let p = 0; p < g.length; p++) {
      const [slice, at] = p < P ? [model.network.parameters, p] : [model.lengthParameters, p - P];
      const wanted = slope((step) => {
        slice.view[at] += step;
        return undefined;
      });
      expect(Math.abs(g[p] - wanted)).toBeLessThan(1e-7 * (1 + Math.abs(wanted)));
    }
    context?.forEach((_value, j) => {
      const wanted = slope((step) => context.map((c, i) => (i === j ? c + step : c)));
      expect(Math.abs(dContext[j] - wanted)).toBeLessThan(1e-7 * (1 + Math.abs(wanted)));
    });
  });

  test("same seed same draw, inputs untouched, a saved block continues to the same bits", () => {
    const a = made("wasm", options);
    const [copy, contextCopy] = [[...x], context && [...context]];
    for (let i = 0; i < 5; i++) a.model.learn(x, context);
    expect([x, context]).toEqual([copy, contextCopy]);
    const b = made("wasm", options);
    b.block.bytes.set(a.block.save());
    expect(b.model.sample(seeded(3, "draw"), context)).toEqual(a.model.sample(seeded(3, "draw"), context));
    expect(b.model.learn(x, context)).toBe(a.model.learn(x, context));
    expect(b.block.save()).toEqual(a.block.save());
  });
});

/** All sequences of n categories with exactly `length` steps. */
const all = (n: number, length: number): number[][] =>
  length === 0 ? [[]] : all(n, length - 1).flatMap((x) => Array.from({ length: n }, (_, k) => [...x, k]));

test.each(["end", "count"] as const)(
  "probabilities of all sequences add up to one, length by %s",
  (length) => {
    const { model } = made("reference64", { readout: categories(2), hidden: 4, length });
    let total = 0;
    let mass = 0;
    for (let tau = length === "end" ? 1 : 0; tau <= 9; tau++) {
      const logs = all(2, tau).map((x) => model.likelihood(x));
      total += logs.reduce((sum, { log }) => sum + Math.exp(log), 0);
      if (length === "count") mass += Math.exp(logs[0].logLength);
      else {
        mass =
          1 -
          logs.reduce((sum, { logValues, logSurvival }) => {
            const values = logValues.reduce((product, log) => product * Math.exp(log), 1);
            return sum + values * Math.exp(logSurvival[tau - 1]);
          }, 0);
      }
      // Every sequence so far, and with "end" whatever goes on, is all there is.
      expect(total).toBeCloseTo(mass, 12);
    }
    expect(total).toBeGreaterThan(0.9);
  },
);

test.each(["end", "count"] as const)(
  "draws have the probabilities that the likelihood says, length by %s",
  (length) => {
    const { model } = made("reference64", { readout: categories(2), hidden: 4, length });
    const random = seeded(13, "draws");
    const seen = new Map<string, number>();
    const n = 20_000;
    for (let i = 0; i < n; i++) {
      const key = model.sample(random).join();
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    for (const x of [...all(2, 1), ...all(2, 2), ...all(2, 3)]) {
      const p = Math.exp(model.likelihood(x).log);
      expect(Math.abs((seen.get(x.join()) ?? 0) / n - p)).toBeLessThan(4.5 * Math.sqrt((p * (1 - p)) / n));
    }
  },
);

test("sessions that end: learns when they end and what comes next, and draws them whole", () => {
  // Two kinds of session, told apart by their first category: 0 1 1 1, and 2 0.
  const sessions = [
    [0, 1, 1, 1],
    [2, 0],
  ];
  const { model } = made("wasm", { readout: categories(3), hidden: 16 }, 0.02);
  const random = seeded(5, "sessions");
  for (let i = 0; i < 1200; i++) model.learn(sessions[random() < 0.5 ? 0 : 1]);
  for (const session of sessions) {
    // Each has probability one half.
    expect(model.likelihood(session).log).toBeGreaterThan(Math.log(0.4));
  }
  const draws = Array.from({ length: 200 }, () => model.sample(random).join());
  const known = draws.filter((draw) => sessions.some((session) => session.join() === draw));
  expect(known.length).toBeGreaterThan(180);
  expect(new Set(known).size).toBe(2);
});

test("a length by count follows its context", () => {
  const { model } = made(
    "wasm",
    { readout: squared(1), hidden: 8, cell: "tanh", length: "count", context: 1 },
    0.02,
  );
  const random = seeded(6, "lengths");
  for (let i = 0; i < 1500; i++) {
    const long = random() < 0.5;
    model.learn(new Float64Array(long ? 9 : 3), [long ? 1 : -1]);
  }
  expect(model.rate([1])).toBeCloseTo(9, 0);
  expect(model.rate([-1])).toBeCloseTo(3, 0);
  expect(model.guards).toEqual({ nonFinite: 0, exploding: 0 });
});

test("draws are cut at the longest length", () => {
  const { model } = made("reference64", { readout: squared(1), hidden: 2, length: "count" });
  model.lengthParameters.view.fill(0);
  model.lengthParameters.view[2] = 500;
  expect(model.sample(seeded(1, "x")).length).toBe(40);
  expect(model.sample(seeded(1, "x"), undefined, 5).length).toBe(5);
});

describe("refusals", () => {
  const build = (readout: Readout, wiring = sequenceWiring({ readout })) =>
    new SequenceModel(new Layout(new Arena()), "m", { wiring, readout });
  test("a loss that is no distribution", () => {
    expect(() => build(huber(1))).toThrow(/expected a distribution.*got huber/);
  });
  test("a network of other sizes", () => {
    expect(() => build(categories(3), sequenceWiring({ readout: categories(4) }))).toThrow(EddyError);
    expect(() => build(squared(1), sequenceWiring({ readout: squared(1), length: "count" }))).toThrow(
      EddyError,
    );
  });
  test("sequences of no length that fits", () => {
    const { model } = made("reference64", { readout: squared(2) });
    for (const x of [[], [1, 2, 3], new Float64Array(82)])
      expect(() => model.likelihood(x)).toThrow(/1 to 40 rows of 2/);
  });
});
