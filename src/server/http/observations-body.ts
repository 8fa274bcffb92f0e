import { EddyError, printable } from "../../models/errors.ts";
import { type Observation, UNTIMED } from "../../models/observation.ts";
import { LineSplitter } from "../../streams/formats/lines.ts";
import { isRefused } from "../../streams/formats/reading.ts";
import { TextReader } from "../../streams/formats/text-reader.ts";
import { checkSeriesName, readObservation } from "../../streams/observation-schema.ts";
import type { RefusedObservation } from "../engine.ts";

/** A request body, read: what can be ingested, where each came from, and what was refused. */
export interface Batch {
  readonly observations: Observation[];
  /** Line of each observation in the body, from 1. */
  readonly lines: number[];
  readonly refused: RefusedObservation[];
}

export interface BodyOptions {
  /** Series of a table that has no column `series`. */
  readonly series: string | undefined;
}

type BodyReader = (body: Buffer, batch: Batch, options: BodyOptions) => void | Promise<void>;

const collect = (batch: Batch, line: number, read: () => Observation): void => {
  try {
    const observation = read();
    batch.observations.push(observation);
    batch.lines.push(line);
  } catch (error) {
    if (!(error instanceof EddyError)) throw error;
    batch.refused.push({ line, code: error.code, message: error.message });
  }
};

/** One observation a line; empty lines are nothing. */
const ndjson: BodyReader = (body, batch) => {
  const splitter = new LineSplitter();
  for (const { number, text, tooLong } of [...splitter.push(body), ...splitter.end()]) {
    if (text.trim() === "") continue;
    collect(batch, number, () => {
      if (tooLong) throw new EddyError("too-large", "line", { expected: "at most 1 MiB" });
      return readObservation(parse(text, "line", "bad-line"), UNTIMED);
    });
  }
};

/** An array of observations, or one. `line` counts elements. */
const json: BodyReader = (body, batch) => {
  const read = parse(body.toString("utf8"), "body", "bad-message");
  const elements = Array.isArray(read) ? read : [read];
  elements.forEach((element, i) => {
    collect(batch, i + 1, () => readObservation(element, UNTIMED));
  });
};

/** A heading, then a row for each observation, read as `eddy pipe` reads a table. */
const csv: BodyReader = (body, batch, { series }) => {
  const reader = new TextReader("csv", { name: series ?? "", arrival: () => UNTIMED });
  const readings = [...reader.push(body), ...reader.end()];
  // Empty lines at the end are nothing.
  let end = readings.length;
  while (end > 0 && (readings[end - 1] as { reason?: string }).reason === "empty-line") end--;
  for (const reading of readings.slice(0, end)) {
    const { line } = reading;
    if (isRefused(reading)) batch.refused.push({ line, code: reading.reason, message: reading.message });
    else {
      collect(batch, line, () => named(reading.observation));
      for (const { reason, message } of reading.lost ?? [])
        batch.refused.push({ line, code: reason, message });
    }
  }
};

/** An Arrow IPC stream or file with columns series, time and id as in JSON; every other numeric column is a value. */
const arrow: BodyReader = async (body, batch, { series }) => {
  const { DataType, tableFromIPC } = await import("apache-arrow");
  let table: ReturnType<typeof tableFromIPC>;
  try {
    table = tableFromIPC(body);
  } catch (cause) {
    throw new EddyError("bad-message", "body", {
      expected: "an Arrow IPC stream",
      received: "another",
      cause,
    });
  }
  const special = {
    id: table.getChild("id"),
    series: table.getChild("series"),
    time: table.getChild("time"),
  };
  const columns = table.schema.fields
    .filter(({ name, type }) => !(name in special) && (DataType.isInt(type) || DataType.isFloat(type)))
    .map(({ name }) => ({ name, cells: table.getChild(name) }));
  const plain = (cell: unknown): unknown => (typeof cell === "bigint" ? Number(cell) : cell);
  for (let row = 0; row < table.numRows; row++) {
    const values: Record<string, unknown> = Object.create(null);
    for (const { name, cells } of columns) values[name] = plain(cells?.get(row)) ?? null;
    const observation = { series: plain(special.series?.get(row)) ?? series, values } as Record<
      string,
      unknown
    >;
    for (const name of ["id", "time"] as const) {
      const cell = plain(special[name]?.get(row));
      if (cell !== null && cell !== undefined) observation[name] = cell;
    }
    collect(batch, row + 1, () => readObservation(observation, UNTIMED));
  }
};

const READERS: ReadonlyMap<string, BodyReader> = new Map([
  ["application/x-ndjson", ndjson],
  ["application/ndjson", ndjson],
  ["application/jsonl", ndjson],
  ["application/json", json],
  ["text/csv", csv],
  ["application/vnd.apache.arrow.stream", arrow],
]);

/** Media types that `POST /v1/observations` takes. */
export const MEDIA_TYPES: readonly string[] = [...READERS.keys()];

/**
 * Reads the body of `POST /v1/observations`. What is wrong with one line refuses that line alone.
 *
 * @throws EddyError when nothing of the body can be read
 */
export async function readBody(mediaType: string, body: Buffer, options: BodyOptions): Promise<Batch> {
  const batch: Batch = { observations: [], lines: [], refused: [] };
  if (options.series !== undefined) checkSeriesName(options.series, "?series");
  await READERS.get(mediaType)?.(body, batch, options);
  if (batch.observations.length === 0 && batch.refused.length === 0) {
    throw new EddyError("bad-message", "body", { expected: "at least one observation", received: "none" });
  }
  return batch;
}

function parse(text: string, subject: string, code: "bad-line" | "bad-message"): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EddyError(code, subject, { expected: "JSON", received: printable(text), cause });
  }
}

function named(observation: Observation): Observation {
  if (observation.series !== "") return observation;
  throw new EddyError("bad-observation", "series", {
    expected: "a column series, or ?series=NAME",
    received: "neither",
  });
}
