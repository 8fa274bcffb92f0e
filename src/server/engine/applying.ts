import { EddyError, printable } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import type { EngineLog } from "./contract.ts";
import type { EngineMetrics } from "./metrics.ts";
import type { Applied, LiveSeries, SeriesEntry } from "./series.ts";

/** Why an observation was set aside, for whoever sent it. */
const WORDS: Readonly<Record<string, string>> = {
  "duplicate-time":
    "expected one reading for each time, got another for one that was taken: the first one stands",
};

/** Gives one observation of the journal to its series, in memory. Deterministic; a failure of the model is an outcome too. */
export function apply(
  live: LiveSeries,
  entry: SeriesEntry,
  observation: Observation,
  position: number,
  { metrics, log }: { readonly metrics: EngineMetrics; readonly log: EngineLog },
): Applied {
  const { name } = entry.stored;
  entry.applied = position;
  try {
    const { issues, refused, later, outOfRange } = live.push(observation, position);
    for (const { targets } of issues) {
      for (const { taken } of targets) if (taken === 0) metrics.add("doubted_readings_total", 1);
    }
    if (later !== undefined) metrics.add("set_aside_total", later.length);
    if (outOfRange !== undefined) metrics.add("out_of_range_total", outOfRange.length);
    if (refused === undefined) {
      entry.observations++;
      entry.lastTime = Math.max(observation.time, Number.isNaN(entry.lastTime) ? -Infinity : entry.lastTime);
      return { issues, message: "" };
    }
    return { issues, refused, message: `${printable(name)}: ${WORDS[refused] ?? refused}` };
  } catch (error) {
    const message = `${name}: ${(error as Error).message}`;
    metrics.add("series_failures_total", 1);
    log.error(`an observation of ${message}`);
    return { issues: [], refused: error instanceof EddyError ? error.code : "internal", message };
  }
}
