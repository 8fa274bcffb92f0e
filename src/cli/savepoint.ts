import { EddyError, printable } from "../models/errors.ts";
import { text } from "../models/kinds.ts";
import { openEngine } from "../server/engine.ts";
import { isStoredPipeline } from "../storage/hosted.ts";
import { restoreSavepoint, writeSavepoint } from "../storage/savepoint.ts";
import { DatabaseReader } from "../storage/sqlite/reader.ts";
import { matchesPattern } from "../streams/pattern.ts";
import { defineCommand } from "./command.ts";
import { flag, toggle } from "./flags.ts";
import { pipelineNames } from "./pipeline-names.ts";

export const command = defineCommand({
  name: "savepoint",
  summary: "one portable file with everything of some series, that another machine goes on from",
  description:
    "Writes FILE from the database, which a server may be using. With --restore, brings the series of FILE into the database, " +
    "which no server may be using; what follows is, bit for bit, what would have followed where it was written.",
  operand: { name: "FILE", summary: "the savepoint" },
  flags: {
    db: flag(text("a file", "FILE"), "the database", "eddy-data/eddy.db"),
    series: flag(text("a pattern", "PATTERN"), "which series to save; * stands for any text", "*"),
    restore: toggle("bring the savepoint into the database"),
  },
  examples: [
    "eddy savepoint motes.eddy --db eddy.db --series 'mote-*'",
    "eddy savepoint motes.eddy --restore --db other.db",
  ],
  async run({ flags, operand: file, world }) {
    if (flags.restore) {
      // Recovers a database with a past, so that nothing of it is waiting to be written.
      if (world.fs.existsSync(flags.db)) await (await openEngine({ database: flags.db })).close();
      const { series, observations } = restoreSavepoint(file, flags.db);
      await world.stderr.write(
        `eddy: ${flags.db}: ${series} series restored, ${observations} observations to replay\n`,
      );
      return 0;
    }
    const reader = new DatabaseReader(flags.db);
    try {
      const found = reader.series((name) => matchesPattern(flags.series, name));
      // Without the readings of all that it reads, a pipeline cannot be brought to where it was.
      const series = found.filter((one) => !isStoredPipeline(one));
      const left = found.filter(isStoredPipeline);
      if (left.length > 0) {
        await world.stderr.write(
          `eddy: ${pipelineNames(left)} left out: a savepoint holds series; a copy of the whole database keeps pipelines too\n`,
        );
      }
      if (series.length === 0) {
        throw new EddyError("bad-argument", "--series", {
          expected: `a pattern that fits one of the ${reader.series().filter((one) => !isStoredPipeline(one)).length} series of ${flags.db}`,
          received: printable(flags.series),
        });
      }
      const report = writeSavepoint(reader, series, file);
      await world.stderr.write(
        `eddy: ${file}: ${report.series} series, ${report.observations} observations after their checkpoints, ${report.forecasts} forecasts\n`,
      );
      return 0;
    } finally {
      reader.close();
    }
  },
});
