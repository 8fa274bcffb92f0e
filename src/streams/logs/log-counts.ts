import type { LineGrammar, LineRecord, Parsed } from "../formats/grammar.ts";
import { readNumber } from "../formats/numbers.ts";
import { type NumberPlace, numberAt, numberPlaces, wordsOf } from "./log-numbers.ts";
import { LogTimes } from "./log-times.ts";
import { isLogRecord, LogLines, type LogRecord } from "./records.ts";
import { Bytes, readBytes } from "./saved.ts";
import { TemplateMiner } from "./templates.ts";

/** Length of an interval when none is given, milliseconds. */
export const COUNTED_EVERY = 60_000;
/** Messages of a template before it has a series of its own. */
const ESTABLISHED = 10;
/** Most series of one log: templates, and hosts. */
const MAX_TEMPLATES = 64;
const MAX_HOSTS = 32;
/** Empty intervals that are told one by one; a longer silence is a jump. */
const MAX_EMPTY = 60;
/** Milliseconds by which a time may lie off the last one before others must confirm it. */
const AHEAD = 86_400_000;
const BEHIND = 3_600_000;
/** Lines that must agree about it. */
const AGREEING = 3;
/** Most characters of a pattern in the name of a series. */
const NAME_LENGTH = 80;

/** How the lines of a log are counted. */
export interface LogCountOptions {
  /** Length of an interval, milliseconds. */
  readonly every: number;
  readonly timeZone?: string;
  /** Epoch milliseconds: the time of lines that tell none, and by which a missing year is found. */
  readonly now: () => number;
}

/** One series of a log: counts, and numbers of one template. */
interface Counted {
  readonly name: string;
  readonly places: readonly NumberPlace[];
  readonly fields: readonly string[];
  /** It was opened in this interval, whose beginning it has not seen. */
  fresh: boolean;
  count: number;
  /** Sum and number of each value in this interval. */
  sums: number[];
  counts: number[];
}

interface Saved {
  readonly every: number;
  readonly lines: readonly boolean[];
  readonly times: readonly (number | null)[];
  readonly interval: number | null;
  readonly whole: boolean;
  readonly last: number | null;
  readonly strays: readonly number[];
  readonly series: readonly (Omit<Counted, "places"> & {
    readonly key: string;
    readonly places: readonly NumberPlace[];
  })[];
}

/**
 * Turns a log into readings: for every interval the number of lines in all, of each level, of each host, and of each template that has
 * come ten times, with the mean of the numbers that stand in its lines. An interval is told when a line of a later one comes, by its
 * end; the one in which reading begins is left out, since its beginning was not seen. A line whose time lies behind is counted in the
 * interval that is being counted; a time far off is believed once three lines agree about it.
 *
 * The series of a template is called `template 12: Received block <*> of size <*>`: by its number, and its pattern as it was when
 * the series began.
 */
export class LogCounts implements LineGrammar {
  readonly #every: number;
  readonly #now: () => number;
  readonly #times: LogTimes;
  readonly #lines = new LogLines();
  readonly #miner = new TemplateMiner();
  readonly #series = new Map<string, Counted>();
  #templates = 0;
  #hosts = 0;
  #interval = Number.NaN;
  /** Whether the interval has been seen from its beginning on. */
  #whole = false;
  #last = Number.NaN;
  #strays: number[] = [];
  #timed = true;

  constructor({ every, timeZone, now }: LogCountOptions) {
    this.#every = every;
    this.#now = now;
    this.#times = new LogTimes(now, timeZone);
  }

  /** Whether the last record told its time. */
  get timed(): boolean {
    return this.#timed;
  }

