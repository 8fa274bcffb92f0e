import { itemAt } from "../../models/item-at.ts";
import { fittedName } from "../checked-observation.ts";
import {
  columnNames,
  isComment,
  isRule,
  type LineGrammar,
  type LineRecord,
  MAX_TABLE_COLUMNS,
  type Parsed,
  tooManyColumns,
  unnamed,
} from "./grammar.ts";
import { parseMoment } from "./moments.ts";
import { isMissing, numberForm, readNumber } from "./numbers.ts";
import { isMoment } from "./times.ts";
import { withUnits, wordsWithMoments } from "./tokens.ts";

/** Most heading lines that are remembered. */
const MAX_HEADINGS = 64;
/** `Linux 6.1.0 (host) 11/25/25 _x86_64_ (2 CPU)`: what sysstat says first, with the day of the clocks that follow. */
const BANNER = /^Linux \S+ \([^)]*\)\s+(\S+)\s/;

interface Heading {
  readonly words: readonly string[];
  readonly names: readonly string[];
  /** Its first word is the title of the block: `avg-cpu:`. */
  readonly titled: boolean;
}

/** How a table with blanks between its cells is laid out. */
export interface Layout {
  /** Blocks with headings and empty lines between, as programs print them again and again. */
  readonly blocks: boolean;
  /** Cells have two blanks or more between them, and may have one within. */
  readonly wide: boolean;
}

/** The layout of these lines. */
export function surveySpaced(lines: readonly string[]): Layout {
  const filled = lines.filter((line) => line.trim() !== "" && !BANNER.test(line));
  const headings = filled.filter((line) => isHeadingLine(words(line, false)));
  let blank = false;
  for (const [i, line] of lines.entries()) {
    if (line.trim() !== "") continue;
    const next = lines.slice(i + 1).find((line) => line.trim() !== "");
    if (next !== undefined && words(next, false).length > 1 && isHeadingLine(words(next, false)))
      blank = true;
  }
  const labelled =
    headings.length > 0 && filled.filter((line) => /^\s*[\p{L}][\w()-]*:\s+\d/u.test(line)).length > 0;
  const first = headings[0];
  const matching = (wide: boolean): number =>
    first === undefined
      ? 0
      : filled.filter((line) => words(line, wide).length === words(first, wide).length).length;
  const wide =
    first !== undefined &&
    words(first, true).length > 1 &&
    words(first, true).length < words(first, false).length &&
    matching(true) > filled.length / 2 &&
    matching(true) > matching(false);
  return { blocks: blank || labelled, wide };
}

/** A line that says when the lines after it were written. */
const isStamp = (cells: readonly string[]): boolean => cells.length === 1 && isMoment(itemAt(cells, 0));

/** `Title: 1.0 us, 0.5 sy`, numbers with what they count after them, as top writes above its table. */
const COUNTED = /^([^:]{1,24}?)\s*:\s+[+-]?\d[\d.,]*\s+[\p{L}/-]+(?:\s+\p{L}+)?\s*[,.]/u;
const COUNT = /([+-]?\d+(?:\.\d+)?)\s+([\p{L}/-]+(?:\s\p{L}+)?)/gu;
const LOAD = /load averages?:\s*([\d.]+),?\s+([\d.]+),?\s+([\d.]+)/;

const words = (line: string, wide: boolean): string[] => line.trim().split(wide ? /\s{2,}|\t/ : /\s+/);

const LOADS: readonly string[] = ["1 min", "5 min", "15 min"];

const isData = (cell: string): boolean =>
  !Number.isNaN(readNumber(cell)) ||
  (isMissing(cell) && cell !== "-") ||
  /^[+-]?(?:nan|inf(?:inity)?)$/i.test(cell) ||
  isMoment(cell);

const isClock = (cell: string | undefined): boolean =>
  cell !== undefined && /^\d{1,2}:\d{2}:\d{2}$/.test(cell);

