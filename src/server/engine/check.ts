import { printable } from "../../models/errors.ts";
import { MAX_TIME, type Observation } from "../../models/observation.ts";

const MAX_NAME = 1024;

/** What is wrong with an observation in itself, as code and message; nothing that reaches the journal may fail later. */
export function flaw({ id, series, time, values }: Observation): [string, string] | undefined {
  if (typeof series !== "string" || series === "" || series.length > MAX_NAME) {
    return ["bad-observation", `series: expected a name of 1 to ${MAX_NAME} characters`];
  }
  if (id !== undefined && (typeof id !== "string" || id === "" || id.length > MAX_NAME)) {
    return ["bad-observation", `id: expected 1 to ${MAX_NAME} characters`];
  }
  if (!(Math.abs(time) <= MAX_TIME))
    return ["bad-time", `time: expected epoch milliseconds, got ${printable(time)}`];
  const columns = Object.keys(values);
  if (columns.length === 0) return ["no-values", "values: expected at least one"];
  for (const column of columns) {
    const value = values[column];
    if (value !== null && !(typeof value === "number" && Number.isFinite(value))) {
      return [
        "bad-number",
        `${printable(column, 128).slice(1, -1)}: expected a number or null, got ${printable(value)}`,
      ];
    }
  }
  return undefined;
}

/** The observation as the journal holds it, without columns that its series does not know; undefined when it knows none. */
export function knownValues(
  observation: Observation,
  columns: readonly string[],
): { observation: Observation; count: number } | undefined {
  const given = Object.keys(observation.values);
  const known = given.filter((column) => columns.includes(column));
  if (known.length === 0) return undefined;
  if (known.length === given.length) return { observation, count: given.length };
  const values = Object.fromEntries(known.map((column) => [column, observation.values[column]]));
  return { observation: { ...observation, values }, count: known.length };
}
