import { EddyError, printable } from "../../errors.ts";
import type { Layout } from "../../kernels/layout.ts";
import { type ModelSpec, parseModelSpec, wiringOf } from "../../network/model-spec.ts";
import { compile } from "../../network/program.ts";
import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import type { ForecasterSpecification } from "../specification.ts";
import { EchoState, type EchoStateOptions, reservoir, sharpEcho } from "./echo-state.ts";
import { LearnedNetwork } from "./learned-network.ts";
import { networkInputs } from "./network-inputs.ts";
import { EXPERTS, type ExpertKind, NAIVE, type Place } from "./table.ts";

/** How experts are combined: the whole rule, or plain equal weights (for comparison). */
type Combination = "online" | "equal";

/** `fan`: the quantiles of the fan. `aci`: adaptive conformal inference on the last 500 errors, to compare with. */
const INTERVAL_RULES = ["fan", "aci"] as const;
type IntervalRule = (typeof INTERVAL_RULES)[number];

/**
 * A model specification, read: `auto`, `auto:without=lstm+echo-state,mixture=equal`, an expert or a network by name, several
 * experts by the name of their family; each with `intervals=aci` if wanted.
 */
export interface ModelChoice {
  /** The kinds of experts that are asked for. */
  readonly kinds: readonly ExpertKind[];
  readonly combination: Combination;
  readonly intervals: IntervalRule;
  /** A single expert forecasts alone: nothing is combined. */
  readonly alone: boolean;
  /** The network that forecasts alone, such as `gru:hidden=48`. */
  readonly network?: ModelSpec;
}

const KINDS = [...NAIVE, ...EXPERTS];
/** What `auto` combines. */
const COMBINED = EXPERTS.filter(({ apart }) => !apart);
const FAMILIES = [...new Set(KINDS.flatMap(({ families = [] }) => families))];

/** Networks that can forecast live by themselves; the others need a target fed back, a context or the future. */
const LEARNED = ["elman", "lstm", "gru", "leaky", "skip", "clockwork", "deep"] as const;

/** Options of `esn` by name; each stands for one of the sharp echo state's. */
const ECHO_OPTIONS = ["units", "radius", "leak", "inputScale"] as const;

/** Reads a model specification. @throws EddyError `bad-model` naming what is not understood. */
export function readModel(model: string): ModelChoice {
  const { name, options: all } = parseModelSpec(model);
  const { intervals = "fan", ...options } = all;
  const rule = INTERVAL_RULES.find((known) => known === intervals);
  if (rule === undefined) wrong(model, `intervals=${INTERVAL_RULES.join("|")}`, String(intervals));
  return { ...readExperts(model, { name, options }), intervals: rule };
}

function readExperts(model: string, spec: ModelSpec): Omit<ModelChoice, "intervals"> {
  const { name, options } = spec;
  const plain = Object.keys(options).length === 0;
  const alone = { combination: "online", alone: true } as const;
  if (name === "auto") return readAuto(spec);
  if (LEARNED.some((known) => known === name) && !(plain && name === "lstm")) {
    checked(model, () => compile(wiringOf(spec, { inputs: 1, outputs: 1 })));
    return { kinds: [], ...alone, network: spec };
  }
  if (name === "esn" && !plain) {
    const unknown = Object.keys(options).find((key) => !ECHO_OPTIONS.some((known) => known === key));
    if (unknown !== undefined) wrong(model, `options among ${ECHO_OPTIONS.join(", ")}`, unknown);
    checked(model, () => compile(reservoir(networkInputs(1), echoOptions(spec, 1), 1)));
    return { kinds: [], ...alone, network: spec };
  }
  if (!plain) wrong(model, `${name} without options`, model.slice(name.length + 1));
  const kinds = kindsNamed(name, model, KINDS);
  return { kinds, combination: "online", alone: kinds.length === 1 };
}

function readAuto({ options }: ModelSpec): Omit<ModelChoice, "intervals"> {
  const left = new Set<ExpertKind>();
  let combination: Combination = "online";
  for (const [key, value] of Object.entries(options)) {
    if (key === "without") {
      for (const name of String(value).split("+"))
        for (const kind of kindsNamed(name, "auto", COMBINED)) left.add(kind);
    } else if (key === "mixture" && (value === "online" || value === "equal")) combination = value;
    else wrong("auto", "auto:without=NAME+NAME,mixture=equal", `${key}=${value}`);
  }
  return { kinds: COMBINED.filter((kind) => !left.has(kind)), combination, alone: false };
}

