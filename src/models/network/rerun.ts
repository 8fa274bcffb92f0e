import type { Reals } from "../kernels/layout.ts";
import type { LiveNetwork } from "./live.ts";
import type { Network } from "./network.ts";
import { copyRows, type Tape } from "./tape.ts";

/** Where y was the network's own output, it is so again: row `row` of `y` becomes the output just made. */
export function carryOutput(network: Network, tape: Tape, row: number): void {
  const { reals, program } = network;
  const bytes = reals.BYTES_PER_ELEMENT;
  if (reals[(tape.given.pointer + row * tape.given.step) / bytes] !== 0) return;
  const { h } = tape.nodes[program.output.index];
  network.kernels.copy(tape.y.pointer + row * tape.y.step, h.pointer + row * h.step, tape.y.length);
}

/**
 * Runs the last `steps` live steps again on a tape of its own, from the stored state before them, with the parameters
 * as they are now. The first of them lands in row `past`.
 */
export function rerun(live: LiveNetwork, steps: number, tape: Tape): void {
  const { network } = live;
  const { past, y, firstStep } = network.program;
  copyRows(network.kernels, live.tape, live.row + 1 - steps - past, tape, 0, past + steps);
  const since = live.steps - steps;
  if (since === 0) network.startFromContext(tape, past - 1);
  for (let i = 0; i < steps; i++) {
    network.forward(tape, past + i, since + i + firstStep);
    if (y > 0) carryOutput(network, tape, past + i);
  }
}

/** A view of rows of a track. */
export function rowsOf(
  reals: Reals,
  track: { pointer: number; step: number; length: number },
  row: number,
  rows = 1,
): Reals {
  const first = (track.pointer + row * track.step) / reals.BYTES_PER_ELEMENT;
  return reals.subarray(first, first + rows * track.length);
}
