import type { Node, Wiring } from "../network/wiring.ts";
import type { Readout } from "../readouts/readout.ts";

/** How a model knows how long a sequence is: an output that ends it, or a length drawn before it begins. */
export type LengthModel = "end" | "count";

export interface SequenceWiringOptions {
  readonly readout: Readout;
  /** Default "end". */
  readonly length?: LengthModel;
  /** Units. Default 32. */
  readonly hidden?: number;
  /** Default "lstm". */
  readonly cell?: string;
  /** Length of a context vector that the start h(0) = tanh(R c) depends on. Default 0: none, h(0) = 0. */
  readonly context?: number;
  readonly seed?: number;
}

/** Numbers that stand for one row of values at the input: themselves, or one place per category. */
export function encodedLength(readout: Readout): number {
  return readout.name === "softmax" ? readout.inputs : readout.targets;
}

/**
 * The net of a `SequenceModel`: at step t it reads x(t−1) (and τ − t when the length is a count) and gives the readout's
 * numbers for x(t) (and one more for the end).
 */
export function sequenceWiring(options: SequenceWiringOptions): Wiring {
  const { readout, length = "end", hidden = 32, cell = "lstm", context = 0, seed } = options;
  const h: Node = {
    name: "h",
    cell,
    size: hidden,
    edges: [{ from: "x" }, { from: "h", delay: 1 }],
    ...(context > 0 ? { start: "context" as const } : {}),
  };
  const o: Node = {
    name: "o",
    cell: "linear",
    size: readout.inputs + (length === "end" ? 1 : 0),
    edges: [{ from: "h" }],
  };
  return {
    sources: {
      x: encodedLength(readout) + (length === "count" ? 1 : 0),
      ...(context > 0 ? { c: context } : {}),
    },
    nodes: [h, o],
    output: "o",
    ...(seed === undefined ? {} : { seed }),
  };
}
