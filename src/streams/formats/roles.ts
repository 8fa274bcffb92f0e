import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Observation } from "../../models/observation.ts";
import { MAX_COLUMNS, type ObservationInput } from "../../protocol/observation.ts";
import { badNumber, checkSeriesName, isName } from "../checked-observation.ts";
import { readObservation, readTime } from "../observation-schema.ts";
import { type LineRecord, MAX_TABLE_COLUMNS } from "./grammar.ts";
import {
  type Cell,
  type CellReader,
  cellReader,
  type DecimalMark,
  isMissing,
  type NumberForm,
  numberForm,
  readNumber,
} from "./numbers.ts";
import { checkedReading, type FormatOptions, type Loss, type Reading } from "./reading.ts";
import { joinNames, namesSeries } from "./series-names.ts";
import {
  ambiguousTime,
  isSurelyTime,
  isTimeName,
  plainName,
  surveyTimes,
  type TimeForm,
  type TimeReader,
  timeReader,
  timeWords,
} from "./times.ts";

/** Most cells that are looked at to decide what the columns are. */
const MAX_SURVEYED = 100_000;
/** Most series whose columns are remembered. */
const MAX_REMEMBERED = 10_000;

/** What is known of the lines beside the records in them. */
export interface Setting {
  /** Every row has the same columns, so that one that is asked for must be there. */
  readonly table: boolean;
  /** The columns have names of their own. */
  readonly headed: boolean;
  /** Sentences, in which a name that is met once is chance. */
  readonly sentences: boolean;
  /** Cells have blanks between. */
  readonly spaced?: boolean;
  /** The first word of a row says what it is about. */
  readonly labelled: boolean;
  readonly separator: string | undefined;
}

/** Where the time of a record stands. */
export interface TimeRole {
  readonly columns: readonly string[];
  readonly form: TimeForm | undefined;
  /** Makes one text of the cells. */
  readonly join: (cells: readonly Cell[]) => string;
}

export interface ValueRole {
  readonly name: string;
  readonly form: NumberForm;
}

const alone = (cells: readonly Cell[]): string =>
  cells[0] === null || cells[0] === undefined ? "" : String(cells[0]);
const joined = (cells: readonly Cell[]): string => cells.map((cell) => String(cell ?? "").trim()).join(" ");
const hourly = (cells: readonly Cell[]): string =>
  `${String(cells[0] ?? "").trim()} ${String(cells[1] ?? "").trim()}:00`;
