import { EddyError, printable } from "../../errors.ts";
import type { Layout } from "../../kernels/layout.ts";
import { type ModelSpec, parseModelSpec, wiringOf } from "../../network/model-spec.ts";
import { lstm } from "../../network/systems.ts";
import type { Expert, Shape } from "../expert.ts";
import type { Features } from "../features.ts";
import { INTERVAL_RULES, type IntervalRule } from "../intervals.ts";
import type { ForecasterSpecification } from "../specification.ts";
import { Autoregression } from "./autoregression.ts";
import { EchoState, plainEcho, sharpEcho, smoothEcho } from "./echo-state.ts";
import { HoltWinters, LONGEST_SMOOTHED } from "./holt-winters.ts";
import { LeakyAverage } from "./leaky-average.ts";
import { LearnedNetwork } from "./learned-network.ts";
import { Persistence } from "./persistence.ts";
import { Rollout } from "./rollout.ts";
import { SeasonalNaive } from "./seasonal-naive.ts";
import { SeasonalProfile } from "./seasonal-profile.ts";
import { VectorAutoregression } from "./vector-autoregression.ts";

/** How experts are combined: the whole rule, or plain equal weights (for comparison). */
export type Combination = "online" | "equal";

/**
 * A model specification, read: `auto`, `auto:without=lstm+echo-state,mixture=equal`, an expert or a network by name, several
 * experts by the name of their family; each with `intervals=aci` if wanted.
 */
export interface ModelChoice {
  readonly groups: ReadonlySet<Group>;
  readonly combination: Combination;
  readonly intervals: IntervalRule;
  /** A single expert forecasts alone: nothing is combined. */
  readonly alone: boolean;
  /** The network that forecasts alone, such as `gru:hidden=48`. */
  readonly network?: ModelSpec;
}

/** Names by which experts are asked for or left out. */
export const GROUPS = [
  "seasonal-naive",
  "average",
  "second-naive",
  "profile",
  "second-profile",
  "profile-revert",
  "seasonal-drift",
  "holt-winters",
  "autoregression",
  "vector-autoregression",
  "rollout",
  "echo-sharp",
  "echo-plain",
  "echo-smooth",
  "lstm",
] as const;
export type Group = (typeof GROUPS)[number];

/** Short names for several groups at once. */
const FAMILIES: Readonly<Record<string, readonly Group[]>> = {
  recurrent: ["echo-sharp", "echo-plain", "echo-smooth", "lstm"],
  "echo-state": ["echo-sharp", "echo-plain", "echo-smooth"],
  esn: ["echo-sharp"],
  ar: ["autoregression"],
  seasonal: ["seasonal-naive"],
};

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
    wiringOf(spec, { inputs: 1, outputs: 1 });
    return { groups: new Set(), ...alone, network: spec };
  }
  if (name === "esn" && !plain) {
    const unknown = Object.keys(options).find((key) => !ECHO_OPTIONS.some((known) => known === key));
    if (unknown !== undefined) wrong(model, `options among ${ECHO_OPTIONS.join(", ")}`, unknown);
    return { groups: new Set(), ...alone, network: spec };
  }
  if (!plain) wrong(model, `${name} without options`, model.slice(name.length + 1));
  const groups = new Set(name === "persistence" ? [] : groupsNamed(name, model));
  return { groups, combination: "online", alone: groups.size <= 1 };
}

function readAuto({ options }: ModelSpec): Omit<ModelChoice, "intervals"> {
  const groups = new Set<Group>(GROUPS);
  let combination: Combination = "online";
  for (const [key, value] of Object.entries(options)) {
    if (key === "without") {
      for (const left of String(value).split("+"))
        for (const group of groupsNamed(left, "auto")) groups.delete(group);
    } else if (key === "mixture" && (value === "online" || value === "equal")) combination = value;
    else wrong("auto", "auto:without=NAME+NAME,mixture=equal", `${key}=${value}`);
  }
  return { groups, combination, alone: false };
}

function groupsNamed(name: string, model: string): readonly Group[] {
  const groups =
    (Object.hasOwn(FAMILIES, name) ? FAMILIES[name] : undefined) ?? GROUPS.filter((group) => group === name);
  if (groups.length === 0) {
    const known = [...GROUPS, ...Object.keys(FAMILIES), ...LEARNED.filter((network) => network !== "lstm")];
    wrong(model, `auto, persistence, ${known.join(", ")}`, name);
  }
  return groups;
}

