import { describe, test } from "vitest";
import { leaky } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

describe.each(["11_leaky_fixed", "11_leaky_learnt"])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { input, hidden, output } = golden.config;
    const learned = golden.params.theta !== undefined;
    const tensors: Record<string, string> = { U: "h.x", W: "h.h(1)", b: "h.b", V: "o.h", c: "o.b" };
    if (learned) tensors.theta = "h.theta";
    const alpha = learned ? 0.5 : Array.from(numbers(golden.inputs.alpha));
    const network = networkOf(
      golden,
      backend,
      leaky({ inputs: input, hidden, outputs: output, alpha, learned }),
      tensors,
    );
    const sequence = { x: numbers(golden.inputs.x), start: { h: numbers(golden.inputs.h0) } };
    const { window, gradients } = checkSequence(golden, backend, network, sequence, tensors);
    const tolerance = toleranceOf(golden, backend);
    expectClose(window.states("h"), golden.expect.h, tolerance, "h");
    expectClose(gradients.start.h, golden.expect.input_grads.h0, tolerance, "gradient by h0");
  });
});
