import { describe, expect, it } from "vitest";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { LiveNetwork } from "../../../src/models/network/live.ts";
import { Network } from "../../../src/models/network/network.ts";
import { esn, leaky, lstm, skip } from "../../../src/models/network/systems.ts";
import { Window } from "../../../src/models/network/window.ts";
import { noise, openLive } from "./trial.ts";

describe("LiveNetwork", () => {
  it.each([
    ["lstm", lstm({ inputs: 2, hidden: 5 })],
    ["a skip of 7 steps", skip({ inputs: 2, hidden: 5, skip: 7 })],
  ])("long runs equal one long window, whatever the tape keeps: %s", (_, wiring) => {
    const T = 300;
    const x = noise(2 * T, 1);
    const outputs = [0, 3, 20].map((history) => {
      const layout = new Layout(new Arena());
      const live = new LiveNetwork(new Network(wiring, layout), layout, { history });
      layout.allocate();
      return Array.from({ length: T }, (_, t) => live.step(x.subarray(2 * t, 2 * t + 2))[0]);
    });
    const { network } = openLive(wiring, "wasm");
    const whole = Array.from(new Window(network, T).forward({ x }));
    for (const got of outputs) expect(got).toEqual(whole);
  });

  it("a gap of two steps decays a leaky unit as two steps do", () => {
    // No input and no recurrent weights: only the decay is left.
    const wiring = leaky({ inputs: 1, hidden: 4, fastest: 2, slowest: 90 });
    const decay = (dts: number[]): Float64Array => {
      const { network, live } = openLive(wiring, "reference64");
      network.parameters.view.fill(0);
      live.writeState("h", [1, 1, 1, 1]);
      for (const dt of dts) live.step([0], dt);
      return live.readState("h");
    };
    const [two, once] = [decay([1, 1]), decay([2])];
    two.forEach((value, i) => {
      expect(once[i]).toBeCloseTo(value, 12);
      expect(value).toBeCloseTo(Math.exp(-2 / (2 * 45 ** (i / 3))), 12);
    });
  });

  it("frozen reservoirs of one seed lie in memory once", () => {
    const arena = new Arena();
    const bytes = (): number => {
      const layout = new Layout(arena);
      new LiveNetwork(new Network(esn({ inputs: 1, units: 300 }), layout), layout);
      return layout.allocate().byteLength;
    };
    // A tape of a few rows of 300 states; the 300 × 10 weights and the rest are not in the block.
    expect(bytes()).toBeLessThan(300 * 4 * 8);
    const { bank } = arena.allocate(8);
    const constants = bank.constants.size;
    bytes();
    expect(bank.constants.size).toBe(constants);
  });

  it("begins anew when a state has left the numbers, and counts it", () => {
    const { network, live } = openLive(
      {
        sources: { x: 1 },
        nodes: [{ name: "h", cell: "linear", size: 1, edges: [{ from: "x" }, { from: "h", delay: 1 }] }],
        output: "h",
      },
      "wasm",
    );
    network.write("h.x", [1]);
    network.write("h.h(1)", [1e6]);
    network.write("h.b", [0]);
    const seen = Array.from({ length: 20 }, () => live.step([1])[0]);
    expect(seen.every(Number.isFinite)).toBe(true);
    expect(live.resets).toBeGreaterThan(0);
  });

  it("refuses features that are not numbers, by place", () => {
    const { live } = openLive(lstm({ inputs: 2, hidden: 2 }), "wasm");
    expect(() => live.step([1, Number.NaN])).toThrow(/^x\[1\]: expected a finite number, got NaN$/);
    expect(() => live.step([1])).toThrow(/^x: expected 2 numbers, got 1$/);
    expect(live.steps).toBe(0);
  });

  it("reset is a new beginning with the same parameters", () => {
    const { live } = openLive(lstm({ inputs: 1, hidden: 3 }), "wasm");
    const run = (): number[] => Array.from({ length: 9 }, (_, t) => live.step([t / 9])[0]!);
    const first = run();
    expect(run()).not.toEqual(first);
    live.reset();
    expect(run()).toEqual(first);
  });
});
