import { EddyError, printable } from "../errors.ts";
import type { Edge, Node, Wiring } from "./wiring.ts";

/** What every short name takes. */
export interface SystemOptions {
  /** Length of x. Default 1. */
  readonly inputs?: number;
  /** Length of the linear readout `o`; 0 for none: the state itself is the output. Default 1. */
  readonly outputs?: number;
  readonly seed?: number;
}

export interface ElmanOptions extends SystemOptions {
  readonly hidden?: number;
}

export interface PlainElmanOptions extends ElmanOptions {
  /** Recurrent weights that begin orthogonal: they turn the state and neither stretch nor shrink it. Default false. */
  readonly orthogonal?: boolean;
}

export interface LstmOptions extends SystemOptions {
  readonly hidden?: number;
  readonly candidate?: "tanh" | "logistic";
  readonly forgetBias?: number;
  /** Longest dependency expected, in steps. */
  readonly memory?: number;
}

export interface GruOptions extends SystemOptions {
  readonly hidden?: number;
  readonly memory?: number;
  /** Whether the reset gate acts after or before the product with the recurrent weights. Default after. */
  readonly reset?: "after" | "before";
}

export interface LeakyOptions extends SystemOptions {
  readonly hidden?: number;
  /** Share of the old state kept, per unit; or time scales `fastest` to `slowest` in steps. */
  readonly alpha?: number | readonly number[];
  readonly fastest?: number;
  readonly slowest?: number;
  readonly learned?: boolean;
}

export interface SkipOptions extends ElmanOptions {
  /** Length of the skip through time. Default 5. */
  readonly skip?: number;
  /** Leave out the edge of length one. */
  readonly only?: boolean;
}

export interface ClockworkOptions extends SystemOptions {
  /** Units per group, one number or one per group. Default 8. */
  readonly hidden?: number | readonly number[];
  /** Ascending. Default 1, 2, 4, 8, 16. */
  readonly periods?: readonly number[];
  readonly firstStep?: 0 | 1;
}

export interface DeepOptions extends SystemOptions {
  /** Units per layer, bottom up. Default 32, 32. */
  readonly layers?: readonly number[];
  /** Cell of every layer. Default lstm. */
  readonly cell?: string;
  /** x reaches every layer and every layer reaches the readout. Default true. */
  readonly skips?: boolean;
}

export interface OutputRecurrenceOptions extends ElmanOptions {
  /** Whether h also reads its own past. Default true. */
  readonly hiddenEdge?: boolean;
}

export interface ContextualOptions extends ElmanOptions {
  /** Length of the context vector. Default 1. */
  readonly context?: number;
  /** Read at every step, as the start h(0) = tanh(R c), or both. Default both. */
  readonly as?: "input" | "initial" | "both";
}

export interface BidirectionalOptions extends ElmanOptions {
  /** Units that run from right to left. Default: as many as `hidden`. */
  readonly hiddenBack?: number;
  readonly cell?: string;
}

export interface EsnOptions extends SystemOptions {
  readonly units?: number;
  /** Spectral radius of the recurrent weights. Default 0.9. */
  readonly radius?: number;
  /** Recurrent connections per unit. Default 10, or all of a smaller reservoir. */
  readonly degree?: number;
  /** Share of the new value per step, 1 - α. Default 1: no leak. */
  readonly leak?: number;
  /** Input weights are uniform within this. Default 1. */
  readonly inputScale?: number;
  /** Biases are uniform within this. Default 0.2. */
  readonly bias?: number;
  /** Feed the target back (`y(1)`), its weights uniform within this. Default 0: none. */
  readonly feedback?: number;
}

/** Elman's net (1990): h = tanh(b + W h(t-1) + U x), o = c + V h. */
export function elman(options: PlainElmanOptions = {}): Wiring {
  const { hidden = 32, orthogonal = false } = options;
  const own: Edge = orthogonal
    ? { from: "h", delay: 1, initial: { kind: "orthogonal" } }
    : { from: "h", delay: 1 };
  return withReadout(options, [{ name: "h", cell: "tanh", size: hidden, edges: [{ from: "x" }, own] }]);
}

