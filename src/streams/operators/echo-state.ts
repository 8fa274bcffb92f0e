import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Layout } from "../../models/kernels/layout.ts";
import { LeastMeanSquares, type LmsOptions } from "../../models/learning/lms.ts";
import { Ridge } from "../../models/learning/ridge.ts";
import { RecursiveLeastSquares } from "../../models/learning/rls.ts";
import type { LeastSquaresOptions } from "../../models/learning/rls-covariance.ts";
import { LiveNetwork } from "../../models/network/live.ts";
import { Network } from "../../models/network/network.ts";
import { type EsnOptions, esn } from "../../models/network/systems.ts";
import type { Wiring } from "../../models/network/wiring.ts";
import { stage } from "../../stages/stage-operator.ts";
import {
  type Estimate,
  type Learner,
  type LearningOptions,
  LearningStage,
  type Sizes,
} from "./learning-stage.ts";
import type { Learnable } from "./sample.ts";

/** How the readout of an echo state net is learned. */
export type EchoStateReadout =
  | ({ readonly by: "rls" } & LeastSquaresOptions)
  | ({ readonly by: "lms" } & Pick<LmsOptions, "rate" | "normalised">)
  | {
      readonly by: "ridge";
      /** The weight of the penalty. Default 1e-6. */
      readonly ridge?: number;
      /** Labels between two solutions. Default 50. */
      readonly every?: number;
    };

export interface EchoStateOptions<T extends Learnable = Learnable>
  extends LearningOptions<T>,
    Omit<EsnOptions, "inputs" | "outputs" | "seed" | "feedback"> {
  /** Default recursive least squares that forgets with .999 per event. */
  readonly readout?: EchoStateReadout;
  /** The net that nobody trains, as data: its output node is what is read. Default: `esn` of the options above. */
  readonly reservoir?: Wiring;
  /** Whether the readout also reads x itself. Default true. */
  readonly passInput?: boolean;
  /** Labels may come so many events late. Default `ahead`, or 1. */
  readonly late?: number;
}

/**
 * An echo state net in a stream (Jaeger 2001): a large recurrent net that nobody trains, and a linear readout of its state, of the x
 * itself and of a constant, that learns from every label.
 *
 *     h(t) = (1 − leak) h(t − 1) + leak · tanh(b + W h(t − 1) + U x(t)),   o(t) = V [1; x(t); h(t)]
 *     rls:    V minimises Σ λ^age |V φ − label|² + λ^events δ |V|²;   lms:  V ← V + η (label − V φ) φᵀ
 *     ridge:  V minimises Σ |V φ − label|² + r |V|² over all labels, solved anew every so many of them
 *
 * Events, labels and what is refused are as with `recurrent`. State: the net's h, V and, with rls, one covariance [n × n] of the n = 1 + inputs +
 * units features; with ridge one sum [n × n]. Cost per event: rls 2.5 n², lms n, ridge n²/2 and n³/6 per solution.
 *
 * @example
 * ```ts
 * import { echoState } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const wave = Array.from({ length: 500 }, (_, t) => Math.sin(t / 3) * Math.sin(t / 7));
 * const { point } = await lastValueFrom(from(wave).pipe(echoState({ units: 100, ahead: 3, readout: { by: "rls", delta: 1e-4 } })));
 * Math.abs(point[0] - Math.sin(502 / 3) * Math.sin(502 / 7)) < 0.02; // true
 * ```
 */
export function echoState<T extends Learnable>(
  options: EchoStateOptions<T> = {},
): OperatorFunction<T, Estimate<T>> {
  return stage(
    "echoState",
    () => {
      const sized = { ...(options.reservoir ? { inputs: options.reservoir.sources.x } : {}), ...options };
      return new LearningStage<T>((layout, sizes) => openReservoir(layout, sizes, sized), sized);
    },
    options.refused,
  );
}

