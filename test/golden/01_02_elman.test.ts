import { describe, test } from "vitest";
import { elman } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

const TENSORS = { U: "h.x", W: "h.h(1)", b: "h.b", V: "o.h", c: "o.b" };

describe.each([
  "01_rnn_softmax",
  "01_rnn_softmax_h0",
  "02_rnn_linear_mse",
  "02_rnn_linear_mse_h0",
])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { input, hidden, output } = golden.config;
    const network = networkOf(golden, backend, elman({ inputs: input, hidden, outputs: output }), TENSORS);
    const sequence = { x: numbers(golden.inputs.x), start: { h: numbers(golden.inputs.h0) } };
    const { window, gradients } = checkSequence(golden, backend, network, sequence, TENSORS);
    const tolerance = toleranceOf(golden, backend);
    expectClose(window.states("h"), golden.expect.h, tolerance, "h");
    expectClose(gradients.start.h, golden.expect.input_grads.h0, tolerance, "gradient by h0");
  });
});