/** The kinds that a name stands for, its own or that of a family; `among` those that may be named. */
function kindsNamed(name: string, model: string, among: readonly ExpertKind[]): readonly ExpertKind[] {
  const kinds = among.filter((kind) => kind.name === name || kind.families?.includes(name));
  if (kinds.length > 0) return kinds;
  const names = among.map((kind) => kind.name);
  const more = LEARNED.filter((network) => network !== "lstm");
  const known =
    among === KINDS ? ["auto", ...names, ...FAMILIES, ...more] : [...names, ...FAMILIES.filter(leavesOut)];
  const subject = among === KINDS ? "model" : `model ${model}`;
  throw new EddyError("bad-model", subject, { expected: known.join(", "), received: printable(name) });
}

/** Whether a family holds an expert that can be left out. */
const leavesOut = (family: string): boolean => EXPERTS.some(({ families }) => families?.includes(family));

/** Says of which model it is, where the parts of a network are wrong. */
function checked(model: string, compiles: () => unknown): void {
  try {
    compiles();
  } catch (cause) {
    if (!(cause instanceof EddyError)) throw cause;
    throw cause.about(`model ${model}, ${cause.subject}`, "bad-model");
  }
}

function wrong(model: string, expected: string, received: string): never {
  throw new EddyError("bad-model", `model ${model}`, { expected, received: printable(received) });
}

/** The experts of one forecaster. */
export interface OpenExperts {
  /** The two naive ones, then those that the specification asks for. */
  readonly experts: readonly Expert[];
  /** Which of them forecasts alone; nothing where they are combined. */
  readonly alone: Expert | undefined;
}

/** Opens the experts that a model specification names, and those that they are measured against. */
export function openExperts(
  layout: Layout,
  shape: Shape,
  specification: ForecasterSpecification,
  features: Features,
): OpenExperts {
  const choice = readModel(specification.model);
  const { seed } = specification;
  const opened = new Map<ExpertKind, readonly Expert[]>();
  const named = (name: string) => [...opened].find(([kind]) => kind.name === name)?.[1][0];
  const place: Place = { layout, shape, features, seed };
  for (const kind of [...NAIVE, ...EXPERTS.filter((known) => choice.kinds.includes(known))]) {
    if (kind.needs === undefined || kind.needs(specification)) opened.set(kind, kind.open(place));
  }
  const experts = [...opened.values()].flat();
  if (choice.network !== undefined) {
    const alone = openNetwork(place, choice.network);
    return { experts: [...experts, alone], alone };
  }
  const [kind] = choice.kinds;
  // What cannot be of use to the series leaves it to the seasonal naive forecast.
  const alone =
    choice.alone && kind !== undefined ? (named(kind.name) ?? named("seasonal-naive")) : undefined;
  return { experts, alone };
}

/** The network that a specification such as `gru:hidden=48` or `esn:units=300` names, as an expert. */
function openNetwork({ layout, shape, features, seed }: Place, spec: ModelSpec): Expert {
  const { name } = spec;
  if (name !== "esn") {
    const wire = (sizes: { inputs: number; outputs: number; seed: number }) => wiringOf(spec, sizes);
    return new LearnedNetwork(layout, shape, features, { name, wire }, seed);
  }
  return new EchoState(layout, "esn", shape, features, echoOptions(spec, shape.columns), seed);
}

/** What `esn:units=300,leak=0.5` asks for, over the sharp echo state's. */
function echoOptions({ options }: ModelSpec, columns: number): EchoStateOptions {
  const usual = sharpEcho(columns);
  const {
    units = usual.units,
    radius = usual.radius,
    inputScale = usual.inputDeviation,
  } = options as Partial<Record<(typeof ECHO_OPTIONS)[number], number>>;
  const leak = options.leak as number | undefined;
  const leaks = leak === undefined ? {} : { slowest: leak, fastest: leak };
  return { ...usual, units, radius, inputDeviation: inputScale, ...leaks };
}
