import { describe, test } from "vitest";
import { contextual } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

describe.each(["14_context_input", "14_context_initial", "14_context_both"])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { input, hidden, output, context, mode } = golden.config;
    const tensors: Record<string, string> = { U: "h.x", W: "h.h(1)", b: "h.b", V: "o.h", c: "o.b" };
    if (mode !== "initial") tensors.R = "h.c";
    if (mode !== "input") tensors.R0 = "h.start";
    const network = networkOf(
      golden,
      backend,
      contextual({ inputs: input, hidden, outputs: output, context, as: mode }),
      tensors,
    );
    const sequence = { x: numbers(golden.inputs.x), context: numbers(golden.inputs.ctx) };
    const { window, gradients } = checkSequence(golden, backend, network, sequence, tensors);
    const tolerance = toleranceOf(golden, backend);
    expectClose(window.states("h"), golden.expect.h, tolerance, "h");
    expectClose(window.startOf("h"), golden.expect.h0, tolerance, "h(0)");
    expectClose(gradients.context, golden.expect.input_grads.ctx, tolerance, "gradient by the context");
  });
});
