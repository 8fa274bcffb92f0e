import { parse } from "node:path";
import { EddyError } from "../models/errors.ts";
import { Arena } from "../models/kernels/arena.ts";
import { type Kind, names, noSuchColumn, text, whole } from "../models/kinds.ts";
import { splitModelSpecs } from "../models/network/model-spec.ts";
import type { Observation } from "../models/observation.ts";
import { isRefused } from "../streams/formats/reading.ts";
import { type Ending, Series, type SeriesSpecification } from "../streams/series.ts";
import { seriesSpecification } from "../streams/series-specification.ts";
import { defineCommand } from "./command.ts";
import type { Head, ModelResult } from "./evaluation/figures.ts";
import { ForecastsFile } from "./evaluation/forecasts-file.ts";
import { Protocol, type Scored } from "./evaluation/protocol.ts";
import { Recording } from "./evaluation/recording.ts";
import { reportPage } from "./evaluation/report.ts";
import { summarise } from "./evaluation/results.ts";
import { survey } from "./evaluation/survey.ts";
import { printTable } from "./evaluation/table.ts";
import { Trace } from "./evaluation/trace.ts";
import { flag, toggle, typed } from "./flags.ts";
import { forecastFlags, formatOptions, inputFlags, seriesOptions } from "./forecast-flags.ts";
import { checkColumns, checkOptions, outOfRange, setAside } from "./live.ts";
import { Progress } from "./progress.ts";
import { recognitionLine } from "./recognition-line.ts";
import { Refusals } from "./refusals.ts";
import type { World } from "./world.ts";

const { model: _model, ...shared } = forecastFlags("evaluate");

/** Rows A..B-1. */
const rows = typed<Scored>("A:B", "A:B, rows with 1 <= A < B", (text) => {
  const [, from, to] = /^(\d+):(\d+)$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  return range.from >= 1 && range.to > range.from ? range : undefined;
});

/** Models with commas between, each of which may have options with commas. */
const models: Kind<readonly string[]> = {
  ...names(100, "SPEC,..."),
  typed: "models with commas between",
  parse: (text) => splitModelSpecs(text).map((model) => model.trim()),
};

const DAY = 86_400_000;

/** Season of the calendar that the usual step divides: a day, a week of days, a year of months; null when there is none. */
export function calendarSeason(stepMilliseconds: number): number | null {
  if (stepMilliseconds < DAY) {
    const season = DAY / stepMilliseconds;
    return Number.isInteger(season) && season <= 10_000 ? season : null;
  }
  if (stepMilliseconds === DAY) return 7;
  return stepMilliseconds > 27 * DAY && stepMilliseconds < 32 * DAY ? 12 : null;
}

