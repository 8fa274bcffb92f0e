import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellNames } from "../../../src/models/network/cells/registry.ts";
import { systemNames, wiringOf } from "../../../src/models/network/model-spec.ts";
import { Window } from "../../../src/models/network/window.ts";
import type { Wiring } from "../../../src/models/network/wiring.ts";
import { rungCell } from "./made-up-cell.ts";
import { cellTrials, noise, open, openLearner, openLive, slope, squaredLoss, trialWiring } from "./trial.ts";

/** Every cell is found in the registry, the one that only this suite knows among them. */
const cells = cellTrials(cellNames());
/** Every short name of a network, small. */
const systems: [title: string, wiring: Wiring][] = systemNames().map((name) => {
  const size = {
    deep: "layers=5x4x3",
    esn: "units=9,degree=4,leak=0.6",
    clockwork: "hidden=3,periods=1x2x4",
  };
  const options = size[name as keyof typeof size] ?? "hidden=5";
  return [name, wiringOf(`${name}:${options}`, { inputs: 3, outputs: 2, seed: 4 })];
});
const all: [title: string, wiring: Wiring][] = [
  ...cells.map(
    ([title, cell, settings]) => [`cell ${title}`, trialWiring(cell, settings)] as [string, Wiring],
  ),
  ...cells.map(
    ([title, cell, settings]) =>
      [`cell ${title}, every second step`, trialWiring(cell, settings, { period: 2 })] as [string, Wiring],
  ),
  ...systems.map(([name, wiring]) => [`system ${name}`, wiring] as [string, Wiring]),
];
const causal = all.filter(
  ([, wiring]) => !wiring.nodes.some((node) => node.edges.some((e) => (e.delay ?? 0) < 0)),
);

const T = 7;
const x = noise(T * 3, 11);
const d = noise(T * 2, 12);
const context = (wiring: Wiring) => (wiring.sources.c ? { context: noise(wiring.sources.c, 13) } : {});

it("the suite finds the made-up cell", () => {
  expect(rungCell.name).toBe("rung");
  expect(all.map(([title]) => title)).toContain("cell rung");
});

describe.each(all)("%s", (_, wiring) => {
  it("gradient equals central differences", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.boolean(), fc.boolean(), (seed, irregular, given) => {
        const { network } = open({ ...wiring, seed });
        const sequence = {
          x: noise(T * 3, seed),
          ...(irregular ? { dt: noise(T, seed + 1, 0.7).map((v) => 1 + v) } : {}),
          ...(given && wiring.sources.y ? { y: noise(T * 2, seed + 2) } : {}),
          ...context(wiring),
        };
        const gradients = squaredLoss(network, sequence, d).gradients();
        const check = (
          analytic: number,
          target: Float64Array | Float32Array,
          i: number,
          what: string,
        ): void => {
          const kept = target[i]!;
          const numeric = slope((shift) => {
            target[i] = kept + shift;
            return squaredLoss(network, sequence, d).loss;
          });
          target[i] = kept;
          if (Math.abs(numeric - analytic) > 1e-7 * (1 + Math.abs(numeric))) {
            expect.fail(`${what}[${i}]: ${analytic}, by differences ${numeric} (seed ${seed})`);
          }
        };
        const parameters = network.parameters.view;
        for (const { name, outputs, inputs, offset, stride } of network.tensors) {
          for (let k = 0; k < outputs * inputs; k++) {
            const i = offset + (k % outputs) + Math.floor(k / outputs) * stride;
            if (wiring.nodes.some((node) => node.edges.some((e) => e.degree)) && parameters[i] === 0)
              continue;
            check(gradients.parameters[i]!, parameters, i, name);
          }
        }
        for (let i = 0; i < sequence.x.length; i++) check(gradients.x[i]!, sequence.x, i, "x");
        if (sequence.context) {
          for (let i = 0; i < sequence.context.length; i++)
            check(gradients.context[i]!, sequence.context, i, "context");
        }
      }),
      { numRuns: 4, seed: 7 },
    );
  });

  it("gradient by the start equals central differences", () => {
    const { network } = open(wiring);
    const start: Record<string, Float64Array> = {};
    for (const node of network.program.nodes) {
      start[node.name] = noise(node.n, 21 + node.index, 0.5);
      if (node.cell.states) start[`${node.name}.s`] = noise(node.n * node.cell.states, 41 + node.index, 0.5);
    }
    const sequence = { x, start, ...context(wiring) };
    const gradients = squaredLoss(network, sequence, d).gradients();
    for (const [name, values] of Object.entries(start)) {
      for (let i = 0; i < values.length; i++) {
        const kept = values[i]!;
        const numeric = slope((shift) => {
          values[i] = kept + shift;
          return squaredLoss(network, sequence, d).loss;
        });
        values[i] = kept;
        expect(Math.abs(numeric - gradients.start[name]![i]!), `${name}[${i}]`).toBeLessThan(
          1e-7 * (1 + Math.abs(numeric)),
        );
      }
    }
  });

  it("same seed, same bits; another seed, other numbers", () => {
    for (const backend of ["wasm", "reference64"] as const) {
      const run = (seed: number): Float64Array =>
        new Window(open({ ...wiring, seed }, backend).network, T).forward({ x, ...context(wiring) });
      expect(run(5)).toEqual(run(5));
      expect(run(5)).not.toEqual(run(6));
    }
  });

  it("leaves its inputs alone, and the wiring as it was", () => {
    const frozen = deepFreeze(structuredClone(wiring));
    const given = Float64Array.from(x);
    const { network } = open(frozen, "wasm");
    squaredLoss(network, { x: given, ...context(wiring) }, d).gradients();
    expect(given).toEqual(x);
  });

  it("WebAssembly equals the reference within 1e-5, gradients within 1e-4", () => {
    const run = (backend: "wasm" | "reference32" | "reference64") => {
      const { network } = open(wiring, backend);
      const { loss, gradients } = squaredLoss(network, { x, ...context(wiring) }, d);
      return { loss, gradient: gradients().parameters };
    };
    const specified = run("reference64");
    for (const backend of ["wasm", "reference32"] as const) {
      const got = run(backend);
      expect(Math.abs(got.loss - specified.loss)).toBeLessThan(1e-5 * (1 + specified.loss));
      for (const [i, value] of specified.gradient.entries()) {
        expect(Math.abs(got.gradient[i]! - value)).toBeLessThan(1e-4 * (1 + Math.abs(value)));
      }
    }
  });
});

