import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../src/models/kernels/layout.ts";
import type { Backend } from "../../../src/models/kernels/open.ts";
import { DiagonalNetwork, type DiagonalNetworkOptions } from "../../../src/models/learning/rtrl.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import type { Readout } from "../../../src/models/readouts/readout.ts";
import { makeReadout } from "../../../src/models/readouts/registry.ts";
import { squared } from "../../../src/models/readouts/squared.ts";

function made(backend: Backend, options: DiagonalNetworkOptions): { net: DiagonalNetwork; block: Block } {
  const layout = new Layout(new Arena({ backend }));
  const net = new DiagonalNetwork(layout, "net", options);
  const block = layout.allocate();
  const random = seeded(3, "parameters");
  for (let i = 0; i < net.parameters.length; i++) net.parameters.view[i] = 2 * random() - 1;
  return { net, block };
}

interface Moment {
  readonly x: Float64Array;
  readonly d: Float64Array;
  readonly dt: number;
}

function stream(readout: Readout, inputs: number, steps: number): Moment[] {
  const random = seeded(5, "stream");
  const z = new Float64Array(readout.inputs);
  return Array.from({ length: steps }, (_, t) => {
    const d = new Float64Array(readout.targets);
    readout.sample(d, z, random);
    // Some labels are missing, and time is irregular.
    if (t % 4 === 2) d.fill(Number.NaN);
    const x = Float64Array.from({ length: inputs }, () => 2 * random() - 1);
    return { x, d, dt: t % 3 === 1 ? 0.3 + 2 * random() : 1 };
  });
}

function run(net: DiagonalNetwork, moments: readonly Moment[]): { loss: number; gradients: Float64Array } {
  const gradients = new Float64Array(net.gradients.length);
  let loss = 0;
  for (const { x, d, dt } of moments) {
    net.step(x, dt);
    loss += net.gradient(d);
    net.gradients.view.forEach((g, i) => {
      gradients[i] += g;
    });
  }
  return { loss, gradients };
}

const variants: readonly [string, Omit<DiagonalNetworkOptions, "readout">, string][] = [
  ["tanh with self weights and bias, softmax", { inputs: 3, units: 5 }, "softmax"],
  ["tanh without self weights, gaussian", { inputs: 1, units: 4, selfWeight: false }, "gaussian"],
  [
    "linear with self weights, no bias, squared",
    { inputs: 2, units: 3, activation: "linear", bias: false },
    "squared",
  ],
];

describe.each(variants)("real-time recurrent learning: %s", (_, shape, readoutName) => {
  const options = { ...shape, readout: makeReadout(readoutName, 2) };
  const moments = stream(options.readout, shape.inputs, 40);

  test("summed over a sequence it is the gradient of the whole sequence, for every parameter", () => {
    const { net } = made("reference64", options);
    const { gradients } = run(net, moments);
    for (let p = 0; p < net.parameters.length; p++) {
      const [up, down] = [1e-5, -1e-5].map((h) => {
        const other = made("reference64", options).net;
        other.parameters.view[p] += h;
        return run(other, moments).loss;
      });
      const slope = (up - down) / 2e-5;
      expect(Math.abs(gradients[p] - slope)).toBeLessThan(1e-7 * (1 + Math.abs(slope)));
    }
    expect(gradients.every((g) => g !== 0)).toBe(true);
  });

  test("the float32 kernels agree with the float64 reference", () => {
    const exact = run(made("reference64", options).net, moments);
    for (const backend of ["wasm", "reference32"] as const) {
      const { loss, gradients } = run(made(backend, options).net, moments);
      expect(Math.abs(loss - exact.loss)).toBeLessThan(1e-4 * (1 + Math.abs(exact.loss)));
      gradients.forEach((g, i) => {
        expect(Math.abs(g - exact.gradients[i])).toBeLessThan(1e-4 * (1 + Math.abs(exact.gradients[i])));
      });
    }
  });

  test("inputs untouched; a saved block continues to the same bits; clear begins again", () => {
    const copies = moments.map(({ x, d }) => [x.slice(), d.slice()]);
    const a = made("wasm", options);
    const fresh = run(a.net, moments).loss;
    expect(moments.map(({ x, d }) => [x, d])).toEqual(copies);
    const b = made("wasm", options);
    b.block.bytes.set(a.block.save());
    expect(run(b.net, moments)).toEqual(run(a.net, moments));
    expect(b.block.save()).toEqual(a.block.save());
    a.net.clear();
    expect(run(a.net, moments).loss).toBe(fresh);
  });
});

test("a cause far back still has a gradient, where a window would have cut it", () => {
  const layout = new Layout(new Arena({ backend: "reference64" }));
  const net = new DiagonalNetwork(layout, "net", {
    inputs: 1,
    units: 1,
    readout: squared(1),
    selfWeight: false,
  });
  layout.allocate();
  net.spread(5000, 5000);
  net.inputWeights.fill(1);
  net.outputWeights.fill(1);
  net.step([1]);
  for (let t = 0; t < 4000; t++) net.step([0]);
  net.gradient([1]);
  // ∂L/∂U = (h − 1) λ^4000 (1 − λ)(1 − tanh² 1): small, but there.
  const lambda = Math.exp(-1 / 5000);
  const wanted = (net.state[0] - 1) * lambda ** 4000 * (1 - lambda) * (1 - Math.tanh(1) ** 2);
  expect(net.gradients.view[2] / wanted).toBeCloseTo(1, 9);
});

test.each(["reference64", "wasm"] as const)("learns online to hold a sign for 30 steps, %s", (backend) => {
  const layout = new Layout(new Arena({ backend }));
  const readout = makeReadout("squared", 1);
  const optimiser = { kind: "adam", rate: 0.01 } as const;
  const net = new DiagonalNetwork(layout, "net", { inputs: 2, units: 8, readout, optimiser });
  layout.allocate();
  net.spread(2, 50);
  const random = seeded(11, "weights");
  for (let i = 0; i < net.inputWeights.length; i++) net.inputWeights[i] = 2 * random() - 1;
  const recent: number[] = [];
  for (let trial = 0; trial < 1500; trial++) {
    const sign = random() < 0.5 ? -1 : 1;
    for (let t = 0; t <= 30; t++) net.step([t === 0 ? sign : 0, t === 30 ? 1 : 0]);
    recent.push(net.learn([sign]));
  }
  const mean = (part: number[]): number => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  expect(mean(recent.slice(0, 50))).toBeGreaterThan(0.3);
  expect(mean(recent.slice(-50))).toBeLessThan(0.02);
  expect(net.updates).toBe(1500);
});

test("an update that is not finite is refused, counted, and changes nothing that is learned", () => {
  const { net } = made("wasm", { inputs: 1, units: 3, readout: squared(1) });
  net.step([1]);
  net.learn([0.5]);
  const before = net.parameters.view.slice();
  net.learn([Number.POSITIVE_INFINITY]);
  expect(net.parameters.view).toEqual(before);
  expect(net.guards.nonFinite).toBe(1);
  expect(net.updates).toBe(1);
});

test("sizes that are no counts are refused", () => {
  expect(() => made("reference64", { inputs: 0, units: 3, readout: squared(1) })).toThrow(EddyError);
  expect(() => made("reference64", { inputs: 1, units: 1.5, readout: squared(1) })).toThrow(EddyError);
});
