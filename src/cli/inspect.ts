import { text } from "../models/kinds.ts";
import { type Inspection, inspect } from "../storage/inspection.ts";
import { inspectPipelines, type PipelineInspection } from "../storage/pipelines/inspect-pipelines.ts";
import { DatabaseReader } from "../storage/sqlite/reader.ts";
import { matchesPattern } from "../streams/pattern.ts";
import { aligned } from "./columns.ts";
import { defineCommand } from "./command.ts";
import { flag, toggle } from "./flags.ts";

export const command = defineCommand({
  name: "inspect",
  summary: "what a database holds: series, checkpoints and whether they are good, rows, sources",
  description:
    "Every checkpoint is verified. Of a store of pipelines: what each has taken and given, its saves, the figures of its stages. Counts of a series are those of its newest good checkpoint. Exit code 1 when a checkpoint is damaged.",
  stray: "the database is named by --db",
  flags: {
    db: flag(text("a file", "FILE"), "the database", "eddy-data/eddy.db"),
    series: flag(text("a pattern", "PATTERN"), "which series; * stands for any text", "*"),
    json: toggle("one JSON object"),
  },
  examples: ["eddy inspect --db eddy.db", "eddy inspect --db eddy.db --json"],
  async run({ flags, world }) {
    const kept = inspectPipelines(flags.db);
    if (kept !== undefined) {
      const pipelines = kept.filter(({ pipeline }) => matchesPattern(flags.series, pipeline));
      const words = flags.json
        ? `${JSON.stringify({ database: flags.db, pipelines })}\n`
        : pipelineTable(flags.db, pipelines);
      await world.stdout.write(words);
      return pipelines.some(({ saves }) => saves.some(({ good }) => !good)) ? 1 : 0;
    }
    const reader = new DatabaseReader(flags.db);
    try {
      const inspection = inspect(reader, (name) => matchesPattern(flags.series, name));
      await world.stdout.write(flags.json ? `${JSON.stringify(inspection)}\n` : table(inspection));
      const damaged = inspection.series.some(({ checkpoints }) => checkpoints.some(({ good }) => !good));
      return damaged ? 1 : 0;
    } finally {
      reader.close();
    }
  },
});

function table({ database, epoch, bytes, rows, sources, alerts, series }: Inspection): string {
  const lines = [
    `${database}  ${(bytes / 2 ** 20).toFixed(1)} MiB  epoch ${epoch}`,
    Object.entries(rows)
      .map(([name, count]) => `${name} ${count}`)
      .join("  "),
    ...Object.entries(sources).map(([name, reached]) => `source ${name}: ${reached}`),
    ...(alerts.rules.length > 0
      ? [`alerts: rules ${alerts.rules.join(", ")}; ${alerts.active} pending or firing`]
      : []),
    "",
  ];
  const cells = [
    ["series", "model", "columns", "observations", "last time", "checkpoints"],
    ...series.map((one) => [
      one.series,
      one.model,
      one.columns.join(","),
      String(one.observations),
      one.lastTime ?? "-",
      one.checkpoints
        .map(
          ({ position, bytes, good }) => `${bytes} bytes at position ${position}${good ? "" : " (DAMAGED)"}`,
        )
        .join(", ") || "none yet",
    ]),
  ];
  lines.push(...aligned(cells, (cell, width) => cell.padEnd(width)).map((line) => line.trimEnd()));
  return `${lines.join("\n")}\n`;
}

function pipelineTable(database: string, pipelines: readonly PipelineInspection[]): string {
  const lines = [`${database}  pipelines kept: ${pipelines.length}`];
  for (const { pipeline, events, outputs, saves, figures } of pipelines) {
    const kept = saves.map(({ bytes, good }) => `${bytes} bytes${good ? "" : " (DAMAGED)"}`).join(", ");
    lines.push("", `${pipeline}  ${events} events taken, ${outputs} outputs given  saves: ${kept}`);
    const cells = Object.entries(figures).map(([figure, value]) => [
      `  ${figure}`,
      value === null ? "-" : Number.isInteger(value) ? String(value) : value.toPrecision(4),
    ]);
    lines.push(...aligned(cells, (cell, width) => cell.padEnd(width)).map((line) => line.trimEnd()));
  }
  return `${lines.join("\n")}\n`;
}
