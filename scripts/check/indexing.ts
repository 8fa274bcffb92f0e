// Every indexed access is checked (`noUncheckedIndexedAccess`), but for the loops over numbers of models and the files named here.
// The compiler checks what is imported along, so that it cannot leave them out by itself. A file that needs to be named no more
// is told as well: the list only gets shorter.
//
//   node --import tsx scripts/check/indexing.ts
import { spawnSync } from "node:child_process";

const UNCHECKED = new Set([
  "src/cli/evaluation/forecasts-file.ts",
  "src/cli/evaluation/protocol.ts",
  "src/cli/evaluation/results.ts",
  "src/cli/evaluation/scores.ts",
  "src/cli/evaluation/table.ts",
  "src/cli/evaluation/trace.ts",
  "src/server/access.ts",
  "src/server/engine/checkpointer.ts",
  "src/server/engine/checkpoints.ts",
  "src/server/engine/history.ts",
  "src/server/engine/hosting.ts",
  "src/server/engine/loop.ts",
  "src/server/engine/queue.ts",
  "src/server/engine/roll-ups.ts",
  "src/server/engine/taking-back.ts",
  "src/server/http/push-routes.ts",
  "src/server/http/take-observations.ts",
  "src/server/http/unpacked-body.ts",
  "src/server/socket/outgoing.ts",
  "src/server/socket/subscription.ts",
  "src/server/sources/source-runner.ts",
  "src/server/turns.ts",
  "src/storage/arrow/batches.ts",
  "src/storage/export.ts",
  "src/storage/inspection.ts",
  "src/storage/journal.ts",
  "src/storage/packed-issue.ts",
  "src/storage/pipelines/record.ts",
  "src/storage/recording/recording.ts",
  "src/storage/sqlite/completeness.ts",
  "src/storage/sqlite/guard.ts",
  "src/storage/sqlite/log-check.ts",
  "src/storage/sqlite/reader.ts",
  "src/storage/sqlite/removal.ts",
  "src/storage/sqlite/store.ts",
  "src/streams/counter.ts",
  "src/streams/far-ahead.ts",
  "src/streams/formats/delimited.ts",
  "src/streams/formats/free-text.ts",
  "src/streams/formats/influx-write.ts",
  "src/streams/formats/json-records.ts",
  "src/streams/formats/lines.ts",
  "src/streams/formats/metric-lines.ts",
  "src/streams/formats/moments.ts",
  "src/streams/formats/named-values.ts",
  "src/streams/formats/numbers.ts",
  "src/streams/formats/pairs.ts",
  "src/streams/formats/quoted-lines.ts",
  "src/streams/formats/recognise.ts",
  "src/streams/formats/roles.ts",
  "src/streams/formats/series-names.ts",
  "src/streams/formats/spaced.ts",
  "src/streams/formats/time-pattern.ts",
  "src/streams/formats/times.ts",
  "src/streams/formats/tokens.ts",
  "src/streams/formats/units.ts",
  "src/streams/formats/zones.ts",
  "src/streams/issuing.ts",
  "src/streams/json.ts",
  "src/streams/logs/header.ts",
  "src/streams/logs/lexemes.ts",
  "src/streams/logs/log-counts.ts",
  "src/streams/logs/log-numbers.ts",
  "src/streams/logs/log-times.ts",
  "src/streams/logs/templates.ts",
  "src/streams/logs/tokens.ts",
  "src/streams/observation-schema.ts",
  "src/streams/operators/echo-state.ts",
  "src/streams/operators/forecast.ts",
  "src/streams/operators/futures.ts",
  "src/streams/operators/in-order.ts",
  "src/streams/operators/intervals.ts",
  "src/streams/operators/leaky-averages.ts",
  "src/streams/operators/leaky-units.ts",
  "src/streams/operators/learning-stage.ts",
  "src/streams/operators/per-series.ts",
  "src/streams/operators/recurrent.ts",
  "src/streams/operators/resample.ts",
  "src/streams/operators/smooth.ts",
  "src/streams/operators/tree-summary.ts",
  "src/streams/ordering.ts",
  "src/streams/resampling.ts",
  "src/streams/series.ts",
  "src/streams/sources/arrow-check.ts",
  "src/streams/sources/follow.ts",
  "src/streams/sources/machine.ts",
  "src/streams/sources/message-reader.ts",
  "src/streams/sources/mqtt.ts",
  "src/streams/sources/scrape.ts",
  "src/streams/sources/topics.ts",
  "src/streams/steps.ts",
]);

const { stdout } = spawnSync(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "-p", "tsconfig.strict.json", "--pretty", "false"],
  { encoding: "utf8" },
);
const unmet = new Set(UNCHECKED);
for (const line of stdout.split("\n")) {
  const file = /^(src\/[^(]+)\(/.exec(line)?.[1];
  if (file === undefined || file.startsWith("src/models/")) continue;
  unmet.delete(file);
  if (UNCHECKED.has(file)) continue;
  process.stdout.write(`${line}\n`);
  process.exitCode = 1;
}
for (const file of unmet) {
  process.stdout.write(
    `${file}: every access is checked, take it from the list in scripts/check/indexing.ts\n`,
  );
  process.exitCode = 1;
}