/** An LSTM with a linear readout. */
export function lstm(options: LstmOptions = {}): Wiring {
  const { hidden = 64, candidate, forgetBias, memory } = options;
  const settings = defined({ candidate, forgetBias, memory });
  return withReadout(options, [{ ...recurrent("h", "lstm", hidden, [{ from: "x" }]), ...settings }]);
}

/** A GRU with a linear readout; reset before the product is wired from four nodes. */
export function gru(options: GruOptions = {}): Wiring {
  const { hidden = 64, memory, reset = "after" } = options;
  if (reset === "after") {
    const settings = defined({ memory });
    return withReadout(options, [{ ...recurrent("h", "gru", hidden, [{ from: "x" }]), ...settings }]);
  }
  const own: Edge = { from: "h", delay: 1 };
  return withReadout(options, [
    { name: "r", cell: "sigmoid", size: hidden, edges: [{ from: "x" }, own] },
    { name: "z", cell: "sigmoid", size: hidden, edges: [{ from: "x" }, own] },
    { name: "rh", cell: "product", size: hidden, edges: [{ from: "r" }, own] },
    { name: "n", cell: "tanh", size: hidden, edges: [{ from: "x" }, { from: "rh" }] },
    { name: "h", cell: "blend", size: hidden, edges: [{ from: "z" }, own, { from: "n" }] },
  ]);
}

/** Leaky units: h = α h(t-1) + (1 - α) tanh(b + W h(t-1) + U x). Default: time scales from 1 to 100 steps. */
export function leaky(options: LeakyOptions = {}): Wiring {
  const { hidden = 64, alpha, fastest = 1, slowest = 100, learned } = options;
  const settings = defined({ alpha: alpha ?? { fastest, slowest }, learned });
  return withReadout(options, [{ ...recurrent("h", "leaky", hidden, [{ from: "x" }]), ...settings }]);
}

/** A skip through time: h also reads h(t-d); with `only`, the edge of length one is removed. */
export function skip(options: SkipOptions = {}): Wiring {
  const { hidden = 32, skip: d = 5, only = false } = options;
  const edges: Edge[] = [{ from: "x" }, ...(only ? [] : [{ from: "h", delay: 1 }]), { from: "h", delay: d }];
  return withReadout(options, [{ name: "h", cell: "tanh", size: hidden, edges }]);
}

/** Clockwork RNN (Koutník et al. 2014): groups that step every so often; slower groups feed faster ones. */
export function clockwork(options: ClockworkOptions = {}): Wiring {
  const { hidden = 8, periods = [1, 2, 4, 8, 16], firstStep } = options;
  const groups = periods.map(
    (period, g): Node => ({
      name: `h${g + 1}`,
      cell: "tanh",
      size: typeof hidden === "number" ? hidden : (hidden[g] ?? 0),
      period,
      edges: [
        { from: "x" },
        ...periods.flatMap((other, k) => (other >= period ? [{ from: `h${k + 1}`, delay: 1 }] : [])),
      ],
    }),
  );
  const wiring = withReadout(options, groups);
  return firstStep === undefined ? wiring : { ...wiring, firstStep };
}

/** Layers stacked: each reads the one below in the same step and its own past. */
export function deep(options: DeepOptions = {}): Wiring {
  const { layers = [32, 32], cell = "lstm", skips = true } = options;
  const nodes = layers.map((size, l) =>
    recurrent(`h${l + 1}`, cell, size, [
      ...(l === 0 || skips ? [{ from: "x" }] : []),
      ...(l > 0 ? [{ from: `h${l}` }] : []),
    ]),
  );
  return withReadout(options, nodes, skips ? undefined : [`h${layers.length}`]);
}

/**
 * Output recurrence (Jordan 1986): h reads the target of the step before, as observed while learning (teacher forcing),
 * the net's own output while it runs free; with or without its own past.
 */
export function outputRecurrence(options: OutputRecurrenceOptions = {}): Wiring {
  const { hidden = 32, hiddenEdge = true, outputs = 1 } = options;
  const edges: Edge[] = [
    { from: "x" },
    { from: "y", delay: 1 },
    ...(hiddenEdge ? [{ from: "h", delay: 1 }] : []),
  ];
  const wiring = withReadout(options, [{ name: "h", cell: "tanh", size: hidden, edges }]);
  return { ...wiring, sources: { ...wiring.sources, y: outputs } };
}

