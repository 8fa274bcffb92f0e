import { EddyError, printable } from "../errors.ts";
import type { Cell } from "./cells/cell.ts";
import { cellNamed } from "./cells/registry.ts";
import type { Initial } from "./initial.ts";
import { type Edge, type Node, printEdge, type Wiring } from "./wiring.ts";

export const SOURCES = ["x", "y", "c"] as const;
export type Source = (typeof SOURCES)[number];

/** An edge with everything resolved. Lengths and offsets in elements. */
export interface ProgramEdge {
  /** As in the wiring: `h(1)`. */
  readonly label: string;
  /** A source, or the index of the node it comes from. */
  readonly from: Source | number;
  readonly delay: number;
  /** Length of what it carries. */
  readonly n: number;
  /** First column of z it feeds, and how many. */
  readonly column: number;
  readonly m: number;
  readonly kind: "learned" | "masked" | "frozen" | "sparse" | "weightless";
  readonly degree: number;
  readonly initial: Initial;
  /** Offset of its weights [n × m] among the parameters; -1 when nobody learns them. */
  readonly offset: number;
}

export interface ProgramNode {
  readonly index: number;
  readonly name: string;
  readonly cell: Cell;
  readonly settings: unknown;
  readonly n: number;
  /** Length of z. */
  readonly width: number;
  readonly edges: readonly ProgramEdge[];
  readonly fanIn: number;
  readonly period: number;
  /** It learns, or reads from a node that does: gradients must reach it. */
  readonly trained: boolean;
  /** Offset of the bias [width] among the parameters; -1 for none or a frozen one. */
  readonly bias: number;
  readonly frozenBias: boolean;
  readonly biasInitial: Initial | undefined;
  /** Learned vectors of the cell, one after the other from `vectorOffset`. */
  readonly vectors: readonly string[];
  readonly vectorOffset: number;
  /** Offset of R [c × n] of h(0) = tanh(R c); -1 for a zero start. */
  readonly start: number;
}

/** Nodes that step together, in the order of their delay-0 edges. */
export interface Stage {
  readonly direction: 1 | -1;
  readonly nodes: readonly ProgramNode[];
}

/** A wiring, checked and resolved. */
export interface Program {
  readonly x: number;
  readonly y: number;
  readonly c: number;
  readonly nodes: readonly ProgramNode[];
  readonly output: ProgramNode;
  /** For a step in live use: every node, earlier ones first. Empty when a node looks ahead. */
  readonly order: readonly ProgramNode[];
  /** For a window: parts of the network, each from left to right or from right to left. */
  readonly stages: readonly Stage[];
  /** Steps before a window that it reads, at least 1. */
  readonly past: number;
  /** Steps after a window that it reads. */
  readonly future: number;
  readonly parameters: number;
  readonly firstStep: 0 | 1;
  readonly seed: number;
}

const whole = (value: unknown, low: number, high: number): value is number =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= high;

/** Most units of a node. */
export const LARGEST_SIZE = 65_536;
const LONGEST_DELAY = 65_536;

