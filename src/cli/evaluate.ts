import { EddyError } from "../models/errors.ts";
import { MOST_QUANTILES } from "../models/forecaster/specification.ts";
import { Arena } from "../models/kernels/arena.ts";
import { type Kind, names, noSuchColumn, text, whole } from "../models/kinds.ts";
import { splitModelSpecs } from "../models/network/model-spec.ts";
import type { Observation } from "../models/observation.ts";
import { isRefused } from "../streams/formats/reading.ts";
import { type Ending, Series, type SeriesSpecification } from "../streams/series.ts";
import { seriesSpecification } from "../streams/series-specification.ts";
import { defineCommand } from "./command.ts";
import { Benchmark, DECILES } from "./evaluation/benchmark.ts";
import type { Head, ModelResult, SeriesFigures } from "./evaluation/figures.ts";
import { ForecastsFile } from "./evaluation/forecasts-file.ts";
import { Protocol, type Scored } from "./evaluation/protocol.ts";
import { type Part, Recording } from "./evaluation/recording.ts";
import { reportPage } from "./evaluation/report.ts";
import { figures, summarise } from "./evaluation/results.ts";
import { Scores } from "./evaluation/scores.ts";
import { type Survey, survey } from "./evaluation/survey.ts";
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

/** Which windows to score: those within rows A..B-1, or the last so many, one after another. */
type Test = { readonly from: number; readonly to: number } | { readonly last: number };

const tests = typed<Test>(
  "A:B|last|last:W",
  "A:B, rows with 1 <= A < B, or last or last:W, windows with 1 <= W",
  (text) => {
    const [, windows = "1"] = /^last(?::(\d+))?$/.exec(text) ?? [text, ""];
    if (windows !== "") return Number(windows) >= 1 ? { last: Number(windows) } : undefined;
    const [, from, to] = /^(\d+):(\d+)$/.exec(text) ?? [];
    const range = { from: Number(from), to: Number(to) };
    return range.from >= 1 && range.to > range.from ? range : undefined;
  },
);

/** Models with commas between, each of which may have options with commas. */
const models: Kind<readonly string[]> = {
  ...names(100, "SPEC,..."),
  typed: "models with commas between",
  parse: (text) => splitModelSpecs(text).map((model) => model.trim()),
};

