import { describe, test } from "vitest";
import { bidirectional } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

const TENSORS = {
  U: "h.x",
  W: "h.h(1)",
  b: "h.b",
  U2: "g.x",
  W2: "g.g(-1)",
  b2: "g.b",
  V: "o.h",
  V2: "o.g",
  c: "o.b",
};

describe("15_bidirectional", () => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load("15_bidirectional");
    const { input, hidden, hidden_backward: back, output } = golden.config;
    const wiring = bidirectional({ inputs: input, hidden, hiddenBack: back, outputs: output });
    const network = networkOf(golden, backend, wiring, TENSORS);
    const { window } = checkSequence(golden, backend, network, { x: numbers(golden.inputs.x) }, TENSORS);
    const tolerance = toleranceOf(golden, backend);
    expectClose(window.states("h"), golden.expect.h, tolerance, "h");
    expectClose(window.states("g"), golden.expect.g, tolerance, "g");
  });
});
