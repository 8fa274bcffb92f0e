import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { elman, esn, lstm, skip } from "../../../src/models/network/systems.ts";
import { Window } from "../../../src/models/network/window.ts";
import { noise, open, openLearner } from "../network/trial.ts";

describe("OnlineLearner", () => {
  it("for any k1 <= k2 does what the definition says, written out over windows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 9 }),
        fc.boolean(),
        fc.boolean(),
        (k1, more, onlyNew, skipping) => {
          const k2 = k1 + more;
          const wiring = skipping
            ? skip({ inputs: 2, hidden: 3, skip: 1, only: true, seed: 8 })
            : lstm({ inputs: 2, hidden: 3, seed: 8 });
          const rate = 0.3;
          const { network, learner } = openLearner(wiring, "reference64", {
            every: k1,
            through: k2,
            lossSteps: onlyNew ? "new" : "window",
            clip: 0.05,
            optimiser: { kind: "sgd", rate },
          });
          const plain = open(wiring).network;
          const window = new Window(plain, k2);
          const T = 25;
          const x = noise(2 * T, k1);
          const d = noise(T, k2);
          // States after each step, as the live steps made them: index 0 is before the first.
          const states: { h: Float64Array; s?: Float64Array }[] = [];
          const read = (): void => {
            const h = learner.live.readState("h");
            states.push(skipping ? { h } : { h, s: learner.live.readState("h", undefined, 0, "s") });
          };
          read();
          for (let t = 1; t <= T; t++) {
            learner.step(x.subarray(2 * t - 2, 2 * t));
            read();
            learner.label(0, [d[t - 1]!]);
            expect(learner.learn()).toBe(t % k1 === 0);
            if (t % k1 !== 0) continue;
            const L = Math.min(k2, t);
            const { h, s } = states[t - L]!;
            const start = s ? { h, "h.s": s } : { h };
            const outputs = window.forward({ x: x.subarray(2 * (t - L), 2 * t), start });
            const counted = onlyNew ? k1 : L;
            const dOut = outputs.map((o, i) => (i < L - counted ? 0 : (o - d[t - L + i]!) / counted));
            const g = window.backward(dOut).parameters;
            const norm = Math.sqrt(g.reduce((sum, v) => sum + v * v, 0));
            const scale = norm > 0.05 ? 0.05 / norm : 1;
            plain.parameters.view.set(plain.parameters.view.map((p, i) => p - rate * scale * g[i]!));
            for (const [i, p] of network.parameters.view.entries()) {
              expect(p).toBeCloseTo(plain.parameters.view[i]!, 10);
            }
          }
        },
      ),
      { numRuns: 25, seed: 5 },
    );
  });

  it("a label that comes later teaches the position it belongs to", () => {
    // Labels one step late, with a window that still holds their positions, give the gradient of labels in time.
    const wiring = elman({ inputs: 1, hidden: 4, seed: 2 });
    const x = noise(13, 1);
    const d = noise(13, 2);
    const gradient = (late: boolean): number[] => {
      const { learner } = openLearner(wiring, "reference64", {
        every: 12,
        through: 13,
        optimiser: { kind: "sgd", rate: 0 },
      });
      for (let t = 0; t < 12; t++) {
        learner.step([x[t]!]);
        if (!late) learner.label(0, [t === 11 ? Number.NaN : d[t]!]);
        else if (t > 0) learner.labelAt(1, 0, d[t - 1]!);
      }
      expect(learner.learn()).toBe(true);
      return Array.from(learner.gradient);
    };
    expect(gradient(true)).toEqual(gradient(false));
  });

  it("a position that has left the window, or was never made, takes no label", () => {
    const { learner } = openLearner(elman(), "wasm", { every: 2, through: 4 });
    expect(learner.label(0, [1])).toBe(false);
    for (let t = 0; t < 9; t++) learner.step([0]);
    expect([0, 3, 4, 9].map((lag) => learner.label(lag, [1]))).toEqual([true, true, false, false]);
  });

  it("without a label nothing changes", () => {
    const { learner, network } = openLearner(elman({ hidden: 3 }), "wasm", { every: 2 });
    const before = Array.from(network.parameters.view);
    for (let t = 0; t < 20; t++) {
      learner.step([t]);
      expect(learner.learn()).toBe(false);
    }
    expect(Array.from(network.parameters.view)).toEqual(before);
  });

  it("updates come every k1 steps, once, however often one asks", () => {
    const { learner } = openLearner(elman({ hidden: 3 }), "wasm", { every: 3, through: 7 });
    const made: number[] = [];
    for (let t = 1; t <= 12; t++) {
      learner.step([1]);
      learner.label(0, [1]);
      for (let i = 0; i < 3; i++) if (learner.learn()) made.push(t);
    }
    expect(made).toEqual([3, 6, 9, 12]);
  });

  it("a masked target is left out of loss and gradient", () => {
    const wiring = lstm({ inputs: 1, hidden: 3, outputs: 2 });
    const run = (second: number) => {
      const { learner, network } = openLearner(wiring, "reference64", {
        every: 4,
        optimiser: { kind: "sgd", rate: 0 },
      });
      for (let t = 0; t < 4; t++) {
        learner.step([t / 4]);
        learner.label(0, [1, second]);
      }
      learner.learn();
      return { row: network.read("o.b", learner.gradient), loss: learner.loss };
    };
    expect(run(Number.NaN).row[1]).toBe(0);
    expect(run(Number.NaN).loss).toBeLessThan(run(5).loss);
  });

  describe("guards", () => {
    const poisoned = (label: number) => {
      const { learner, block, network } = openLearner(lstm({ inputs: 1, hidden: 4 }), "wasm", { every: 4 });
      const feed = (d: number, steps: number): void => {
        for (let t = 0; t < steps; t++) {
          learner.step([Math.sin(t)]);
          learner.label(0, [d]);
          learner.learn();
        }
      };
      feed(0.5, 8);
      const parameters = Array.from(network.parameters.view);
      const moments = learner.optimiser.moments.map(({ view }) => Array.from(view));
      feed(label, 4);
      return { learner, network, parameters, moments, feed, block };
    };

    it.each([1e300, Number.POSITIVE_INFINITY])(
      "a label of %d is refused whole: parameters and moments stay",
      (label) => {
        const { learner, network, parameters, moments, feed } = poisoned(label);
        expect(Array.from(network.parameters.view)).toEqual(parameters);
        expect(learner.optimiser.moments.map(({ view }) => Array.from(view))).toEqual(moments);
        expect(learner.guards).toEqual({ nonFinite: 1, exploding: 0 });
        expect(learner.updates).toBe(2);
        feed(0.5, 4);
        expect(learner.updates).toBe(3);
      },
    );

    it("an update that might throw the parameters far off is refused and counted", () => {
      const { learner, network } = openLearner(lstm({ inputs: 1, hidden: 4 }), "wasm", {
        every: 4,
        optimiser: { kind: "sgd", rate: 1e9, momentum: 0.9 },
      });
      const before = Array.from(network.parameters.view);
      for (let t = 0; t < 16; t++) {
        learner.step([1]);
        learner.label(0, [5]);
        learner.learn();
      }
      expect(Array.from(network.parameters.view)).toEqual(before);
      expect(learner.guards).toEqual({ nonFinite: 0, exploding: 4 });
    });
  });

  it("frozen reservoir with a learned readout: only the readout moves, at the same cost in memory", () => {
    const { learner, network } = openLearner(esn({ units: 40, outputs: 1 }), "wasm", { every: 1 });
    expect(network.tensors.map(({ name }) => name)).toEqual(["o.h", "o.b"]);
    for (let t = 0; t < 3000; t++) {
      learner.step([Math.sin(t / 5)]);
      learner.label(0, [Math.sin((t + 3) / 5)]);
      learner.learn();
    }
    expect(learner.loss).toBeLessThan(1e-3);
  });

  it.each([
    [{ every: 0 }, /^every: expected a whole number from 1, got 0$/],
    [{ every: 8, through: 4 }, /^through: expected a whole number from 8, got 4$/],
    [{ clip: 0 }, /^clip: expected a number above 0, got 0$/],
    [
      { optimiser: { kind: "adam", beta1: 1 } as const },
      /^beta1: expected a number from 0 to below 1, got 1$/,
    ],
  ])("%j is refused", (options, message) => {
    expect(() => openLearner(elman(), "wasm", options)).toThrow(message);
  });
});
