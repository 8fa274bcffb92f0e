import { describe, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { DiagonalNetwork } from "../../src/models/learning/rtrl.ts";
import { logistic } from "../../src/models/readouts/logistic.ts";
import { squared } from "../../src/models/readouts/squared.ts";
import { expectClose, FLOAT32, load, numbers, rowOf, transposed } from "./load.ts";

describe.each(["reference64", "reference32", "wasm"] as const)("19_rtrl_diagonal, %s", (backend) => {
  const { config, params, inputs, targets, expect: wanted, tolerance: exact } = load("19_rtrl_diagonal");
  const { input: n, hidden: m, output: o, steps } = config;
  const tolerance = backend === "reference64" ? exact : FLOAT32;

  test("states, losses, gradients per step and their sum, sensitivities", () => {
    const layout = new Layout(new Arena({ backend }));
    const net = new DiagonalNetwork(layout, "net", {
      inputs: n,
      units: m,
      readout: squared(o),
      activation: "linear",
      selfWeight: false,
      bias: false,
    });
    layout.allocate();
    net.theta.set(numbers(params.theta));
    net.inputWeights.set(transposed(params.U, m, n));
    net.outputWeights.set(transposed(params.V, o, m));
    expectClose(Array.from(net.theta, logistic), wanted.lambda, tolerance, "lambda");

    const got = { h: [] as number[], y: [] as number[], losses: [] as number[] };
    const sum = new Float64Array(net.gradients.length);
    // Parts of the gradient in the order of the file: theta, U as [m × n], V as [o × m].
    const parts = (g: ArrayLike<number>): { theta: number[]; U: number[]; V: number[] } => {
      const all = Array.from(g);
      const flip = (start: number, rows: number, columns: number): number[] => {
        const out: number[] = [];
        for (let j = 0; j < columns; j++) for (let i = 0; i < rows; i++) out.push(all[start + i * columns + j]);
        return out;
      };
      return { theta: all.slice(0, m), U: flip(m, n, m), V: flip(m + n * m, m, o) };
    };
    for (let t = 0; t < steps; t++) {
      net.step(rowOf(inputs.x, t));
      got.h.push(...net.state);
      got.y.push(...net.output);
      got.losses.push(net.gradient(rowOf(targets.d, t)));
      net.gradients.view.forEach((g, i) => {
        sum[i] += g;
      });
      const step = parts(net.gradients.view);
      for (const name of ["theta", "U", "V"] as const) {
        const row = rowOf(wanted.rtrl.grads_per_step[name], t);
        expectClose(step[name], row, tolerance, `d${name}, step ${t + 1}`);
      }
    }
    expectClose(got.h, wanted.h, tolerance, "h");
    expectClose(got.y, wanted.y, tolerance, "y");
    expectClose(got.losses, wanted.loss_per_step, tolerance, "loss");
    expectClose(
      got.losses.reduce((total, loss) => total + loss, 0),
      wanted.loss,
      tolerance,
      "total loss",
    );
    const total = parts(sum);
    for (const name of ["theta", "U", "V"] as const) {
      expectClose(total[name], wanted.rtrl.grads_accumulated[name], tolerance, `accumulated d${name}`);
      expectClose(total[name], wanted.grads[name], tolerance, `full BPTT d${name}`);
    }
    const S = parts([...net.sensitivities, ...new Array(m * o).fill(0)]);
    expectClose(S.theta, wanted.rtrl.sensitivity_final.theta, tolerance, "sensitivity of theta");
    expectClose(S.U, wanted.rtrl.sensitivity_final.U, tolerance, "sensitivity of U");
  });
});