/** Names in a row: no numbers, no moments; a clock may stand before them, as sar writes it. */
function isHeadingLine(cells: readonly string[]): boolean {
  const rest = isClock(cells[0]) ? cells.slice(/^[AP]M$/.test(cells[1] ?? "") ? 2 : 1) : cells;
  if (rest.length < cells.length && (rest.length < 2 || !rest.every((cell) => /[\p{L}%]/u.test(cell))))
    return false;
  return (
    rest.length > 0 &&
    rest.every((cell) => !isData(cell) && (numberForm([cell]).numbers === 0 || /^\p{L}+$/u.test(cell)))
  );
}

/**
 * Cells with blanks between, one reading per line: a bare number, or the output of a tool such as `vmstat 1`. Lines of words
 * before numbers are headings: the last one with as many words as there are numbers names the columns. In blocks each heading
 * names the lines under it, a first word with a colon is the name of a block or of a row, and empty lines say nothing.
 */
export class SpacedGrammar implements LineGrammar {
  readonly #layout: Layout;
  readonly #headings = new Map<string, Heading>();
  #latest: Heading[] = [];
  #fixed: readonly string[] | undefined;
  #data = false;
  #comment: string | undefined;
  #day: string | undefined;
  #stamp: string | undefined;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  parse(line: string): Parsed {
    const text = line.trim();
    const { blocks, wide } = this.#layout;
    if (text === "")
      return blocks ? "blank" : { reason: "empty-line", message: "expected a number, got an empty line" };
    if (isRule(text) && !isData(text)) return "preamble";
    if (isComment(text)) {
      this.#comment = text;
      return "comment";
    }
    const known = this.#headings.get(text);
    if (known !== undefined) return this.#turnTo(known);
    const raw = words(text, wide);
    if (raw.length > MAX_TABLE_COLUMNS) {
      if (!this.#data && this.#headings.size === 0) throw tooManyColumns();
      return {
        reason: "too-large",
        message: `expected at most ${MAX_TABLE_COLUMNS} fields, got ${raw.length}`,
      };
    }
    if (blocks) {
      const day = BANNER.exec(text)?.[1];
      if (day !== undefined) {
        this.#day = isMoment(day) ? day : undefined;
        return "preamble";
      }
      const counted = this.#counts(text);
      if (counted !== undefined) return [counted];
      const stamp = wordsWithMoments(text);
      if (isStamp(stamp)) {
        this.#stamp = stamp[0];
        return "preamble";
      }
      if (/^(?:Average|Durchschn\.|Moyenne|Media|Summary):/.test(text)) return "preamble";
    }
    const heading = isHeadingLine(raw);
    if (heading && (!this.#data || blocks || this.#repeats(raw)) && this.#headings.size < MAX_HEADINGS) {
      return this.#turnTo(this.#remember(text, raw));
    }
    const record = this.#record(raw, text);
    if (record === undefined) {
      if (blocks && !isData(itemAt(raw, 0))) return "preamble";
      const expected = this.#fixed?.length ?? this.#latest.at(-1)?.names.length ?? 1;
      return { reason: "bad-line", message: `expected ${expected} fields, got ${raw.length}` };
    }
    this.#data = true;
    return [this.#stamp === undefined ? record : { ...record, time: this.#stamp }];
  }

  /** The counts of a line above a table; nothing when it is none. */
  #counts(text: string): LineRecord | undefined {
    const load = LOAD.exec(text);
    if (load !== null) return { names: LOADS, cells: load.slice(1, 4), series: "load" };
    const title = COUNTED.exec(text)?.[1];
    if (title === undefined) return undefined;
    const found = [...text.slice(title.length).matchAll(COUNT)];
    const names = columnNames(found.map((match) => itemAt(match, 2)));
    return { names: this.#shared(names), cells: found.map((match) => itemAt(match, 1)), series: title };
  }

  #turnTo(heading: Heading): "heading" {
    if (this.#layout.blocks) this.#latest = [heading];
    else this.#latest = [...this.#latest.filter((other) => other !== heading), heading].slice(-MAX_HEADINGS);
    if (this.#fixed !== undefined && heading.names.length !== this.#fixed.length) this.#fixed = heading.names;
    else if (this.#fixed !== undefined && this.#data) this.#fixed = heading.names;
    return "heading";
  }

  #remember(text: string, raw: readonly string[]): Heading {
    const timed = isClock(raw[0]);
    const rest = timed ? raw.slice(/^[AP]M$/.test(raw[1] ?? "") ? 2 : 1) : raw;
    const titled = itemAt(raw, 0).endsWith(":") && raw.length > 1;
    const names = columnNames(timed ? ["time", ...rest] : rest.map((word) => word.replace(/:$/, "")));
    const heading: Heading = { words: timed ? ["time", ...rest] : rest, names, titled };
    // A heading that begins with a clock is a new text every time.
    if (!timed) this.#headings.set(text, heading);
    return heading;
  }

  #repeats(raw: readonly string[]): boolean {
    const names = this.#fixed ?? this.#latest.at(-1)?.names ?? [];
    return raw.length > 1 && raw.some((word) => names.includes(fittedName(word)));
  }

  /** The cells of a line under the heading that fits, or as many as the first line had. */
  #record(raw: readonly string[], text: string): LineRecord | undefined {
    const { blocks, wide } = this.#layout;
    const first = itemAt(raw, 0);
    let last = [...raw];
    const variants = [last];
    if (!wide && /[:/\p{L}%°]/u.test(text)) {
      const timed = wordsWithMoments(text);
      const whole = withUnits(timed);
      for (const variant of [timed, whole]) {
        if (variant.length >= last.length) continue;
        last = variant;
        variants.push(last);
      }
    }
    if (this.#fixed !== undefined && !blocks) {
      const names = this.#fixed;
      const cells = variants.find((variant) => variant.length === names.length);
      return cells === undefined ? undefined : { names, cells: this.#dated(names, cells) };
    }
    for (const heading of [...this.#latest].reverse()) {
      const { names, titled } = heading;
      for (const cells of variants) {
        if (titled && cells.length === names.length - 1) {
          return { names: this.#part(heading, 1), cells, series: itemAt(names, 0) };
        }
        if (cells.length === names.length) {
          if (!blocks) this.#fixed = names;
          return { names, cells: this.#dated(names, cells) };
        }
      }
      const label =
        /^[\p{L}][\w()./-]*:?$/u.test(first) && !isData(first) ? first.replace(/:$/, "") : undefined;
      if (
        label !== undefined &&
        (raw.length === names.length + 1 ||
          (first.endsWith(":") && raw.length > 1 && raw.length <= names.length))
      ) {
        return { names: this.#part(heading, 0, raw.length - 1), cells: raw.slice(1), series: label };
      }
      // Names of more than one word in the last column: `Mounted on`.
      if (names.length - last.length === 1 && names.length > 2 && !blocks) {
        this.#fixed = [...names.slice(0, -2), `${names[names.length - 2]} ${names[names.length - 1]}`];
        return { names: this.#fixed, cells: last };
      }
    }
    if (blocks) return undefined;
    this.#fixed = this.#commentNames(variants) ?? unnamed(last.length);
    const names = this.#fixed;
    return { names, cells: variants.find((variant) => variant.length === names.length) ?? last };
  }

  /** One array for the same names, however often they come. */
  #shared(names: readonly string[]): readonly string[] {
    const key = names.join("\n");
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    this.#parts.set(key, names);
    return names;
  }

  readonly #parts = new Map<string, readonly string[]>();
  #part(heading: Heading, from: number, to = heading.names.length): readonly string[] {
    const key = `${from} ${to} ${heading.names.join(" ")}`;
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = heading.names.slice(from, to);
      this.#parts.set(key, part);
    }
    return part;
  }

  /** The day of the banner before the clock of a line. */
  #dated(names: readonly string[], cells: string[]): string[] {
    const [first, ...rest] = cells;
    if (this.#day === undefined || names[0] !== "time" || first === undefined) return cells;
    return parseMoment(first, undefined)?.lacks === "date" ? [`${this.#day} ${first}`, ...rest] : cells;
  }

  /** The names in the last comment before the data: `# time value`. */
  #commentNames(variants: readonly string[][]): readonly string[] | undefined {
    const named = this.#comment?.replace(/^(?:#+|\/\/|%+)\s*/, "").split(/\s+/);
    if (named === undefined || named.length < 2 || !isHeadingLine(named)) return undefined;
    return variants.some((variant) => variant.length === named.length) ? columnNames(named) : undefined;
  }
}
