import { EddyError, printable } from "../../errors.ts";
import type { Layout } from "../../kernels/layout.ts";
import type { Expert, Shape } from "../expert.ts";
import type { Features } from "../features.ts";
import type { ForecasterSpecification } from "../specification.ts";
import { Autoregression } from "./autoregression.ts";
import { EchoState, sharpEcho, smoothEcho } from "./echo-state.ts";
import { HoltWinters, LONGEST_SMOOTHED } from "./holt-winters.ts";
import { LeakyAverage } from "./leaky-average.ts";
import { LearnedNetwork } from "./learned-network.ts";
import { Persistence } from "./persistence.ts";
import { SeasonalNaive } from "./seasonal-naive.ts";
import { SeasonalProfile } from "./seasonal-profile.ts";
import { VectorAutoregression } from "./vector-autoregression.ts";

/** How experts are combined: the whole rule, or plain equal weights (for comparison). */
export type Combination = "online" | "equal";

/** A model specification, read: `auto`, `auto:without=lstm+echo-state`, `auto:mixture=equal`, or one expert by name. */
export interface ModelChoice {
  readonly groups: ReadonlySet<Group>;
  readonly combination: Combination;
  /** A single expert forecasts alone: nothing is combined. */
  readonly alone: boolean;
}

/** Names by which experts are asked for or left out. */
export const GROUPS = [
  "seasonal-naive",
  "average",
  "profile",
  "second-profile",
  "profile-revert",
  "seasonal-drift",
  "holt-winters",
  "autoregression",
  "vector-autoregression",
  "echo-sharp",
  "echo-smooth",
  "lstm",
] as const;
export type Group = (typeof GROUPS)[number];

/** Short names for several groups at once. */
const FAMILIES: Readonly<Record<string, readonly Group[]>> = {
  recurrent: ["echo-sharp", "echo-smooth", "lstm"],
  "echo-state": ["echo-sharp", "echo-smooth"],
  esn: ["echo-sharp"],
  ar: ["autoregression"],
  seasonal: ["seasonal-naive"],
};

/** Reads a model specification. @throws EddyError `bad-model` naming what is not understood. */
export function readModel(model: string): ModelChoice {
  const [name, settings = ""] = model.split(/:(.*)/s);
  if (name === "persistence") return { groups: new Set(), combination: "online", alone: true };
  if (name !== "auto") {
    if (settings !== "") wrong(model, `${name} without settings`, settings);
    return { groups: new Set(groupsNamed(name, model)), combination: "online", alone: true };
  }
  const groups = new Set<Group>(GROUPS);
  let combination: Combination = "online";
  for (const setting of settings === "" ? [] : settings.split(";")) {
    const [key, value = ""] = setting.split("=");
    if (key === "without") {
      for (const left of value.split("+")) for (const group of groupsNamed(left, model)) groups.delete(group);
    } else if (key === "mixture" && (value === "online" || value === "equal")) combination = value;
    else wrong(model, "auto:without=NAME+NAME;mixture=equal", setting);
  }
  return { groups, combination, alone: false };
}

function groupsNamed(name: string, model: string): readonly Group[] {
  const groups = FAMILIES[name] ?? GROUPS.filter((group) => group === name);
  if (groups.length === 0) {
    wrong(model, `auto, persistence, ${[...GROUPS, ...Object.keys(FAMILIES)].join(", ")}`, name);
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
  const { groups } = readModel(specification.model);
  const { seed } = specification;
  const experts: Expert[] = [new Persistence(shape, features), new SeasonalNaive(shape, features)];
  const has = (group: Group): boolean => groups.has(group);
  // A given season tells what cannot be of use; one that is found later cannot, as the memory is planned now.
  const short = !(specification.periods[0] > LONGEST_SMOOTHED);
  if (has("average")) {
    experts.push(new LeakyAverage(shape, features, [0, 1]), new LeakyAverage(shape, features, [2]));
  }
  if (has("profile")) experts.push(new SeasonalProfile(shape, features, "last"));
  if (has("second-profile")) experts.push(new SeasonalProfile(shape, features, "second"));
  if (has("profile-revert")) {
    experts.push(new SeasonalProfile(shape, features, "short"), new SeasonalProfile(shape, features, "long"));
  }
  if (has("seasonal-drift") && short) {
    experts.push(new SeasonalNaive(shape, features, "add"), new SeasonalNaive(shape, features, "multiply"));
  }
  if (has("holt-winters") && short) experts.push(new HoltWinters(layout, shape, features));
  if (has("autoregression")) experts.push(new Autoregression(layout, shape, features));
  if (has("vector-autoregression")) experts.push(new VectorAutoregression(layout, shape, features));
  if (has("echo-sharp")) {
    experts.push(new EchoState(layout, "echo-sharp", shape, features, sharpEcho(shape.columns), seed));
  }
  if (has("echo-smooth")) {
    experts.push(new EchoState(layout, "echo-smooth", shape, features, smoothEcho(shape.columns), seed + 1));
  }
  if (has("lstm")) {
    const hidden = shape.columns > 1 ? 32 : 24;
    const network = new LearnedNetwork(layout, shape, features, { cell: "lstm", hidden }, seed);
    experts.push(network, network.heads);
  }
  return experts;
}
