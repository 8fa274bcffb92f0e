import type { Crosses } from "../../models/alert.ts";
import { moment } from "../../models/issue.ts";

/** What a summary may speak of. */
const FIELDS = [
  "series",
  "target",
  "value",
  "limit",
  "probability",
  "crosses",
  "within",
  "rule",
  "severity",
  "state",
] as const;

/** Characters of a summary at most, once its fields are filled in. */
const LONGEST = 2000;

/** What is filled in. */
export interface SummaryFacts {
  readonly series: string;
  readonly target: string;
  readonly value: number | null;
  readonly limit: number | readonly [number, number] | null;
  readonly probability: number | null;
  readonly crosses: Crosses | null;
  readonly within: string;
  readonly rule: string;
  readonly severity: string;
  readonly state: string;
  /** Of the values; empty when it is not known. */
  readonly unit: string;
}

/** What is wrong with a text that is to be filled in, as what was expected instead; undefined when nothing is. */
export function checkSummary(text: string): string | undefined {
  for (const [, field = ""] of text.matchAll(/\{([a-z]+)\}/g)) {
    if (!(FIELDS as readonly string[]).includes(field))
      return `only ${FIELDS.map((one) => `{${one}}`).join(" ")}`;
  }
  return undefined;
}

/** A text with its fields filled in, once: what a name has in braces stays as it is. */
export function filledIn(text: string, facts: SummaryFacts): string {
  const words = text.replaceAll(/\{([a-z]+)\}/g, (whole, field: string) => worded(field, facts) ?? whole);
  return words.length > LONGEST ? `${words.slice(0, LONGEST - 1)}…` : words;
}

function worded(field: string, facts: SummaryFacts): string | undefined {
  const { value, limit, probability, crosses, unit } = facts;
  const measured = (one: number): string => (unit === "" ? shown(one) : `${shown(one)} ${unit}`);
  switch (field) {
    case "value":
      return value === null ? "missing" : measured(value);
    case "limit":
      if (limit === null) return "none";
      return typeof limit === "number" ? measured(limit) : `${shown(limit[0])} to ${measured(limit[1])}`;
    case "probability":
      return probability === null ? "unknown" : shown(probability);
    case "crosses":
      return crosses === null ? "not within what can be told" : whenCrossed(crosses);
    case "target":
      return facts.target === "" ? "value" : facts.target;
    case "series":
    case "within":
    case "rule":
    case "severity":
    case "state":
      return facts[field];
    default:
      return undefined;
  }
}

/** At most four significant digits, and all of a whole number. */
const shown = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));

/** The moment that is as likely too early as too late, and the bounds that it lies between four times in five. */
function whenCrossed({ from, at, to }: Crosses): string {
  const bounds = Number.isFinite(to) ? `between ${day(from)} and ${day(to)}` : `not before ${day(from)}`;
  return `about ${day(at)} (likely ${bounds})`;
}

/** Such as "Fri 2026-11-27 14:05 UTC". */
function day(time: number): string {
  const date = new Date(moment(time));
  const text = date.toISOString();
  return `${date.toUTCString().slice(0, 3)} ${text.slice(0, 10)} ${text.slice(11, 16)} UTC`;
}