export const command = defineCommand({
  name: "evaluate",
  summary: "how well the models forecast a recording, without a leak",
  description:
    "Forecasts the recording step by step as if it were live, and scores every forecast once its labels are there. Errors are in units of the training rows' deviation, over all windows, steps and targets; rows count from 0 after the heading. skill is 1 - mse / mse of persistence, vs seasonal the same against the value one season before (the first --period, else a day, a week or a year by the step of the recording); interval is the mean interval score. For each level of --quantiles, below is the share of labels at or below the quantile, pinball its mean pinball loss.\n\nWith several models, --forecasts and --report show auto if it is among them, else the last.",
  operand: {
    name: "FILE",
    summary: "a recording of one series: any text that eddy pipe reads, Arrow, Parquet",
  },
  flags: {
    ...shared,
    train: flag(
      whole(1, Number.MAX_SAFE_INTEGER, "ROWS"),
      "rows whose mean and deviation scale the errors; the first fifth when absent",
    ),
    test: flag(
      rows,
      "score the windows whose labels lie in rows A..B-1; all after the training rows when absent",
    ),
    target: flag(names(256, "COLS|all"), "columns to forecast", ["all"]),
    model: flag(models, "models to compare, such as auto, persistence, lstm:hidden=64, esn:units=300", [
      "auto",
    ]),
    ...inputFlags,
    json: toggle("print the result as JSON, by step and target too"),
    forecasts: flag(text("a file", "OUT.arrow"), "write every scored forecast to an Arrow file"),
    report: flag(text("a file", "OUT.html"), "write a page to look at"),
  },
  examples: [
    "eddy evaluate sensors.csv --horizon 24 --model persistence,auto",
    "eddy evaluate sensors.csv --target load --with temperature,wind --report report.html",
  ],
  async run({ flags, operand: path, world }) {
    const { model: models, ...said } = flags;
    const options = seriesOptions(said);
    for (const model of models) checkOptions({ ...options, model });
    let found = "";
    const recording = new Recording(world, path, formatOptions(flags), flags.format, (recognition) => {
      if (!flags.quiet) found = recognitionLine(path, recognition);
    });
    const first = await recording.first();
    const columns = chooseColumns(Object.keys(first.values), flags.target, flags.with);
    checkColumns(options, { ...first, values: valuesOf(first, columns) });
    const specificationOf = (model: string): SeriesSpecification =>
      seriesSpecification({ ...options, ...columns, model });
    const shown = models.includes("auto") ? models.lastIndexOf("auto") : models.length - 1;
    const shownModel = models[shown] ?? "auto";
    const seen = await survey(recording, specificationOf(shownModel), flags.train);
    const asked = flags.test ?? { from: Math.max(1, seen.train), to: seen.rows };
    const scored = { from: asked.from, to: Math.min(asked.to, seen.rows) };
    if (scored.to - scored.from < flags.horizon) {
      throw new EddyError("bad-argument", "--test", {
        expected: `at least ${flags.horizon} rows (the horizon) among the ${seen.rows} of ${path}`,
        received: `${asked.from}:${asked.to}`,
      });
    }
    if (found !== "") await world.stderr.write(found);
    const season = flags.period[0] ?? (seen.timed ? calendarSeason(seen.stepMilliseconds) : null);
    const head: Head = {
      file: path,
      rows: seen.rows,
      train: seen.train,
      test: [scored.from, scored.to],
      horizon: flags.horizon,
      ...columns,
      season,
      coverageAsked: flags.coverage,
    };
    const results: ModelResult[] = [];
    let trace: Trace | undefined;
    const progress = new Progress(world);
    for (const [m, model] of models.entries()) {
      const series = new Series(parse(path).name, specificationOf(model), new Arena(), (...step) =>
        protocol.stepped(...step),
      );
      const file =
        m === shown && flags.forecasts !== undefined
          ? new ForecastsFile(world.fs, flags.forecasts, columns.targets, flags.horizon, flags.quantiles)
          : undefined;
      if (m === shown && flags.report !== undefined) trace = new Trace(columns.targets.length, flags.horizon);
      const protocol = new Protocol(series, scored, seen.deviation, season, {
        file,
        trace: m === shown ? trace : undefined,
      });
      // Every model is given the same lines, so they are told of once.
      const refusals = new Refusals(world, path, m === 0);
      const tick = (row: number) => progress.show(`${model} (${m + 1}/${models.length})`, row, seen.rows);
      const seconds = await feed(world, recording, series, protocol, scored.to, refusals, tick);
      file?.close();
      progress.clear();
      results.push(
        summarise(model, head, protocol, seen.deviation, seconds, scored.to, {
          refused: refusals.byReason,
          counts: { ...series.counts },
        }),
      );
      if (m === 0 && refusals.any) await world.stderr.write(refusals.summary(series.counts.taken));
      series.release();
    }
    if (flags.report !== undefined && trace !== undefined) {
      const { timed } = seen;
      const page = reportPage({ head, results, shown: shownModel, curves: trace.data, timed });
      world.fs.writeFileSync(flags.report, page);
    }
    await world.stdout.write(
      flags.json ? `${JSON.stringify({ ...head, models: results })}\n` : printTable(head, results),
    );
    return 0;
  },
});

/** Runs one model over the recording, up to the last row that is scored; the seconds it took. */
async function feed(
  world: World,
  recording: Recording,
  series: Series,
  protocol: Protocol,
  to: number,
  refusals: Refusals,
  tick: (row: number) => void,
): Promise<number> {
  const { targets, inputs, every } = series.specification;
  const started = world.now();
  /** Lines of the readings held aside, by row. */
  const aside = new Map<number, number>();
  const settle = ({ later = [] }: Ending) => {
    for (const one of later) refusals.add(aside.get(one.offset) ?? 0, one.refused, setAside(one));
  };
  reading: for await (const batch of recording.batches([...targets, ...inputs])) {
    for (const reading of batch) {
      if ((every > 0 ? protocol.steps : reading.row) >= to) break reading;
      if (isRefused(reading)) {
        refusals.add(reading.line, reading.reason, reading.message);
        continue;
      }
      const { line, row, observation, lost = [] } = reading;
      const outcome = series.push(observation, row);
      const { refused } = outcome;
      settle(outcome);
      if (series.aside > 0) aside.set(row, line);
      else aside.clear();
      if (refused !== undefined)
        refusals.add(line, refused, setAside({ refused, time: observation.time, offset: row }));
      else {
        for (const cell of lost) refusals.lose(line, cell);
        for (const value of outcome.outOfRange ?? [])
          refusals.lose(line, outOfRange(value, series.specification));
      }
      tick(reading.row);
    }
  }
  settle(series.end());
  return (world.now() - started) / 1000;
}

/** The values of the columns that are read. */
const valuesOf = (
  { values }: Observation,
  { targets, inputs }: { targets: readonly string[]; inputs: readonly string[] },
): Observation["values"] =>
  Object.fromEntries([...targets, ...inputs].map((column) => [column, values[column] ?? null]));

function chooseColumns(
  columns: readonly string[],
  target: readonly string[],
  others: readonly string[],
): { targets: string[]; inputs: string[] } {
  const all = target.length === 1 && target[0] === "all";
  const inputs = [...others];
  const targets = all ? columns.filter((column) => !inputs.includes(column)) : [...target];
  for (const [flag, names] of [
    ["--target", targets],
    ["--with", inputs],
  ] as const) {
    for (const name of names) {
      if (columns.includes(name)) continue;
      throw noSuchColumn(flag, name, columns);
    }
  }
  return { targets, inputs };
}
