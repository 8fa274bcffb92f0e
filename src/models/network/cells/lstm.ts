import { EddyError, printable } from "../../errors.ts";
import { type Cell, onlySettings } from "./cell.ts";

interface LstmSettings {
  /** φ of the candidate: tanh is usual, the logistic one as first written. */
  readonly candidate: "tanh" | "logistic";
  readonly forgetBias: number;
  /** Longest dependency expected, in steps: sets the forget biases to a spectrum of time scales up to it. */
  readonly memory: number | undefined;
}

const FORGET = 0;
const INPUT = 1;

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 * f g q = σ(…), a = φ(…), s = f s(t-1) + g a, h = q tanh s. Blocks f, g, q, a.
 *
 * The forget bias begins at 1 (Jozefowicz et al. 2015), or with `memory: T` at ln U(1, T-1) with the input gate at its
 * negative (Tallec & Ollivier 2018): units then keep what they hold for anything up to T steps.
 */
export const lstmCell: Cell<LstmSettings> = {
  name: "lstm",
  blocks: ["f", "g", "q", "a"],
  states: 1,
  caches: 1,
  examples: [{ candidate: "logistic" }, { memory: 50 }],
  settings(given) {
    onlySettings(given, ["candidate", "forgetBias", "memory"]);
    const { candidate = "tanh", forgetBias = 1, memory } = given;
    if (candidate !== "tanh" && candidate !== "logistic") {
      throw new EddyError("bad-model", "candidate", {
        expected: "tanh or logistic",
        received: printable(candidate),
      });
    }
    if (typeof forgetBias !== "number" || !Number.isFinite(forgetBias)) {
      throw new EddyError("bad-model", "forgetBias", {
        expected: "a number",
        received: printable(forgetBias),
      });
    }
    return { candidate, forgetBias, memory: memorySteps(memory) };
  },
  bias(settings, block, n, random) {
    if (settings.memory === undefined) {
      return block === FORGET ? new Float64Array(n).fill(settings.forgetBias) : undefined;
    }
    if (block !== FORGET && block !== INPUT) return undefined;
    const spectrum = chrono(settings.memory, n, random);
    return block === FORGET ? spectrum : spectrum.map((b) => -b);
  },
  forward(k, p, settings) {
    k.lstm(p.h, p.s, p.cache, p.z, p.sPrevious, settings.candidate === "logistic" ? 1 : 0, p.n);
  },
  backward(k, p, settings) {
    const logistic = settings.candidate === "logistic" ? 1 : 0;
    k.lstmBackward(p.dz, p.ds, p.dh, p.ds, p.z, p.cache, p.sPrevious, logistic, p.n);
  },
};

/** The `memory` setting of gated cells: a number of steps from 3 on, or nothing. */
export function memorySteps(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !(value >= 3 && Number.isFinite(value))) {
    throw new EddyError("bad-model", "memory", {
      expected: "a number of steps from 3",
      received: printable(value),
    });
  }
  return value;
}

/** ln U(1, T-1) per unit: the biases of gates that keep for anything up to T steps. */
export function chrono(memory: number, n: number, random: () => number): Float64Array {
  return Float64Array.from({ length: n }, () => Math.log(1 + (memory - 2) * random()));
}
