import { createHash } from "node:crypto";
import { MAX_SERIES_NAME } from "../observation-schema.ts";

/** Characters of the sum that stands for the end of a name too long to be a series'. */
const SUM = 16;

/**
 * The series of a metric: its name and all its labels, in one order whatever the order they came in. One that is longer than a
 * series may be called is cut, and ends with a sum of the whole: two different ones never have the same name.
 */
export function metricName(name: string, labels: ReadonlyMap<string, string>): string {
  const whole = [
    name,
    ...[...labels].sort(([a], [b]) => (a < b ? -1 : 1)).map(([label, value]) => `${label}=${value}`),
  ].join(",");
  if (whole.length <= MAX_SERIES_NAME) return whole;
  const sum = createHash("sha256").update(whole).digest("hex").slice(0, SUM);
  // Not in the middle of a character of two halves.
  return `${whole.slice(0, MAX_SERIES_NAME - SUM - 1).replace(/[\ud800-\udbff]$/, "")}~${sum}`;
}
