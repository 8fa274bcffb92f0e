import { EddyError, printable } from "../errors.ts";
import type { Readout } from "../readouts/readout.ts";
import { squared } from "../readouts/squared.ts";
import { forward } from "./forward.ts";
import type { LiveNetwork } from "./live.ts";
import { withinReach } from "./reach.ts";
import { seeded } from "./seeded.ts";
import { copyRows, Tape } from "./tape.ts";
import { rowsOf } from "./tracks.ts";

export interface GenerateOptions {
  /** Steps ahead. */
  readonly steps: number;
  /** How many futures. Default 1. */
  readonly paths?: number;
  /** Draws each value from what the readout says (joint sampling); without it the point forecast is fed back. */
  readonly sample?: boolean;
  readonly seed?: number;
  /** What the outputs mean. Default: squared error of all outputs. */
  readonly readout?: Readout;
  /**
   * Writes the features of future step `step` (from 0) to `x`, given the value just generated, [targets], null at the
   * first step. It may not call models: their working memory is in use. Default: zeros, or the value itself where the net has as many features as the readout has targets.
   */
  readonly features?: (x: Float64Array, step: number, previous: Float64Array | null) => void;
}

/**
 * Lets a network run free from where it stands: generate a value, feed it back, repeat. Nets with output recurrence
 * read it through their `y` edges, others through `features`. Sampling draws each path jointly,
 * P(y(1..T)) = Π P(y(t) | y(1..t-1)), so that paths are whole futures and not independent steps. The live state and
 * its history stay as they are.
 *
 * Returns [paths × steps × targets]. Cost: paths · steps live steps.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena());
 * const network = new Network(outputRecurrence({ inputs: 0, outputs: 1, hidden: 8 }), layout);
 * const live = new LiveNetwork(network, layout);
 * layout.allocate();
 * const fan = generate(live, { steps: 5, paths: 3, sample: true, seed: 2 });
 * fan.length === 15 && live.steps === 0; // true
 * ```
 */
export function generate(live: LiveNetwork, options: GenerateOptions): Float64Array {
  const { network } = live;
  const { program } = network;
  const { steps, paths = 1, sample = false, seed = 1, readout = squared(network.outputs) } = options;
  for (const [subject, value] of Object.entries({ steps, paths })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new EddyError("bad-argument", subject, {
      expected: "a whole number from 1",
      received: printable(value),
    });
  }
  if (program.y > 0 && readout.targets !== program.y) {
    throw new EddyError("bad-argument", "readout", {
      expected: `${program.y} targets, as many as the network feeds back`,
      received: String(readout.targets),
    });
  }
  const features =
    options.features ??
    ((x: Float64Array, _step: number, previous: Float64Array | null) => {
      if (previous && x.length === previous.length) x.set(previous);
    });

  const tape = new Tape(program, program.past + steps, false, network.bytesPerReal);
  tape.bind(network.block.scratch(tape.byteLength), network.context.pointer);
  const random = seeded(seed, "paths");
  const out = new Float64Array(paths * steps * readout.targets);
  const x = new Float64Array(program.x);
  const z = new Float64Array(network.outputs);
  const value = new Float64Array(readout.targets);
  const { h } = tape.nodes[program.output.index];
  for (let path = 0; path < paths; path++) {
    copyRows(network.kernels, live.tape, live.row + 1 - program.past, tape, 0, program.past);
    for (let step = 0; step < steps; step++) {
      const row = program.past + step;
      features(x, step, step === 0 ? null : value);
      rowsOf(network.reals, tape.x, row).set(x.map(withinReach));
      rowsOf(network.reals, tape.dt, row)[0] = 1;
      forward(network, tape, row, live.steps + step + program.firstStep);
      z.set(rowsOf(network.reals, h, row));
      if (sample) readout.sample(value, z, random);
      else readout.point(value, z);
      if (program.y > 0) rowsOf(network.reals, tape.y, row).set(value);
      out.set(value, (path * steps + step) * readout.targets);
    }
  }
  return out;
}
