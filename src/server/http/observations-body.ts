import { isUtf8 } from "node:buffer";
import type { Vector } from "apache-arrow";
import { EddyError, type ErrorCode, printable } from "../../models/errors.ts";
import { type Observation, UNTIMED, VALUE } from "../../models/observation.ts";
import {
  checkSeriesName,
  type Flaw,
  finiteOrMissing,
  fittedName,
  flawOf,
} from "../../streams/checked-observation.ts";
import { encodingOf, MAX_LINE } from "../../streams/formats/lines.ts";
import { isRefused, type Reading } from "../../streams/formats/reading.ts";
import { TextReader } from "../../streams/formats/text-reader.ts";
import { elementsOf, parseJson, skipBlanks } from "../../streams/json.ts";
import { tryObservation } from "../../streams/observation-schema.ts";
import { ArrowFlaw, arrowCell, checkedArrow } from "../../streams/sources/arrow-check.ts";
import { Refusals } from "../refusals.ts";

/** A request body, read: what can be ingested, where each came from, and what was refused. */
export interface Batch {
  readonly observations: Observation[];
  /** Line of each observation in the body, from 1. */
  readonly lines: number[];
  readonly refusals: Refusals;
  /** Units that a table tells, by column. */
  readonly units: Map<string, string>;
}

export interface BodyOptions {
  /** Series of a table that has no column `series`. */
  readonly series: string | undefined;
  /** Lines, elements or rows of one body at most. */
  readonly rows: number;
}

/** Reads a body into the batch; yields so often that whoever drives it can stop for others after some milliseconds. */
type BodyReader = (body: Buffer, batch: Batch, options: BodyOptions) => Generator<unknown, void>;

/** Lines or bytes read between two yields. */
const YIELD_LINES = 128;
const YIELD_BYTES = 32 * 1024;

const flaw =
  (code: ErrorCode, subject: string, expected: string, received?: string): Flaw =>
  () =>
    new EddyError(code, subject, { expected, ...(received === undefined ? {} : { received }) });

const NOT_UTF8 = flaw("bad-line", "line", "UTF-8", "bytes that are not");
const TOO_LONG = flaw("too-large", "line", "at most 1 MiB");

function collect(batch: Batch, line: number, read: Observation | Flaw): void {
  if (typeof read === "function") batch.refusals.add(line, read);
  else {
    batch.observations.push(read);
    batch.lines.push(line);
  }
}

/** Where a line of a body lies in it, and what is wrong with it as a line. */
interface BodyLine {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly flaw: Flaw | undefined;
}

/** Cuts a body into lines. Bytes that are no UTF-8 are told: replaced, two different names would become one. */
function* linesOf(body: Buffer, rows: number): Generator<BodyLine> {
  const clean = isUtf8(body);
  let number = 0;
  for (let start = afterMark(body); start < body.length; ) {
    const next = body.indexOf(0x0a, start);
    const end = next < 0 ? body.length : next;
    if (++number > rows) throw tooMany(rows);
    const readable = clean || end - start > MAX_LINE || isUtf8(body.subarray(start, end));
    yield { number, start, end, flaw: end - start > MAX_LINE ? TOO_LONG : readable ? undefined : NOT_UTF8 };
    start = end + 1;
  }
}

/** Where a body begins: after its byte order mark. */
const afterMark = (body: Buffer): number =>
  body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;

const tooMany = (rows: number): EddyError =>
  new EddyError("too-large", "body", {
    expected: `at most ${rows} observations`,
    received: "more",
    hint: "send several bodies",
  });

/** One observation a line; empty lines are nothing. */
function* ndjson(body: Buffer, batch: Batch, { rows }: BodyOptions): Generator<unknown, void> {
  let bytes = 0;
  for (const { number, start, end, flaw } of linesOf(body, rows)) {
    if (flaw === undefined) {
      bytes += end - start;
      const text = body.toString("utf8", start, end);
      if (text.trim() !== "") collect(batch, number, readLine(text));
    } else collect(batch, number, flaw);
    if (number % YIELD_LINES === 0 || bytes > YIELD_BYTES) {
      bytes = 0;
      yield;
    }
  }
}

