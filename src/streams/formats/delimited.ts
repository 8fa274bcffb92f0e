import { parse } from "csv-parse/sync";
import { itemAt } from "../../models/item-at.ts";
import {
  columnNames,
  isComment,
  isHeading,
  isRule,
  type LineGrammar,
  MAX_TABLE_COLUMNS,
  type Parsed,
  repeatsHeading,
  tooManyColumns,
  unnamed,
} from "./grammar.ts";
import { isMissing, numberForm, readNumber } from "./numbers.ts";
import { isMoment } from "./times.ts";

/** Separators that are tried, the usual ones first; others that occur in every line come after them. */
const USUAL = [",", ";", "\t", "|"];
/** Never a separator by themselves: they are part of words, numbers and times. */
const PART_OF_CELLS = /[\p{L}\p{N}\s"'.+\-:/()[\]{}%°_=*]/u;

/** How the lines of a table are cut. */
export interface Dialect {
  readonly separator: string;
  /** Lines begin and end with a separator that has nothing outside it, as in a drawn table. */
  readonly fenced: boolean;
  /** Cells of a whole line. */
  readonly width: number;
  /** Lines before the table begins. */
  readonly preamble: number;
  /** How well it explains the lines, from 0 to 2. */
  readonly score: number;
}

/** Characters of a line that its separator is looked for in. */
const SEPARATOR_LOOK = 64 * 1024;

/** Cuts a line into cells, or one more than a table may have; nothing when a quote in it is never closed. */
export function cut(text: string, separator: string): string[] | undefined {
  const plain = text.split(separator, MAX_TABLE_COLUMNS + 1);
  if (!text.includes('"') || plain.length > MAX_TABLE_COLUMNS) return plain;
  if (text.startsWith('"') && text.endsWith('"') && text.length > 1) {
    // Every cell is quoted and none has a quote in it: nothing to decide.
    const cells = text.slice(1, -1).split(`"${separator}"`);
    if (!cells.some((cell) => cell.includes('"'))) return cells;
  }
  try {
    const records = parse(text, {
      delimiter: separator,
      // To find it out costs more than to read the line.
      record_delimiter: "\n",
      relax_column_count: true,
      relax_quotes: true,
    }) as string[][];
    return records.length === 1 ? records[0] : undefined;
  } catch {
    return undefined;
  }
}

/** The separator of a line: the one of comma, semicolon, tab, bar that occurs most outside quotes; comma if none. */
export function delimiterOf(line: string): string {
  const bare = line.slice(0, SEPARATOR_LOOK).replace(/"[^"]*"/g, "");
  let best = ",";
  let most = 0;
  for (const delimiter of USUAL) {
    const count = bare.split(delimiter).length - 1;
    if (count > most) [best, most] = [delimiter, count];
  }
  return best;
}

/** `sep=;`, by which spreadsheets are told the separator. */
const SEPARATOR_LINE = /^"?sep=(.)"?$/i;

/** The dialect that explains these lines best; nothing when none has more than one cell. `separator` is one that is known. */
export function surveyDelimited(lines: readonly string[], separator?: string): Dialect | undefined {
  const told = SEPARATOR_LINE.exec(lines.find((line) => line.trim() !== "")?.trim() ?? "")?.[1];
  const rows = lines.filter(
    (line) => line.trim() !== "" && !isRule(line) && !SEPARATOR_LINE.test(line.trim()),
  );
  const data = rows.filter((line) => !isComment(line));
  const tried = enough(data.length > 0 ? data : rows);
  if (tried.length === 0) return undefined;
  const known = separator ?? told;
  let best: Dialect | undefined;
  for (const candidate of known === undefined ? separators(tried) : [known]) {
    if (known === undefined && !tried.some((line) => line.includes(candidate))) continue;
    const dialect = tryDialect(tried, candidate, known !== undefined);
    if (dialect !== undefined && (best === undefined || dialect.score > best.score + 1e-9)) best = dialect;
  }
  return best;
}

/** The first lines, fewer where they are long. */
function enough(lines: readonly string[]): readonly string[] {
  let length = 0;
  return lines.filter((line, i) => {
    length += line.length;
    return i < 8 || length <= SEPARATOR_LOOK;
  });
}

function separators(lines: readonly string[]): string[] {
  const others = new Set<string>();
  for (const char of itemAt(lines, lines.length - 1).slice(0, 4096)) {
    if (!PART_OF_CELLS.test(char) && !USUAL.includes(char) && char >= "!") others.add(char);
  }
  return [...USUAL, ...[...others].slice(0, 8)];
}

function tryDialect(lines: readonly string[], separator: string, known: boolean): Dialect | undefined {
  // A lone number with a decimal comma and a unit is one cell.
  if (separator === "," && lines.every((line) => /^\s*[+-]?\d+,\d+\s*[^\d\s,;]\S*\s*$/.test(line)))
    return undefined;
  const fence = lines.filter(
    (line) => line.trim().startsWith(separator) && line.trim().endsWith(separator),
  ).length;
  const fenced = separator === "|" && fence > lines.length / 2;
  const rows = lines.map((line) => cells(line, separator, fenced));
  const widths = new Map<number, number>();
  for (const row of rows) if (row !== undefined) widths.set(row.length, (widths.get(row.length) ?? 0) + 1);
  let width = 0;
  let most = 0;
  for (const [size, times] of widths) {
    if (size > 1 && (times > most || (times === most && size > width))) [width, most] = [size, times];
  }
  if (width < 2 && !known) return undefined;
  width = Math.max(1, width);
  const first = rows.findIndex((row) => row?.length === width);
  const whole = rows.filter((row): row is string[] => row?.length === width);
  const [top] = whole;
  const body = top !== undefined && whole.length > 1 && isHeading(top) ? whole.slice(1) : whole;
  let readable = 0;
  let total = 0;
  for (const row of body) {
    for (const cell of row.slice(0, 64)) {
      total++;
      if (isReadable(cell)) readable++;
    }
  }
  // A few lines that are cut alike among many that are not are no table under a long preamble.
  const rare = 3 * whole.length < rows.length ? 0.5 : 1;
  const consistent = (rare * whole.length) / Math.max(1, rows.length - Math.max(0, first));
  return {
    separator,
    fenced,
    width,
    preamble: Math.max(0, first),
    // Lines that the cut does not explain speak against it a little.
    score: consistent * (1 + readable / Math.max(1, total)) * (1 - Math.min(0.3, 0.03 * Math.max(0, first))),
  };
}

const isReadable = (cell: string): boolean =>
  cell.length < 64 &&
  (isMissing(cell) || !Number.isNaN(readNumber(cell)) || isMoment(cell) || numberForm([cell]).numbers === 1);

/** Whether a line is a row of a table cut so, by itself: as many cells as the others, and the first of them a number or a time. */
export function isRowOf({ separator, fenced, width }: Dialect): (text: string) => boolean {
  return (text) => {
    const row = cells(text, separator, fenced);
    const cell = row?.[0];
    return cell !== undefined && width > 1 && row?.length === width && !isMissing(cell) && isReadable(cell);
  };
}

function cells(text: string, separator: string, fenced: boolean): string[] | undefined {
  const row = cut(fenced ? text.trim().slice(1, -1) : text, separator);
  return fenced ? row?.map((cell) => cell.trim()) : row;
}

/**
 * A table with a character between its cells, quoted as in RFC 4180. The first line is a heading when none of its cells is a number or a moment.
 */
export class DelimitedGrammar implements LineGrammar {
  readonly #dialect: Dialect;
  #names: readonly string[] | undefined;
  #known: { names: readonly string[] | undefined; set: ReadonlySet<string> } | undefined;
  #headed = false;
  #data = false;
  #comment: string | undefined;
  #before: number;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#before = dialect.preamble;
  }

  parse(text: string): Parsed {
    const { separator, fenced, width } = this.#dialect;
    if (text.trim() === "") return { reason: "empty-line", message: "expected a record, got an empty line" };
    if (!this.#data) {
      if (SEPARATOR_LINE.test(text.trim())) return "preamble";
      if (isRule(text)) return "preamble";
    }
    if (isComment(text) && !this.#isCell(text)) {
      this.#comment = text;
      return "comment";
    }
    if (this.#names === undefined && this.#before > 0) {
      this.#before--;
      return "preamble";
    }
    let row = cells(text, separator, fenced);
    if (row === undefined) return { reason: "bad-line", message: "expected a closing quote, got none" };
    if (row.length > MAX_TABLE_COLUMNS) {
      if (this.#names === undefined) throw tooManyColumns();
      const message = `expected ${this.#names.length} fields, got more than ${MAX_TABLE_COLUMNS}`;
      return { reason: "too-large", message };
    }
    if (this.#names === undefined) {
      if (isHeading(row)) {
        this.#names = columnNames(row);
        this.#headed = true;
        return "heading";
      }
      this.#names = this.#commentNames(width) ?? unnamed(row.length);
      this.#headed = false;
    }
    if (
      this.#headed &&
      !this.#data &&
      row.length === this.#names.length &&
      isHeading(row) &&
      row.some((cell) => /^[[(]|^°|%$/.test(cell.trim()))
    ) {
      return "heading"; // the units, in a line of their own
    }
    if (row.length !== this.#names.length) {
      if (this.#headed && repeatsHeading(row, this.#names)) {
        this.#names = columnNames(row);
        return "heading";
      }
      const rest = row.slice(this.#names.length);
      if (rest.length > 0 && rest.every((cell) => cell.trim() === "")) row = row.slice(0, this.#names.length);
      else {
        if (isRule(text)) return "preamble";
        return {
          reason: "bad-line",
          message:
            this.#data || !this.#headed
              ? `expected ${this.#names.length} fields, got ${row.length}`
              : `expected ${this.#names.length} fields as in the heading, got ${row.length}`,
        };
      }
    } else if (this.#headed && this.#hasName(row) && repeatsHeading(row, this.#names)) {
      this.#names = this.#names.every((name, i) => name === row?.[i]) ? this.#names : columnNames(row);
      return "heading";
    }
    this.#data = true;
    return [{ names: this.#names, cells: row }];
  }

  /** Whether one of these cells is a name of the heading. */
  #hasName(row: readonly string[]): boolean {
    if (this.#known === undefined || this.#known.names !== this.#names) {
      this.#known = { names: this.#names, set: new Set(this.#names) };
    }
    for (const cell of row) if (this.#known.set.has(cell.trim())) return true;
    return false;
  }

  /** Whether a line that begins like a comment is a row of the table, whose first cell begins so. */
  #isCell(text: string): boolean {
    if (!this.#data || this.#names === undefined) return false;
    const row = cells(text, this.#dialect.separator, this.#dialect.fenced);
    return row?.length === this.#names.length && this.#names.length > 1 && !isHeading(row);
  }

  /** The names in the last comment before the data: `# time value`. */
  #commentNames(width: number): string[] | undefined {
    const words = this.#comment?.replace(/^\s*(?:#+|\/\/|%+)\s*/, "");
    const row = words === undefined ? undefined : cells(words, this.#dialect.separator, false);
    if (row === undefined || row.length !== width || width < 2 || !isHeading(row)) return undefined;
    this.#headed = true;
    return columnNames(row);
  }
}
