import { EddyError } from "../models/errors.ts";
import { isRefused } from "../streams/formats/reading.ts";
import { readings } from "../streams/sources/readings.ts";
import { defineCommand } from "./command.ts";
import { pipelineFlag, toggle } from "./flags.ts";
import { forecastFlags, formatOptions, inputFlags, seriesOptions } from "./forecast-flags.ts";
import { ForecastLines } from "./forecast-lines.ts";
import { checkOptions, Live } from "./live.ts";
import { loadPipelines } from "./load-pipelines.ts";
import { LogOutput, logFlags } from "./log-output.ts";
import { PipelineRun } from "./pipeline-run.ts";
import { recognitionLine } from "./recognition-line.ts";
import { Refusals } from "./refusals.ts";
import { standardInput } from "./standard-input.ts";
import { TerminalChart } from "./terminal-chart.ts";

/** How long a live input is looked at before it is read, milliseconds. */
const PATIENCE = 200;

/** Said when the input ended without a single reading, good or bad. */
const NOTHING =
  "eddy: stdin: expected observations, one per line (see --format), got an end before the first one\n";

/** Said when something was asked of a log, and what came was none. */
const noLog = (flag: string): EddyError =>
  new EddyError("bad-argument", flag, {
    expected: "the lines of a log",
    received: "readings",
    hint: "--format log if it is one",
  });

/** Said at the end when readings were far from all that was forecast. */
const doubted = (readings: number): string =>
  `eddy: stdin: ${readings} ${readings === 1 ? "reading was" : "readings were"} too far from what was forecast to be believed, and taught nothing ("taken": false in the forecasts)\n`;

/** Said at the end when readings were of series that no pipeline reads. */
const passed = (readings: number): string =>
  `eddy: stdin: ${readings} ${readings === 1 ? "reading was" : "readings were"} of series that no pipeline reads\n`;

export const command = defineCommand({
  name: "pipe",
  summary: "forecast what comes on stdin, line by line",
  description:
    "Reads observations from stdin and writes one NDJSON forecast per observation and target to stdout, from the second observation on. Lines that cannot be read are refused on stderr by line number, and the rest goes on. Readings without a time get that of their arrival, and count as one step each.",
  stray: "a file is read with < FILE, or by eddy forecast FILE",
  flags: {
    ...inputFlags,
    ...forecastFlags("pipe"),
    ...logFlags,
    pipeline: pipelineFlag,
    chart: toggle("draw the forecasts on the terminal instead of writing them"),
  },
  examples: [
    "vmstat -n 1 | eddy pipe --horizon 30",
    "head -500 sensors.csv | eddy pipe --horizon 12 --value temperature",
  ],
  async run({ flags, world }) {
    if (flags.chart && !world.stdout.isTTY) {
      throw new EddyError("bad-argument", "--chart", { expected: "a terminal on stdout", received: "none" });
    }
    const asked =
      flags.alert === undefined ? (flags.session === undefined ? undefined : "--session") : "--alert";
    if (asked !== undefined && (flags.every > 0 || flags.pipeline !== undefined)) {
      const other = flags.every > 0 ? "--every" : "--pipeline";
      throw new EddyError("bad-argument", asked, {
        expected: `no ${other}: with it, lines are counted, not told`,
        received: other,
      });
    }
    const options = seriesOptions(flags);
    checkOptions(options);
    const pipelines =
      flags.pipeline === undefined
        ? undefined
        : new PipelineRun(await loadPipelines(world, flags.pipeline), world.stdout);
    let arrived = Number.NEGATIVE_INFINITY;
    const chunks = async function* () {
      for await (const chunk of standardInput(world)) {
        arrived = Math.max(world.now(), arrived);
        yield chunk;
      }
    };
    const refusals = new Refusals(world, "stdin");
    let isLog = flags.format === "log";
    // A log is counted at its steps already.
    const live = new Live(() => (isLog ? { ...options, every: 0 } : options), refusals);
    const out = new ForecastLines(world.stdout);
    let taken = 0;
    const chart = flags.chart ? new TerminalChart(world.stdout) : undefined;
    // Lines of a log are told one by one, unless they are to be counted.
    const log =
      flags.every === 0 && pipelines === undefined && chart === undefined
        ? new LogOutput(flags, world, refusals)
        : undefined;
    const input = readings(chunks(), {
      name: "stdin",
      format: flags.format,
      arrival: () => arrived,
      ...formatOptions(flags),
      patience: () => world.sleep(PATIENCE, true),
      ...(flags.every === 0 ? {} : { countEvery: flags.every }),
      ...(log === undefined ? {} : { logLine: (line) => log.take(line) }),
      recognised: (recognition) => {
        isLog = recognition.format === "log";
        if (!flags.quiet) refusals.found(recognitionLine("stdin", recognition));
        if (isLog && log !== undefined) refusals.tellFound();
      },
    });
    for await (const batch of input) {
      if (asked !== undefined && !(isLog && log !== undefined)) throw noLog(asked);
      await log?.flush();
      for (const reading of batch) {
        if (pipelines !== undefined) {
          if (isRefused(reading)) refusals.add(reading.line, reading.reason, reading.message);
          else {
            taken++;
            await pipelines.take(reading.observation, reading.row);
          }
          continue;
        }
        const issues = live.push(reading, world.now());
        if (chart === undefined) await out.add(issues);
        else if (!isRefused(reading)) chart.add(reading.observation, issues);
      }
      await (pipelines?.flush() ?? chart?.draw() ?? out.flush());
      if (world.stop.aborted) break;
    }
    refusals.tellFound();
    if (isLog && log !== undefined && !log.empty) return await log.end();
    if (pipelines !== undefined) {
      pipelines.end();
      await pipelines.flush();
      if (taken === 0 && refusals.total === 0 && !world.stop.aborted) await world.stderr.write(NOTHING);
      if (refusals.any) await world.stderr.write(refusals.summary(taken));
      if (pipelines.passed > 0 && !flags.quiet) await world.stderr.write(passed(pipelines.passed));
      return taken === 0 ? 1 : 0;
    }
    const last = live.end();
    if (chart === undefined) await out.add(last);
    await out.flush();
    refusals.leftOut(live.ignored);
    const nothing = live.taken === 0 && refusals.total === 0 && !world.stop.aborted;
    if (nothing) await world.stderr.write(NOTHING);
    if (nothing || refusals.any) await world.stderr.write(refusals.summary(live.taken));
    if (live.doubted > 0 && !flags.quiet) await world.stderr.write(doubted(live.doubted));
    return nothing || (live.taken === 0 && refusals.total > 0) ? 1 : 0;
  },
});
