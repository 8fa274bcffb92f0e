import { describe, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { LeastMeanSquares } from "../../src/models/learning/lms.ts";
import { Ridge } from "../../src/models/learning/ridge.ts";
import { RidgeOrthogonal } from "../../src/models/learning/ridge-orthogonal.ts";
import { RecursiveLeastSquares } from "../../src/models/learning/rls.ts";
import { expectClose, load, numbers, rowOf } from "./load.ts";

const { config, targets, expect: wanted, tolerance } = load("12_esn");
const first: number = config.washout;
const last: number = config.steps;

describe("12_esn readouts on the reservoir's states", () => {
  const withBias = (t: number): Float64Array => Float64Array.of(1, ...rowOf(wanted.h, t));
  const labels = (t: number): Float64Array => rowOf(targets.d, t);

  for (const [Method, bias] of [
    [Ridge, "penalised"],
    [Ridge, "free"],
    [RidgeOrthogonal, "penalised"],
    [RidgeOrthogonal, "free"],
  ] as const) {
    test(`${Method.name}, bias ${bias}`, () => {
      const layout = new Layout(new Arena());
      const sizes = { features: config.hidden, outputs: config.output };
      const ridge = new Method(layout, "ridge", { ...sizes, ridge: config.ridge, bias });
      layout.allocate();
      for (let t = first; t < last; t++) ridge.add(rowOf(wanted.h, t), labels(t));
      const { c, V } = ridge.solve();
      const reference = wanted[`ridge_bias_${bias}`];
      expectClose(c, reference.c, tolerance, "c");
      expectClose(V, reference.V, tolerance, "V");
      const y: number[] = [];
      let loss = 0;
      for (let t = first; t < last; t++) {
        const h = rowOf(wanted.h, t);
        const d = labels(t);
        for (let k = 0; k < config.output; k++) {
          let sum = c[k];
          for (let j = 0; j < config.hidden; j++) sum += V[k * config.hidden + j] * h[j];
          y.push(sum);
          loss += 0.5 * (sum - d[k]) ** 2;
        }
      }
      expectClose(y, reference.y, tolerance, "y");
      expectClose(loss / (last - first), reference.mean_loss, tolerance, "mean loss");
    });
  }

  describe.each(["reference64", "wasm"] as const)("online, %s", (backend) => {
    const layout = new Layout(new Arena({ backend }));
    const shape = { features: config.hidden + 1, outputs: config.output };
    const rls = new RecursiveLeastSquares(layout, "rls", {
      ...shape,
      forgetting: config.forgetting,
      delta: config.delta,
      diagonalCap: Number.POSITIVE_INFINITY,
    });
    const lms = new LeastMeanSquares(layout, "lms", { ...shape, rate: config.lms_rate });
    layout.allocate();

    for (const [name, learner] of [["rls", rls] as const, ["lms", lms] as const]) {
      test(name, () => {
        const reference = wanted[name];
        const prior: number[] = [];
        const out = new Float64Array(config.output);
        for (let t = first; t < last; t++) {
          prior.push(...learner.predict(out, withBias(t)));
          learner.learn(withBias(t), labels(t));
          const at = reference.samples.indexOf(t - first + 1);
          if (at < 0) continue;
          const { c, V } = reference.weights[at];
          const expected: number[] = [];
          for (let k = 0; k < config.output; k++) expected.push(numbers(c)[k], ...rowOf(V, k));
          expectClose(learner.weights, expected, tolerance, `weights after sample ${reference.samples[at]}`);
        }
        expectClose(prior, reference.y_prior, tolerance, "y before the update");
        if (name === "rls") {
          const n = config.hidden + 1;
          const diagonal = Array.from({ length: n }, (_, i) => rls.covariance.matrix[i * n + i]);
          expectClose(diagonal, reference.P_diag_final, tolerance, "diagonal of P");
        }
      });
    }
  });
});
