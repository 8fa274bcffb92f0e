import type { Layout } from "../../kernels/layout.ts";
import { LiveNetwork } from "../../network/live.ts";
import { Network } from "../../network/network.ts";
import type { Wiring } from "../../network/wiring.ts";
import { CALENDAR_FEATURES } from "../calendar.ts";
import type { Expert, Settlement } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import { AnomalyReadout } from "./anomaly-readout.ts";
import { networkInputs, readNetworkInputs } from "./network-inputs.ts";

export interface EchoStateOptions {
  readonly units: number;
  /** Spectral radius of the recurrent weights. */
  readonly radius: number;
  /** Uniform input weights have this standard deviation times 1/√inputs. */
  readonly inputDeviation: number;
  /** Shares of the new value per step, spread evenly on a logarithmic scale over the units. */
  readonly slowest: number;
  readonly fastest: number;
  /** δ of the readout. */
  readonly delta: number;
  /** Not driven by a season that was found in the series: its wave is no part of a law. */
  readonly free: boolean;
}

const DEGREE = 10;
const BIAS = 0.3;

/**
 * Three reservoirs that complement each other. `sharp`: units with little leak, near the edge of stability, small inputs,
 * hardly any ridge: long exact memory, for dynamics that are lawful. `plain`: the same without any leak, which remembers the
 * last inputs best. `smooth`: a spectrum of slow leaky units and a strong ridge, for what is noisy. Sizes are halved for a series
 * of one column, of which there may be thousands.
 */
export const sharpEcho = (columns: number): EchoStateOptions => ({
  units: columns > 1 ? 200 : 100,
  radius: 0.98,
  inputDeviation: 0.2,
  slowest: 0.8,
  fastest: 1,
  delta: 0.3,
  free: false,
});
export const plainEcho = (columns: number): EchoStateOptions => ({
  ...sharpEcho(columns),
  slowest: 1,
  delta: 0.1,
  free: true,
});
export const smoothEcho = (columns: number): EchoStateOptions => ({
  units: columns > 1 ? 100 : 50,
  radius: 0.9,
  inputDeviation: 0.6,
  slowest: 0.01,
  fastest: 0.6,
  delta: 300,
  free: false,
});

/**
 * An echo state net (Jaeger 2001; leaky units: Jaeger et al. 2007): a frozen sparse reservoir driven by all columns, whose
 * state h(t), with the inputs themselves, is read by a least-squares readout per horizon: φ = 1, x, h.
 */
export class EchoState implements Expert {
  readonly name: string;
  readonly borrows = true;
  readonly #live: LiveNetwork;
  readonly #readout: AnomalyReadout;
  readonly #x: Float64Array;
  readonly #drive: Float64Array;
  readonly #free: boolean;

  constructor(
    layout: Layout,
    name: string,
    shape: Shape,
    features: Features,
    options: EchoStateOptions,
    seed: number,
  ) {
    this.name = name;
    const inputs = networkInputs(shape.columns);
    const network = new Network(reservoir(inputs, options, seed), layout, name);
    this.#live = new LiveNetwork(network, layout, {}, `${name}.live`);
    this.#readout = new AnomalyReadout(layout, `${name}.readout`, shape, features, {
      features: 1 + inputs + options.units,
      delta: options.delta,
    });
    this.#x = new Float64Array(inputs);
    this.#drive = new Float64Array(inputs);
    this.#free = options.free;
  }

  learn(settlement: Settlement): void {
    this.#readout.learn(settlement);
  }

  step(features: Features): void {
    readNetworkInputs(this.#x, features);
    const h = this.#live.step(this.#driveWith(features), features.clock.dt);
    const { phi } = this.#readout;
    phi[0] = 1;
    phi.set(this.#x, 1);
    phi.set(h, 1 + this.#x.length);
    this.#readout.issue();
  }

  /** What the reservoir is driven by: the inputs that are there, brought to the size of a full set. */
  #driveWith(features: Features): Float64Array {
    const [x, drive] = [this.#x, this.#drive];
    const values = x.length - CALENDAR_FEATURES;
    const season = this.#free && features.season.found ? 0 : features.calendarFilled;
    const scale = Math.sqrt(x.length / (values + season));
    for (let i = 0; i < x.length; i++) drive[i] = i < values || season > 0 ? scale * x[i] : 0;
    return drive;
  }

  predict(out: Float64Array): void {
    this.#readout.predict(out);
  }
}

/** The reservoir of an echo state net. */
export function reservoir(inputs: number, options: EchoStateOptions, seed: number): Wiring {
  const { units, radius, inputDeviation, slowest, fastest } = options;
  const ratio = Math.log(fastest / slowest);
  const alpha = Array.from({ length: units }, (_, i) => 1 - slowest * Math.exp((ratio * (i + 0.5)) / units));
  const frozen = true;
  // A uniform number within ±s has deviation s / √3.
  const scale = (inputDeviation * Math.sqrt(3)) / Math.sqrt(inputs);
  return {
    sources: { x: inputs },
    nodes: [
      {
        name: "h",
        cell: "leaky",
        size: units,
        settings: { alpha },
        edges: [
          { from: "x", frozen, initial: { kind: "uniform", scale } },
          {
            from: "h",
            delay: 1,
            frozen,
            initial: { kind: "reservoir", radius },
            degree: Math.min(DEGREE, units),
          },
        ],
        bias: { kind: "uniform", scale: BIAS },
      },
    ],
    output: "h",
    seed,
  };
}
