import { cutName } from "../checked-observation.ts";

/**
 * The series of a metric: its name and all its labels, in one order whatever the order they came in. One that is longer than a
 * series may be called is cut.
 */
export function metricName(name: string, labels: ReadonlyMap<string, string>): string {
  const pairs = [...labels].sort(([a], [b]) => (a < b ? -1 : 1)).map(([label, value]) => `${label}=${value}`);
  return cutName([name, ...pairs].join(","));
}
