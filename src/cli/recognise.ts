import { EddyError } from "../models/errors.ts";
import { isRefused } from "../streams/formats/reading.ts";
import type { Recognition } from "../streams/formats/recognise.ts";
import { fileReadings } from "../streams/sources/file.ts";
import { readings } from "../streams/sources/readings.ts";
import { defineCommand } from "./command.ts";
import { toggle } from "./flags.ts";
import { forecastFlags, formatOptions, inputFlags } from "./forecast-flags.ts";
import { recognitionLine } from "./recognition-line.ts";
import { standardInput } from "./standard-input.ts";

const { quiet: _quiet, ...flags } = inputFlags;
const { value } = forecastFlags("recognise");
/** Readings shown. */
const SHOWN = 5;

export const command = defineCommand({
  name: "recognise",
  summary: "what a file is found to be, and how to say it is something else",
  description:
    "Looks at the first lines as eddy pipe does, says what they are in one line, and shows the first readings. Nothing is forecast. FILE - is stdin.",
  operand: { name: "FILE", summary: "any text that eddy pipe reads, packed or not; - is stdin" },
  flags: { ...flags, value, json: toggle("print what was found as one JSON object") },
  examples: ["eddy recognise sensors.csv", "vmstat 1 3 | eddy recognise - --json"],
  async run({ flags, operand: path, world }) {
    let found: Recognition | undefined;
    const recognised = (recognition: Recognition) => {
      found = recognition;
    };
    const options = formatOptions(flags);
    const input = path === "-" ? "stdin" : path;
    const source =
      path === "-"
        ? readings(standardInput(world), {
            name: "stdin",
            arrival: (row) => row * 1000,
            ...options,
            format: flags.format,
            recognised,
          })
        : fileReadings(world.fs, path, options, flags.format, recognised);
    const shown = [];
    let refused = 0;
    for await (const batch of source) {
      for (const reading of batch) {
        if (shown.length >= SHOWN) break;
        if (isRefused(reading)) refused++;
        else shown.push(reading);
      }
      if (shown.length >= SHOWN) break;
    }
    if (found === undefined) {
      const [first] = shown;
      if (first === undefined) {
        throw new EddyError("bad-file", input, {
          expected: "readings",
          received: refused > 0 ? "only lines that cannot be read" : "none",
        });
      }
      const columns = Object.keys(first.observation.values);
      await world.stdout.write(
        flags.json
          ? `${JSON.stringify({ format: "columns", columns: columns.map((name) => ({ name, unit: "" })) })}\n`
          : `eddy: ${input}: a file of columns (Arrow or Parquet); values: ${columns.join(", ")}\n`,
      );
      return 0;
    }
    const sample = shown.map(({ line, observation, timed }) => ({
      line,
      series: observation.series,
      time: timed ? new Date(observation.time).toISOString() : null,
      values: observation.values,
    }));
    if (flags.json) await world.stdout.write(`${JSON.stringify({ ...found, sample })}\n`);
    else {
      await world.stdout.write(recognitionLine(input, found));
      for (const { line, series, time, values } of sample) {
        await world.stdout.write(
          `  line ${line}: ${series}${time === null ? "" : ` ${time}`} ${JSON.stringify(values)}\n`,
        );
      }
    }
    return 0;
  },
});
