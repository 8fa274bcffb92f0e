import { EddyError } from "../models/errors.ts";
import type { Forecast } from "../models/forecast.ts";
import { isRefused } from "../streams/formats/reading.ts";
import { fileReadings } from "../streams/sources/file.ts";
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
  operands: [{ name: "FILE", summary: "any text that eddy pipe reads, packed or not, or Arrow or Parquet" }],
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
  async run({ flags, operands: [path], world }) {
    if (flags.csv && flags.json) {
      throw new EddyError("bad-argument", "--csv", { expected: "either --csv or --json", received: "both" });
    }
    const options = seriesOptions(flags);
    checkOptions(options);
    const refusals = new Refusals(world, path);
    const live = new Live(options, refusals);
    const past = new Past();
    const untimed = new Set<string>();
    const progress = new Progress(world);
    const source = fileReadings(world.fs, path, formatOptions(flags), flags.format, (recognition) => {
      if (!flags.quiet) world.stderr.write(recognitionLine(path, recognition));
    });
    for await (const batch of source) {
      for (const reading of batch) {
        live.absorb(reading);
        if (isRefused(reading)) continue;
        if (!reading.timed) untimed.add(reading.observation.series);
        past.add(reading.observation);
        progress.count(path, reading.row);
        if (world.stop.aborted) break;
      }
      if (world.stop.aborted) break;
    }
    const forecasts = live
      .latest()
      .map((forecast) => (untimed.has(forecast.series) ? withoutTimes(forecast) : forecast));
    progress.clear();
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
      if (world.stdout.isTTY) await world.stdout.write(chart(forecasts, past));
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

function chart(forecasts: readonly Untimed[], past: Past): string {
  const rows = forecasts.filter(({ series, target }) => past.of(series, target) !== undefined);
  const name = ({ series, target }: Untimed) => `${series} ${target}`;
  const width = Math.min(32, Math.max(0, ...rows.map((forecast) => name(forecast).length)));
  return `${rows.map((forecast) => `${chartRow(name(forecast), past.of(forecast.series, forecast.target) ?? [], forecast as Forecast, width)}\n`).join("")}\n`;
}

type Write = (text: string) => Promise<void> | undefined;

const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

async function writeCsv(forecasts: readonly Untimed[], write: Write): Promise<void> {
  const levels = Object.keys(forecasts[0].horizon[0]?.quantiles ?? {});
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
  const levels = Object.keys(forecasts[0].horizon[0]?.quantiles ?? {});
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
    const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
    const line = (cells: readonly string[]) => cells.map((cell, i) => cell.padStart(widths[i])).join("  ");
    await write(`${series}  ${target}  (${model}, ${Math.round(level * 100)} % interval${told})\n`);
    await write(`${[head, ...rows].map((row) => `  ${line(row)}`).join("\n")}\n\n`);
  }
}
