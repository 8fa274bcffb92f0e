import { describe, expect, it } from "vitest";
import { spectrum } from "../../../src/models/network/diagnostics.ts";
import { spectralRadius } from "../../../src/models/network/spectral-radius.ts";
import type { Wiring } from "../../../src/models/network/wiring.ts";
import { noise, openLearner } from "./trial.ts";

/** h = λ h(t-1) + x, o = h: every diagnosis is known in closed form. */
const linear: Wiring = {
  sources: { x: 1 },
  nodes: [
    {
      name: "h",
      cell: "linear",
      size: 2,
      edges: [
        { from: "x", initial: { kind: "given", values: [1, 1] } },
        { from: "h", delay: 1, initial: { kind: "given", values: [0.6, -0.8, 0.8, 0.6] } },
      ],
    },
    {
      name: "o",
      cell: "linear",
      size: 1,
      edges: [{ from: "h", initial: { kind: "given", values: [3, 4] } }],
    },
  ],
  output: "o",
};

describe("diagnose", () => {
  it.each([
    ["k1 = k2", { every: 8 }],
    ["k1 < k2", { every: 2, through: 8 }],
  ])("a rotation neither vanishes nor explodes, %s", (_, options) => {
    const { learner, block } = openLearner(linear, "reference64", options);
    for (let t = 0; t < 16; t++) learner.step([Math.sin(t)]);
    const before = block.save();
    const { weights, jacobian, gradientByDelay } = learner.diagnose(8);
    expect(block.save()).toEqual(before);
    expect(weights.h!.z!.radius).toBeCloseTo(1, 12);
    expect(weights.h!.z!.norm).toBeCloseTo(1, 12);
    expect(weights.h!.z!.real[0]).toBeCloseTo(0.6, 12);
    expect(jacobian.h!.radius).toBeCloseTo(1, 10);
    expect(jacobian.h!.real[0]).toBeCloseTo(Math.cos(8 * Math.atan2(0.8, 0.6)), 10);
    expect(gradientByDelay.h).toHaveLength(8);
    for (const norm of gradientByDelay.h!) expect(norm).toBeCloseTo(5, 10);
    expect(gradientByDelay.o![0]).toBeCloseTo(1, 12);
    expect(gradientByDelay.o!.slice(1)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it("halved weights halve the gradient with every step back", () => {
    const { network, learner } = openLearner(linear, "reference64", { every: 8 });
    network.write("h.h(1)", [0.3, -0.4, 0.4, 0.3]);
    for (let t = 0; t < 8; t++) learner.step([1]);
    const { gradientByDelay, jacobian } = learner.diagnose();
    for (const [k, norm] of gradientByDelay.h!.entries()) expect(norm).toBeCloseTo(5 / 2 ** k, 10);
    expect(jacobian.h!.radius).toBeCloseTo(2 ** -8, 12);
  });

  it("cannot look further back than is kept", () => {
    const { learner } = openLearner(linear, "wasm", { every: 4, through: 8 });
    for (let t = 0; t < 3; t++) learner.step([1]);
    expect(() => learner.diagnose(9)).toThrow(/^steps to diagnose: expected 1 to 3/);
  });
});

it("the radius of a large matrix, from a Krylov space, equals that of all its eigenvalues", () => {
  const n = 160;
  for (const seed of [1, 2, 3]) {
    const matrix = noise(n * n, seed);
    expect(spectralRadius(matrix, n) / spectrum(matrix, n).radius).toBeCloseTo(1, 6);
  }
});

it.each<[string, number[], number]>([
  ["a turn, whose eigenvalues are complex", [0.6, -0.8, 0.8, 0.6], 1],
  ["a defective matrix", [0.5, 1e3, 0, 0.5], 0.5],
  ["a nilpotent one", [0, 7, 0, 0], 0],
  ["one number", [-3], 3],
  ["two opposite eigenvalues", [2, 0, 0, -2], 2],
])("the radius of %s", (_, matrix, radius) => {
  expect(spectralRadius(Float64Array.from(matrix), Math.sqrt(matrix.length))).toBeCloseTo(radius, 9);
});
