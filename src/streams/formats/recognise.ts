import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { parseJson } from "../json.ts";
import { COUNTED_EVERY, LogCounts } from "../logs/log-counts.ts";
import { looksLikeLog, surveyLog } from "../logs/recognise-log.ts";
import { cut, DelimitedGrammar, type Dialect, delimiterOf, isRowOf, surveyDelimited } from "./delimited.ts";
import { FreeTextGrammar } from "./free-text.ts";
import { isComment, isHeading, isProblem, isRule, type LineGrammar, type LineRecord } from "./grammar.ts";
import { JsonGrammar } from "./json-records.ts";
import { JsonSplitter } from "./json-splitter.ts";
import { type Line, type Splitter, TextLines } from "./lines.ts";
import { isMetricFormat, METRIC_FORMATS, MetricGrammar } from "./metric-lines.ts";
import { NamedValueGrammar } from "./named-values.ts";
import { isMissing, numberForm } from "./numbers.ts";
import { PairsGrammar, pairs } from "./pairs.ts";
import { QuotedLines } from "./quoted-lines.ts";
import type { FormatOptions } from "./reading.ts";
import { Roles, type Setting } from "./roles.ts";
import { type Layout, SpacedGrammar, surveySpaced } from "./spaced.ts";
import { isMoment } from "./times.ts";
import { wordsWithMoments } from "./tokens.ts";

export const TEXT_FORMATS = [
  "csv",
  "ndjson",
  "json",
  "lines",
  "logfmt",
  ...METRIC_FORMATS,
  "names",
  "text",
  "log",
] as const;
/** What a flag may say. */
export const openFormatNames = ["auto", ...TEXT_FORMATS] as const;
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** Lines that are looked at before an input is read. */
export const LOOK_AHEAD = 64;
/** Characters of long lines that are enough. */
export const ENOUGH_TEXT = 2 ** 18;
/** Characters of one line that tell its format. */
const TELLING = 2 ** 16;
/** Share of the lines that a format must explain to be taken for it. */
const MOST = 0.6;

/** What was found out about an input. Every part can be said instead of found. */
export interface Recognition {
  readonly format: TextFormat;
  /** What stands between the cells; null where cells are not cut by one character. */
  readonly separator: string | null;
  readonly decimal: "." | ",";
  /** Null when the lines tell no time: every reading then counts as one step, at its arrival. */
  readonly time: { readonly columns: readonly string[]; readonly form: string; readonly zone: string } | null;
  readonly series: {
    /** Columns whose text names the series. */
    readonly columns: readonly string[];
    /** The lines name it in a place of their own. */
    readonly inLine: boolean;
    /** Names met so far. */
    readonly seen: readonly string[];
  };
  readonly columns: readonly { readonly name: string; readonly unit: string }[];
  readonly leftOut: {
    /** Columns that hold no numbers. */
    readonly columns: readonly string[];
    readonly comments: number;
    /** Lines before or between the data that are none. */
    readonly preamble: number;
    /** Lines that could not be read. */
    readonly unreadable: number;
  };
  /** Lines looked at. */
  readonly lines: number;
}

/** An input that has been recognised, ready to be read from its first line on. */
export interface Recognised {
  readonly recognition: Recognition;
  readonly splitter: Splitter;
  readonly grammar: LineGrammar;
  readonly roles: Roles;
}

/** How an input is cut and parsed. */
interface Choice {
  readonly format: TextFormat;
  readonly open: () => LineGrammar;
  readonly whole: boolean;
  /** How records that may go on over several lines are put together; lines are records when absent. */
  readonly quoted?: () => QuotedLines;
  readonly setting: Setting;
}

/**
 * Finds out what an input is by the text it begins with.
 *
 * @returns nothing while there is no data yet and `ended` is false
 * @throws EddyError when it is no text, or when its times or series cannot be told: one line that says how to say it
 */
