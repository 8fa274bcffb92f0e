import { describe, expect, test } from "vitest";
import { initialMatrix } from "../../src/models/network/initial.ts";
import { LiveNetwork } from "../../src/models/network/live.ts";
import { spectralRadius } from "../../src/models/network/spectral-radius.ts";
import { esn } from "../../src/models/network/systems.ts";
import type { Wiring } from "../../src/models/network/wiring.ts";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { Network } from "../../src/models/network/network.ts";
import { expectClose, load, numbers, rowOf, type Tensor } from "./load.ts";
import { BACKENDS, toleranceOf } from "./sequence.ts";

const golden = load("12_esn");
const { config, params, inputs, expect: wanted } = golden;

describe("12_esn", () => {
  test("spectral radius of the matrix as drawn and as scaled", () => {
    const raw = spectralRadius(numbers(inputs.W_raw), config.hidden);
    expectClose(raw, wanted.spectral_radius_raw, golden.tolerance, "raw");
    const scaled = numbers(inputs.W_raw).map((w) => (w * config.spectral_radius) / raw);
    expectClose(scaled, params.W, golden.tolerance, "W");
    expectClose(spectralRadius(numbers(params.W), config.hidden), wanted.spectral_radius, golden.tolerance, "scaled");
  });

  test("a reservoir of our own has the radius asked for", () => {
    let draw = 1;
    const random = (): number => {
      draw = (draw * 48271) % 2147483647;
      return draw / 2147483647;
    };
    const shape = { outputs: 200, inputs: 200, fanIn: 200 };
    const W = initialMatrix({ kind: "reservoir", radius: config.spectral_radius }, shape, random);
    expect(spectralRadius(W, 200)).toBeCloseTo(config.spectral_radius, 8);
  });

  test.each(BACKENDS)("states, %s", (backend) => {
    // The short name with its draws replaced by the file's numbers.
    const net = esn({ inputs: config.input, units: config.hidden, leak: 1 - config.alpha });
    const given = (tensor: Tensor) => ({ kind: "given" as const, values: Array.from(numbers(tensor)) });
    const [h] = net.nodes;
    const wiring: Wiring = {
      ...net,
      nodes: [
        {
          ...h,
          edges: [
            { from: "x", initial: given(params.U) },
            { from: "h", delay: 1, initial: given(params.W) },
          ],
          bias: given(params.b),
        },
      ],
    };
    const layout = new Layout(new Arena({ backend }));
    const network = new Network(wiring, layout);
    const live = new LiveNetwork(network, layout);
    layout.allocate();
    live.writeState("h", numbers(inputs.h0));
    expect(network.program.parameters).toBe(0);
    const states: number[] = [];
    for (let t = 0; t < config.steps; t++) states.push(...live.step(rowOf(inputs.x, t)));
    expectClose(states, wanted.h, toleranceOf(golden, backend), "h");
  });
});
