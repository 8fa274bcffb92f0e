import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Layout } from "../../models/kernels/layout.ts";
import { type LearnerOptions, OnlineLearner } from "../../models/learning/tbptt.ts";
import { generate } from "../../models/network/generate.ts";
import { Network } from "../../models/network/network.ts";
import type { Wiring } from "../../models/network/wiring.ts";
import { gaussian } from "../../models/readouts/gaussian.ts";
import { ExponentialMoments } from "../../models/statistics/exponential-moments.ts";
import { quantileLinear } from "../../models/statistics/quantiles.ts";
import { stage } from "../../stages/stage-operator.ts";
import {
  type Estimate,
  type Learner,
  type LearningOptions,
  LearningStage,
  type Sizes,
} from "./learning-stage.ts";
import { wiringFor } from "./recurrent.ts";
import type { Learnable } from "./sample.ts";

/** Whole futures, drawn at one event. */
export interface Fan {
  /** [paths][steps × columns]: each path one future, step by step. */
  readonly paths: readonly Float64Array[];
  /** Of each step and column over the paths, by level. */
  readonly quantiles: Readonly<Record<string, readonly number[]>>;
}

/** What `futures` gives for every event: the fan is null but for every `drawEvery`-th one. */
export interface FuturesEstimate<T> extends Estimate<T> {
  readonly fan: Fan | null;
}

export interface FuturesOptions<T extends Learnable = Learnable>
  extends Omit<LearningOptions<T>, "ahead" | "targets" | "inputs" | "scale">,
    Omit<LearnerOptions, "readout"> {
  /** How many futures are drawn. Default 100. */
  readonly paths?: number;
  /** How far each goes, in events. Default 12. */
  readonly steps?: number;
  /** Default .05, .5, .95. */
  readonly levels?: readonly number[];
  /** A fan every so many events. Default 1. */
  readonly drawEvery?: number;
  /** A network that reads its own past outputs. Default `output`, or a wiring as data. */
  readonly system?: string | Wiring;
  /** Units. Default 32. */
  readonly hidden?: number;
  /** Events whose size and spread the values are measured by. Default 1,000. */
  readonly memory?: number;
}

/**
 * Joint sampling of whole futures (Goodfellow, Bengio & Courville, Deep Learning, section 10.2.3): a network that reads its own past
 * values says a normal distribution of the next one; each path is drawn value by value, every draw fed back, so that a path is one
 * future and not independent steps.
 *
 *     P(y(t + 1 .. t + steps) | y(1 .. t)) = Π P(y(t + i) | y(1 .. t + i − 1));   teacher forcing while it learns, free running in a path
 *
 * Events are one number or several columns, drawn together. Learning is TBPTT as in `recurrent`; values are taken in units of their own recent mean and spread.
 * Draws depend on the seed and on how many events have come. Cost per fan: paths · steps network steps.
 *
 * @example
 * ```ts
 * import { futures } from "eddy/streams";
 * import { from, lastValueFrom } from "rxjs";
 * const wave = Array.from({ length: 600 }, (_, t) => Math.sin(t / 3));
 * const { fan } = await lastValueFrom(from(wave).pipe(futures({ paths: 20, steps: 5, hidden: 8, drawEvery: 600 })));
 * fan.paths.length === 20 && fan.quantiles["0.05"][4] < fan.quantiles["0.95"][4]; // true
 * ```
 */
export function futures<T extends Learnable>(
  options: FuturesOptions<T> = {},
): OperatorFunction<T, FuturesEstimate<T>> {
  return stage(
    "futures",
    () =>
      new LearningStage<T, FuturesEstimate<T>>(
        (layout, sizes) => openFutures(layout, sizes, options),
        options,
      ),
    options.refused,
  );
}

const whole = (name: string, value: number): void => {
  if (Number.isInteger(value) && value >= 1) return;
  throw new EddyError("bad-argument", name, {
    expected: "a whole number from 1",
    received: printable(value),
  });
};

function openFutures<T extends Learnable>(
  layout: Layout,
  { inputs: columns }: Sizes,
  options: FuturesOptions<T>,
): Learner {
  const { paths = 100, steps = 12, drawEvery = 1, memory = 1000, seed = 1 } = options;
  const { levels = [0.05, 0.5, 0.95], system = "output", hidden = 32, every = 4, through = 16 } = options;
  for (const [name, value] of Object.entries({ paths, steps, drawEvery, memory })) whole(name, value);
  for (const level of levels) {
    if (level > 0 && level < 1) continue;
    throw new EddyError("bad-argument", "levels", {
      expected: "numbers between 0 and 1",
      received: printable(level),
    });
  }
  const readout = gaussian(columns);
  const spec = typeof system === "string" && !system.includes(":") ? `${system}:hidden=${hidden}` : system;
  const wiring = wiringFor(spec, { inputs: 0, outputs: readout.inputs }, columns, { seed });
  if (wiring.sources.y === undefined) {
    throw new EddyError("bad-model", "system", {
      expected: "a network that reads its past outputs, such as output",
      received: printable(system),
    });
  }
  const network = new Network(wiring, layout);
  const learner = new OnlineLearner(network, layout, { ...options, every, through, readout });
  const moments = new ExponentialMoments(layout, "futures.moments", {
    size: columns,
    decay: 1 - 1 / Math.max(2, memory),
  });
  const scaled = new Float64Array(columns);
  const point = new Float64Array(columns);
  const none = new Float64Array(0);
  const deviation = (c: number): number => Math.sqrt(moments.variance(c)) || 1;
  const draw = (): Fan => {
    const { live } = learner;
    const drawn = generate(live, { steps, paths, sample: true, readout, seed: seed + live.steps });
    const width = steps * columns;
    for (const [i, value] of drawn.entries())
      drawn[i] = moments.mean(i % columns) + deviation(i % columns) * value;
    const all = Array.from({ length: paths }, (_, p) => drawn.slice(p * width, (p + 1) * width));
    const column = new Float64Array(paths);
    const quantiles = levels.map((level) => ({ level, values: [] as number[] }));
    for (let i = 0; i < width; i++) {
      for (const [p, path] of all.entries()) column[p] = itemAt(path, i);
      column.sort();
      for (const { level, values } of quantiles) values.push(quantileLinear(column, level));
    }
    return {
      paths: all,
      quantiles: Object.fromEntries(quantiles.map(({ level, values }) => [String(level), values])),
    };
  };
  return {
    reach: 1,
    step() {
      const z = learner.step(none);
      readout.point(point, z);
      return Float64Array.from(point, (value, c) => moments.mean(c) + deviation(c) * value);
    },
    point: (out, output) => out.set(output),
    // The value is its own label: what had been said of it, then what it was.
    label(_lag, value) {
      moments.add(value);
      for (let c = 0; c < columns; c++) scaled[c] = (itemAt(value, c) - moments.mean(c)) / deviation(c);
      learner.label(0, scaled);
      learner.live.feedback(scaled);
    },
    learn: () => void learner.learn(),
    get loss() {
      return learner.updates > 0 ? learner.loss : Number.NaN;
    },
    metrics: () => ({
      loss: learner.loss,
      gradient_norm: learner.gradientNorm,
      updates: learner.updates,
      updates_refused: learner.guards.nonFinite + learner.guards.exploding,
    }),
    details: () => ({ fan: learner.live.steps % drawEvery === 0 ? draw() : null }),
  };
}
