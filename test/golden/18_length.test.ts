import { describe, expect, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { logistic } from "../../src/models/readouts/logistic.ts";
import { poisson } from "../../src/models/readouts/poisson.ts";
import { squared } from "../../src/models/readouts/squared.ts";
import { SequenceModel } from "../../src/models/sequence/sequence-model.ts";
import { sequenceWiring } from "../../src/models/sequence/sequence-wiring.ts";
import { expectClose, FLOAT32, load, numbers, type Tensor } from "./load.ts";

/** [left | right], both with `rows` rows. */
function beside(rows: number, left: Tensor, right: Tensor): number[] {
  const [l, r] = [numbers(left), numbers(right)];
  const [a, b] = [l.length / rows, r.length / rows];
  return Array.from({ length: rows }, (_, i) => [
    ...l.subarray(i * a, i * a + a),
    ...r.subarray(i * b, i * b + b),
  ]).flat();
}

describe.each(["reference64", "reference32", "wasm"] as const)("18 length, %s", (backend) => {
  test("18_length_bernoulli", () => {
    const { config, params, inputs, targets, expect: wanted, tolerance: exact } = load("18_length_bernoulli");
    const tolerance = backend === "reference64" ? exact : FLOAT32;
    const readout = squared(config.input);
    const layout = new Layout(new Arena({ backend }));
    const wiring = sequenceWiring({ readout, length: "end", hidden: config.hidden, cell: "tanh" });
    const model = new SequenceModel(layout, "model", { wiring, readout, longest: config.steps });
    layout.allocate();
    const { network } = model;
    network.write("h.x", numbers(params.U));
    network.write("h.h(1)", numbers(params.W));
    network.write("h.b", numbers(params.b));
    network.write("o.h", [...numbers(params.V), ...numbers(params.V_end)]);
    network.write("o.b", [...numbers(params.c), ...numbers(params.c_end)]);

    const x = numbers(inputs.x);
    expect(x.length / config.input).toBe(targets.tau);
    const { log, logLength, logValues, logSurvival } = model.likelihood(x);
    const n: number = config.input;
    const o = model.window.states("o");
    const z = Array.from({ length: config.steps }, (_, t) => o[t * (n + 1) + n]);
    const y = Array.from({ length: config.steps }, (_, t) => [...o.subarray(t * (n + 1), t * (n + 1) + n)]);
    expectClose(model.window.states("h"), wanted.h, tolerance, "h");
    expectClose(y.flat(), wanted.y, tolerance, "y");
    expectClose(z, wanted.z_end, tolerance, "z_end");
    expectClose(z.map(logistic), wanted.p_end, tolerance, "p_end");
    expectClose(logSurvival, wanted.log_p_survive, tolerance, "log_p_survive");
    const endAt = z.map((logit, t) => Math.log(logistic(logit)) + (t > 0 ? logSurvival[t - 1] : 0));
    expectClose(endAt, wanted.log_p_end_at, tolerance, "log_p_end_at");
    expectClose(logLength, wanted.log_p_tau, tolerance, "log_p_tau");
    expectClose(logValues, wanted.log_p_x_per_step, tolerance, "log_p_x_per_step");
    expectClose(
      logValues.reduce((sum, value) => sum + value, 0),
      wanted.log_p_x,
      tolerance,
      "log_p_x",
    );
    expectClose(log, wanted.log_p_joint, tolerance, "log_p_joint");

    expectClose(model.gradient(x), wanted.loss, tolerance, "loss");
    const g = model.gradients.view;
    const { grads } = wanted;
    expectClose(network.read("h.x", g), grads.U, tolerance, "dU");
    expectClose(network.read("h.h(1)", g), grads.W, tolerance, "dW");
    expectClose(network.read("h.b", g), grads.b, tolerance, "db");
    expectClose(network.read("o.h", g), [...numbers(grads.V), ...numbers(grads.V_end)], tolerance, "dV");
    expectClose(network.read("o.b", g), [...numbers(grads.c), ...numbers(grads.c_end)], tolerance, "dc");
  });

  test("18_length_poisson", () => {
    const { config, params, inputs, targets, expect: wanted, tolerance: exact } = load("18_length_poisson");
    const tolerance = backend === "reference64" ? exact : FLOAT32;
    const { hidden, input, context, steps } = config;
    const readout = squared(input);
    const layout = new Layout(new Arena({ backend }));
    const wiring = sequenceWiring({ readout, length: "count", hidden, cell: "tanh", context });
    const model = new SequenceModel(layout, "model", { wiring, readout, length: "count", longest: steps });
    layout.allocate();
    const { network } = model;
    network.write("h.x", beside(hidden, params.U, params.r_left));
    network.write("h.h(1)", numbers(params.W));
    network.write("h.b", numbers(params.b));
    network.write("h.start", numbers(params.R0));
    network.write("o.h", numbers(params.V));
    network.write("o.b", numbers(params.c));
    model.lengthParameters.view.set([...numbers(params.V_tau), ...numbers(params.c_tau)]);

    const x = numbers(inputs.x);
    const ctx = numbers(inputs.ctx);
    expect(x.length / input).toBe(targets.tau);
    const { log, logLength, logValues } = model.likelihood(x, ctx);
    expectClose(model.window.startOf("h"), wanted.h0, tolerance, "h0");
    expectClose(model.window.states("h"), wanted.h, tolerance, "h");
    expectClose(model.window.states("o"), wanted.y, tolerance, "y");
    const rate = model.rate(ctx);
    expectClose(rate, wanted.rate, tolerance, "rate");
    expectClose(logLength, wanted.log_p_tau, tolerance, "log_p_tau");
    const shifted = -poisson().loss([0], [Math.log(Math.expm1(rate))], [targets.tau - 1]);
    expectClose(shifted, wanted.log_p_tau_shifted, tolerance, "log_p_tau_shifted");
    expectClose(logValues, wanted.log_p_x_per_step, tolerance, "log_p_x_per_step");
    expectClose(
      logValues.reduce((sum, value) => sum + value, 0),
      wanted.log_p_x,
      tolerance,
      "log_p_x",
    );
    expectClose(log, wanted.log_p_joint, tolerance, "log_p_joint");

    expectClose(model.gradient(x, ctx), wanted.loss, tolerance, "loss");
    const g = model.gradients.view;
    const { grads } = wanted;
    expectClose(network.read("h.x", g), beside(hidden, grads.U, grads.r_left), tolerance, "dU, dr_left");
    expectClose(network.read("h.h(1)", g), grads.W, tolerance, "dW");
    expectClose(network.read("h.b", g), grads.b, tolerance, "db");
    expectClose(network.read("h.start", g), grads.R0, tolerance, "dR0");
    expectClose(network.read("o.h", g), grads.V, tolerance, "dV");
    expectClose(network.read("o.b", g), grads.c, tolerance, "dc");
    const length = g.subarray(network.program.parameters);
    expectClose(length, [...numbers(grads.V_tau), ...numbers(grads.c_tau)], tolerance, "dV_tau, dc_tau");
    expectClose(model.contextGradient, wanted.input_grads.ctx, tolerance, "dctx");
  });
});
