import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Layout } from "../../models/kernels/layout.ts";
import { DiagonalNetwork, type DiagonalNetworkOptions } from "../../models/learning/rtrl.ts";
import { seeded } from "../../models/network/seeded.ts";
import type { Readout } from "../../models/readouts/readout.ts";
import { makeReadout } from "../../models/readouts/registry.ts";
import { stage } from "../../stages/stage-operator.ts";
import {
  type Estimate,
  type Learner,
  type LearningOptions,
  LearningStage,
  type Sizes,
} from "./learning-stage.ts";
import type { Learnable } from "./sample.ts";

export interface LeakyUnitsOptions<T extends Learnable = Learnable>
  extends LearningOptions<T>,
    Omit<DiagonalNetworkOptions, "inputs" | "units" | "readout"> {
  /** Default 32. */
  readonly units?: number;
  /** Time scales that the units begin with, in events, spread evenly in their logarithm. Default 1 and 100. */
  readonly fastest?: number;
  readonly slowest?: number;
  /** What the outputs mean, by name or as one of your own. Default `squared`. */
  readonly readout?: string | Readout;
  /** Called once with the net when it is opened: the place to set its weights. */
  readonly begin?: (net: DiagonalNetwork) => void;
}

/**
 * Leaky units in a stream that learn by exact real-time recurrent learning (Williams & Zipser 1989; for units that remember alone,
 * Mozer 1989): no window and no truncation, however long ago the cause, at a constant cost per event. Each unit learns how much
 * it keeps.
 *
 *     h = a h(t − 1) + (1 − a) tanh(b + w h(t − 1) + Uᵀ x),  a = λᵈᵗ, λ learned;   o = c + Vᵀ h
 *
 * Events, labels and what is refused are as with `recurrent`, but a label of another time than now or `ahead` cannot be used. With
 * `ahead` above 1 a twin of the net follows so many events behind and learns there, exactly; the one in front takes its weights.
 * Cost per event: O(parameters), with `ahead` above 1 twice that.
 *
 * @example
 * ```ts
 * import { leakyUnits } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const wave = Array.from({ length: 3000 }, (_, t) => Math.sin(t / 9));
 * const units = leakyUnits({ units: 16, ahead: 1, slowest: 30, optimiser: { kind: "adam", rate: 0.01 } });
 * (await lastValueFrom(from(wave).pipe(units))).loss < 0.01; // true
 * ```
 */
export function leakyUnits<T extends Learnable>(
  options: LeakyUnitsOptions<T> = {},
): OperatorFunction<T, Estimate<T>> {
  return stage(
    "leakyUnits",
    () => new LearningStage<T>((layout, sizes) => openUnits(layout, sizes, options), options),
    options.refused,
  );
}

function openUnits<T extends Learnable>(
  layout: Layout,
  { inputs, targets }: Sizes,
  options: LeakyUnitsOptions<T>,
): Learner {
  const { units = 32, fastest = 1, slowest = 100, readout: asked = "squared", ahead = 1, seed = 1 } = options;
  if (!(fastest > 0 && slowest >= fastest && Number.isFinite(slowest))) {
    throw new EddyError("bad-argument", "slowest", {
      expected: `a number of events from ${printable(fastest)}, which is above 0`,
      received: printable(slowest),
    });
  }
  const readout = typeof asked === "string" ? makeReadout(asked, targets) : asked;
  const open = (name: string) => new DiagonalNetwork(layout, name, { ...options, inputs, units, readout });
  const front = open("leakyUnits");
  /** Where labels come late, the net that is as far as they are. */
  const behind = ahead > 1 ? open("leakyUnits.behind") : front;
  /** x and dt of the events that it has not seen yet. */
  const ring = layout.float64("leakyUnits.waiting", behind === front ? 0 : ahead * (inputs + 1));
  /** Events, labels learned, their running loss. */
  const record = layout.float64("leakyUnits.record", 3);
  const label = new Float64Array(readout.targets);
  let labelled = false;
  const learnLabel = (): void => {
    const loss = behind.learn(label);
    const labels = itemAt(record.view, 1) + 1;
    const before = itemAt(record.view, 2);
    record.view[1] = labels;
    record.view[2] = before + Math.max(1 / labels, 0.01) * (loss - before);
  };
  return {
    reach: ahead,
    step(x, dt) {
      front.step(x, dt);
      if (behind !== front) {
        const at = (itemAt(record.view, 0) % ahead) * (inputs + 1);
        for (let i = 0; i < inputs; i++) ring.view[at + i] = itemAt(x, i);
        ring.view[at + inputs] = dt;
      }
      record.view[0] = itemAt(record.view, 0) + 1;
      return front.output;
    },
    point: (out, output) => readout.point(out, output),
    label(lag, given) {
      if (lag !== ahead - 1 && behind !== front) return;
      label.set(given as ArrayLike<number>);
      labelled = true;
    },
    learn() {
      if (behind !== front) {
        if (itemAt(record.view, 0) < ahead) return;
        const at = (itemAt(record.view, 0) % ahead) * (inputs + 1);
        behind.step(ring.view.subarray(at, at + inputs), itemAt(ring.view, at + inputs));
      }
      if (labelled) learnLabel();
      if (labelled && behind !== front) front.parameters.view.set(behind.parameters.view);
      labelled = false;
    },
    begin() {
      const random = seeded(seed, "leaky units");
      const scale = 1 / Math.sqrt(inputs);
      for (let i = 0; i < front.inputWeights.length; i++) front.inputWeights[i] = scale * (2 * random() - 1);
      front.spread(fastest, slowest);
      options.begin?.(front);
      if (behind !== front) behind.parameters.view.set(front.parameters.view);
    },
    get loss() {
      return record.view[1] === 0 ? Number.NaN : itemAt(record.view, 2);
    },
    metrics: () => ({
      loss: itemAt(record.view, 2),
      labels: itemAt(record.view, 1),
      updates: behind.updates,
      updates_refused: behind.guards.nonFinite + behind.guards.exploding,
    }),
  };
}
