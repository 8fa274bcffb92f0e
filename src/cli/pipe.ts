import { EddyError } from "../models/errors.ts";
import { isRefused } from "../streams/formats/reading.ts";
import { readings } from "../streams/sources/readings.ts";
import { defineCommand } from "./command.ts";
import { toggle } from "./flags.ts";
import { forecastFlags, formatOptions, inputFlags, seriesOptions } from "./forecast-flags.ts";
import { ForecastLines } from "./forecast-lines.ts";
import { checkOptions, Live } from "./live.ts";
import { LogOutput, logFlags } from "./log-output.ts";
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
    const options = seriesOptions(flags);
    checkOptions(options);
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
    const chart = flags.chart ? new TerminalChart(world.stdout) : undefined;
    // Lines of a log are told one by one, unless they are to be counted.
    const log =
      flags.every === undefined && chart === undefined ? new LogOutput(flags, world, refusals) : undefined;
    const asked =
      flags.alert === undefined ? (flags.session === undefined ? undefined : "--session") : "--alert";
    const input = readings(chunks(), {
      name: "stdin",
      format: flags.format,
      arrival: () => arrived,
      ...formatOptions(flags),
      patience: () => world.sleep(PATIENCE, true),
      ...(flags.every === undefined ? {} : { countEvery: flags.every }),
      ...(log === undefined ? {} : { logLine: (line) => log.take(line) }),
      recognised: (recognition) => {
        isLog = recognition.format === "log";
        if (!flags.quiet) world.stderr.write(recognitionLine("stdin", recognition));
      },
    });
    for await (const batch of input) {
      if (asked !== undefined && !(isLog && log !== undefined)) throw noLog(asked);
      await log?.flush();
      for (const reading of batch) {
        const issues = live.push(reading, world.now());
        if (chart === undefined) await out.add(issues);
        else if (!isRefused(reading)) chart.add(reading.observation, issues);
      }
      await (chart?.draw() ?? out.flush());
      if (world.stop.aborted) break;
    }
    if (isLog && log !== undefined) return await log.end();
    const last = live.end();
    if (chart === undefined) await out.add(last);
    await out.flush();
    refusals.leftOut(live.ignored);
    const nothing = live.taken === 0 && refusals.total === 0 && !world.stop.aborted;
    if (nothing) await world.stderr.write(NOTHING);
    if (nothing || refusals.any) await world.stderr.write(refusals.summary(live.taken));
    if (live.doubted > 0 && !flags.quiet) await world.stderr.write(doubted(live.doubted));
    return live.taken === 0 && refusals.total > 0 ? 1 : 0;
  },
});
