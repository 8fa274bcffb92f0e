import { basename } from "node:path";
import { EddyError, printable } from "../models/errors.ts";
import { MAX_HORIZON, specification } from "../models/forecaster/specification.ts";
import { Arena } from "../models/kernels/arena.ts";
import { type FormatOptions, isRefused } from "../streams/formats/reading.ts";
import { Series } from "../streams/series.ts";
import { fileReadings } from "../streams/sources/file.ts";
import { defineCommand } from "./command.ts";
import { ForecastsFile } from "./evaluation/forecasts-file.ts";
import { Protocol, type Scored } from "./evaluation/protocol.ts";
import { type ModelResult, printTable, summarise } from "./evaluation/results.ts";
import { type Survey, survey } from "./evaluation/survey.ts";
import { list, number, text, toggle, whole, wholes } from "./flags.ts";
import type { World } from "./world.ts";

/** `--test A:B`. */
function readRange(value: string, name: string): Scored {
  const match = /^(\d+):(\d+)$/.exec(value);
  const range = match === null ? undefined : { from: Number(match[1]), to: Number(match[2]) };
  if (range !== undefined && range.from >= 1 && range.to > range.from) return range;
  throw new EddyError("bad-argument", name, {
    expected: "A:B, rows with 1 <= A < B",
    received: printable(value),
  });
}

/** Season of the calendar that the usual step divides: a day, a week of days, a year of months. */
export function calendarSeason(stepMilliseconds: number): number | null {
  const day = 86_400_000;
  if (stepMilliseconds < day && day % stepMilliseconds === 0 && day / stepMilliseconds <= 10_000)
    return day / stepMilliseconds;
  if (stepMilliseconds === day) return 7;
  return stepMilliseconds > 27 * day && stepMilliseconds < 32 * day ? 12 : null;
}

