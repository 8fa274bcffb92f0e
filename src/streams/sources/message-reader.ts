import { isUtf8 } from "node:buffer";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { UNTIMED, VALUE } from "../../models/observation.ts";
import { checkSeriesName } from "../checked-observation.ts";
import { isProblem, type LineGrammar, type LineRecord } from "../formats/grammar.ts";
import { JsonGrammar } from "../formats/json-records.ts";
import { MAX_LINE, type Splitter } from "../formats/lines.ts";
import { type CellReader, cellReader } from "../formats/numbers.ts";
import { checkedReading, type FormatOptions, isRefused, type Reading } from "../formats/reading.ts";
import { recognise } from "../formats/recognise.ts";
import { Roles } from "../formats/roles.ts";

/** How payloads are read, where they do not say it themselves. */
export interface MessageOptions {
  readonly time?: string;
  readonly timeFormat?: string;
  readonly timeZone?: string;
  /** Fields whose text tells several series of one topic apart; none: they are one series. */
  readonly key?: readonly string[];
  /** Fields to read; every numeric one when absent. */
  readonly values?: readonly string[];
  /** Every field is a series of its own, so that one that comes later joins. */
  readonly split?: boolean;
}

/** What has been found out about the messages of one series. */
interface Part {
  readonly number: CellReader;
  json?: Roles;
  lines?: { readonly splitter: Splitter; readonly grammar: LineGrammar; readonly roles: Roles };
  /** Text that told, in the first message, what the series is about, by its field. */
  identity?: ReadonlyMap<string, string>;
}

/** A message in which nothing is a number. */
const NO_NUMBERS = "no-numbers";
/** A number and what may be its unit. */
const UNIT = /^[+\-−]?\d[\d.,]*\s*([^\d\s.,][^\d\s]{0,15})$/;

const NO_TABLE = { table: false, headed: true, sentences: false, labelled: false, separator: undefined };

/**
 * Reads messages that each stand for themselves, such as those of MQTT: a number, a number with its unit, on and off, JSON nested
 * as you like (paths are the names), or lines of any format that a pipe may have. Every series has its own form, found by its
 * first message.
 */
export class MessageReader {
  readonly #options: MessageOptions;
  readonly #maximum: number;
  readonly #parts = new Map<string, Part>();
  readonly #grammar: JsonGrammar;

  /** `maximum`: series that may be told apart. */
  constructor(options: MessageOptions, maximum: number) {
    this.#options = options;
    this.#maximum = maximum;
    this.#grammar = new JsonGrammar(true, options.values ?? []);
  }

  /** The readings of a message, each of one field alone where that was said. */
  read(series: string, payload: Uint8Array, line: number, arrival: number): Reading[] {
    const readings = this.#message(series, payload, line, arrival);
    const split = this.#options.split === true ? readings.flatMap(byField) : readings;
    return split.map((reading) => (isRefused(reading) ? reading : checkedReading(reading)));
  }

  /** The readings of a message; what is wrong is a refused one. `line` is the number of the message. */
  #message(series: string, payload: Uint8Array, line: number, arrival: number): Reading[] {
    const refuse = (reason: string, message: string): Reading[] => [{ line, row: line, reason, message }];
    if (payload.length > MAX_LINE)
      return refuse("too-large", `payload: expected at most 1 MiB, got ${payload.length} bytes`);
    if (payload.length === 0) return refuse("empty", "payload: expected a number or JSON, got nothing");
    if (!isUtf8(payload)) return refuse("bad-line", "payload: expected UTF-8, got bytes that are not");
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8").trim();
    try {
      checkSeriesName(series, "series");
      let part = this.#parts.get(series);
      if (part === undefined) {
        if (this.#parts.size >= this.#maximum) {
          return refuse("too-many-series", `series: expected at most ${this.#maximum}, got one more`);
        }
        part = { number: cellReader(undefined, UNIT.exec(text)?.[1] ?? "") };
        this.#parts.set(series, part);
      }
      if (/^[{[]/.test(text)) return this.#json(part, series, text, line, arrival);
      const number = part.number(/^".*"$/s.test(text) ? text.slice(1, -1) : text);
      if (number !== undefined) {
        return [
          {
            line,
            row: line,
            timed: false,
            observation: { series, time: UNTIMED, values: { [VALUE]: number } },
          },
        ];
      }
      // A word, such as a state: there are many of them among topics, and nothing is wrong with them.
      if (!/\d/.test(text)) return refuse(NO_NUMBERS, `payload: expected a number, got ${printable(text)}`);
      return this.#lines(part, series, text, line, arrival);
    } catch (error) {
      if (error instanceof EddyError) return refuse(error.code, error.message);
      throw error;
    }
  }

  #json(part: Part, series: string, text: string, line: number, arrival: number): Reading[] {
    const parsed = this.#grammar.parse(text);
    if (typeof parsed === "string" || isProblem(parsed)) {
      const message = typeof parsed === "string" ? "expected numbers" : parsed.message;
      return [{ line, row: line, reason: "bad-line", message: `payload: ${message}` }];
    }
    const records = parsed;
    part.json ??= this.#roles(records, series, arrival);
    if (this.#options.key === undefined) {
      // Nobody has said what tells the series apart: the topic does, as long as the payload does not speak of several things.
      part.identity ??= identity(part.json, itemAt(records, 0));
      for (const record of records) {
        for (const [field, text] of part.identity) {
          const found = textOf(record, field);
          if (found === undefined || found === text) continue;
          throw new EddyError("bad-observation", field, {
            expected: `${printable(text)} as in the first message of ${printable(series)}`,
            received: printable(found),
            hint: `two things in one series: say "key": [${JSON.stringify(field)}], or "key": [] if it is one`,
          });
        }
      }
    }
    const { json } = part;
    const told = records.map((record) =>
      this.#arrived(named(json.read(record, line, line), series, this.#options.key)),
    );
    return told.map((reading) =>
      "reason" in reading && reading.reason === "bad-column" ? { ...reading, reason: NO_NUMBERS } : reading,
    );
  }