export function recognise(
  text: string,
  ended: boolean,
  format: TextFormat | "auto",
  options: FormatOptions,
): Recognised | undefined {
  refuseBinary(text, options.name);
  const all = new TextLines();
  const cut = all.push(text);
  if (ended) cut.push(...all.end());
  const first = cut.findIndex(({ text }) => text.trim() !== "");
  const json = format === "json" || (format === "auto" && isWholeJson(text, cut, ended));
  if (first < 0 && !json && !ended) return undefined;
  const lines = cut
    .filter(({ tooLong }) => !tooLong)
    .slice(Math.max(0, first), Math.max(0, first) + LOOK_AHEAD);
  let choice = json ? wholeJson(options) : choose(putTogether(lines).map(beginning), format, options);
  if (choice.format === "log") return asLog(choice, lines, options);
  askAboutCommas(choice, lines, options);
  let sample = survey(choice, choice.whole ? values(text, ended) : recordsOf(choice, lines, ended));
  if (sample.records.length === 0 && cut.length > LOOK_AHEAD && !choice.whole) {
    // A preamble longer than what is looked at: the data is further down.
    const more = cut.filter(({ tooLong }) => !tooLong).slice(0, 4096);
    choice = choose(more.slice(-LOOK_AHEAD).map(beginning), format, options);
    sample = survey(choice, recordsOf(choice, more, ended));
  }
  if (sample.records.length === 0 && !ended && text.length < 2 ** 21 && cut.length < 4096) return undefined;
  const roles = new Roles(sample.records, options, choice.setting);
  const { setting } = choice;
  const recognition: Recognition = {
    format: choice.format,
    separator: setting.separator ?? null,
    decimal: roles.decimal ?? ".",
    time:
      roles.timeWords === undefined
        ? ownTime(sample.records)
        : { columns: roles.time?.columns ?? [], form: roles.timeWords, zone: options.timeZone ?? "UTC" },
    series: {
      columns: roles.keys.length > 0 ? roles.keys : ownSeries(sample.records),
      inLine: roles.keys.length === 0 && sample.records.some(({ series }) => series !== undefined),
      seen: roles.seriesSeen.slice(0, 100),
    },
    columns: columnsTold(sample.records, roles),
    leftOut: {
      columns: roles.others,
      comments: sample.comments,
      preamble: sample.preamble,
      unreadable: sample.unreadable,
    },
    lines: sample.lines,
  };
  return {
    recognition,
    splitter: choice.whole ? new JsonSplitter() : (choice.quoted?.() ?? new TextLines()),
    grammar: choice.open(),
    roles,
  };
}

/** A log: what its lines come to is not told by the first ones. */
function asLog(choice: Choice, lines: readonly Line[], options: FormatOptions): Recognised {
  const { time, hosts, levels, unreadable } = surveyLog(lines.map(beginning));
  return {
    recognition: {
      format: "log",
      separator: null,
      decimal: ".",
      time:
        time === undefined
          ? null
          : { columns: [], form: `as ${printable(time, 40)}`, zone: options.timeZone ?? "UTC" },
      series: { columns: [], inLine: true, seen: [...hosts, ...levels] },
      columns: [{ name: "count", unit: "" }],
      leftOut: { columns: [], comments: 0, preamble: 0, unreadable },
      lines: lines.length,
    },
    splitter: new TextLines(),
    grammar: choice.open(),
    roles: new Roles([], { name: options.name, arrival: options.arrival }, choice.setting),
  };
}

/** The records among the lines that are looked at; the last one may not have ended yet. */
function recordsOf({ quoted }: Choice, lines: readonly Line[], ended: boolean): readonly Line[] {
  if (quoted === undefined || !lines.some(({ text }) => text.includes('"'))) return lines;
  const records = quoted();
  return [...records.join(lines), ...(ended ? records.end() : [])];
}