/** Checks a wiring and works out order, sizes and offsets. @throws EddyError `bad-model`, naming the node and the edge. */
export function compile(wiring: Wiring): Program {
  const { sources, firstStep = 1, seed = 1 } = wiring;
  const size: Record<Source, number> = { x: sources?.x ?? 0, y: sources?.y ?? 0, c: sources?.c ?? 0 };
  for (const source of SOURCES) {
    if (!whole(size[source], 0, LARGEST_SIZE))
      wrong(`source ${source}`, `a length from 0 to ${LARGEST_SIZE}`, size[source]);
  }
  if (firstStep !== 0 && firstStep !== 1) wrong("firstStep", "0 or 1", firstStep);
  if (!Number.isSafeInteger(seed)) wrong("seed", "a whole number", seed);
  if (!(wiring.nodes?.length > 0)) wrong("nodes", "at least one", wiring.nodes);

  const index = new Map<string, number>();
  for (const [i, node] of wiring.nodes.entries()) {
    if (typeof node.name !== "string" || !/^[A-Za-z_][\w-]*$/.test(node.name)) {
      wrong(`node ${i}`, "a name of letters, digits, _ and -", node.name);
    }
    if (index.has(node.name) || (SOURCES as readonly string[]).includes(node.name)) {
      wrong(`node ${node.name}`, "a name that no other node or source has", node.name);
    }
    if (!whole(node.size, 1, LARGEST_SIZE))
      wrong(`node ${node.name}`, `a size from 1 to ${LARGEST_SIZE}`, node.size);
    index.set(node.name, i);
  }

  let parameters = 0;
  const take = (length: number): number => {
    const offset = parameters;
    // Every matrix starts on a SIMD boundary; what is padded is zero and its gradient too.
    parameters += Math.ceil(length / 4) * 4;
    return offset;
  };
  const lengthOf = (from: Source | number): number =>
    typeof from === "number" ? wiring.nodes[from].size : size[from];

  const nodes = wiring.nodes.map((node, i): ProgramNode => {
    const subject = `node ${node.name}`;
    const cell = cellNamed(node.cell, subject);
    const settings = settingsOf(cell, node, subject);
    const edges = node.edges.map((edge, e): ProgramEdge => {
      const where = `${subject}, edge ${printEdge(edge)}`;
      const from = originOf(edge, index, size, where);
      const delay = edge.delay ?? 0;
      if (!whole(delay, -LONGEST_DELAY, LONGEST_DELAY)) wrong(where, "a whole number as its delay", delay);
      if (from === "y" && delay < 1)
        wrong(where, "a delay of at least 1: a target is not known before its step", delay);
      const n = lengthOf(from);
      const [first, count] = cell.weightless
        ? ([e, 1] as const)
        : (cell.feeds?.(from === i) ?? ([0, cell.blocks.length] as const));
      if (cell.weightless && n !== node.size) wrong(where, `${node.size} values, as many as the node has`, n);
      if (edge.degree !== undefined && !whole(edge.degree, 1, n))
        wrong(where, `a degree from 1 to ${n}`, edge.degree);
      const m = count * node.size;
      const kind = kindOf(cell, edge, node.frozen === true);
      return {
        label: printEdge({ from: edge.from, delay }),
        from,
        delay,
        n,
        column: first * node.size,
        m,
        kind,
        degree: edge.degree ?? n,
        initial: edge.initial ?? { kind: "uniform" },
        offset: kind === "learned" || kind === "masked" ? take(n * m) : -1,
      };
    });
    if (cell.weightless && edges.length !== cell.blocks.length) {
      wrong(subject, `${cell.blocks.length} edges (${cell.blocks.join(", ")})`, edges.length);
    }
    if (new Set(edges.map((edge) => edge.label)).size !== edges.length) {
      wrong(subject, "each edge once", edges.map((edge) => edge.label).join(", "));
    }
    const period = node.period ?? 1;
    if (!whole(period, 1, 2 ** 30)) wrong(subject, "a period of at least 1", period);
    const start = node.start ?? "zero";
    if (start !== "zero" && start !== "context") wrong(subject, "start zero or context", start);
    if (start === "context" && size.c === 0) wrong(subject, "a source c to start from", "none");
    const width = cell.blocks.length * node.size;
    const vectors = cell.vectors?.(settings) ?? [];
    if (node.frozen && (vectors.length > 0 || start === "context")) {
      wrong(subject, "nothing that learns in a frozen node", vectors.join(", ") || "start from the context");
    }
    return {
      index: i,
      name: node.name,
      cell,
      settings,
      n: node.size,
      width,
      edges,
      fanIn: edges.reduce((sum, edge) => sum + edge.degree, 0),
      period,
      trained: false,
      bias: cell.weightless || node.bias === false || node.frozen ? -1 : take(width),
      frozenBias: node.frozen === true && node.bias !== false && !cell.weightless,
      biasInitial: node.bias === false ? undefined : node.bias,
      vectors,
      vectorOffset: vectors.length ? take(vectors.length * node.size) : -1,
      start: start === "context" ? take(size.c * node.size) : -1,
    };
  });

  markTrained(nodes, index.get(wiring.output) ?? 0);

  const output = nodes[index.get(wiring.output) ?? -1];
  if (!output) wrong("output", `one of ${[...index.keys()].join(", ")}`, wiring.output);
  if (size.y > output.n) {
    wrong("source y", `at most ${output.n} values, as many as the output ${output.name} has`, size.y);
  }
  const delays = nodes.flatMap((node) => node.edges.map((edge) => edge.delay));
  const stages = schedule(nodes);
  if (size.y > 0 && delays.some((delay) => delay < 0)) {
    wrong("source y", "no edge into the future beside it: known targets of a window go into x", "both");
  }
  return {
    ...size,
    nodes,
    output,
    order: stages.every((stage) => stage.direction === 1) ? sameStepOrder(nodes) : [],
    stages,
    past: Math.max(1, ...delays),
    future: Math.max(0, ...delays.map((delay) => -delay)),
    parameters,
    firstStep,
    seed,
  };
}