/** A fixed vector c conditions the net: as an extra input, as the initial state, or as both. */
export function contextual(options: ContextualOptions = {}): Wiring {
  const { hidden = 32, context = 1, as = "both" } = options;
  const edges: Edge[] = [{ from: "x" }, ...(as === "initial" ? [] : [{ from: "c" }])];
  const node = recurrent("h", "tanh", hidden, edges);
  const wiring = withReadout(options, [as === "input" ? node : { ...node, start: "context" }]);
  return { ...wiring, sources: { ...wiring.sources, c: context } };
}

/** Two readings of a window (Schuster & Paliwal 1997): h from the left, g from the right, both read by o. */
export function bidirectional(options: BidirectionalOptions = {}): Wiring {
  const { hidden = 32, hiddenBack = hidden, cell = "tanh" } = options;
  const nodes: Node[] = [
    recurrent("h", cell, hidden, [{ from: "x" }]),
    { name: "g", cell, size: hiddenBack, edges: [{ from: "x" }, { from: "g", delay: -1 }] },
  ];
  return withReadout(options, nodes, ["h", "g"]);
}

/**
 * Echo state net (Jaeger 2001): a frozen sparse reservoir of leaky tanh units, scaled to a spectral radius. It has no
 * readout of its own: the output is the state, for a least-squares readout to read.
 */
export function esn(options: EsnOptions = {}): Wiring {
  const { units = 200, radius = 0.9, leak = 1, inputScale = 1, bias = 0.2, feedback = 0 } = options;
  const { inputs = 1, outputs = 0, seed } = options;
  const degree = Math.min(options.degree ?? 10, units);
  const nodes: Node[] = [
    {
      name: "h",
      cell: "leaky",
      size: units,
      settings: { alpha: 1 - leak },
      frozen: true,
      edges: [
        { from: "x", initial: { kind: "uniform", scale: inputScale } },
        {
          from: "h",
          delay: 1,
          initial: { kind: "reservoir", radius },
          ...(degree < units ? { degree } : {}),
        },
        ...(feedback > 0
          ? [{ from: "y", delay: 1, initial: { kind: "uniform", scale: feedback } } as const]
          : []),
      ],
      bias: { kind: "uniform", scale: bias },
    },
  ];
  const sources = feedback > 0 ? { x: inputs, y: outputs } : { x: inputs };
  if (outputs > 0) nodes.push({ name: "o", cell: "linear", size: outputs, edges: [{ from: "h" }] });
  return { sources, nodes, output: outputs > 0 ? "o" : "h", ...present({ seed }) };
}

function recurrent(name: string, cell: string, size: number, edges: readonly Edge[]): Node {
  return { name, cell, size, edges: [...edges, { from: name, delay: 1 }] };
}

function withReadout(options: SystemOptions, nodes: Node[], read?: readonly string[]): Wiring {
  const { inputs = 1, outputs = 1, seed } = options;
  for (const [subject, value] of Object.entries({ inputs, outputs })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new EddyError("bad-model", subject, { expected: "a whole number", received: printable(value) });
    }
  }
  if (inputs === 0) {
    nodes = nodes.map((node) => ({ ...node, edges: node.edges.filter((edge) => edge.from !== "x") }));
  }
  const last = nodes[nodes.length - 1].name;
  const layers = read ?? nodes.filter((node) => /^h\d*$/.test(node.name)).map((node) => node.name);
  const all: Node[] =
    outputs > 0
      ? [...nodes, { name: "o", cell: "linear", size: outputs, edges: layers.map((from) => ({ from })) }]
      : nodes;
  return { sources: { x: inputs }, nodes: all, output: outputs > 0 ? "o" : last, ...present({ seed }) };
}

function defined(settings: Record<string, unknown>): { settings?: Record<string, unknown> } {
  const given = present(settings);
  return Object.keys(given).length ? { settings: given } : {};
}

function present<T extends Record<string, unknown>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
