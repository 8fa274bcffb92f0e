import { carryOutput, forward, startFromContext } from "./forward.ts";
import type { LiveNetwork } from "./live.ts";
import { copyRows, type Tape } from "./tape.ts";

/**
 * Runs the last `steps` live steps again on a tape of its own, from the stored state before them, with the parameters
 * as they are now. The first of them lands in row `past`.
 */
export function rerun(live: LiveNetwork, steps: number, tape: Tape): void {
  const { network } = live;
  const { past, y, firstStep } = network.program;
  copyRows(network.kernels, live.tape, live.row + 1 - steps - past, tape, 0, past + steps);
  const since = live.steps - steps;
  if (since === 0) startFromContext(network, tape, past - 1);
  for (let i = 0; i < steps; i++) {
    forward(network, tape, past + i, since + i + firstStep);
    if (y > 0) carryOutput(network, tape, past + i);
  }
}