export const command = defineCommand({
  name: "evaluate",
  summary: "how well the models forecast a recording, without a leak",
  description:
    "Forecasts the recording row by row as if it were live and scores every forecast once its labels are there. Errors are in units of the training rows' deviation, over all windows, steps and targets. With several models, the forecasts file and the report's forecasts are those of auto if it is among them, else of the last.",
  operands: [{ name: "FILE", summary: "a recording: CSV, NDJSON or Arrow" }],
  flags: {
    horizon: whole({ summary: "steps ahead", low: 1, high: MAX_HORIZON, fallback: 12 }),
    train: whole({
      summary: "rows whose mean and deviation scale the errors; the first fifth when absent",
      hint: "ROWS",
      low: 1,
    }),
    test: {
      summary: "score the windows whose labels lie in rows A..B-1; all after the training rows when absent",
      hint: "A:B",
      fallback: undefined as Scored | undefined,
      parse: readRange,
    },
    target: list("columns to forecast, or all; all when absent", "COLS|all"),
    with: list("other columns to read as inputs", "COLS"),
    time: text({ summary: "column with the event time; found by its name when absent", hint: "COL" }),
    period: wholes("known season lengths in steps; found online when absent", 2, 100_000),
    model: list("models to compare, such as auto, persistence, lstm, esn; auto when absent", "SPEC,..."),
    coverage: number({
      summary: "share of labels the intervals shall hold",
      hint: "SHARE",
      fallback: 0.9,
      expected: "a number between 0 and 1",
      holds: (value) => value > 0 && value < 1,
    }),
    json: toggle("print the result as JSON, per step and target too"),
    forecasts: text({ summary: "write every scored forecast to an Arrow file", hint: "OUT.arrow" }),
  },
  async run({ flags, operands: [path], world }) {
    const options: FormatOptions = {
      name: basename(path).replace(/\.[^.]*$/, ""),
      arrival: (row) => row * 1000,
      ...(flags.time === undefined ? {} : { time: flags.time }),
    };
    const seen = await survey(world.fs, path, options, flags.train);
    const { targets, inputs } = chooseColumns(seen, flags.target, flags.with);
    const test = flags.test ?? { from: seen.train, to: seen.rows };
    const scored = { from: test.from, to: Math.min(test.to, seen.rows) };
    if (scored.to - scored.from < flags.horizon) {
      throw new EddyError("bad-argument", "--test", {
        expected: `at least ${flags.horizon} rows (the horizon) inside the ${seen.rows} rows of ${path}`,
        received: `${test.from}:${test.to}`,
      });
    }
    const models = flags.model.length > 0 ? flags.model : ["auto"];
    const specifications = models.map((model) =>
      specification({
        targets,
        inputs,
        model,
        horizon: flags.horizon,
        coverage: flags.coverage,
        periods: flags.period,
      }),
    );
    const written = models.includes("auto") ? models.lastIndexOf("auto") : models.length - 1;
    const season = flags.period[0] ?? calendarSeason(seen.stepMilliseconds);
    const scale = {
      mean: targets.map((target) => seen.moments.get(target)?.mean ?? 0),
      deviation: targets.map((target) => seen.moments.get(target)?.deviation ?? 1),
    };
    const results: ModelResult[] = [];
    for (const [m, spec] of specifications.entries()) {
      const series = new Series(options.name, spec, new Arena());
      const file =
        m === written && flags.forecasts !== undefined
          ? new ForecastsFile(world.fs, flags.forecasts, targets, flags.horizon)
          : undefined;
      const protocol = new Protocol(series, scored, scale, season, file);
      const { seconds, refused } = await feed(
        world,
        path,
        options,
        [...targets, ...inputs],
        protocol,
        series,
        scored.to,
      );
      file?.close();
      results.push(summarise(spec.model, targets, flags.horizon, protocol, seconds, seen.rows, refused));
      series.release();
    }
    const head = {
      file: path,
      rows: seen.rows,
      train: seen.train,
      test: [scored.from, scored.to],
      horizon: flags.horizon,
      targets,
      inputs,
      season,
      coverageAsked: flags.coverage,
    };
    await world.stdout.write(
      flags.json ? `${JSON.stringify({ ...head, models: results })}\n` : printTable(head, results),
    );
    return 0;
  },
});

/** Runs one model over the file. */
async function feed(
  world: World,
  path: string,
  options: FormatOptions,
  columns: readonly string[],
  protocol: Protocol,
  series: Series,
  to: number,
): Promise<{ seconds: number; refused: Record<string, number> }> {
  const started = performance.now();
  const refused: Record<string, number> = {};
  const count = (reason: string) => {
    refused[reason] = (refused[reason] ?? 0) + 1;
  };
  for await (const batch of fileReadings(world.fs, path, { ...options, values: columns })) {
    for (const reading of batch) {
      if (reading.row >= to) break;
      if (isRefused(reading)) {
        count(reading.reason);
        continue;
      }
      const refusal = series.take(reading.observation, reading.row, (_time, row, values) =>
        protocol.taken(row, values),
      );
      if (refusal !== undefined) count(refusal);
    }
    if (world.stop.aborted) throw new EddyError("bad-file", path, { received: "an interruption" });
  }
  return { seconds: (performance.now() - started) / 1000, refused };
}

function chooseColumns(
  seen: Survey,
  target: readonly string[],
  others: readonly string[],
): { targets: string[]; inputs: string[] } {
  const all = target.length === 0 || (target.length === 1 && target[0] === "all");
  const inputs = [...others];
  const targets = all ? seen.columns.filter((column) => !inputs.includes(column)) : [...target];
  for (const [flag, names] of [
    ["--target", targets],
    ["--with", inputs],
  ] as const) {
    for (const name of names) {
      if (seen.columns.includes(name)) continue;
      throw new EddyError("bad-argument", flag, {
        expected: `one of the columns ${printable(seen.columns.join(", "), 200)}`,
        received: printable(name),
      });
    }
  }
  return { targets, inputs };
}
