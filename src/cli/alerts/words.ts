/** What `GET /v1/alerts` answers, as far as it is put into words. */
export interface Answered {
  readonly rules: readonly RuleAnswered[];
  readonly alerts: readonly Readonly<
    Record<"state" | "rule" | "series" | "target" | "since" | "summary", string>
  >[];
}

export interface RuleAnswered {
  readonly name: string;
  readonly series: string;
  readonly when: Readonly<Record<string, unknown>>;
  readonly severity?: string;
  readonly to?: readonly string[];
  readonly from: string;
}

/** What a rule waits for, such as `reading above, limit 90`. */
export const conditionWords = (when: Readonly<Record<string, unknown>>): string =>
  Object.entries(when)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(" to ") : String(value)}`)
    .join(", ");