/** Lines of which some belong together, if this is a table whose first line is one of its rows: by them it is recognised. */
function putTogether(lines: readonly Line[]): readonly Line[] {
  if (!lines.some(({ text }) => text.includes('"'))) return lines;
  const texts = lines.slice(0, 16).map(beginning);
  const separator = delimiterOf(texts.join("\n"));
  const widths = texts.map((text) => cut(text, separator)?.length ?? 1).filter((width) => width > 1);
  const [width] = widths.toSorted((a, b) => times(widths, b) - times(widths, a));
  if (width === undefined) return lines;
  const dialect = { separator, fenced: false, width, preamble: 0, score: 0 };
  const records = new QuotedLines(separator, isRowOf(dialect));
  return [...records.join(lines), ...records.end()];
}

const times = (all: readonly number[], one: number): number => all.filter((other) => other === one).length;

/** A number with a decimal comma, alone in its line; or two whole numbers. */
const LONE_COMMA = /^\s*[+-]?\d{1,6},\d{1,4}\s*$/;

/** Whether these lines are numbers with a decimal comma, one a line: under a heading of one word, or by a fraction as no whole number is written. */
function areLoneDecimals(lines: readonly string[]): boolean {
  const [first = ""] = lines;
  const heading = lines.length > 1 && !first.includes(",") && isHeading([first.trim()]);
  const numbers = heading ? lines.slice(1) : lines;
  if (!numbers.every((line) => LONE_COMMA.test(line))) return false;
  return heading || numbers.some((line) => /,0\d/.test(line));
}

/** Asks where a comma may stand between two columns or in a number: nothing in the lines tells. */
function askAboutCommas({ format, setting }: Choice, lines: readonly Line[], options: FormatOptions): void {
  if (format !== "csv" || setting.separator !== "," || setting.headed) return;
  if (options.separator !== undefined || options.decimal !== undefined) return;
  const filled = lines.filter(({ text }) => text.trim() !== "");
  const digits = new Set(filled.map(({ text }) => text.trim().length - text.trim().indexOf(",") - 1));
  // Fractions of one length, as programs print them; whole numbers differ sooner or later.
  if (filled.length < 3 || digits.size !== 1 || !filled.every(({ text }) => LONE_COMMA.test(text))) return;
  throw new EddyError("bad-column", "line", {
    expected: "one number, or two",
    received: printable(itemAt(filled, 0).text.trim()),
    hint: "--decimal comma if it is one number, --separator , if it is two",
  });
}

const beginning = ({ text }: Line): string => (text.length > TELLING ? text.slice(0, TELLING) : text);

const says = (records: readonly LineRecord[], field: string): boolean =>
  records.some(({ observation }) => observation !== undefined && Object.hasOwn(observation, field));

/** The time of observations in Eddy's own form. */
const ownTime = (records: readonly LineRecord[]): Recognition["time"] =>
  says(records, "time")
    ? { columns: ["time"], form: "ISO 8601 or a number of seconds or milliseconds from 1970", zone: "UTC" }
    : null;

/** What names the series of observations in Eddy's own form. */
const ownSeries = (records: readonly LineRecord[]): string[] => (says(records, "series") ? ["series"] : []);

/** The columns of values; observations in Eddy's own form name them themselves. */
function columnsTold(records: readonly LineRecord[], roles: Roles): { name: string; unit: string }[] {
  const names = new Map(roles.values.map(({ name, form }) => [name, form.unit]));
  for (const { observation } of records) {
    if (observation === undefined) continue;
    const { values } = observation as { values?: object };
    for (const name of values === undefined ? ["value"] : Object.keys(values)) {
      if (!names.has(name)) names.set(name, "");
    }
  }
  return [...names].map(([name, unit]) => ({ name, unit }));
}

interface Sample {
  readonly records: LineRecord[];
  comments: number;
  preamble: number;
  unreadable: number;
  lines: number;
}

