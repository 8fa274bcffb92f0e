import type { Observation } from "../../models/observation.ts";
import { badTime, flawOf } from "../../streams/checked-observation.ts";

/** What is wrong with an observation in itself, as code and message; nothing that reaches the journal may fail later. */
export function flaw(observation: Observation): [string, string] | undefined {
  const { time } = observation;
  const wrong = flawOf(observation) ?? (Number.isNaN(time) ? badTime(time) : undefined);
  if (wrong === undefined) return undefined;
  const { code, message } = wrong();
  return [code, message];
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
  const values = Object.fromEntries(known.map((column) => [column, observation.values[column] ?? null]));
  return { observation: { ...observation, values }, count: known.length };
}