function readLine(text: string): Observation | Flaw {
  // What is no object can be told without reading it, which matters when there are a million of them.
  if (!/^\s*\{/.test(text)) return flaw("bad-line", "line", "a JSON object", printable(text));
  let read: unknown;
  try {
    read = parseJson(text, "bad-line", "line");
  } catch (error) {
    return () => error as EddyError;
  }
  return tryObservation(read, UNTIMED);
}

/** An array of observations, or one. `line` counts elements. */
function* json(body: Buffer, batch: Batch, { rows }: BodyOptions): Generator<unknown, void> {
  if (!isUtf8(body)) {
    throw new EddyError("bad-message", "body", { expected: "UTF-8", received: "bytes that are not" });
  }
  const bytes = body.subarray(afterMark(body));
  const read = (from: number, to: number): Observation | Flaw =>
    to - from > MAX_LINE
      ? TOO_LONG
      : tryObservation(parseJson(bytes.toString("utf8", from, to), "bad-message", "body"), UNTIMED);
  if (bytes[skipBlanks(bytes, 0)] !== 0x5b) {
    collect(batch, 1, read(0, bytes.length));
    return;
  }
  const spans = elementsOf(bytes);
  let line = 0;
  let since = 0;
  for (let next = spans.next(); ; next = spans.next()) {
    if (next.done) {
      if (next.value) return;
      throw new EddyError("bad-message", "body", {
        expected: "JSON",
        received: printable(bytes.toString("utf8", 0, 100)),
      });
    }
    if (next.value === null) {
      yield;
      continue;
    }
    if (++line > rows) throw tooMany(rows);
    const [from, to] = next.value;
    collect(batch, line, read(from, to));
    since += to - from;
    if (line % YIELD_LINES === 0 || since > YIELD_BYTES) {
      since = 0;
      yield;
    }
  }
}

/** A heading, then a row for each observation, read as `eddy pipe` reads a table. */
function* csv(body: Buffer, batch: Batch, { series, rows }: BodyOptions): Generator<unknown, void> {
  const reader = new TextReader("csv", { name: series ?? UNNAMED, arrival: () => UNTIMED });
  /** Lines that the reader was given as empty ones. */
  const flaws = new Map<number, Flaw>();
  let read = 0;
  const take = (readings: readonly Reading[]): void => {
    for (const reading of readings) {
      if (++read > rows) throw tooMany(rows);
      const { line } = reading;
      const known = flaws.get(line);
      if (known !== undefined) {
        collect(batch, line, known);
        flaws.delete(line);
      } else if (isRefused(reading)) {
        const { reason: code, message } = reading;
        batch.refusals.add(line, () => ({ code, message }));
      } else {
        collect(batch, line, named(reading.observation));
        for (const { reason: code, message } of reading.lost ?? [])
          batch.refusals.add(line, () => ({ code, message }));
      }
    }
  };
  let given = 0;
  for (const slice of slicesOf(body, rows, flaws)) {
    take(reader.push(slice));
    const before = given;
    given += slice.length;
    if (before < ENOUGH_BYTES && given >= ENOUGH_BYTES) take(reader.settle());
    yield;
  }
  take(reader.end());
  for (const { name, unit } of reader.recognition?.columns ?? [])
    if (unit !== "") batch.units.set(name, unit);
  // Lines that the reader passed over.
  for (const [line, flaw] of flaws) collect(batch, line, flaw);
}

/** The series of a table that names none. Nobody else's: it begins with a code point that is no character. */
const UNNAMED = "\u{10ffff}unnamed";
/** Bytes of a table by which it is recognised, however few lines they are: to look at more would hold others up. */
const ENOUGH_BYTES = 64 * 1024;
const LINE_END = Buffer.from("\n");

/** Cuts a body into pieces that are read at once. A line that cannot be read is left empty, and noted among the flaws. */
function* slicesOf(body: Buffer, rows: number, flaws: Map<number, Flaw>): Generator<Buffer> {
  if (encodingOf(body) !== "utf-8") {
    for (let from = 0; from < body.length; from += YIELD_BYTES) yield body.subarray(from, from + YIELD_BYTES);
    return;
  }
  const text = body.subarray(0, trimmedEnd(body));
  let from = 0;
  let lines = 0;
  /** The bytes up to `to`, in pieces. */
  function* upTo(to: number): Generator<Buffer> {
    for (; from < to; from += YIELD_BYTES) yield text.subarray(from, Math.min(to, from + YIELD_BYTES));
    from = to;
    lines = 0;
  }
  for (const { number, start, end, flaw } of linesOf(text, rows)) {
    if (flaw !== undefined) {
      yield* upTo(start);
      flaws.set(number, flaw);
      yield LINE_END;
      from = Math.min(end + 1, text.length);
    } else if (++lines === YIELD_LINES || end - from > YIELD_BYTES)
      yield* upTo(Math.min(end + 1, text.length));
  }
  yield* upTo(text.length);
}

/** Where the last line that is not empty ends. */
function trimmedEnd(body: Buffer): number {
  let end = body.length;
  while (end > 0 && (body[end - 1] === 0x0a || body[end - 1] === 0x0d || body[end - 1] === 0x20)) end--;
  return end;
}

function named(observation: Observation): Observation | Flaw {
  if (observation.series !== UNNAMED) return flawOf(observation) ?? observation;
  return flaw("bad-observation", "series", "a column series, or ?series=NAME", "neither");
}

type Arrow = typeof import("apache-arrow");

/** An Arrow IPC stream or file with columns series, time and id as in JSON; every other numeric column is a value. */
const arrow = ({ DataType, tableFromIPC }: Arrow): BodyReader =>
  function* (body, batch, { series, rows }) {
    let table: ReturnType<typeof tableFromIPC>;
    try {
      table = tableFromIPC(checkedArrow(body));
    } catch (cause) {
      throw new EddyError("bad-message", "body", {
        expected: "an Arrow IPC stream",
        received: cause instanceof ArrowFlaw ? cause.message : "another",
        cause,
      });
    }
    if (table.numRows > rows) throw tooMany(rows);
    const special = {
      id: table.getChild("id"),
      series: table.getChild("series"),
      time: table.getChild("time"),
    };
    const columns = table.schema.fields
      .filter(
        ({ name, type }) => !Object.hasOwn(special, name) && (DataType.isInt(type) || DataType.isFloat(type)),
      )
      .map(({ name }) => ({ name: fittedName(name) || VALUE, cells: table.getChild(name) }));
    const plain = (cell: unknown): unknown => {
      if (typeof cell === "bigint") return Number(cell);
      return typeof cell === "number" ? finiteOrMissing(cell) : cell;
    };
    const cellOf = (cells: Vector | null, row: number, name: string): unknown =>
      cells === null ? undefined : arrowCell(cells, row, name);
    const read = (row: number): Observation | Flaw => {
      const values: Record<string, unknown> = Object.create(null);
      for (const { name, cells } of columns) values[name] = plain(cellOf(cells, row, name)) ?? null;
      const named = plain(cellOf(special.series, row, "series")) ?? series;
      const observation: Record<string, unknown> = { series: named, values };
      const id = cellOf(special.id, row, "id");
      // Whole numbers of 64 bits keep their digits as text.
      if (id !== null && id !== undefined) observation.id = typeof id === "bigint" ? String(id) : id;
      const time = plain(cellOf(special.time, row, "time"));
      if (time !== null && time !== undefined) observation.time = time;
      return tryObservation(observation, UNTIMED);
    };
    for (let row = 0; row < table.numRows; row++) {
      try {
        collect(batch, row + 1, read(row));
      } catch (error) {
        if (!(error instanceof EddyError)) throw error;
        collect(batch, row + 1, () => error);
      }
      if (row % YIELD_LINES === 0 || columns.length > YIELD_LINES) yield;
    }
  };

/** Reads Arrow IPC from elsewhere than a body as a body of it is read; resolves once the library is loaded. */
export async function openArrowReader(): Promise<(bytes: Buffer, rows: number) => Generator<unknown, Batch>> {
  const reader = arrow(await import("apache-arrow"));
  return function* (bytes, rows) {
    const batch = emptyBatch();
    yield* reader(bytes, batch, { series: undefined, rows });
    if (batch.observations.length === 0 && batch.refusals.count === 0) throw nothingIn("frame");
    return batch;
  };
}

const emptyBatch = (): Batch => ({
  observations: [],
  lines: [],
  refusals: new Refusals(),
  units: new Map(),
});

const nothingIn = (subject: string): EddyError =>
  new EddyError("bad-message", subject, { expected: "at least one observation", received: "none" });

const READERS = new Map<string, () => BodyReader | Promise<BodyReader>>([
  ["application/x-ndjson", () => ndjson],
  ["application/ndjson", () => ndjson],
  ["application/jsonl", () => ndjson],
  ["application/json", () => json],
  ["text/csv", () => csv],
  ["application/vnd.apache.arrow.stream", async () => arrow(await import("apache-arrow"))],
]);

/** Media types that `POST /v1/observations` takes. */
export const MEDIA_TYPES: readonly string[] = [...READERS.keys()];

/**
 * Reads the body of `POST /v1/observations`, `run` giving it its turns. What is wrong with one line refuses that line alone.
 *
 * @throws EddyError when nothing of the body can be read
 */
export async function readBody(
  mediaType: string,
  body: Buffer,
  options: BodyOptions,
  run: <T>(work: Generator<unknown, T>) => Promise<T>,
): Promise<Batch> {
  const batch = emptyBatch();
  if (options.series !== undefined) checkSeriesName(options.series, "?series");
  const reader = await READERS.get(mediaType)?.();
  if (reader !== undefined) await run(reader(body, batch, options));
  if (batch.observations.length === 0 && batch.refusals.count === 0) {
    throw nothingIn("body");
  }
  return batch;
}
