import { describe, test } from "vitest";
import { lstm } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { LSTM_TENSORS } from "./lstm-tensors.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

describe.each(["03_lstm_book", "03_lstm_book_h0", "04_lstm_tanh", "04_lstm_tanh_h0"])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { input, hidden, output, steps } = golden.config;
    const candidate = golden.config.candidate === "sigmoid" ? "logistic" : "tanh";
    const wiring = lstm({ inputs: input, hidden, outputs: output, candidate });
    const network = networkOf(golden, backend, wiring, LSTM_TENSORS);
    const start = { h: numbers(golden.inputs.h0), "h.s": numbers(golden.inputs.s0) };
    const sequence = { x: numbers(golden.inputs.x), start };
    const { window, gradients } = checkSequence(golden, backend, network, sequence, LSTM_TENSORS);
    const tolerance = toleranceOf(golden, backend);
    expectClose(window.states("h"), golden.expect.h, tolerance, "h");
    expectClose(window.states("h", "s"), golden.expect.s, tolerance, "s");
    const gates = window.states("h", "z");
    for (const [block, gate] of ["f", "g", "q", "z"].entries()) {
      const rows = Array.from({ length: steps }, (_, t) =>
        Array.from(gates.subarray((4 * t + block) * hidden, (4 * t + block + 1) * hidden)),
      );
      expectClose(rows.flat(), golden.expect[gate], tolerance, gate);
    }
    expectClose(gradients.start.h, golden.expect.input_grads.h0, tolerance, "gradient by h0");
    expectClose(gradients.start["h.s"], golden.expect.input_grads.s0, tolerance, "gradient by s0");
  });
});
