import { type EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { VALUE } from "../../models/observation.ts";
import { fittedName } from "../checked-observation.ts";
import { parseJson } from "../json.ts";
import { type LineGrammar, type LineRecord, type Parsed, unnamed } from "./grammar.ts";
import type { Cell } from "./numbers.ts";
import { sameNames } from "./pairs.ts";

/** Deepest object and longest list of numbers that are looked into. */
const MAX_DEPTH = 8;
const MAX_LIST = 64;
/** Cells that the records of one value may have together: a record has all that stands around its list as well. */
const MAX_CELLS = 2 ** 20;
/** Most fields of one record. */
const MAX_FIELDS = 4096;
const VALUE_ALONE = unnamed(1);
const OBSERVATION = new Set(["id", "series", "time", "value", "values"]);

/** A JSON value per text: an object, nested as you like, an array of cells, or an array of objects. */
export class JsonGrammar implements LineGrammar {
  readonly #renamed: boolean;
  readonly #wanted: readonly string[];
  #names: readonly string[] = [];
  #cells = 0;

  /** `renamed`: somebody has said which field is the time or the series, so that no object speaks for itself. */
  constructor(renamed: boolean, wanted: readonly string[]) {
    this.#renamed = renamed;
    this.#wanted = wanted;
  }

  parse(text: string): Parsed {
    if (text.trim() === "")
      return { reason: "empty-line", message: "expected a JSON object, got an empty line" };
    let parsed: unknown;
    try {
      parsed = parseJson(text, "bad-line", "line");
    } catch (error) {
      const { expected } = error as EddyError;
      const wanted = expected === "JSON" ? "a JSON object" : expected;
      return { reason: "bad-line", message: `expected ${wanted}, got ${printable(text)}` };
    }
    this.#cells = 0;
    const records = this.#records(parsed);
    if (this.#cells > MAX_CELLS)
      return {
        reason: "too-large",
        message: `expected at most ${MAX_CELLS} cells in one JSON value, got more`,
      };
    return records.length > 0
      ? records
      : { reason: "bad-line", message: `expected a JSON object, got ${printable(parsed)}` };
  }

  #records(parsed: unknown): readonly LineRecord[] {
    if (Array.isArray(parsed)) {
      if (parsed.some((item) => typeof item === "object" && item !== null)) {
        return parsed.flatMap((item) =>
          typeof item === "object" && item !== null ? this.#records(item) : [],
        );
      }
      const cells = parsed.slice(0, MAX_FIELDS) as Cell[];
      // A list of one number is rather a mistake than a table.
      if (cells.length < 2) return [];
      this.#names = sameNames(this.#names, unnamed(cells.length));
      return [{ names: this.#names, cells }];
    }
    if (typeof parsed === "number") return [{ names: VALUE_ALONE, cells: [parsed] }];
    if (typeof parsed !== "object" || parsed === null) return [];
    if (this.#isObservation(parsed)) return [{ names: [], cells: [], observation: parsed }];
    return this.#explode(parsed);
  }

  /** Whether an object speaks of itself as an observation, and nobody has said otherwise. */
  #isObservation(parsed: object): boolean {
    if (this.#renamed || !(Object.hasOwn(parsed, "value") || Object.hasOwn(parsed, "values"))) return false;
    const { values } = parsed as { values?: unknown };
    if (values !== undefined && (typeof values !== "object" || Array.isArray(values))) return false;
    if (this.#wanted.length > 0 && values === undefined) return false;
    return Object.keys(parsed).every((key) => OBSERVATION.has(key));
  }

  /** One record; one per object of the list in it, if there is one; one per place of the columns in it, if there are some. */
  #explode(parsed: object): readonly LineRecord[] {
    const fields: [string, Cell][] = [];
    const lists: [string, object[]][] = [];
    const columns: [string, Cell[]][] = [];
    flatten(parsed, "", 0, fields, lists, columns);
    const length = columns.length > 1 ? itemAt(columns, 0)[1].length : 0;
    if (length > 1 && columns.every(([, column]) => column.length === length)) {
      if (this.#tooMany(length * (fields.length + columns.length))) return [];
      return Array.from({ length }, (_, i) =>
        this.#record([...fields, ...columns.map(([name, column]) => [name, column[i]] as [string, Cell])]),
      );
    }
    for (const [name, column] of columns) {
      for (const [i, cell] of column.slice(0, MAX_LIST).entries()) fields.push([`${name}.${i}`, cell]);
    }
    const [list] = lists;
    if (list !== undefined && lists.length === 1) {
      const [, items] = list;
      const inner = items.flatMap((item) => this.#explode(item));
      if (this.#tooMany(inner.length * fields.length)) return [];
      return inner.map(({ names, cells }) =>
        this.#record([...fields, ...names.map((name, i) => [name, cells[i]] as [string, Cell])]),
      );
    }
    return [this.#record(fields)];
  }

  /** Counts cells that are going to be repeated; whether they are too many. */
  #tooMany(cells: number): boolean {
    this.#cells += cells;
    return this.#cells > MAX_CELLS;
  }

  #record(fields: readonly [string, Cell][]): LineRecord {
    const seen = new Map<string, Cell>();
    for (const [name, cell] of fields) if (!seen.has(name) && seen.size < MAX_FIELDS) seen.set(name, cell);
    this.#names = sameNames(this.#names, [...seen.keys()]);
    return { names: this.#names, cells: [...seen.values()] };
  }
}

function flatten(
  value: object,
  path: string,
  depth: number,
  fields: [string, Cell][],
  lists: [string, object[]][],
  columns: [string, Cell[]][],
): void {
  for (const [key, item] of Object.entries(value)) {
    const name = fittedName(path === "" ? key : `${path}.${key}`) || VALUE;
    if (item === null || typeof item !== "object") fields.push([name, item as Cell]);
    else if (!Array.isArray(item)) {
      if (depth < MAX_DEPTH) flatten(item, name, depth + 1, fields, lists, columns);
    } else if (item.length === 0) continue;
    else if (item.every((entry) => typeof entry === "object" && entry !== null && !Array.isArray(entry))) {
      if (depth < MAX_DEPTH) lists.push([name, item as object[]]);
    } else if (item.every((entry) => entry === null || typeof entry !== "object"))
      columns.push([name, item as Cell[]]);
  }
}
