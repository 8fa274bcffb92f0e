import type { Initial } from "./initial.ts";
import { hash32 } from "./seeded.ts";

/** Where an edge begins: a node by name, or `x` (the features), `y` (the target itself), `c` (the context). */
export type Origin = string;

/**
 * A connection. At step t its end receives W · from(t - delay). Delay 0 is the same step, 1 the one before, d > 1 a
 * skip through time, a negative delay the future of a window (never in live use).
 */
export interface Edge {
  readonly from: Origin;
  /** Default 0. */
  readonly delay?: number;
  /** How its weights begin; default: uniform within 1/√(fan-in) of the node. */
  readonly initial?: Initial;
  /** Its weights are constants that no one learns and that every series shares. */
  readonly frozen?: boolean;
  /** Only this many connections per unit, chosen by the seed; the others are removed for good. */
  readonly degree?: number;
}

/** Units of one kind that step together: h(t), s(t) = cell(b + Σ W · from(t - delay), s(t-1)). */
export interface Node {
  readonly name: string;
  /** A registered cell, such as `tanh`, `lstm`, `leaky`. */
  readonly cell: string;
  readonly size: number;
  readonly edges: readonly Edge[];
  /** Constants of the cell, such as `{ alpha: 0.9 }` of `leaky`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** How the bias begins (one value per block and unit), or `false` for none. Default: the cell's own, mostly 0. */
  readonly bias?: Initial | false;
  /** Nothing in this node learns: all its edges and its bias are constants. */
  readonly frozen?: boolean;
  /** Steps only when t mod period = 0, and keeps its state in between: the clockwork form. Default 1. */
  readonly period?: number;
  /** State before the first step: zero, or tanh(R c) with R learned. */
  readonly start?: "zero" | "context";
}

/** A network as data: it can be printed, hashed, stored and rebuilt. With its seed it is the whole network at birth. */
export interface Wiring {
  /** Lengths of the sources: `x` features, `y` fed-back targets (the first outputs, where they are fewer), `c` context. */
  readonly sources: { readonly x: number; readonly y?: number; readonly c?: number };
  readonly nodes: readonly Node[];
  /** The node whose values are the outputs. */
  readonly output: string;
  /** t of the first step, which periods count from: 1 (default) or 0. */
  readonly firstStep?: 0 | 1;
  readonly seed?: number;
}

/** The wiring as one line: `h = lstm[64](x, h(1)); o = linear[3](h)`. */
export function printWiring(wiring: Wiring): string {
  return wiring.nodes.map(printNode).join("; ");
}

function printNode(node: Node): string {
  const edges = node.edges
    .map((edge) => printEdge(node.frozen ? { ...edge, frozen: true } : edge))
    .join(", ");
  const period = node.period && node.period > 1 ? ` every ${node.period}` : "";
  const start = node.start === "context" ? " from tanh(R c)" : "";
  return `${node.name} = ${node.cell}[${node.size}](${edges})${period}${start}`;
}

/** `h(1)`, `x`, `h(1)* sparse 10`: the star marks weights that nobody learns. */
export function printEdge(edge: Edge): string {
  const delay = edge.delay ?? 0;
  const sparse = edge.degree === undefined ? "" : ` sparse ${edge.degree}`;
  return `${edge.from}${delay === 0 ? "" : `(${delay})`}${edge.frozen ? "*" : ""}${sparse}`;
}

/** JSON with sorted keys and without undefined: equal wirings give equal text. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

/** A short name for a wiring: 16 hexadecimal digits that do not depend on the order of keys. */
export function hashWiring(wiring: Wiring): string {
  const text = canonical(wiring);
  const hex = (h: number): string => h.toString(16).padStart(8, "0");
  return hex(hash32(text)) + hex(hash32(text, 0x2545f491));
}
