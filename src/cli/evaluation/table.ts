import { itemAt } from "../../models/item-at.ts";
import type { Head, ModelResult } from "./figures.ts";

/** Most steps, and most targets, that get a row of their own. */
const STEPS = 6;
const TARGETS = 16;

const digits = (value: number | null | undefined, places: number): string =>
  value === null || value === undefined ? "-" : value.toFixed(places);
const percent = (value: number | null): string => (value === null ? "-" : `${(100 * value).toFixed(1)}%`);

/** Columns as wide as they need to be: the first one flush left, the others right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(itemAt(widths, i)) : cell.padStart(itemAt(widths, i))))
      .join("  "),
  );
}

/** Up to STEPS steps from 1 to the horizon, evenly. */
function chosenSteps(horizon: number): number[] {
  const n = Math.min(STEPS, horizon);
  return Array.from({ length: n }, (_, i) => (n === 1 ? 1 : 1 + Math.round((i * (horizon - 1)) / (n - 1))));
}

/** The result as a person reads it. */
export function printTable(head: Head, results: readonly ModelResult[]): string {
  const single = head.targets.length === 1;
  const overall = aligned([
    [
      "model",
      "mse",
      "mae",
      ...(single ? ["own units"] : []),
      "skill",
      "vs seasonal",
      "coverage",
      "by quarter",
      "interval",
      "seconds",
      "rows/s",
    ],
    ...results.map((r) => [
      r.model,
      digits(r.mse, 4),
      digits(r.mae, 4),
      ...(single ? [itemAt(r.targets, 0).ownMae?.toPrecision(4) ?? "-"] : []),
      digits(r.skill, 3),
      digits(r.skillSeasonal, 3),
      percent(r.coverage),
      r.coverageQuarters.map((q) => (q === null ? "-" : (100 * q).toFixed(1))).join(" "),
      digits(r.intervalScore, 3),
      r.seconds.toFixed(1),
      String(r.rowsPerSecond),
    ]),
  ]);
  const blocks = [overall];
  const levels = (results[0]?.quantiles ?? []).map(({ level }) => String(level));
  if (levels.length > 0) {
    blocks.push(
      aligned([
        ["below quantile", ...levels],
        ...results.map((r) => [r.model, ...(r.quantiles ?? []).map(({ below }) => percent(below))]),
      ]),
      aligned([
        ["pinball", ...levels],
        ...results.map((r) => [r.model, ...(r.quantiles ?? []).map(({ pinball }) => digits(pinball, 4))]),
      ]),
    );
  }
  blocks.push(
    aligned([
      ["benchmark", "mase", "of seasonal", "wql", "of seasonal", "msis"],
      ...results.map(({ model, benchmark }) => [
        model,
        digits(benchmark.mase, 3),
        digits(benchmark.maseRatio, 3),
        digits(benchmark.wql, 4),
        digits(benchmark.wqlRatio, 3),
        digits(benchmark.msis, 2),
      ]),
    ]),
  );
  const { labels = 0, labelsScaled = 0 } = results[0]?.benchmark ?? {};
  if (labelsScaled < labels) {
    const of = `${labelsScaled.toLocaleString("en")} of ${labels.toLocaleString("en")}`;
    blocks.push([
      `mase and msis are of ${of} labels: before the others nothing had changed from season to season`,
    ]);
  }
  const steps = chosenSteps(head.horizon);
  if (head.horizon > 1) {
    blocks.push(
      aligned([
        ["mse by step", ...steps.map(String)],
        ...results.map((r) => [r.model, ...steps.map((step) => digits(itemAt(r.steps, step - 1).mse, 4))]),
      ]),
    );
  }
  if (!single) {
    const shown = head.targets.slice(0, TARGETS);
    blocks.push(
      aligned([
        ["mse by target", ...shown],
        ...results.map((r) => [r.model, ...shown.map((_, d) => digits(itemAt(r.targets, d).mse, 4))]),
      ]),
    );
  }
  const inputs = head.inputs.length > 0 ? `; with ${head.inputs.join(", ")}` : "";
  const of = head.seriesCount > 1 ? ` of ${head.seriesCount} series` : "";
  const scaled = head.train === null ? "their own training rows" : `the first ${head.train}`;
  const scored = head.test === null ? "in rows of their own" : head.test.join(":");
  return `${[
    `${head.file}: ${head.rows} rows${of}, scaled by ${scaled}, scored ${scored}`,
    `horizon ${head.horizon}; targets ${head.targets.join(", ")}${inputs}; season ${head.season ?? "unknown"}`,
    ...blocks.flatMap((block) => ["", ...block]),
  ].join("\n")}\n`;
}