function openReservoir<T extends Learnable>(
  layout: Layout,
  { inputs, targets }: Sizes,
  options: EchoStateOptions<T>,
): Learner {
  const { units = 200, radius, degree, leak, inputScale, bias, seed = 1 } = options;
  const { late = options.ahead ?? 1, readout = { by: "rls" }, passInput = true } = options;
  if (!(Number.isInteger(late) && late >= 1)) {
    throw new EddyError("bad-argument", "late", {
      expected: "a whole number of events from 1",
      received: printable(late),
    });
  }
  const given = { radius, degree, leak, inputScale, bias };
  const wiring =
    options.reservoir ??
    esn({
      inputs,
      units,
      seed,
      ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as EsnOptions),
    });
  const network = new Network(wiring, layout);
  const live = new LiveNetwork(network, layout);
  const passed = passInput ? inputs : 0;
  const features = 1 + passed + network.outputs;
  const linear = openReadout(layout, readout, features, targets);
  /** φ of the last events, and how many there have been. */
  const ring = layout.float64("echoState.features", late * features);
  const count = layout.float64("echoState.events", 3);
  const said = new Float64Array(targets);
  const phi = (lag: number): Float64Array => {
    const slot = (itemAt(count.view, 0) - 1 - lag) % late;
    return ring.view.subarray(slot * features, (slot + 1) * features);
  };
  return {
    reach: late,
    step(x, dt) {
      live.step(x, dt);
      count.view[0] = itemAt(count.view, 0) + 1;
      const row = phi(0);
      row[0] = 1;
      for (let i = 0; i < passed; i++) row[1 + i] = itemAt(x, i);
      live.readState(wiring.output, row, 1 + passed);
      return linear.predict(said, row);
    },
    point: (out, output) => out.set(output),
    label(lag, label) {
      const row = phi(lag);
      linear.predict(said, row);
      let loss = 0;
      for (const [i, one] of said.entries()) {
        const y = itemAt(label, i);
        if (!Number.isNaN(y)) loss += 0.5 * (y - one) ** 2;
      }
      const labels = itemAt(count.view, 1) + 1;
      const before = itemAt(count.view, 2);
      count.view[1] = labels;
      count.view[2] = before + Math.max(1 / labels, 0.01) * (loss - before);
      linear.learn(row, Float64Array.from(label));
    },
    learn() {},
    get loss() {
      return count.view[1] === 0 ? Number.NaN : itemAt(count.view, 2);
    },
    metrics: () => ({
      loss: itemAt(count.view, 2),
      labels: itemAt(count.view, 1),
      state_resets: live.resets,
    }),
  };
}

/** A linear readout W [targets × features]. */
type Linear = Pick<RecursiveLeastSquares, "predict" | "learn">;

function openReadout(layout: Layout, readout: EchoStateReadout, features: number, outputs: number): Linear {
  const sizes = { features, outputs };
  switch (readout.by) {
    case "rls":
      return new RecursiveLeastSquares(layout, "echoState.rls", { ...readout, ...sizes });
    case "lms":
      return new LeastMeanSquares(layout, "echoState.lms", { ...readout, ...sizes });
    case "ridge":
      return openRidge(layout, readout, features, outputs);
    default:
      throw new EddyError("bad-argument", "readout", {
        expected: '{ by: "rls" }, { by: "lms" } or { by: "ridge" }',
        received: printable(readout),
      });
  }
}

/** Ridge regression over all labels so far; the first of the features is the constant, which is not penalised. */
function openRidge(
  layout: Layout,
  { ridge = 1e-6, every = 50 }: Extract<EchoStateReadout, { by: "ridge" }>,
  features: number,
  outputs: number,
): Linear {
  if (!(Number.isInteger(every) && every >= 1)) {
    throw new EddyError("bad-argument", "readout.every", {
      expected: "a whole number of labels from 1",
      received: printable(every),
    });
  }
  const sums = new Ridge(layout, "echoState.ridge", { features: features - 1, outputs, ridge });
  /** c, then V row by row, of each output; zeros before the first solution. */
  const solved = layout.float64("echoState.solution", outputs * features);
  const count = layout.float64("echoState.labels", 1);
  return {
    predict(out, phi) {
      for (let k = 0; k < outputs; k++) {
        const weights = solved.view.subarray(k * features, (k + 1) * features);
        let sum = 0;
        for (const [j, weight] of weights.entries()) sum += weight * itemAt(phi, j);
        out[k] = sum;
      }
      return out;
    },
    learn(phi, label) {
      if (label.some(Number.isNaN)) return;
      sums.add(phi.subarray(1), label);
      const labels = itemAt(count.view, 0) + 1;
      count.view[0] = labels;
      if (labels % every !== 0) return;
      const { c, V } = sums.solve();
      for (const [k, constant] of c.entries()) {
        solved.view[k * features] = constant;
        solved.view.set(V.subarray(k * (features - 1), (k + 1) * (features - 1)), k * features + 1);
      }
    },
  };
}