  #lines(part: Part, series: string, text: string, line: number, arrival: number): Reading[] {
    const read = `${text}\n`;
    const found = part.lines ?? recognise(read, true, "auto", this.#format(series, arrival));
    if (found === undefined) return [{ line, row: line, reason: "bad-line", message: notRead(text) }];
    part.lines = found;
    const { splitter, grammar, roles } = found;
    const readings: Reading[] = [];
    for (const { text: each } of splitter.push(read)) {
      const parsed = grammar.parse(each);
      if (typeof parsed === "string") continue;
      if (isProblem(parsed)) readings.push({ line, row: line, ...parsed });
      else for (const record of parsed) readings.push(this.#arrived(roles.read(record, line, line)));
    }
    return readings.length > 0 ? readings : [{ line, row: line, reason: "bad-line", message: notRead(text) }];
  }

  #roles(records: readonly LineRecord[], series: string, arrival: number): Roles {
    try {
      return new Roles(records, this.#format(series, arrival), NO_TABLE);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      // What a flag of the command line would say is said by an option here.
      const message = error.message
        .replace(/--series\b/g, '"key"')
        .replace(/--(time-format)\b/g, '"timeFormat"');
      throw new EddyError(error.code, message);
    }
  }

  #format(series: string, arrival: number): FormatOptions {
    const { time, timeFormat, timeZone, key, values } = this.#options;
    return {
      name: series,
      arrival: () => arrival,
      ...(time === undefined ? {} : { time }),
      ...(timeFormat === undefined ? {} : { timeFormat }),
      ...(timeZone === undefined ? {} : { timeZone }),
      ...(key === undefined || key.length === 0 ? {} : { series: key }),
      ...(values === undefined ? {} : { values }),
    };
  }

  /** Who takes readings in stamps those that name no time: several may arrive in one millisecond. */
  #arrived(reading: Reading): Reading {
    if ("reason" in reading || reading.timed) return reading;
    return { ...reading, observation: { ...reading.observation, time: UNTIMED } };
  }
}

const notRead = (text: string): string =>
  `payload: expected a number, JSON or lines of readings, got ${printable(text)}`;

/** A reading of each field that a message has, as a series under its own name; a field without a number says nothing. */
function byField(reading: Reading): Reading[] {
  if ("reason" in reading) return [reading];
  const { observation } = reading;
  const fields = Object.entries(observation.values).filter(([, value]) => value !== null);
  if (fields.every(([field]) => field === VALUE)) return [reading];
  return fields.map(([field, value]) => ({
    ...reading,
    observation: { ...observation, series: `${observation.series}/${field}`, values: { [VALUE]: value } },
  }));
}

/** Without keys the topic alone is the series; with some, it stands before them. */
function named(reading: Reading, series: string, key: readonly string[] | undefined): Reading {
  if ("reason" in reading) return reading;
  const { observation } = reading;
  const name = key === undefined || key.length === 0 ? series : `${series}/${observation.series}`;
  return { ...reading, observation: { ...observation, series: name } };
}

type Named = { readonly names: readonly string[]; readonly cells: readonly unknown[] };

function textOf({ names, cells }: Named, field: string): string | undefined {
  const cell = cells[names.indexOf(field)];
  return cell === undefined || cell === null ? undefined : String(cell);
}

function identity(roles: Roles, record: Named): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const field of roles.keys) {
    const text = textOf(record, field);
    if (text !== undefined) found.set(field, text);
  }
  return found;
}