/** Marks the nodes that learn and all that read from them, over any delay; `y` may be the output of the node `output`. */
function markTrained(nodes: readonly ProgramNode[], output: number): void {
  const learns = (node: ProgramNode): boolean =>
    node.bias >= 0 ||
    node.start >= 0 ||
    node.vectors.length > 0 ||
    node.edges.some((edge) => edge.offset >= 0);
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of nodes) {
      if (node.trained) continue;
      const reads = node.edges.some((edge) => {
        const from = edge.from === "y" ? output : edge.from;
        return typeof from === "number" && nodes[from].trained;
      });
      if (!learns(node) && !reads) continue;
      (node as { trained: boolean }).trained = true;
      changed = true;
    }
  }
}

function kindOf(cell: Cell, edge: Edge, frozen: boolean): ProgramEdge["kind"] {
  if (cell.weightless) return "weightless";
  if (edge.frozen || frozen) return edge.degree === undefined ? "frozen" : "sparse";
  return edge.degree === undefined ? "learned" : "masked";
}

function settingsOf(cell: Cell, node: Node, subject: string): unknown {
  try {
    return cell.settings?.(node.settings ?? {}, node.size) ?? node.settings ?? {};
  } catch (error) {
    if (!(error instanceof EddyError)) throw error;
    throw error.about(`${subject} (${cell.name}): ${error.subject}`);
  }
}

function originOf(
  edge: Edge,
  index: ReadonlyMap<string, number>,
  size: Record<Source, number>,
  where: string,
): Source | number {
  const node = index.get(edge.from);
  if (node !== undefined) return node;
  const source = SOURCES.find((name) => name === edge.from);
  if (source === undefined) {
    wrong(where, `a node (${[...index.keys()].join(", ")}) or a source (x, y, c)`, edge.from);
  }
  if (size[source] === 0) wrong(where, `sources.${source} to have a length`, 0);
  return source;
}

/** All nodes so that each follows those it reads in the same step. @throws EddyError naming the nodes of a cycle. */
function sameStepOrder(nodes: readonly ProgramNode[]): ProgramNode[] {
  const order: ProgramNode[] = [];
  const done = new Set<number>();
  const open: number[] = [];
  const visit = (node: ProgramNode): void => {
    if (done.has(node.index)) return;
    if (open.includes(node.index)) {
      const cycle = [...open.slice(open.indexOf(node.index)), node.index].map((i) => nodes[i].name);
      wrong("edges of delay 0", "no cycle", cycle.reverse().join(" -> "));
    }
    open.push(node.index);
    for (const edge of node.edges) {
      if (edge.delay === 0 && typeof edge.from === "number") visit(nodes[edge.from]);
    }
    open.pop();
    done.add(node.index);
    order.push(node);
  };
  for (const node of nodes) visit(node);
  return order;
}

/**
 * Splits the nodes into parts that read each other (strongly connected components, Tarjan 1972), in an order in which
 * each part reads only earlier ones. A part may look back or ahead, not both: neither direction could then begin.
 */
function schedule(nodes: readonly ProgramNode[]): Stage[] {
  const order = sameStepOrder(nodes);
  if (!nodes.some((node) => node.edges.some((edge) => edge.delay < 0)))
    return [{ direction: 1, nodes: order }];
  const rank = new Map(order.map((node, i) => [node.index, i]));
  const parts: ProgramNode[][] = [];
  const found = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: ProgramNode[] = [];
  const visit = (node: ProgramNode): void => {
    found.set(node.index, found.size);
    low.set(node.index, found.get(node.index)!);
    stack.push(node);
    for (const edge of node.edges) {
      if (typeof edge.from !== "number") continue;
      if (!found.has(edge.from)) {
        visit(nodes[edge.from]);
        low.set(node.index, Math.min(low.get(node.index)!, low.get(edge.from)!));
      } else if (stack.some((other) => other.index === edge.from)) {
        low.set(node.index, Math.min(low.get(node.index)!, found.get(edge.from)!));
      }
    }
    if (low.get(node.index) !== found.get(node.index)) return;
    const part = stack.splice(stack.indexOf(node));
    parts.push(part.sort((a, b) => rank.get(a.index)! - rank.get(b.index)!));
  };
  for (const node of order) if (!found.has(node.index)) visit(node);
  return parts.map((part) => {
    const inside = new Set(part.map((node) => node.index));
    const delays = part.flatMap((node) =>
      node.edges.filter((edge) => inside.has(edge.from as number)).map((edge) => edge.delay),
    );
    const ahead = delays.some((delay) => delay < 0);
    const back = delays.some((delay) => delay > 0);
    if (ahead && back) {
      wrong(
        `nodes ${part.map((node) => node.name).join(", ")}`,
        "edges among them all into the past or all into the future",
        "both",
      );
    }
    return { direction: ahead ? -1 : 1, nodes: part };
  });
}

function wrong(subject: string, expected: string, received: unknown): never {
  throw new EddyError("bad-model", subject, {
    expected,
    received: typeof received === "string" ? received : printable(received),
  });
}