const DAY = 86_400_000;
/** Series that are left out are named, up to so many. */
const NAMED = 5;

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
    "Forecasts the recording step by step as if it were live, and scores every forecast once its labels are there. Errors are in units of the training rows' deviation, over all windows, steps and targets; rows count from 0 after the heading. skill is 1 - mse / mse of persistence, vs seasonal the same against the value one season before (the first --period, else a day, a week or a year by the step of the recording); interval is the mean interval score. For each level of --quantiles, below is the share of labels at or below the quantile, pinball its mean pinball loss.\n\nThe figures under benchmark are those of GIFT-Eval, fev and M4: mase, the absolute error of the median over the mean change in a season before the window; wql, the weighted quantile loss over the levels 0.1 to 0.9; msis, the interval score scaled as mase is; of seasonal, each over that of the value one season before.\n\nOf a recording of many series each is forecast by itself, with rows of its own, and the figures are of all together; those with too few rows are left out and counted.\n\nWith several models, --forecasts and --report show auto if it is among them, else the last.",
  operand: {
    name: "FILE",
    summary: "a recording of one series or of many: any text that eddy pipe reads, Arrow, Parquet",
  },
  flags: {
    ...shared,
    train: flag(
      whole(1, Number.MAX_SAFE_INTEGER, "ROWS"),
      "rows whose mean and deviation scale the errors; the first fifth when absent, with last all before the windows",
    ),
    test: flag(
      tests,
      "score the windows whose labels lie in rows A..B-1; or the last window of each series, or the last W one after another; all after the training rows when absent",
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
    "eddy evaluate monthly.csv --series name --horizon 18 --test last --model auto,holt-winters",
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
    const { horizon, coverage, quantiles: levels, test } = flags;
    // The deciles are forecast besides what is asked for, as far as there is room.
    const all = [...new Set([...levels, ...DECILES])].sort((a, b) => a - b);
    const quantiles = all.length <= MOST_QUANTILES ? all : levels;
    const specificationOf = (model: string): SeriesSpecification =>
      seriesSpecification({ ...options, ...columns, quantiles, model });
    const shown = models.includes("auto") ? models.lastIndexOf("auto") : models.length - 1;
    const shownModel = models[shown] ?? "auto";
    const windows = test !== undefined && "last" in test ? test.last : undefined;
    const usualTrain = (rows: number) =>
      windows === undefined ? Math.floor(rows / 5) : Math.max(0, rows - windows * horizon);
    const parts = await recording.parts([...columns.targets, ...columns.inputs]);
    const entries: Entry[] = [];
    const leftOut: string[] = [];
    let wanted = "";
    for (const part of parts) {
      const seen = await survey(part, specificationOf(shownModel), flags.train ?? usualTrain);
      const asked =
        test === undefined
          ? { from: Math.max(1, seen.train), to: seen.rows }
          : "last" in test
            ? { from: seen.rows - test.last * horizon, to: seen.rows }
            : test;
      const scored = {
        from: asked.from,
        to: Math.min(asked.to, seen.rows),
        apart: windows === undefined ? 1 : horizon,
      };
      if (scored.from >= 1 && scored.to - scored.from >= horizon) entries.push({ part, seen, scored });
      else {
        leftOut.push(part.name);
        wanted = `${windows === undefined ? asked.from + horizon : windows * horizon + 1} rows`;
      }
      if (parts.length > 1) continue;
      if (scored.from >= 1 && scored.to - scored.from >= horizon) continue;
      throw new EddyError("bad-argument", "--test", {
        expected:
          windows === undefined
            ? `at least ${horizon} rows (the horizon) among the ${seen.rows} of ${path}`
            : `${windows} windows of ${horizon} rows and a row before them among the ${seen.rows} of ${path}`,
        received: windows === undefined ? `${asked.from}:${asked.to}` : `last:${windows}`,
      });
    }
    if (entries.length === 0) {
      throw new EddyError("bad-argument", "--test", {
        expected: `a series of at least ${wanted} among the ${parts.length} of ${path}`,
        received: "none",
      });
    }
    if (found !== "") await world.stderr.write(found);
    if (leftOut.length > 0 && !flags.quiet) {
      const few = leftOut
        .slice(0, NAMED)
        .map((name) => JSON.stringify(name))
        .join(", ");
      const more = leftOut.length > NAMED ? " …" : "";
      await world.stderr.write(
        `eddy: ${path}: ${leftOut.length} of ${parts.length} series are left out, too few rows: ${few}${more}\n`,
      );
    }
    const same = <T>(of: (entry: Entry) => T): T | null => {
      const [one, ...others] = entries.map(of);
      return one !== undefined && others.every((other) => String(other) === String(one)) ? one : null;
    };
    const seasonOf = ({ seen }: Entry): number | null =>
      flags.period[0] ?? (seen.timed ? calendarSeason(seen.stepMilliseconds) : null);
    const head: Head = {
      file: path,
      seriesCount: entries.length,
      seriesLeftOut: leftOut.length,
      rows: entries.reduce((sum, { seen }) => sum + seen.rows, 0),
      train: same(({ seen }) => seen.train),
      test: same<readonly [number, number]>(({ scored }) => [scored.from, scored.to]),
      horizon,
      ...columns,
      season: same(seasonOf),
      coverageAsked: coverage,
    };
    const many = parts.length > 1;
    const results: ModelResult[] = [];
    let trace: Trace | undefined;
    const progress = new Progress(world);
    for (const [m, model] of models.entries()) {
      const file =
        m === shown && flags.forecasts !== undefined
          ? new ForecastsFile(world.fs, flags.forecasts, columns.targets, horizon, levels, many)
          : undefined;
      const scores = new Scores(columns.targets.length, horizon, coverage, levels);
      const together = { scores, benchmark: new Benchmark(coverage), windows: 0 };
      const counts: Record<string, number> = {};
      // Every model is given the same lines, so they are told of once.
      const refusals = new Refusals(world, path, m === 0);
      const each: SeriesFigures[] = [];
      let seconds = 0;
      let rows = 0;
      for (const [s, entry] of entries.entries()) {
        const { part, seen, scored } = entry;
        const series = new Series(part.name, specificationOf(model), new Arena(), (...step) =>
          protocol.stepped(...step),
        );
        // Of many series the page draws the first.
        const drawn = m === shown && flags.report !== undefined && s === 0;
        if (drawn) trace = new Trace(columns.targets.length, horizon);
        const own = {
          scores: new Scores(columns.targets.length, horizon, coverage, levels),
          benchmark: new Benchmark(coverage),
        };
        const gathered = many ? [together, own] : [together];
        const protocol = new Protocol(series, scored, levels, seen.deviation, seasonOf(entry), gathered, {
          file,
          trace: drawn ? trace : undefined,
        });
        const label = `${model} (${m + 1}/${models.length})${many ? ` ${part.name} (${s + 1}/${entries.length})` : ""}`;
        const tick = (row: number) => progress.show(label, row, seen.rows);
        seconds += await feed(world, part, series, protocol, scored.to, refusals, tick);
        rows += scored.to;
        for (const [name, count] of Object.entries(series.counts)) counts[name] = (counts[name] ?? 0) + count;
        together.windows += protocol.windows;
        const { from, to } = scored;
        const inside = figures(own.scores.overall).coverage;
        each.push({
          series: part.name,
          test: [from, to],
          windows: protocol.windows,
          coverage: inside,
          ...own.benchmark.figures,
        });
        series.release();
      }
      file?.close();
      progress.clear();
      const deviation = many ? null : (entries[0]?.seen.deviation ?? null);
      results.push({
        ...summarise(model, head, together, deviation, seconds, rows, { refused: refusals.byReason, counts }),
        ...(many ? { series: each } : {}),
      });
      if (m === 0 && refusals.any) await world.stderr.write(refusals.summary(counts.taken ?? 0));
    }
    if (flags.report !== undefined && trace !== undefined) {
      const timed = entries.every(({ seen }) => seen.timed);
      const page = reportPage({ head, results, shown: shownModel, curves: trace.data, timed });
      world.fs.writeFileSync(flags.report, page);
    }
    await world.stdout.write(
      flags.json ? `${JSON.stringify({ ...head, models: results })}\n` : printTable(head, results),
    );
    return 0;
  },
});

/** A series to be scored. */
interface Entry {
  readonly part: Part;
  readonly seen: Survey;
  readonly scored: Scored;
}

/** Runs one model over a series, up to the last row that is scored; the seconds it took. */
async function feed(
  world: World,
  part: Part,
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
  reading: for await (const batch of part.batches([...targets, ...inputs])) {
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
