import { EddyError } from "../../models/errors.ts";
import { UNTIMED } from "../../models/observation.ts";
import { isRefused, type Taken } from "../../streams/formats/reading.ts";
import { TextReader } from "../../streams/formats/text-reader.ts";

/** Bytes that are looked at: those of the first lines. */
const LOOKED_AT = 64 * 1024;
/** Readings told. */
const TOLD = 5;

/**
 * What a table is found to be by its first lines, as `POST /v1/observations` would read it: its separator, its times, what names
 * its series, its columns, and the first readings. Nothing is taken in.
 *
 * @throws EddyError when it is none
 */
export function recogniseTable(body: Buffer, series: string) {
  const reader = new TextReader("csv", { name: series, arrival: () => UNTIMED });
  const readings = reader.push(body.subarray(0, LOOKED_AT));
  readings.push(...(body.length > LOOKED_AT ? reader.settle() : reader.end()));
  const found = reader.recognition;
  if (found === undefined)
    throw new EddyError("bad-message", "body", { expected: "a table", received: "none" });
  const read = readings.filter((reading): reading is Taken => !isRefused(reading));
  return {
    ...found,
    sample: read.slice(0, TOLD).map(({ line, observation, timed }) => ({
      line,
      series: observation.series,
      time: timed ? new Date(observation.time).toISOString() : null,
      values: observation.values,
    })),
    refused: readings.length - read.length,
  };
}
