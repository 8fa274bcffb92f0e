import { createHash } from "node:crypto";
import type { AlertTransition } from "../../models/alert.ts";
import type { Condition, Verdict } from "./condition.ts";
import type { AlertRule, When } from "./rule.ts";
import { filledIn } from "./summary.ts";

/** A rule in force. */
export interface StandingRule {
  readonly rule: AlertRule;
  readonly condition: Condition;
  /** Grows with every change of any rule: what is told under two of them never has the same id. */
  readonly revision: number;
  readonly from: "configuration" | "http";
}

/** What an alert is about, and where and when it is told. */
export interface ToldAt {
  readonly series: string;
  readonly target: string;
  /** Of the values; empty when it is not known. */
  readonly unit: string;
  readonly time: number;
  readonly offset: number;
}

/** A name that is the same whenever it is derived again. */
const derivedId = (...parts: readonly (string | number)[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);

/** What a look found, as far as it is told. */
export type Found = Pick<Verdict, "value" | "probability" | "crosses">;

/** Who has been told of an alert and where: its end goes the same way, whatever the rule has become since. */
export interface Way {
  /** Name of the alert. */
  readonly alert: string;
  readonly to: readonly string[];
  readonly lane: string;
}

/** The beginning of an alert, or the end of the one that went the way `ended`. */
export function tell(
  standing: StandingRule,
  at: ToldAt,
  found: Found,
  sequence: number,
  ended?: Way,
): AlertTransition {
  const { rule, condition, revision } = standing;
  const { series, target, time, offset } = at;
  const state = ended === undefined ? "firing" : "resolved";
  // Silences may begin and end more than once between two observations.
  const id = derivedId(rule.name, revision, series, target, offset, state, ended?.alert ?? "");
  return {
    sequence,
    id,
    alert: ended?.alert ?? id,
    rule: rule.name,
    series,
    target,
    state,
    time,
    offset,
    ...found,
    limit: condition.limit,
    severity: severityOf(rule),
    labels: rule.labels ?? {},
    summary: summaryOf(standing, at, found, state),
    to: ended?.to ?? rule.to ?? [],
  };
}

/** The way that an alert goes. */
export function wayOf({ rule }: StandingRule, { alert, series, target, to }: AlertTransition): Way {
  const { name, group = "rule" } = rule;
  const lane = group === "rule" ? [name] : group === "series" ? [name, series] : [name, series, target];
  return { alert, to, lane: lane.join("\u0000") };
}

/** What is said of an alert: in the words of its rule or, where it has none, in usual ones. */
export function summaryOf(
  { rule, condition: { limit } }: StandingRule,
  { series, target, unit }: Pick<ToldAt, "series" | "target" | "unit">,
  found: Found,
  state: "pending" | "firing" | "resolved",
): string {
  const { when } = rule;
  const text = rule.summary ?? usualSummary(when, target)[state === "resolved" ? 1 : 0];
  const within = "within" in when ? when.within : "silent" in when ? when.silent : "";
  return filledIn(text, {
    ...found,
    series,
    target,
    limit,
    within: typeof within === "number" ? `${within} steps` : within,
    rule: rule.name,
    severity: severityOf(rule),
    state,
    unit,
  });
}

export const severityOf = ({ severity = "warning" }: AlertRule): string => severity;

/** What is said of the beginning and of the end where a rule has no words of its own. */
function usualSummary(when: When, target: string): readonly [firing: string, resolved: string] {
  const it = target === "" || target === "value" ? "{series}" : "{series} {target}";
  if ("reading" in when) {
    return [
      `${it} is {value}, ${when.reading} {limit}`,
      `${it} is {value}, no longer ${when.reading} {limit}`,
    ];
  }
  if ("forecast" in when) {
    return [
      `${it} is expected ${when.forecast} {limit} within {within} (probability {probability}); it is {value}`,
      `${it} is no longer expected ${when.forecast} {limit} within {within} (probability {probability}); it is {value}`,
    ];
  }
  if ("reaches" in when) {
    return [
      `${it} is {value} and reaches {limit} {crosses}`,
      `${it} is {value} and no longer reaches {limit} within {within}: {crosses}`,
    ];
  }
  if ("surprise" in when) {
    return [
      `${it} is {value}, far from what was forecast: a share of {probability} of readings lies as far`,
      `${it} is {value}, about as forecast`,
    ];
  }
  if ("silent" in when) return ["nothing has come of {series} for {within}", "{series} is no longer silent"];
  return [
    `forecasts of ${it} have a skill of {value}, below {limit}`,
    `forecasts of ${it} have a skill of {value} again, no longer below {limit}`,
  ];
}
