import { describe, test } from "vitest";
import { gru } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

const AFTER = {
  br: "h.b.r",
  Ur: "h.x.r",
  Wr: "h.h(1).r",
  bz: "h.b.u",
  Uz: "h.x.u",
  Wz: "h.h(1).u",
  bn: "h.b.a",
  Un: "h.x.a",
  Wn: "h.h(1).k",
  bhn: "h.b.k",
  V: "o.h",
  c: "o.b",
};

const BEFORE = {
  br: "r.b",
  Ur: "r.x",
  Wr: "r.h(1)",
  bz: "z.b",
  Uz: "z.x",
  Wz: "z.h(1)",
  bn: "n.b",
  Un: "n.x",
  Wn: "n.rh",
  V: "o.h",
  c: "o.b",
};

describe.each(["05_gru", "05_gru_h0", "05_gru_reset_before"])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { input, hidden, output, reset, steps } = golden.config;
    const tensors = reset === "before" ? BEFORE : AFTER;
    const network = networkOf(golden, backend, gru({ inputs: input, hidden, outputs: output, reset }), tensors);
    const sequence = { x: numbers(golden.inputs.x), start: { h: numbers(golden.inputs.h0) } };
    const { window, gradients } = checkSequence(golden, backend, network, sequence, tensors);
    const tolerance = toleranceOf(golden, backend);
    expectClose(window.states("h"), golden.expect.h, tolerance, "h");
    expectClose(gradients.start.h, golden.expect.input_grads.h0, tolerance, "gradient by h0");
    if (reset === "before") {
      for (const gate of ["r", "z", "n"]) expectClose(window.states(gate), golden.expect[gate], tolerance, gate);
    } else {
      const gates = window.states("h", "z");
      for (const [block, gate] of ["n", "r", "z"].entries()) {
        const rows = Array.from({ length: steps }, (_, t) =>
          Array.from(gates.subarray((4 * t + block) * hidden, (4 * t + block + 1) * hidden)),
        );
        expectClose(rows.flat(), golden.expect[gate], tolerance, gate);
      }
    }
  });
});
