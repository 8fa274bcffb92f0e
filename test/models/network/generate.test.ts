import { describe, expect, it } from "vitest";
import { generate } from "../../../src/models/network/generate.ts";
import { lstm, outputRecurrence } from "../../../src/models/network/systems.ts";
import { categories } from "../../../src/models/readouts/softmax.ts";
import { noise, openLearner, openLive } from "./trial.ts";

describe("generate", () => {
  const wiring = outputRecurrence({ inputs: 1, outputs: 2, hidden: 6, seed: 3 });

  it("without sampling equals live free running, and changes nothing", () => {
    const { live, block } = openLive(wiring, "wasm");
    for (let t = 0; t < 11; t++) live.step([Math.sin(t)]);
    const before = block.save();
    const path = generate(live, { steps: 9, features: (x, step) => x.fill(Math.sin(11 + step)) });
    expect(block.save()).toEqual(before);
    const stepped = Array.from({ length: 9 }, (_, i) => Array.from(live.step([Math.sin(11 + i)]))).flat();
    expect(Array.from(path)).toEqual(stepped);
  });

  it("samples whole paths from the seed; each path feeds on itself", () => {
    const { live } = openLive(wiring, "wasm");
    live.step([0]);
    const fan = (seed: number) => generate(live, { steps: 6, paths: 400, sample: true, seed });
    expect(fan(1)).toEqual(fan(1));
    expect(fan(1)).not.toEqual(fan(2));
    // The readout is a normal of variance 1 around the output: so are the draws of the first step.
    const first = Array.from({ length: 400 }, (_, p) => fan(1)[p * 12]!);
    const mean = first.reduce((sum, v) => sum + v, 0) / 400;
    const variance = first.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 400;
    expect(variance).toBeGreaterThan(0.8);
    expect(variance).toBeLessThan(1.2);
    expect(mean).toBeCloseTo(generate(live, { steps: 1 })[0]!, 0);
  });

  it("a net that learned an alphabet goes on with it", () => {
    // abcabc…: categories as one-hot features, the next one as the label.
    const { learner } = openLearner(lstm({ inputs: 3, outputs: 3, hidden: 8, seed: 5 }), "wasm", {
      every: 8,
      readout: categories(3),
      optimiser: { kind: "adam", rate: 0.02 },
    });
    const hot = (letter: number): number[] => [0, 1, 2].map((i) => (i === letter ? 1 : 0));
    for (let t = 0; t < 1500; t++) {
      learner.step(hot(t % 3));
      learner.label(0, [(t + 1) % 3]);
      learner.learn();
    }
    const path = generate(learner.live, {
      steps: 7,
      readout: categories(3),
      features: (x, _, previous) => x.set(hot(previous ? previous[0]! : 0)),
    });
    // The last letter learned from is c; the first feature of the future is a.
    expect(Array.from(path)).toEqual([1, 2, 0, 1, 2, 0, 1]);
  });

  it("refuses a length that is none", () => {
    const { live } = openLive(wiring, "wasm");
    expect(() => generate(live, { steps: 0 })).toThrow(/^steps: expected a whole number from 1, got 0$/);
    expect(noise(1, 1)).toHaveLength(1);
  });
});
