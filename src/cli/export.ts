import { EddyError, printable } from "../models/errors.ts";
import type { Issue } from "../models/issue.ts";
import { text, word } from "../models/kinds.ts";
import { EXPORT_FORMATS, exportForecasts, exportObservations, exportTransitions } from "../storage/export.ts";
import { isStoredPipeline } from "../storage/hosted.ts";
import { DatabaseReader } from "../storage/sqlite/reader.ts";
import { matchesPattern } from "../streams/pattern.ts";
import type { SeriesOptions } from "../streams/series.ts";
import { defineCommand } from "./command.ts";
import { flag } from "./flags.ts";
import { pipelineNames } from "./pipeline-names.ts";
import type { World } from "./world.ts";

export const command = defineCommand({
  name: "export",
  summary: "observations, forecasts or alerts of a database as Arrow, CSV or NDJSON",
  description:
    "Writes what the database still holds to stdout. A server may be using the database meanwhile. Observations come in the " +
    "order in which they were taken, so that eddy replay of them gives the same forecasts again.",
  stray: "the database is named by --db, what comes out goes to stdout",
  flags: {
    db: flag(text("a file", "FILE"), "the database", "eddy-data/eddy.db"),
    series: flag(text("a pattern", "PATTERN"), "which series; * stands for any text", "*"),
    format: flag(word(EXPORT_FORMATS), "what to write", "ndjson"),
    what: flag(word(["observations", "forecasts", "alerts"]), "what to export", "observations"),
  },
  examples: ["eddy export --db eddy.db --series 'mote-*' --format arrow > motes.arrow"],
  async run({ flags, world }) {
    const reader = new DatabaseReader(flags.db);
    try {
      if (flags.what === "alerts") {
        const told = reader.transitions((name) => matchesPattern(flags.series, name));
        await writeAll(exportTransitions(told, flags.format), world);
        return 0;
      }
      const found = reader.series((name) => matchesPattern(flags.series, name));
      // A pipeline has no readings of its own, and what it gives has no columns.
      const inWords = flags.what === "forecasts" && flags.format === "ndjson";
      const series = inWords ? found : found.filter((one) => !isStoredPipeline(one));
      const left = found.filter((one) => !series.includes(one));
      if (left.length > 0) {
        const instead =
          flags.what === "forecasts" ? "--format ndjson has" : "--what forecasts --format ndjson has";
        await world.stderr.write(`eddy: ${pipelineNames(left)} left out: ${instead} what a pipeline gave\n`);
      }
      if (series.length === 0) {
        throw new EddyError("bad-argument", "--series", {
          expected: `a pattern that fits one of the ${reader.series().filter((one) => !isStoredPipeline(one)).length} series of ${flags.db}`,
          received: printable(flags.series),
        });
      }
      const columns = [...new Set(series.flatMap((one) => one.columns))];
      const pieces =
        flags.what === "observations"
          ? exportObservations(reader.observations(series), columns, flags.format)
          : exportForecasts(issuesOf(reader, series), flags.format, levelsOf(series));
      await writeAll(pieces, world);
    } finally {
      reader.close();
    }
    return 0;
  },
});

async function writeAll(pieces: Iterable<string | Uint8Array>, world: World): Promise<void> {
  for (const piece of pieces) {
    await world.stdout.write(piece);
    if (world.stop.aborted) return;
  }
}

/** Every level that a quantile of one of the series was asked for. */
function levelsOf(series: readonly { readonly specification: string }[]): number[] {
  const asked = series.flatMap(
    ({ specification }) => (JSON.parse(specification) as SeriesOptions).quantiles ?? [],
  );
  return [...new Set(asked)].sort((a, b) => a - b);
}

function* issuesOf(
  reader: DatabaseReader,
  series: Parameters<DatabaseReader["issues"]>[0],
): Generator<Issue> {
  for (const { issue } of reader.issues(series)) yield issue;
}