function wrong(model: string, expected: string, received: string): never {
  throw new EddyError("bad-model", `model ${model}`, { expected, received: printable(received) });
}

/** The experts a model specification names. Persistence is always the first: it is what skill is measured against. */
export function openExperts(
  layout: Layout,
  shape: Shape,
  specification: ForecasterSpecification,
  features: Features,
): Expert[] {
  const { groups, network: alone } = readModel(specification.model);
  const { seed } = specification;
  const experts: Expert[] = [new Persistence(shape, features), new SeasonalNaive(shape, features)];
  if (alone !== undefined) {
    experts.push(openNetwork(layout, shape, specification, features, alone));
    return experts;
  }
  const has = (group: Group): boolean => groups.has(group);
  // A given season tells what cannot be of use; one that is found later cannot, as the memory is planned now.
  const short = !(specification.periods[0] > LONGEST_SMOOTHED);
  if (has("average")) {
    experts.push(new LeakyAverage(shape, features, [0, 1]), new LeakyAverage(shape, features, [2]));
  }
  if (has("second-naive")) experts.push(new SeasonalNaive(shape, features, "none", 1));
  if (has("profile")) experts.push(new SeasonalProfile(shape, features, "last"));
  if (has("second-profile")) experts.push(new SeasonalProfile(shape, features, "second"));
  if (has("profile-revert")) {
    experts.push(new SeasonalProfile(shape, features, "short"), new SeasonalProfile(shape, features, "long"));
  }
  if (has("seasonal-drift") && short) {
    experts.push(new SeasonalNaive(shape, features, "add"), new SeasonalNaive(shape, features, "multiply"));
  }
  if (has("holt-winters") && short) experts.push(new HoltWinters(layout, shape, features));
  if (has("autoregression") || has("rollout")) {
    const direct = new Autoregression(layout, shape, features);
    const apart = has("autoregression");
    if (apart) experts.push(direct);
    if (has("rollout")) experts.push(new Rollout(layout, shape, features, direct, !apart));
  }
  if (has("vector-autoregression")) experts.push(new VectorAutoregression(layout, shape, features));
  if (has("echo-sharp")) {
    experts.push(new EchoState(layout, "echo-sharp", shape, features, sharpEcho(shape.columns), seed));
  }
  if (has("echo-plain")) {
    experts.push(new EchoState(layout, "echo-plain", shape, features, plainEcho(shape.columns), seed + 2));
  }
  if (has("echo-smooth")) {
    experts.push(new EchoState(layout, "echo-smooth", shape, features, smoothEcho(shape.columns), seed + 1));
  }
  if (has("lstm")) {
    const hidden = shape.columns > 1 ? 32 : 24;
    const wire = (sizes: Parameters<typeof lstm>[0]) => lstm({ ...sizes, hidden });
    const network = new LearnedNetwork(layout, shape, features, { name: "lstm", wire }, seed);
    experts.push(network, network.heads);
  }
  return experts;
}

/** The network that a specification such as `gru:hidden=48` or `esn:units=300` names, as an expert. */
function openNetwork(
  layout: Layout,
  shape: Shape,
  { seed }: ForecasterSpecification,
  features: Features,
  spec: ModelSpec,
): Expert {
  const { name, options } = spec;
  if (name !== "esn") {
    const wire = (sizes: { inputs: number; outputs: number; seed: number }) => wiringOf(spec, sizes);
    return new LearnedNetwork(layout, shape, features, { name, wire }, seed);
  }
  const usual = sharpEcho(shape.columns);
  const {
    units = usual.units,
    radius = usual.radius,
    inputScale = usual.inputDeviation,
  } = options as Partial<Record<(typeof ECHO_OPTIONS)[number], number>>;
  const leak = options.leak as number | undefined;
  const leaks = leak === undefined ? {} : { slowest: leak, fastest: leak };
  const echo = { ...usual, units, radius, inputDeviation: inputScale, ...leaks };
  return new EchoState(layout, "esn", shape, features, echo, seed);
}
