import { EddyError } from "../models/errors.ts";
import { type Forecast, words } from "../models/forecast.ts";
import type { Issue } from "../models/issue.ts";
import { isRefused } from "../streams/formats/reading.ts";
import { fileReadings } from "../streams/sources/file.ts";
import { aligned } from "./columns.ts";
import { defineCommand } from "./command.ts";
import { toggle } from "./flags.ts";
import { forecastFlags, formatOptions, inputFlags, seriesOptions } from "./forecast-flags.ts";
import { checkOptions, Live } from "./live.ts";
import { Progress } from "./progress.ts";
import { recognitionLine } from "./recognition-line.ts";
import { Refusals } from "./refusals.ts";
import { chartRow, Past } from "./terminal-chart.ts";

export const command = defineCommand({
  name: "forecast",
  summary: "the next steps of a file, as a table, CSV or JSON",
  description:
    "Reads the file from its first line to its last, learning as it goes, and prints what comes next: a row per series, column and step with mean and interval. On a terminal a chart of the last readings and the steps ahead stands above them. Where the file tells no time, neither do the steps.",
  operand: { name: "FILE", summary: "any text that eddy pipe reads, packed or not, or Arrow or Parquet" },
  flags: {
    ...forecastFlags("forecast"),
    ...inputFlags,
    csv: toggle("print CSV"),
    json: toggle("print the forecasts as one JSON array, each as eddy pipe writes it"),
  },
  examples: [
    "eddy forecast load.csv --horizon 24",
    "eddy forecast sensors.csv.gz --horizon 12 --csv > next.csv",
  ],
  async run({ flags, operand: path, world }) {
    if (flags.csv && flags.json) {
      throw new EddyError("bad-argument", "--csv", { problem: "cannot be given together with --json" });
    }
    const options = seriesOptions(flags);
    checkOptions(options);
    const refusals = new Refusals(world, path);
    const live = new Live(options, refusals);
    const past = new Past();
    const untimed = new Set<string>();
    /** The last issue of each series, in the order in which the series came. */
    const latest = new Map<string, Issue | undefined>();
    const progress = new Progress(world);
    const source = fileReadings(world.fs, path, formatOptions(flags), flags.format, (recognition) => {
      if (!flags.quiet) refusals.found(recognitionLine(path, recognition));
    });
    for await (const batch of source) {
      for (const reading of batch) {
        const issues = live.push(reading);
        if (isRefused(reading)) continue;
        const { series } = reading.observation;
        latest.set(series, issues.at(-1) ?? latest.get(series));
        if (!reading.timed) untimed.add(series);
        past.add(reading.observation);
        progress.count(path, reading.row);
        if (world.stop.aborted) break;
      }
      if (world.stop.aborted) break;
    }
    for (const issue of live.end()) latest.set(issue.series, issue);
    const last = [...latest.values()].filter((issue) => issue !== undefined);
    const forecasts = last
      .flatMap(words)
      .map((forecast) => (untimed.has(forecast.series) ? withoutTimes(forecast) : forecast));
    progress.clear();
    refusals.tellFound();
    refusals.leftOut(live.ignored);
    if (refusals.any) await world.stderr.write(refusals.summary(live.taken));
    if (forecasts.length === 0) {
      throw new EddyError("bad-file", path, {
        expected: "at least two readings of a series",
        received: String(live.taken),
      });
    }
    if (flags.json) await world.stdout.write(`${JSON.stringify(forecasts)}\n`);
    else if (flags.csv) await writeCsv(forecasts, (text) => world.stdout.write(text));
    else {
      if (world.stdout.isTTY) await world.stdout.write(chart(last, past));
      await writeTable(forecasts, (text) => world.stdout.write(text));
    }
    return 0;
  },
});

/** A forecast whose times are not known: only steps can be told. */
interface Untimed extends Omit<Forecast, "issuedAt" | "horizon"> {
  readonly issuedAt: string | null;
  readonly horizon: readonly (Omit<Forecast["horizon"][number], "time"> & { readonly time: string | null })[];
}

const withoutTimes = (forecast: Forecast): Untimed => ({
  ...forecast,
  issuedAt: null,
  horizon: forecast.horizon.map((step) => ({ ...step, time: null })),
});

function chart(issues: readonly Issue[], past: Past): string {
  const rows = issues.flatMap(({ series, targets }) =>
    targets.map((target) => ({
      name: `${series} ${target.name}`,
      seen: past.of(series, target.name),
      target,
    })),
  );
  const drawn = rows.filter(({ seen }) => seen !== undefined);
  const width = Math.min(32, Math.max(0, ...drawn.map(({ name }) => name.length)));
  return `${drawn.map(({ name, seen = [], target }) => `${chartRow(name, seen, target, width)}\n`).join("")}\n`;
}

type Write = (text: string) => Promise<void> | undefined;

const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

async function writeCsv(forecasts: readonly Untimed[], write: Write): Promise<void> {
  const levels = Object.keys(forecasts[0]?.horizon[0]?.quantiles ?? {});
  await write(
    `${["series", "target", "step", "time", "mean", "lower", "upper", ...levels.map((level) => `q${level}`)].join(",")}\n`,
  );
  for (const { series, target, horizon } of forecasts) {
    const rows = horizon.map(({ step, time, mean, lower, upper, quantiles }) =>
      [
        quoted(series),
        quoted(target),
        step,
        time ?? "",
        mean,
        lower,
        upper,
        ...levels.map((level) => quantiles?.[level] ?? ""),
      ].join(","),
    );
    await write(`${rows.join("\n")}\n`);
  }
}

/** Numbers short enough to be read. */
const short = (value: number): string =>
  Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toPrecision(5)
    : String(Number(value.toPrecision(6)));

async function writeTable(forecasts: readonly Untimed[], write: Write): Promise<void> {
  const levels = Object.keys(forecasts[0]?.horizon[0]?.quantiles ?? {});
  for (const { series, target, horizon, level, skill, model } of forecasts) {
    const told = skill === null ? "" : `, skill ${skill.toFixed(2)}`;
    const timed = horizon.some(({ time }) => time !== null);
    const head = [
      "step",
      ...(timed ? ["time"] : []),
      "mean",
      "lower",
      "upper",
      ...levels.map((level) => `q${level}`),
    ];
    const rows = horizon.map(({ step, time, mean, lower, upper, quantiles }) => [
      String(step),
      ...(timed ? [(time ?? "").replace(".000Z", "Z")] : []),
      ...[mean, lower, upper, ...levels.map((level) => quantiles?.[level] ?? Number.NaN)].map(short),
    ]);
    const lines = aligned([head, ...rows], (cell, width) => cell.padStart(width));
    await write(`${series}  ${target}  (${model}, ${Math.round(level * 100)} % interval${told})\n`);
    await write(`${lines.map((line) => `  ${line}`).join("\n")}\n\n`);
  }
}
