import { describe, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { LiveNetwork } from "../../src/models/network/live.ts";
import { Network } from "../../src/models/network/network.ts";
import { outputRecurrence } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers, rowOf } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

describe.each(["13_output_recurrence", "13_output_recurrence_only"])("%s", (name) => {
  const golden = load(name);
  const { input, hidden, output, steps, free_steps: freeSteps, hidden_edge: hiddenEdge } = golden.config;
  const wiring = outputRecurrence({ inputs: input, hidden, outputs: output, hiddenEdge });
  const tensors: Record<string, string> = { U: "h.x", Wy: "h.y(1)", b: "h.b", V: "o.h", c: "o.b" };
  if (hiddenEdge) tensors.W = "h.h(1)";
  const start = { h: numbers(golden.inputs.h0) };
  const y0 = numbers(golden.inputs.y0);

  describe.each(BACKENDS)("%s", (backend) => {
    const tolerance = toleranceOf(golden, backend);

    test("teacher forced", () => {
      const network = networkOf(golden, backend, wiring, tensors);
      const wanted = golden.expect.teacher_forced;
      const sequence = { x: numbers(golden.inputs.x), y: numbers(golden.targets.d), y0, start };
      const { window, gradients } = checkSequence(golden, backend, network, sequence, tensors, wanted);
      expectClose(window.states("h"), wanted.h, tolerance, "h");
      expectClose(gradients.start.h, wanted.input_grads.h0, tolerance, "gradient by h0");
      expectClose(gradients.y0, wanted.input_grads.y0, tolerance, "gradient by y0");
    });

    test("free running, gradients through the fed-back outputs", () => {
      const network = networkOf(golden, backend, wiring, tensors);
      const wanted = golden.expect.free_running;
      const x = numbers(golden.inputs.x).subarray(0, freeSteps * input);
      const { window, gradients } = checkSequence(golden, backend, network, { x, y0, start }, tensors, wanted);
      expectClose(window.states("h"), wanted.h, tolerance, "h");
      expectClose(gradients.start.h, wanted.input_grads.h0, tolerance, "gradient by h0");
      expectClose(gradients.y0, wanted.input_grads.y0, tolerance, "gradient by y0");
    });

    test("free after teacher forcing, live", () => {
      const layout = new Layout(new Arena({ backend, bankBytes: 2 ** 20 }));
      const network = new Network(wiring, layout);
      const live = new LiveNetwork(network, layout);
      layout.allocate();
      for (const [key, tensor] of Object.entries(tensors)) network.write(tensor, numbers(golden.params[key]));
      live.writeState("h", start.h);
      live.feedback(y0);
      for (let t = 0; t < steps; t++) {
        live.step(rowOf(golden.inputs.x, t));
        live.feedback(rowOf(golden.targets.d, t));
      }
      const h: number[] = [];
      const y: number[] = [];
      for (let t = 0; t < golden.inputs.x_future.shape[0]; t++) {
        y.push(...live.step(rowOf(golden.inputs.x_future, t)));
        h.push(...live.readState("h"));
      }
      expectClose(y, golden.expect.free_after_teacher.y, tolerance, "y");
      expectClose(h, golden.expect.free_after_teacher.h, tolerance, "h");
    });
  });
});