const calendar = (cells: readonly Cell[]): string => {
  const [year, month, day, hour = 0, minute = 0] = cells.map((cell) =>
    String(cell ?? "")
      .trim()
      .padStart(2, "0"),
  );
  return `${year}-${month}-${day} ${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
};

/** The cells of one column in the records that were looked at. */
interface Column {
  readonly name: string;
  readonly cells: Cell[];
  /** Which record each cell is of. */
  readonly records: number[];
}

/**
 * Knows what the columns of an input are: which ones are the time, which ones name the series, which ones are values; and turns
 * records into observations. Decided once, by the names and the records that were looked at.
 */
export class Roles {
  readonly time: TimeRole | undefined;
  /** Whether records say their time in a place of their own. */
  readonly ownTime: boolean;
  readonly keys: readonly string[];
  readonly values: readonly ValueRole[];
  /** Columns that are neither time nor series nor values. */
  readonly others: readonly string[];
  readonly decimal: DecimalMark | undefined;
  readonly seriesSeen: readonly string[];

  readonly #options: FormatOptions;
  readonly #setting: Setting;
  readonly #asked: ReadonlySet<string> | undefined;
  readonly #readTime: TimeReader;
  readonly #readers = new Map<string, CellReader>();
  readonly #plans = new Map<readonly string[], Plan>();
  readonly #notValues: ReadonlySet<string>;
  /** Columns without a number among the records that were looked at: numbers that come later are passed on. */
  readonly #silent: ReadonlySet<string>;
  /** Columns of each series among the records that were looked at. */
  readonly #columnsOf = new Map<string, Set<string>>();
  readonly #kinds = new Set<string>();
  #lastNames: readonly string[] | undefined;
  #lastPlan: Plan | undefined;

  constructor(records: readonly LineRecord[], options: FormatOptions, setting: Setting) {
    this.#options = options;
    this.#setting = setting;
    const named =
      options.series === undefined
        ? []
        : typeof options.series === "string"
          ? [options.series]
          : options.series;
    const asked = options.values !== undefined && options.values.length > 0 ? options.values : undefined;
    this.#asked = asked === undefined ? undefined : new Set(asked);
    const columns = columnsOf(records);
    const labels = new Set(records.flatMap(({ labels }) => [...(labels?.keys() ?? [])]));
    const find = (name: string, flag: string): string => {
      if (!setting.table || columns.has(name) || labels.has(name) || columns.size === 0) return name;
      throw new EddyError("bad-argument", flag, {
        expected: `one of the columns ${printable([...columns.keys()].join(", "), 200)}`,
        received: printable(name),
      });
    };
    const timeOptions = {
      ...(options.timeFormat === undefined ? {} : { format: options.timeFormat }),
      ...(options.timeZone === undefined ? {} : { zone: options.timeZone }),
      now: options.arrival(0),
    };
    const owns = records.filter(({ time }) => time !== undefined);
    this.ownTime = options.time === undefined && owns.length > 0;
    const explicit = named.map((name) => find(name, "--series"));
    const given = options.time === undefined ? undefined : chosenTime(columns, options.time, find);
    const time = this.ownTime
      ? undefined
      : decideTime(columns, records, given, new Set([...explicit, ...(asked ?? [])]), options, setting);
    this.time = time;
    const ownForm = this.ownTime
      ? surveyTimes(
          "time",
          owns.map(({ time }) => time ?? null),
        )
      : undefined;
    if (ownForm?.ambiguous !== undefined && options.timeFormat === undefined)
      throw ambiguousTime("time", ownForm.ambiguous);
    this.#readTime = timeReader(
      time?.columns.join(" ") ?? "time",
      this.ownTime ? (ownForm?.form?.kind === "counted" ? undefined : ownForm?.form) : time?.form,
      timeOptions,
    );
    const taken = new Set([...(time?.columns ?? [])]);
    for (const [name] of columns) {
      // Times besides the time are no values, and neither are the tables of a Flux answer.
      if (!taken.has(name) && isOtherTime(name, columns.get(name)?.cells ?? [], columns)) taken.add(name);
    }
    const keyed = explicit.length > 0 ? explicit : decideKeys(columns, records, taken, asked, setting);
    this.keys = keyed;
    this.#notValues = new Set([...taken, ...keyed.filter((name) => !(this.#asked?.has(name) ?? false))]);

    const mark = options.decimal ?? commonMark([...columns.values()], this.#notValues, setting.separator);
    this.decimal = mark;
    const values: ValueRole[] = [];
    const others: string[] = [];
    const silent = new Set<string>();
    const kinds = new Set<string>();
    if (setting.sentences) {
      // Sentences of one kind have the same names; one that is met once among many is chance.
      const times = new Map<string, number>();
      for (const { names } of records) times.set(kindOf(names), (times.get(kindOf(names)) ?? 0) + 1);
      for (const { names } of records) {
        if (records.length > 2 && (times.get(kindOf(names)) ?? 0) < 2) continue;
        this.#kinds.add(kindOf(names));
        for (const name of names) kinds.add(name);
      }
    }
    const flux = columns.has("_value") && columns.has("_time");
    for (const { name, cells } of columns.values()) {
      if (this.#notValues.has(name)) continue;
      const form = numberForm(cells, mark);
      const chosen = asked === undefined ? !flux || name === "_value" : this.#asked?.has(name);
      const enough = !setting.sentences || kinds.has(name);
      if (chosen && (asked !== undefined || (enough && isValue(name, form)))) values.push({ name, form });
      else {
        others.push(name);
        if (asked === undefined && !flux && !setting.sentences && form.numbers === 0) silent.add(name);
      }
    }
    if (asked !== undefined) {
      values.length = 0;
      for (const name of asked) {
        const column = columns.get(find(name, "--value"));
        values.push({ name, form: numberForm(column?.cells ?? [], mark) });
      }
    }
    if (values.length === 0 && asked === undefined) {
      // Words outnumber the numbers everywhere: then some numbers are enough.
      for (const name of others) {
        const form = numberForm(columns.get(name)?.cells ?? [], mark);
        if (form.numbers > 0) values.push({ name, form });
      }
    }
    const chosenNames = new Set(values.map(({ name }) => name));
    this.values = values;
    this.others = others.filter((name) => !chosenNames.has(name));
    this.#silent = silent;
    for (const { name, form } of values) this.#readers.set(name, cellReader(form.decimal ?? mark, form.unit));
    if (values.length === 0 && setting.table && records.length > 0) {
      const refusal = new EddyError("bad-column", "value", {
        expected: "a column of numbers",
        received: printable([...columns.keys()].join(",")),
      });
      throw refusal;
    }
    const seen = new Set<string>();
    const times = new Map<number, number>();
    records.forEach((record, i) => {
      if (record.observation !== undefined) return;
      const series = this.#seriesOf(record, this.#plan(record.names));
      if (series !== undefined && seen.size < MAX_REMEMBERED) seen.add(series);
      if (series !== undefined) this.#rememberColumns(series, record);
      this.#checkRepeats(record, i, records, times);
    });
    this.seriesSeen = [...seen];
  }

  /** Turns a record into a reading. */
  read(record: LineRecord, line: number, row: number): Reading {
    try {
      return record.observation === undefined
        ? this.#read(record, line, row)
        : this.#readObservation(record.observation, line, row);
    } catch (error) {
      if (error instanceof EddyError) return { line, row, reason: error.code, message: error.message };
      throw error;
    }
  }

  /** How the time is told, in a sentence; nothing when the input has none. */
  get timeWords(): string | undefined {
    if (this.ownTime) return "in every line";
    if (this.time === undefined) return undefined;
    if (this.#options.timeFormat !== undefined) return this.#options.timeFormat;
    return this.time.form === undefined ? "ISO 8601" : timeWords(this.time.form);
  }

  #read(record: LineRecord, line: number, row: number): Reading {
    const plan = this.#plan(record.names);
    if (plan.strange) {
      throw new EddyError("bad-line", "line", {
        expected: `a sentence with ${printable(this.values.map(({ name }) => name).join(", "), 100)}`,
        received: `one with ${printable(record.names.join(", "))}`,
      });
    }
    const { cells } = record;
    const values: Record<string, number | null> = Object.create(null);
    let lost: Loss[] | undefined;
    let present = 0;
    let lastError: EddyError | undefined;
    for (const { index, name, reader } of plan.values) {
      if (plan.late.has(index) && !beginsLikeNumber(cells[index])) continue;
      const value = reader(cells[index] ?? null);
      if (value !== undefined) {
        values[name] = value;
        present++;
        continue;
      }
      // A word in a column that nobody has asked for, and that has not been one of numbers.
      if (plan.late.has(index)) continue;
      lastError = badNumber(name, cells[index])();
      lost ??= [];
      lost.push({ reason: lastError.code, message: lastError.message });
      values[name] = null;
    }
    if (present === 0) {
      if (lastError !== undefined) throw lastError;
      throw new EddyError("bad-column", this.#options.values?.join(",") || "value", {
        expected: "a number",
        received: printable(record.names.join(",")),
      });
    }
    const own = this.#seriesOf(record, plan);
    const series = own ?? this.#options.name;
    if (own !== undefined) checkSeriesName(series, this.keys[0] ?? "series");
    this.#settleMissing(values, own, present);
    const timed = this.ownTime ? record.time !== undefined : this.time !== undefined;
    const time = !timed
      ? this.#options.arrival(row)
      : this.ownTime
        ? this.#readTime(String(record.time))
        : this.#when(record, plan);
    const observation: Observation = { series, time, values };
    return checkedReading(
      lost === undefined ? { line, row, observation, timed } : { line, row, observation, timed, lost },
      MAX_TABLE_COLUMNS,
    );
  }

  /** In a table of several series an empty cell says that the series has no such column, unless the series has had it or the row has nothing. */
  #settleMissing(values: Record<string, number | null>, series: string | undefined, present: number): void {
    if (series === undefined) {
      if (this.#asked !== undefined || this.#setting.table) return;
      for (const { name } of this.values) if (!(name in values)) values[name] = null;
      return;
    }
    const known = this.#columnsOf.get(series);
    let missing = 0;
    for (const name in values) if (values[name] === null && !known?.has(name)) missing++;
    if (missing > 0 && missing < Math.max(present, Object.keys(values).length)) {
      for (const name of Object.keys(values))
        if (values[name] === null && !known?.has(name)) delete values[name];
    }
    for (const name of known ?? []) if (!(name in values)) values[name] = null;
  }

  #rememberColumns(series: string, record: LineRecord): void {
    let known = this.#columnsOf.get(series);
    if (known === undefined) {
      if (this.#columnsOf.size >= MAX_REMEMBERED) return;
      known = new Set();
      this.#columnsOf.set(series, known);
    }
    for (const { index, name, reader } of this.#plan(record.names).values) {
      if (typeof reader(record.cells[index] ?? null) === "number") known.add(name);
    }
  }

  #when({ cells, names }: LineRecord, plan: Plan): number {
    const { time } = this;
    if (time === undefined || plan.time.length === 0) {
      return readTime(undefined, time?.columns[0] ?? printable(names.join(",")));
    }
    return this.#readTime(time.join(plan.time.map((index) => cells[index] ?? null)));
  }

  #seriesOf(record: LineRecord, plan: Plan): string | undefined {
    const explicit = this.#options.series !== undefined;
    if (record.labels !== undefined && explicit) {
      return joinNames(
        this.keys.map((key) =>
          this.#named(
            record.labels?.get(key) ?? alone([record.cells[record.names.indexOf(key)] ?? null]),
            key,
          ),
        ),
      );
    }
    if (plan.keys.length === 0) {
      const [key] = this.keys;
      if (explicit && key !== undefined) this.#named("", key);
      return record.series;
    }
    const parts = plan.keys.map((index) => {
      const cell = record.cells[index];
      const text = cell === null || cell === undefined ? "" : String(cell).trim();
      return explicit ? this.#named(text, itemAt(record.names, index)) : text;
    });
    if (explicit && plan.keys.length < this.keys.length)
      this.#named("", this.keys.find((key) => !record.names.includes(key)) ?? "series");
    const whole = record.series === undefined ? parts : [record.series, ...parts];
    if (!explicit && parts.every((part) => part === "")) return record.series;
    return joinNames(whole);
  }

  #named(text: string, key: string): string {
    if (text !== "" && text !== "null") return text;
    throw new EddyError("bad-observation", key, { expected: "a name", received: "nothing" });
  }

  #plan(names: readonly string[]): Plan {
    if (names === this.#lastNames && this.#lastPlan !== undefined) return this.#lastPlan;
    let plan = this.#plans.get(names);
    if (plan === undefined) {
      plan = this.#makePlan(names);
      if (this.#plans.size > 1000) this.#plans.clear();
      this.#plans.set(names, plan);
    }
    this.#lastNames = names;
    this.#lastPlan = plan;
    return plan;
  }

  #makePlan(names: readonly string[]): Plan {
    const indexOf = new Map(names.map((name, i) => [name, i]));
    const late = new Set<number>();
    const values: PlannedValue[] = [];
    const add = (name: string, index: number) => {
      if (values.length >= MAX_COLUMNS && !this.#setting.table) return;
      let reader = this.#readers.get(name);
      if (reader === undefined) {
        late.add(index);
        reader = cellReader(this.decimal, "");
        if (this.#readers.size < 10_000) this.#readers.set(name, reader);
      } else if (!this.values.some((value) => value.name === name)) late.add(index);
      values.push({ index, name, reader });
    };
    if (this.#asked !== undefined) {
      for (const name of this.#asked) {
        const index = indexOf.get(name);
        if (index !== undefined) add(name, index);
      }
    } else {
      const others = new Set(this.others);
      names.forEach((name, index) => {
        if (this.#notValues.has(name) || (others.has(name) && !this.#silent.has(name)) || !isName(name))
          return;
        add(name, index);
      });
    }
    const at = (columns: readonly string[]) => columns.flatMap((name) => indexOf.get(name) ?? []);
    const time = at(this.time?.columns ?? []);
    return {
      values,
      late,
      keys: at(this.keys),
      time: time.length === this.time?.columns.length ? time : [],
      strange: this.#setting.sentences && this.#kinds.size > 0 && !this.#kinds.has(kindOf(names)),
    };
  }

  /** Two rows of one time in one series, which a text column tells apart, are two series that nobody has named. */
  #checkRepeats(
    record: LineRecord,
    i: number,
    records: readonly LineRecord[],
    times: Map<number, number>,
  ): void {
    if (
      this.time === undefined ||
      this.keys.length > 0 ||
      record.series !== undefined ||
      this.#asked !== undefined
    )
      return;
    let time: number;
    try {
      time = this.#when(record, this.#plan(record.names));
    } catch {
      return;
    }
    const before = times.get(time);
    if (before === undefined) {
      times.set(time, i);
      return;
    }
    const other = itemAt(records, before);
    const differs = this.others.find((name) => {
      const [a, b] = [cellOf(record, name), cellOf(other, name)];
      return (
        typeof a === "string" &&
        typeof b === "string" &&
        a.trim() !== "" &&
        a !== b &&
        !isMissing(a) &&
        !isMissing(b)
      );
    });
    if (differs === undefined) return;
    throw new EddyError("bad-column", "series", {
      expected: "one reading of every time",
      received: `two of ${new Date(time).toISOString()}, in whose rows ${printable(differs)} differs`,
      hint: `name the columns that tell the series apart: --series ${/\s/.test(differs) ? `'${differs}'` : differs}`,
    });
  }

  #readObservation(given: object, line: number, row: number): Reading {
    const input: Record<string, unknown> = {
      ...given,
      series: (given as { series?: unknown }).series ?? this.#options.name,
    };
    // Text that is a number, and times in other forms than the contract's, are read as in any other record.
    if (
      typeof input.time === "number" &&
      Math.abs(input.time) >= 1e8 &&
      (Math.abs(input.time) < 1e11 || Math.abs(input.time) >= 1e14)
    ) {
      input.time = this.#observedTime(String(input.time));
    } else if (typeof input.time === "string") input.time = this.#observedTime(input.time);
    if (input.time === null) delete input.time;
    if (Object.hasOwn(input, "value")) input.value = this.#number("value", input.value);
    if (typeof input.values === "object" && input.values !== null && !Array.isArray(input.values)) {
      const values: Record<string, unknown> = Object.create(null);
      for (const [name, cell] of Object.entries(input.values)) values[name] = this.#number(name, cell);
      input.values = values;
    }
    const observation = readObservation(input as ObservationInput, this.#options.arrival(row));
    const timed = input.time !== undefined;
    if (this.#asked === undefined) return { line, row, observation, timed };
    const values: Record<string, number | null> = Object.create(null);
    for (const name of this.#asked) {
      const value = Object.hasOwn(observation.values, name) ? observation.values[name] : undefined;
      if (value !== undefined) values[name] = value;
    }
    return { line, row, observation: { ...observation, values }, timed };
  }

  #observedTime(text: string): number {
    return this.#readTime(text);
  }

  #number(name: string, cell: unknown): unknown {
    if (typeof cell !== "string" && typeof cell !== "boolean") return cell;
    let reader = this.#readers.get(name);
    if (reader === undefined) {
      reader = cellReader(this.decimal, "");
      if (this.#readers.size < 10_000) this.#readers.set(name, reader);
    }
    const value = reader(cell);
    return value === undefined ? cell : value;
  }
}

interface PlannedValue {
  readonly index: number;
  readonly name: string;
  readonly reader: CellReader;
}

/** Where in a record of one shape everything stands. */
interface Plan {
  readonly values: readonly PlannedValue[];
  /** Values that were not among the records looked at: words in them are nothing lost. */
  readonly late: ReadonlySet<number>;
  readonly keys: readonly number[];
  readonly time: readonly number[];
  /** A sentence of a kind that was not among those looked at. */
  readonly strange: boolean;
}

const kindOf = (names: readonly string[]): string => names.join("\n");

const beginsLikeNumber = (cell: Cell | undefined): boolean =>
  typeof cell === "number" ||
  typeof cell === "boolean" ||
  (typeof cell === "string" && /^\s*[+-]?\.?\d/.test(cell));

const cellOf = (record: LineRecord, name: string): Cell => {
  const index = record.names.indexOf(name);
  return index < 0 ? null : (record.cells[index] ?? null);
};

function columnsOf(records: readonly LineRecord[]): Map<string, Column> {
  const columns = new Map<string, Column>();
  let budget = MAX_SURVEYED;
  records.forEach((record, i) => {
    if (budget < 0 && i > 3) return;
    budget -= record.names.length;
    record.names.forEach((name, j) => {
      let column = columns.get(name);
      if (column === undefined) {
        column = { name, cells: [], records: [] };
        columns.set(name, column);
      }
      column.cells.push(record.cells[j] ?? null);
      column.records.push(i);
    });
  });
  return columns;
}

/** The columns that `--time` names: one, or several with commas between. */
function chosenTime(
  columns: ReadonlyMap<string, Column>,
  given: string,
  find: (name: string, flag: string) => string,
): string[] {
  const parts = given.split(",").map((name) => name.trim());
  if (!columns.has(given) && parts.length > 1 && parts.every((name) => columns.has(name))) return parts;
  return [find(given, "--time")];
}

function decideTime(
  columns: ReadonlyMap<string, Column>,
  records: readonly LineRecord[],
  given: readonly string[] | undefined,
  taken: ReadonlySet<string>,
  options: FormatOptions,
  setting: Setting,
): TimeRole | undefined {
  const cells = (name: string): readonly Cell[] => columns.get(name)?.cells ?? [];
  const role = (names: readonly string[], join: TimeRole["join"], form: TimeForm | undefined): TimeRole => ({
    columns: names,
    form,
    join,
  });
  /** A role whose cells have been looked at together; throws when they cannot be read. */
  const checked = (names: readonly string[], join: TimeRole["join"]): TimeRole => {
    const whole = records.map((record) => join(names.map((name) => cellOf(record, name))));
    const survey = surveyTimes(names.join(" "), whole);
    if (options.timeFormat !== undefined) return role(names, join, undefined);
    if (survey.ambiguous !== undefined) throw ambiguousTime(itemAt(names, 0), survey.ambiguous);
    if (survey.form === undefined || survey.readable < 0.5) {
      if (survey.unreadable === undefined && survey.form === undefined) return role(names, join, undefined);
      throw new EddyError("bad-time", names.join(" "), {
        expected: "a time such as 2024-05-01T12:00:00Z or 1714564800",
        received: printable(survey.unreadable ?? ""),
        hint: "say how it is written with --time-format, or name another column with --time",
      });
    }
    return role(names, join, survey.form);
  };
  if (given !== undefined) return checked(given, given.length > 1 ? joined : alone);
  const free = [...columns.keys()].filter((name) => !taken.has(name));
  const candidates = free.filter((name) => isTimeName(name));
  const surveys = new Map(candidates.map((name) => [name, surveyTimes(name, cells(name))]));
  if (options.timeFormat !== undefined) {
    const reader = timeReader("time", undefined, { format: options.timeFormat, now: 0 });
    const fits = [...candidates, ...free].find((name) => {
      const present = cells(name).filter((cell) => cell !== null && !isMissing(String(cell)));
      return (
        present.length > 0 &&
        present.filter((cell) => reads(reader, String(cell))).length * 2 >= present.length
      );
    });
    const name = fits ?? candidates.find(isSurelyTime);
    if (name !== undefined) {
      if (fits === undefined) {
        const cell = cells(name).find((each) => each !== null && !isMissing(String(each)));
        reader(String(cell ?? ""));
      }
      return role([name], alone, undefined);
    }
    const pair = datePair(columns, free, reader);
    if (pair !== undefined) return role(pair, joined, undefined);
    if (records.length === 0) return undefined;
    const example = [...columns.values()][0];
    throw new EddyError("bad-time", "--time-format", {
      expected: `a column written as ${options.timeFormat}`,
      received: printable(String(example?.cells[0] ?? "")),
    });
  }
  // A whole moment under the name of a time; then one under any name; then a date and a clock.
  const whole = (name: string): boolean => {
    const survey = surveys.get(name);
    return (
      survey?.form !== undefined &&
      survey.readable >= 0.5 &&
      (survey.form.kind === "epoch" || (survey.form.kind === "written" && survey.form.lacks === "nothing"))
    );
  };
  const best = candidates.find(whole);
  if (best !== undefined) return checked([best], alone);
  const texts = free.filter((name) => !surveys.has(name) && hasWords(cells(name)));
  for (const name of texts) surveys.set(name, surveyTimes(name, cells(name)));
  const written = (name: string, lacks: readonly string[]): boolean => {
    const survey = surveys.get(name);
    return (
      survey?.form?.kind === "written" &&
      lacks.includes(survey.form.lacks) &&
      survey.readable >= (isTimeName(name) ? 0.5 : 0.9)
    );
  };
  const unnamed = texts.find((name) => written(name, ["nothing"]));
  if (unnamed !== undefined) return checked([unnamed], alone);
  const all = [...candidates, ...texts];
  const date = all.find((name) => written(name, ["clock", "year"]));
  if (date !== undefined) {
    const clock = all.find((name) => name !== date && written(name, ["date"]));
    if (clock !== undefined) return checked([date, clock], joined);
    const hour = free.find(
      (name) => /^(?:hour|hr|stunde|hora|heure|he)$/.test(plainName(name)) && isWholeUpTo(cells(name), 24),
    );
    const repeats = new Set(cells(date).map(String)).size < cells(date).length;
    if (hour !== undefined && repeats) return checked([date, hour], hourly);
    return checked([date], alone);
  }
  const parts = ["year", "month", "day", "hour", "minute"].map((part) =>
    free.find((name) => plainName(name) === part),
  );
  if (parts[0] !== undefined && parts[1] !== undefined && parts[2] !== undefined) {
    const names = parts.slice(0, parts.indexOf(undefined) < 0 ? 5 : parts.indexOf(undefined)) as string[];
    if (names.every((name) => cells(name).every((cell) => cell !== null && readNumber(String(cell)) >= 0)))
      return checked(names, calendar);
  }
  const unwhole = candidates.find((name) => {
    const survey = surveys.get(name);
    return (
      survey?.form !== undefined &&
      survey.readable >= 0.5 &&
      (survey.form.kind === "year" || survey.form.kind === "spreadsheet" || survey.form.kind === "written")
    );
  });
  if (unwhole !== undefined) return checked([unwhole], alone);
  const sure = candidates.find((name) => isSurelyTime(name) && !isDuration(cells(name)));
  if (sure !== undefined) {
    const survey = surveys.get(sure);
    if (survey?.form?.kind === "counted") {
      if (!neverFalls(cells(sure)) || setting.sentences || columns.size < 2) return undefined;
      return role([sure], alone, { kind: "epoch", unit: 1000, boot: false });
    }
    const present = cells(sure).some((cell) => cell !== null && !isMissing(String(cell)));
    // A name alone, over cells that are words, is a mistake to be told.
    return present ? checked([sure], alone) : undefined;
  }
  const clock = texts.find((name) => written(name, ["date"]));
  if (clock !== undefined) return checked([clock], alone);
  if (!setting.headed || [...columns.keys()].every((name) => /^column\d+$/.test(name))) {
    const epoch = free.find((name) => columns.size > 1 && isEpochColumn(cells(name)));
    if (epoch !== undefined) return checked([epoch], alone);
  } else {
    const short = free.find(
      (name) => plainName(name) === "t" && columns.size > 1 && isEpochColumn(cells(name)),
    );
    if (short !== undefined) return checked([short], alone);
  }
  return undefined;
}

function datePair(
  columns: ReadonlyMap<string, Column>,
  free: readonly string[],
  reader: TimeReader,
): string[] | undefined {
  for (const a of free) {
    for (const b of free) {
      const first = columns.get(a)?.cells[0];
      const second = columns.get(b)?.cells[0];
      if (
        a !== b &&
        typeof first === "string" &&
        typeof second === "string" &&
        reads(reader, joined([first, second]))
      )
        return [a, b];
    }
    if (free.length > 16) break;
  }
  return undefined;
}

const reads = (reader: TimeReader, text: string): boolean => {
  try {
    reader(text);
    return true;
  } catch {
    return false;
  }
};

/** Whether the first cell that is there is neither a number nor too long for a time. */
function hasWords(cells: readonly Cell[]): boolean {
  const first = cells.find((cell) => cell !== null && !(typeof cell === "string" && isMissing(cell)));
  return (
    typeof first === "string" && first.length < 64 && /\d/.test(first) && Number.isNaN(readNumber(first))
  );
}

/** A number with a unit after it says how long something took. */
const isDuration = (cells: readonly Cell[]): boolean => {
  const form = numberForm(cells);
  return form.unit !== "" && form.others === 0;
};

const isWholeUpTo = (cells: readonly Cell[], high: number): boolean =>
  cells.every((cell) => {
    const number = cell === null ? Number.NaN : readNumber(String(cell));
    return Number.isInteger(number) && number >= 0 && number <= high;
  });

function neverFalls(cells: readonly Cell[]): boolean {
  let last = Number.NEGATIVE_INFINITY;
  for (const cell of cells) {
    const number = cell === null ? Number.NaN : readNumber(String(cell));
    if (number < last) return false;
    if (!Number.isNaN(number)) last = number;
  }
  return true;
}

/** Numbers that are seconds, milli-, micro- or nanoseconds of the years 2001 to 2065, and go on. */
const isEpochColumn = (cells: readonly Cell[]): boolean =>
  neverFalls(cells) &&
  cells.every((cell) => {
    const number = cell === null ? Number.NaN : readNumber(String(cell));
    return [1, 1e3, 1e6, 1e9].some((unit) => number >= 1e9 * unit && number < 3e9 * unit);
  });

/** A second column of times beside the time: `last_updated` beside `last_changed`, `_start` beside `_time`. */
function isOtherTime(name: string, cells: readonly Cell[], columns: ReadonlyMap<string, Column>): boolean {
  if (columns.has("_time") && /^_(?:start|stop)$/.test(name)) return true;
  if (!isTimeName(name)) return false;
  const survey = surveyTimes(name, cells);
  return survey.readable >= 0.5 && (survey.form?.kind === "epoch" || survey.form?.kind === "written");
}

function decideKeys(
  columns: ReadonlyMap<string, Column>,
  records: readonly LineRecord[],
  taken: ReadonlySet<string>,
  asked: readonly string[] | undefined,
  setting: Setting,
): string[] {
  const free = [...columns.values()].filter(
    ({ name }) => !taken.has(name) && !(asked?.includes(name) ?? false),
  );
  const series =
    free.find(({ name }) => name === "series") ?? free.find(({ name }) => plainName(name) === "series");
  if (series !== undefined) return [series.name];
  if (setting.sentences) return [];
  const keys = free.filter(({ name, cells }) => {
    const sure = namesSeries(name);
    if (sure === "no") return false;
    const texts = cells.filter((cell) => typeof cell === "string" && !isMissing(cell));
    const form = numberForm(texts);
    if (texts.length > 0 && form.others > 0) return sure !== "repeated" || comesAgain(texts);
    const whole = cells.filter((cell) => cell !== null && Number.isInteger(readNumber(String(cell))));
    if (whole.length < cells.filter((cell) => cell !== null).length || whole.length === 0) return false;
    if (sure === "number") return cells.length < 3 || setting.labelled || comesAgain(whole);
    // `id` over numbers is idle time as well as a name: only beside a time, in cells that are not told by blanks.
    return sure === "repeated" && comesAgain(whole) && !setting.spaced && taken.size > 0;
  });
  if (keys.length > 0 || columns.size === 0) return keys.map(({ name }) => name);
  // Rows of words and numbers without a time: the words in front tell the rows apart, if they come again.
  const first = free[0];
  if (first === undefined || taken.size > 0 || records.some(({ series }) => series !== undefined)) return [];
  const texts = first.cells.filter((cell): cell is string => typeof cell === "string" && !isMissing(cell));
  const words = texts.length > 0 && numberForm(texts).numbers === 0 && texts.length === first.cells.length;
  const distinct = new Set(texts).size;
  return words && (setting.labelled || (distinct > 1 && 2 * distinct <= texts.length)) ? [first.name] : [];
}

const comesAgain = (cells: readonly Cell[]): boolean => new Set(cells.map(String)).size < cells.length;

/** Whether a column is one of numbers: at least half of what is there is. */
const isValue = (name: string, { numbers, missing, others }: NumberForm): boolean =>
  numbers > 0 ? numbers >= others : others === 0 && missing > 0 && !/^column\d+$/.test(name);

/** The decimal mark of the whole input, by the cells that tell it. */
function commonMark(
  columns: readonly Column[],
  taken: ReadonlySet<string>,
  separator: string | undefined,
): DecimalMark | undefined {
  let [dots, commas, open] = [0, 0, false];
  for (const { name, cells } of columns.slice(0, 256)) {
    if (taken.has(name)) continue;
    const texts = cells.filter((cell) => typeof cell === "string" && /[.,]/.test(cell));
    if (texts.length === 0) continue;
    const { decimal, numbers } = numberForm(texts);
    if (decimal === ".") dots++;
    else if (decimal === ",") commas++;
    else if (numbers > 0 && texts.some((cell) => String(cell).includes(","))) open = true;
  }
  if (commas > 0 && dots === 0) return ",";
  if (dots > 0 && commas === 0) return ".";
  // `21,500` alone: where cells are cut by something else than commas, and numbers are not grouped anywhere, it is a fraction.
  if (dots === 0 && open && separator !== undefined && separator !== ",") return ",";
  return undefined;
}