describe.each(causal)("%s, live", (_, wiring) => {
  it.each(["wasm", "reference64"] as const)("step by step equals the window, bit for bit, %s", (backend) => {
    const { network, live } = openLive(wiring, backend);
    const { context: c } = context(wiring);
    if (c) live.setContext(c);
    const window = new Window(network, T).forward({ x, ...(c ? { context: c } : {}) });
    for (let t = 0; t < T; t++) {
      const o = live.step(x.subarray(3 * t, 3 * t + 3));
      expect(o).toEqual(window.slice(2 * t, 2 * t + 2));
    }
  });

  const feed = (learner: ReturnType<typeof openLearner>["learner"], from: number, to: number): number[] => {
    const out: number[] = [];
    for (let t = from; t < to; t++) {
      out.push(...learner.step(noise(3, 100 + t), 1 + (t % 3) / 4));
      if (wiring.sources.y && t % 4 !== 0) learner.live.feedback(noise(2, 300 + t));
      learner.label(0, noise(2, 200 + t));
      learner.learn();
    }
    return out;
  };

  it.each([
    ["k1 = k2", { every: 5, through: 5 }],
    ["k1 < k2", { every: 3, through: 11, lossSteps: "new" as const }],
  ])("save, load, continue: bit-identical, %s", (_, options) => {
    const once = openLearner(wiring, "wasm", { ...options, optimiser: { kind: "adam", rate: 0.01 } });
    const whole = feed(once.learner, 0, 60);
    for (const cut of [1, 17, 33]) {
      const first = openLearner(wiring, "wasm", { ...options, optimiser: { kind: "adam", rate: 0.01 } });
      const head = feed(first.learner, 0, cut);
      const second = openLearner({ ...wiring }, "wasm", {
        ...options,
        optimiser: { kind: "adam", rate: 0.01 },
      });
      second.block.load(first.block.save());
      expect([...head, ...feed(second.learner, cut, 60)]).toEqual(whole);
      expect(second.block.save()).toEqual(once.block.save());
    }
  });

  it("a clone is independent", () => {
    const options = { every: 4, through: 8 };
    const one = openLearner(wiring, "wasm", options);
    feed(one.learner, 0, 10);
    const saved = one.block.save();
    const other = openLearner(wiring, "wasm", options);
    other.block.load(saved);
    feed(other.learner, 10, 20);
    expect(one.block.save()).toEqual(saved);
    expect(other.block.save()).not.toEqual(saved);
  });

  it("finite under extremes", () => {
    const extremes = [0, -0, 1e-320, 1e-30, 1, -1, 1e6, -1e9, 1e30, -1e300, Number.MAX_VALUE];
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            x: fc.array(fc.constantFrom(...extremes), { minLength: 3, maxLength: 3 }),
            d: fc.constantFrom(...extremes),
            dt: fc.constantFrom(1e-3, 1, 1000),
          }),
          { minLength: 20, maxLength: 60 },
        ),
        (events) => {
          const { network, learner } = openLearner(wiring, "wasm", { every: 4, through: 8 });
          for (const event of events) {
            for (const value of learner.step(event.x, event.dt)) expect(Number.isFinite(value)).toBe(true);
            learner.label(0, [event.d, -event.d]);
            learner.learn();
          }
          expect(network.parameters.view.every(Number.isFinite)).toBe(true);
        },
      ),
      { numRuns: 15, seed: 3 },
    );
  });

  it("TBPTT with k2 >= length equals full BPTT", () => {
    const sequence = { x, ...context(wiring) };
    const { network } = open(wiring);
    const full = squaredLoss(network, sequence, d).gradients().parameters;
    for (const options of [
      { every: T, through: T },
      { every: 1, through: T + 5 },
    ]) {
      const { learner } = openLearner(wiring, "reference64", {
        ...options,
        optimiser: { kind: "sgd", rate: 0 },
      });
      if (sequence.context) learner.live.setContext(sequence.context);
      for (let t = 0; t < T; t++) {
        learner.step(x.subarray(3 * t, 3 * t + 3));
        learner.label(0, d.subarray(2 * t, 2 * t + 2));
        learner.learn();
      }
      // The learner's loss is the mean over the steps, the window's their sum.
      for (const [i, g] of learner.gradient.entries()) expect(T * g).toBeCloseTo(full[i]!, 9);
    }
  });
});

function deepFreeze<V>(value: V): V {
  if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) deepFreeze(item);
    Object.freeze(value);
  }
  return value;
}
