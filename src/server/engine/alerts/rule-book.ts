import { conditionOf } from "../../../streams/alerts/condition.ts";
import type { AlertRule } from "../../../streams/alerts/rule.ts";
import type { StandingRule } from "../../../streams/alerts/telling.ts";
import { matchesPattern } from "../../../streams/pattern.ts";

/** The rules in force, by name. */
export class RuleBook {
  #rules = new Map<string, StandingRule>();
  /** Grows with every change: what was found of a series before holds no more. */
  version = 0;
  /** The highest number that a revision has had. */
  revision = 0;

  get size(): number {
    return this.#rules.size;
  }

  get(name: string): StandingRule | undefined {
    return this.#rules.get(name);
  }

  /** In the order of their names. */
  all(): Iterable<StandingRule> {
    return this.#rules.values();
  }

  set(standing: StandingRule): void {
    this.#rules.set(standing.rule.name, standing);
    this.#rules = new Map([...this.#rules].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.revision = Math.max(this.revision, standing.revision);
    this.version++;
  }

  delete(name: string, revision: number): void {
    this.#rules.delete(name);
    this.revision = Math.max(this.revision, revision);
    this.version++;
  }
}

export const standing = (rule: AlertRule, from: StandingRule["from"], revision: number): StandingRule => ({
  rule,
  condition: conditionOf(rule),
  from,
  revision,
});

/** Whether a rule is about a target of a series; about the series as a whole for the empty one. */
export const isAbout = ({ rule, condition }: StandingRule, series: string, target: string): boolean =>
  matchesPattern(rule.series, series) &&
  (condition.kind === "silent") === (target === "") &&
  (rule.target === undefined || matchesPattern(rule.target, target));