  parse(text: string): Parsed {
    const parsed = this.#lines.parse(text);
    if (parsed === "blank") return "blank";
    if (parsed === "continued") return "comment";
    if (!isLogRecord(parsed)) return parsed;
    const told = parsed.time === undefined ? undefined : this.#times.read(parsed.time);
    this.#timed = told !== undefined;
    const time = told ?? (Number.isNaN(this.#last) ? this.#now() : this.#last);
    const records = this.#moveTo(time);
    this.#count(parsed);
    return records;
  }

  /** The bytes that `restore` goes on from. */
  save(): Uint8Array {
    const finite = (number: number) => (Number.isNaN(number) ? null : number);
    const saved: Saved = {
      every: this.#every,
      lines: this.#lines.memory,
      times: this.#times.memory,
      interval: finite(this.#interval),
      whole: this.#whole,
      last: finite(this.#last),
      strays: this.#strays,
      series: [...this.#series].map(([key, each]) => ({ key, ...each })),
    };
    return new Bytes("log-counts").json([saved, new TextDecoder().decode(this.#miner.save())]);
  }

  /** Goes on from saved bytes. @throws EddyError `bad-state` when they are of something else. */
  restore(bytes: Uint8Array): void {
    const [saved, miner] = readBytes("log-counts", bytes) as [Saved, string];
    this.#miner.restore(new TextEncoder().encode(miner));
    this.#lines.memory = saved.lines;
    this.#times.memory = saved.times;
    this.#interval = saved.interval ?? Number.NaN;
    this.#whole = saved.whole;
    this.#last = saved.last ?? Number.NaN;
    this.#strays = [...saved.strays];
    this.#series.clear();
    this.#templates = 0;
    this.#hosts = 0;
    for (const { key, ...each } of saved.series) {
      this.#series.set(key, { ...each, sums: [...each.sums], counts: [...each.counts] });
      if (key.startsWith("template ")) this.#templates++;
      if (key.startsWith("host ")) this.#hosts++;
    }
  }

  /** Goes on to the interval of a time; the readings of those that end with it. */
  #moveTo(time: number): readonly LineRecord[] {
    const last = this.#last;
    if (!Number.isNaN(last) && (time > last + AHEAD || time < last - BEHIND)) {
      const [first] = this.#strays;
      if (first !== undefined && Math.abs(time - first) > BEHIND) this.#strays = [];
      this.#strays.push(time);
      if (this.#strays.length < AGREEING) return [];
      this.#begin(time);
      return [];
    }
    this.#strays = [];
    if (Number.isNaN(this.#interval)) {
      this.#begin(time);
      return [];
    }
    this.#last = Math.max(last, time);
    const interval = Math.floor(time / this.#every);
    if (interval <= this.#interval) return [];
    const records = this.#whole ? this.#close(this.#interval) : [];
    if (!this.#whole) this.#clear();
    const first = Math.max(this.#interval + 1, interval - MAX_EMPTY);
    for (let i = first; i < interval; i++) records.push(...this.#close(i));
    this.#interval = interval;
    this.#whole = true;
    return records;
  }

  #begin(time: number): void {
    this.#strays = [];
    this.#last = time;
    this.#interval = Math.floor(time / this.#every);
    this.#whole = time === this.#interval * this.#every;
    this.#clear();
  }

  #close(interval: number): LineRecord[] {
    const told = new Date((interval + 1) * this.#every).toISOString();
    // Of one host alone there is nothing to tell that is not told of all lines.
    const whole = [...this.#series.values()].filter(
      ({ fresh, name }) => !fresh && (this.#hosts > 1 || !name.startsWith("host ")),
    );
    const records = whole.map((each): LineRecord => {
      const values: Record<string, number | null> = { count: each.count };
      for (const [i, name] of [...each.places.map((place) => place.name), ...each.fields].entries()) {
        values[name === "count" ? "count 2" : name] =
          each.counts[i] > 0 ? each.sums[i] / each.counts[i] : null;
      }
      return { names: [], cells: [], observation: { series: each.name, time: told, values } };
    });
    this.#clear();
    return records;
  }

  #clear(): void {
    for (const each of this.#series.values()) {
      each.fresh = false;
      each.count = 0;
      each.sums.fill(0);
      each.counts.fill(0);
    }
  }

  #count(record: LogRecord): void {
    const { template, merged } = this.#miner.add(record.message);
    this.#open("all", "all lines").count++;
    if (record.level !== undefined) this.#open(`level ${record.level}`).count++;
    const { host } = record;
    if (host !== "") {
      const key = `host ${host.slice(0, NAME_LENGTH)}`;
      if (this.#series.has(key) || this.#hosts < MAX_HOSTS) {
        if (!this.#series.has(key)) this.#hosts++;
        this.#open(key).count++;
      }
    }
    const key = `template ${template.id}`;
    for (const id of merged) {
      // What was counted as another template is counted as this one from now on.
      if (this.#series.delete(`template ${id}`)) this.#templates--;
    }
    let counted = this.#series.get(key);
    if (counted === undefined) {
      if (template.count < ESTABLISHED || this.#templates >= MAX_TEMPLATES) return;
      this.#templates++;
      const fields = numericFields(record);
      const places = numberPlaces(record.message, template.pattern);
      const name = `${key}: ${template.pattern}`
        .slice(0, NAME_LENGTH)
        .replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, "");
      counted = this.#open(key, name, places, fields);
    }
    counted.count++;
    if (counted.places.length === 0 && counted.fields.length === 0) return;
    const words = wordsOf(record.message);
    const values = [
      ...counted.places.map((place) => numberAt(words, place)),
      ...counted.fields.map((field) => readNumber(String(record.fields?.get(field) ?? ""))),
    ];
    for (const [i, value] of values.entries()) {
      if (!Number.isFinite(value)) continue;
      counted.sums[i] += value;
      counted.counts[i]++;
    }
  }

  #open(
    key: string,
    name = key,
    places: readonly NumberPlace[] = [],
    fields: readonly string[] = [],
  ): Counted {
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const n = places.length + fields.length;
    const counted = {
      name,
      places,
      fields,
      fresh: key.startsWith("template "),
      count: 0,
      sums: new Array(n).fill(0),
      counts: new Array(n).fill(0),
    };
    this.#series.set(key, counted);
    return counted;
  }
}

/** Names of the fields of a record that are numbers and measure something. */
const numericFields = ({ fields }: LogRecord): string[] =>
  fields === undefined
    ? []
    : [...fields]
        .filter(
          ([name, cell]) =>
            !/(?:^|[_.])(?:v|pid|tid|id|port|line|lineno|status|statuscode|code|version)$/i.test(name) &&
            !name.startsWith("_") &&
            (typeof cell === "number" || (typeof cell === "string" && Number.isFinite(readNumber(cell)))),
        )
        .map(([name]) => name.slice(0, 80))
        .slice(0, 16);