function survey(choice: Choice, lines: readonly Line[]): Sample {
  const grammar = choice.open();
  const sample: Sample = { records: [], comments: 0, preamble: 0, unreadable: 0, lines: 0 };
  for (const { text } of lines) {
    sample.lines++;
    const parsed = grammar.parse(text);
    if (parsed === "comment") sample.comments++;
    else if (parsed === "preamble") sample.preamble++;
    else if (typeof parsed === "string") continue;
    else if (isProblem(parsed)) sample.unreadable++;
    else sample.records.push(...parsed.slice(0, 1000));
  }
  return sample;
}

/** The JSON values of a text that are whole, at most as many as are looked at. */
function values(text: string, ended: boolean): Line[] {
  const splitter = new JsonSplitter();
  const found = splitter.push(text);
  if (ended) found.push(...splitter.end());
  return found.filter(({ tooLong }) => !tooLong).slice(0, LOOK_AHEAD);
}

const parses = (text: string): boolean => {
  try {
    parseJson(text, "bad-line", "line");
    return true;
  } catch {
    return false;
  }
};

/** Whether a text is JSON whose values are not one per line. */
function isWholeJson(text: string, lines: readonly Line[], ended: boolean): boolean {
  const start = text.trimStart()[0];
  if (start !== "{" && start !== "[") return false;
  const filled = lines.filter((line) => line.text.trim() !== "").slice(0, LOOK_AHEAD);
  const single = filled.filter((line) => {
    const each = line.text.trim();
    return each.startsWith("{") && each.endsWith("}") && parses(each);
  }).length;
  if (start === "{" && single > 0 && single * 2 >= filled.length) return false;
  const [first] = filled;
  if (start === "{" && first !== undefined && filled.length === 1 && !parses(first.text))
    return !ended || /^\s*\{\s*$/.test(first.text);
  if (start === "[" && filled.length > 1) {
    const rows = filled.filter((line) => /^\s*\[[^[{]*\]\s*$/.test(line.text) && parses(line.text)).length;
    if (rows * 2 >= filled.length) return false;
  }
  const found = values(text, ended);
  const good = found.filter((value) => /^\s*[[{\d-]/.test(value.text) && parses(value.text)).length;
  return found.length === 0
    ? !ended && /^\s*[[{]\s*["{[\d-]?/.test(text) && filled.length < LOOK_AHEAD
    : good * 2 > found.length;
}

const plain: Setting = {
  table: false,
  headed: true,
  sentences: false,
  labelled: false,
  separator: undefined,
};

function wholeJson(options: FormatOptions): Choice {
  return { format: "json", open: () => openJson(options), whole: true, setting: plain };
}

const openJson = (options: FormatOptions): JsonGrammar =>
  new JsonGrammar(options.time !== undefined || options.series !== undefined, options.values ?? []);

/** The format of an input by its first lines. */
export function sniff(...lines: readonly string[]): TextFormat {
  return choose(lines, "auto", { name: "", arrival: () => 0 }).format;
}

function choose(lines: readonly string[], format: TextFormat | "auto", options: FormatOptions): Choice {
  const chosen = format === "auto" ? find(lines, options) : format;
  switch (chosen) {
    case "csv": {
      const known = options.separator;
      const dialect: Dialect = surveyDelimited(lines, known) ?? {
        separator: known ?? delimiterOf(lines[0] ?? ""),
        fenced: false,
        width: 1,
        preamble: 0,
        score: 0,
      };
      const headed = lines.some((line) => isHeading(line.split(dialect.separator)));
      const setting = {
        table: true,
        headed,
        sentences: false,
        labelled: false,
        separator: dialect.separator,
      };
      return {
        format: "csv",
        open: () => new DelimitedGrammar(dialect),
        whole: false,
        setting,
        ...(dialect.fenced ? {} : { quoted: () => new QuotedLines(dialect.separator, isRowOf(dialect)) }),
      };
    }
    case "lines": {
      const layout: Layout = surveySpaced(lines);
      const headed = lines.some((line) => isHeading(line.trim().split(/\s+/)));
      const setting = {
        table: true,
        headed,
        sentences: false,
        spaced: true,
        labelled: layout.blocks,
        separator: undefined,
      };
      return { format: "lines", open: () => new SpacedGrammar(layout), whole: false, setting };
    }
    case "ndjson":
      return { format: "ndjson", open: () => openJson(options), whole: false, setting: plain };
    case "json":
      return wholeJson(options);
    case "logfmt":
      return { format: "logfmt", open: () => new PairsGrammar(), whole: false, setting: plain };
    case "names":
      return { format: "names", open: () => new NamedValueGrammar(), whole: false, setting: plain };
    case "log":
      return {
        format: "log",
        open: () =>
          new LogCounts({
            every: options.countEvery ?? COUNTED_EVERY,
            now: () => options.arrival(0),
            ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
          }),
        whole: false,
        setting: plain,
      };
    case "text":
      return {
        format: "text",
        open: () => new FreeTextGrammar(),
        whole: false,
        setting: { ...plain, sentences: true },
      };
    default:
      return { format: chosen, open: () => new MetricGrammar(chosen), whole: false, setting: plain };
  }
}

function find(all: readonly string[], options: FormatOptions): TextFormat {
  const filled = all.filter((line) => line.trim() !== "");
  const first = filled[0]?.trim() ?? "";
  if (options.separator !== undefined || /^"?sep=.$/i.test(first)) return "csv";
  if (options.decimal !== "." && areLoneDecimals(filled)) return "lines";
  if (options.decimal === "," && filled.every((line) => LONE_COMMA.test(line))) return "lines";
  for (const format of METRIC_FORMATS) if (isMetricFormat(format, filled)) return format;
  const data = filled.filter((line) => !isComment(line) && !isRule(line));
  const lines = data.length > 0 ? data : filled;
  const named = new NamedValueGrammar();
  const dialect = surveyDelimited(all);
  // Where every line is cut alike by a usual separator, it is a table.
  const cutAlike =
    dialect !== undefined && dialect.score >= 1.6 && [",", ";", "\t", "|"].includes(dialect.separator);
  if (looksLikeLog(filled, cutAlike)) return "log";
  const share = (holds: (line: string) => boolean): number =>
    lines.filter(holds).length / Math.max(1, lines.length);
  if (share((line) => /^\s*[{[]/.test(line) && parses(line)) >= MOST) return "ndjson";
  if (first.startsWith("{")) return "ndjson";
  if (share((line) => pairs(line) !== undefined) >= MOST) return "logfmt";
  const single = share((line) => named.read(line.trim()) !== undefined);
  if (single >= MOST && !cutAlike && !underHeading(lines)) return "names";
  const sentences = share(isSentence);
  if (sentences >= MOST && !cutAlike && !underHeading(lines)) return "text";
  if (first.startsWith('"')) return "csv";
  if (dialect === undefined) return mostlyWords(lines) && !underHeading(lines) ? "text" : "lines";
  const spaced = spacedScore(lines);
  if (dialect.score >= spaced || (lines.length === 1 && dialect.width > 1)) return "csv";
  return "lines";
}

/** Whether numbers stand in a line among words, with a pair or a name and a colon before them. */
function isSentence(line: string): boolean {
  const words = wordsWithMoments(line.replace(/^\s*\[([^\]]+)\]/, "$1"));
  const pairsIn = words.filter((word) => /^["'([{]*[\p{L}_][\w./-]*[=:]["']?[+-]?[\d.]/u.test(word)).length;
  if (pairsIn > 0) return words.some((word) => !/[=]/.test(word) && !isMoment(word)) || pairsIn > 1;
  const letters = words.filter(
    (word) =>
      /\p{L}{2,}/u.test(word) && !isMoment(word) && numberForm([word]).numbers === 0 && !isMissing(word),
  );
  const numbers = words.filter((word) => numberForm([word]).numbers === 1);
  return (
    numbers.length > 0 &&
    (words.some(
      (word, i) => /^\p{L}[\p{L}\d_-]*:$/u.test(word) && numberForm([words[i + 1] ?? ""]).numbers === 1,
    ) ||
      letters.length > numbers.length + 1)
  );
}

/** Whether the lines stand under a row of names: words alone, as many as there are cells in the lines after it. */
function underHeading(lines: readonly string[]): boolean {
  for (const [i, line] of lines.slice(0, 8).entries()) {
    const below = lines[i + 1];
    if (below === undefined) break;
    const names = line.trim().split(/\s+/);
    if (names.length < 2 || !isHeading(names)) continue;
    if (
      names.some(
        (name) =>
          /[{}"=]/.test(name) ||
          isMissing(name) ||
          (numberForm([name]).numbers === 1 && !/^\p{L}+$/u.test(name)),
      )
    )
      continue;
    const next = below.trim().split(/\s+/);
    const merged = wordsWithMoments(below);
    const first = itemAt(next, 0);
    const label =
      /^[\p{L}][\w()./-]*:?$/u.test(first) && (next.length === names.length + 1 || first.endsWith(":"));
    if (
      [next.length, merged.length].includes(names.length) ||
      (itemAt(names, 0).endsWith(":") && next.length === names.length - 1) ||
      label
    )
      return true;
  }
  return false;
}

function spacedScore(lines: readonly string[]): number {
  const counts = new Map<number, number>();
  let readable = 0;
  let total = 0;
  for (const line of lines) {
    const words = wordsWithMoments(line);
    counts.set(words.length, (counts.get(words.length) ?? 0) + 1);
    for (const word of words.slice(0, 64)) {
      total++;
      if (isMissing(word) || isMoment(word) || numberForm([word]).numbers === 1) readable++;
    }
  }
  return (Math.max(0, ...counts.values()) / Math.max(1, lines.length)) * (1 + readable / Math.max(1, total));
}

/** Whether there are words among the numbers of nearly all lines. */
const mostlyWords = (lines: readonly string[]): boolean =>
  lines.length > 0 &&
  lines.filter((line) => {
    const words = wordsWithMoments(line);
    const numbers = words.filter((word) => numberForm([word]).numbers === 1).length;
    return (
      numbers > 0 &&
      words.filter(
        (word) =>
          /\p{L}{2,}/u.test(word) && !isMoment(word) && numberForm([word]).numbers === 0 && !isMissing(word),
      ).length > numbers
    );
  }).length >=
    MOST * lines.length;

const MAGIC: readonly (readonly [string, string])[] = [
  ["\u0089PNG", "a PNG picture"],
  ["\ufffdPNG", "a PNG picture"],
  ["PK\u0003\u0004", "a ZIP archive or a spreadsheet (save it as CSV)"],
  ["%PDF", "a PDF"],
  ["GIF8", "a GIF picture"],
  ["\ufffdELF", "a program"],
  ["\u007fELF", "a program"],
  ["PAR1", "a Parquet file (give it as a file, not through a pipe)"],
  ["ARROW1", "an Arrow file (give it as a file, not through a pipe)"],
  ["SQLite format 3", "an SQLite database"],
  ["BZh", "bzip2 (unpack it first)"],
  ["\ufffd7zXZ", "xz (unpack it first)"],
];
/** Share of characters that text does not have. */
const MAX_RUBBISH = 0.1;

/** Throws `bad-file` when what came is no text. */
function refuseBinary(text: string, name: string): void {
  const known = MAGIC.find(([magic]) => text.startsWith(magic));
  const head = text.slice(0, 4096);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const rubbish = head.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffd]/g)?.length ?? 0;
  if (known === undefined && (rubbish < 4 || rubbish < MAX_RUBBISH * head.length)) return;
  throw new EddyError("bad-file", name, {
    expected: "text with readings in it",
    received: known?.[1] ?? `binary data, beginning with ${printable(head.slice(0, 12))}`,
  });
}
