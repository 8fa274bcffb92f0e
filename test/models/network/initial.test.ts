import { describe, expect, it } from "vitest";
import { hash32 } from "../../../src/models/network/seeded.ts";
import { elman, lstm } from "../../../src/models/network/systems.ts";
import type { Wiring } from "../../../src/models/network/wiring.ts";
import { noise, open, openLearner } from "./trial.ts";

describe("how a network begins", () => {
  it("weights uniform within 1/√(fan-in) of the node, biases zero", () => {
    const { network } = open(elman({ inputs: 7, hidden: 18 }));
    const bound = 1 / Math.sqrt(7 + 18);
    for (const name of ["h.x", "h.h(1)"]) {
      const weights = network.read(name);
      expect(Math.max(...weights.map(Math.abs))).toBeLessThanOrEqual(bound);
      expect(Math.max(...weights)).toBeGreaterThan(0.9 * bound);
      expect(Math.min(...weights)).toBeLessThan(-0.9 * bound);
    }
    expect(network.read("h.b")).toEqual(new Float64Array(18));
  });

  it("orthogonal weights keep every length", () => {
    const n = 12;
    const W = open(elman({ hidden: n, orthogonal: true })).network.read("h.h(1)");
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let product = 0;
        for (let k = 0; k < n; k++) product += W[i * n + k]! * W[j * n + k]!;
        expect(product).toBeCloseTo(i === j ? 1 : 0, 12);
      }
    }
  });

  it("an LSTM's forget bias is 1; with a memory of T, a spectrum up to ln(T-1) with the input gate its negative", () => {
    expect(new Set(open(lstm({ hidden: 6 })).network.read("h.b.f"))).toEqual(new Set([1]));
    const { network } = open(lstm({ hidden: 200, memory: 100 }));
    const forget = network.read("h.b.f");
    expect(Math.min(...forget)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...forget)).toBeLessThanOrEqual(Math.log(99));
    expect(Math.max(...forget)).toBeGreaterThan(Math.log(80));
    expect(network.read("h.b.g")).toEqual(forget.map((b) => -b));
  });

  it("removed connections stay removed while the others learn", () => {
    const wiring: Wiring = {
      sources: { x: 1 },
      nodes: [
        {
          name: "h",
          cell: "tanh",
          size: 9,
          edges: [{ from: "x" }, { from: "h", delay: 1, degree: 3 }],
        },
        { name: "o", cell: "linear", size: 1, edges: [{ from: "h" }] },
      ],
      output: "o",
    };
    const { network, learner } = openLearner(wiring, "wasm", { every: 4 });
    const before = network.read("h.h(1)");
    for (let i = 0; i < 9; i++) expect(before.slice(9 * i, 9 * i + 9).filter((w) => w !== 0)).toHaveLength(3);
    for (let t = 0; t < 100; t++) {
      learner.step([Math.sin(t)]);
      learner.label(0, [Math.cos(t)]);
      learner.learn();
    }
    const after = network.read("h.h(1)");
    for (const [i, weight] of before.entries()) {
      if (weight === 0) expect(after[i]).toBe(0);
      else expect(after[i]).not.toBe(weight);
    }
  });

  it("learns to the same bits on every machine", () => {
    // Recorded once. Another machine, another engine: the same number, or something in the arithmetic is not fixed.
    const { network, learner } = openLearner(lstm({ inputs: 3, hidden: 10, outputs: 2, seed: 42 }), "wasm", {
      every: 4,
      through: 12,
      optimiser: { kind: "adam", rate: 0.01 },
    });
    for (let t = 0; t < 200; t++) {
      learner.step(noise(3, t));
      learner.label(0, noise(2, 1000 + t));
      learner.learn();
    }
    const { buffer, byteOffset, byteLength } = network.parameters.view;
    const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    expect(hash32(String.fromCharCode(...bytes)).toString(16)).toBe("348e3f68");
  });
});
