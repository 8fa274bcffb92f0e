import { describe, expect, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import type { OptimiserOptions } from "../../src/models/learning/optimisers.ts";
import { OnlineLearner } from "../../src/models/learning/tbptt.ts";
import { Network } from "../../src/models/network/network.ts";
import { lstm } from "../../src/models/network/systems.ts";
import { expectClose, type GoldenCase, load, numbers, rowOf } from "./load.ts";
import { LSTM_TENSORS } from "./lstm-tensors.ts";
import { BACKENDS, toleranceOf } from "./sequence.ts";

function optimiserOf({ optimiser: o }: GoldenCase["config"]): OptimiserOptions {
  switch (o.name) {
    case "adam":
      return { kind: "adam", rate: o.lr, beta1: o.beta1, beta2: o.beta2, epsilon: o.eps };
    case "rmsprop":
      return { kind: "rmsprop", rate: o.lr, alpha: o.alpha, epsilon: o.eps };
    default:
      return { kind: "sgd", rate: o.lr, momentum: o.momentum };
  }
}

describe.each([
  "06_tbptt_adam",
  "06_tbptt_sgd_momentum",
  "06_tbptt_rmsprop",
  "06_tbptt_k1_4_k2_12_window",
  "06_tbptt_k1_4_k2_12_new",
])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { config, expect: wanted } = golden;
    const tolerance = toleranceOf(golden, backend);
    const layout = new Layout(new Arena({ backend, bankBytes: 2 ** 20 }));
    const candidate = config.candidate === "sigmoid" ? "logistic" : "tanh";
    const wiring = lstm({ inputs: config.input, hidden: config.hidden, outputs: config.output, candidate });
    const network = new Network(wiring, layout);
    const learner = new OnlineLearner(network, layout, {
      every: config.k1,
      through: config.k2,
      lossSteps: config.loss_steps,
      clip: config.clip_norm,
      optimiser: optimiserOf(config),
    });
    layout.allocate();
    for (const [key, tensor] of Object.entries(LSTM_TENSORS)) network.write(tensor, numbers(golden.params[key]));
    learner.live.writeState("h", numbers(golden.inputs.h0));
    learner.live.writeState("h", numbers(golden.inputs.s0), "s");

    const h: number[] = [];
    const s: number[] = [];
    const y: number[] = [];
    const losses: number[] = [];
    let clipped = 0;
    for (let t = 0; t < config.steps; t++) {
      const d = rowOf(golden.targets.d, t);
      const output = learner.step(rowOf(golden.inputs.x, t));
      y.push(...output);
      losses.push(0.5 * output.reduce((sum, value, k) => sum + (value - d[k]) ** 2, 0));
      h.push(...learner.live.readState("h"));
      s.push(...learner.live.readState("h", undefined, 0, "s"));
      learner.label(0, d);
      if (!learner.learn()) continue;
      const update = wanted.updates[learner.updates - 1];
      const where = `update ${learner.updates}`;
      expect(t + 1, where).toBe(update.t);
      expectClose(learner.loss, update.loss, tolerance, `${where}: loss`);
      expectClose(learner.gradientNorm, update.grad_norm_before_clip, tolerance, `${where}: norm`);
      expect(Number(learner.gradientNorm > config.clip_norm), `${where}: clipped`).toBe(update.clipped);
      clipped += update.clipped;
      for (const [key, tensor] of Object.entries(LSTM_TENSORS)) {
        const gradient = network.read(tensor, learner.gradient);
        expectClose(gradient, update.grads_before_clip[key], tolerance, `${where}: gradient by ${key}`);
        expectClose(network.read(tensor), update.params_after[key], tolerance, `${where}: ${key} after`);
      }
      expectClose(learner.live.readState("h"), update.carried_h, tolerance, `${where}: carried h`);
    }
    expect(learner.updates).toBe(wanted.updates.length);
    expect(clipped).toBe(wanted.clipped_updates);
    expectClose(h, wanted.h, tolerance, "h");
    expectClose(s, wanted.s, tolerance, "s");
    expectClose(y, wanted.y, tolerance, "y");
    expectClose(losses, wanted.loss_per_step, tolerance, "loss per step");
    expectClose(
      losses.reduce((sum, loss) => sum + loss, 0),
      wanted.loss,
      tolerance,
      "loss",
    );
  });
});
