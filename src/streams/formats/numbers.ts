import { knownScale, type Scale } from "./units.ts";

/** What stands in one place of a line, before anybody knows what it means. */
export type Cell = string | number | boolean | null;
export type DecimalMark = "." | ",";

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const MISSING =
  /^(?:|-{1,3}|[–—?.]|\\n|#?n\.?\/?a\.?|#value!|#div\/0!|#ref!|#null!|nan|-nan|1\.#qnan|nil|null|<null>|\(null\)|none|missing|undefined|unavailable|unknown|no ?data)$/i;
const ON = /^(?:true|on|yes)$/i;
const OFF = /^(?:false|off|no)$/i;
// A currency or none, a sign, digits with marks between, an exponent, a unit, and what `docker stats` puts after a slash.
const QUANTITY =
  /^([$€£¥]?)\s?([+\-−]?)\s?(\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(e[+-]?\d+)?\s*([A-Za-z%‰°º℃℉µμΩ×€$£¥][^\s]*)?(?:\s\/\s\S+)?$/i;
const GROUPED: Readonly<Record<DecimalMark, RegExp>> = {
  ".": /^\d{1,3}(?:[,'’\u00a0\u202f ]\d{3})+(?:\.\d*)?$/,
  ",": /^\d{1,3}(?:[.'’\u00a0\u202f ]\d{3})+(?:,\d*)?$/,
};
const PLAIN: Readonly<Record<DecimalMark, RegExp>> = {
  ".": /^(?:\d+\.?\d*|\.\d+)$/,
  ",": /^(?:\d+,?\d*|,\d+)$/,
};
/** Longest text that is tried as a number. */
const MAX_NUMBER = 64;

/** A finite decimal number as programs write it, or NaN for anything else: no hexadecimal, no `Infinity`, no `12abc`. */
export function readNumber(text: string): number {
  const trimmed = text.trim();
  if (!NUMBER.test(trimmed)) return Number.NaN;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : Number.NaN;
}

/** Whether a cell says that there is no value: empty, a dash, or a word such as NA, NaN, null, unavailable. */
export const isMissing = (text: string): boolean => text.length < 16 && MISSING.test(text.trim());

/** A number as people write it, taken apart. */
interface Quantity {
  readonly digits: string;
  readonly sign: 1 | -1;
  readonly exponent: string;
  readonly unit: string;
}

function quantity(text: string): Quantity | undefined {
  if (text.length > MAX_NUMBER) return undefined;
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, currency = "", sign, digits = "", exponent = "", unit = ""] = match;
  if (currency !== "" && unit !== "") return undefined;
  return {
    digits: digits.trim(),
    sign: sign === "-" || sign === "−" ? -1 : 1,
    exponent,
    unit: currency + unit,
  };
}

/** The mark that these digits must have been written with; nothing when they could be either. */
function markOf(digits: string): DecimalMark | undefined {
  const comma = digits.lastIndexOf(",");
  const dot = digits.lastIndexOf(".");
  if (comma >= 0 && dot >= 0) return comma > dot ? "," : ".";
  if (dot >= 0)
    return digits.indexOf(".") !== dot
      ? ","
      : /^\d{1,3}\.\d{3}$/.test(digits) && !digits.startsWith("0")
        ? undefined
        : ".";
  if (comma < 0) return undefined;
  if (digits.indexOf(",") !== comma) return ".";
  return /^\d{1,3},\d{3}$/.test(digits) && !digits.startsWith("0") ? undefined : ",";
}

/** The digits as a number when they were written with this mark; NaN when they cannot have been. */
function readDigits(digits: string, mark: DecimalMark): number {
  if (PLAIN[mark].test(digits)) return Number(mark === "," ? digits.replace(",", ".") : digits);
  if (!GROUPED[mark].test(digits)) return Number.NaN;
  return Number(digits.replace(mark === "," ? /[^\d,]/g : /[^\d.]/g, "").replace(",", "."));
}

/** What the cells of one column have in common, as far as they tell. */
export interface NumberForm {
  /** Nothing when no cell tells. */
  readonly decimal: DecimalMark | undefined;
  readonly unit: string;
  /** How many of the cells are numbers, how many say that there is none, and how many are something else. */
  readonly numbers: number;
  readonly missing: number;
  readonly others: number;
}

/** Looks at the cells of one column. `mark` is the decimal mark when somebody has said so. */
export function numberForm(cells: Iterable<Cell>, mark?: DecimalMark): NumberForm {
  let [dots, commas, numbers, missing, others] = [0, 0, 0, 0, 0];
  const units = new Map<string, number>();
  for (const cell of cells) {
    if (cell === null) missing++;
    else if (typeof cell !== "string") numbers++;
    else {
      const text = cell.trim();
      if (isMissing(text)) missing++;
      else if (ON.test(text) || OFF.test(text)) numbers++;
      else {
        const found = quantity(text);
        const given = found === undefined ? undefined : markOf(found.digits);
        if (found === undefined || Number.isNaN(readDigits(found.digits, mark ?? given ?? "."))) others++;
        else {
          numbers++;
          if (given === ".") dots++;
          else if (given === ",") commas++;
          if (found.unit !== "") units.set(found.unit, (units.get(found.unit) ?? 0) + 1);
        }
      }
    }
  }
  let unit = "";
  for (const [name, times] of units) {
    // A suffix nobody knows is a unit when the cells agree on it.
    if (knownScale(name) !== undefined || (units.size === 1 && times > 1)) unit ||= name;
    else {
      numbers -= times;
      others += times;
    }
  }
  return {
    decimal: mark ?? (dots + commas === 0 ? undefined : commas > dots ? "," : "."),
    unit,
    numbers,
    missing,
    others,
  };
}

/** What a cell came to: a number, `null` where it says that there is none, or nothing when it is no number. */
export type CellReader = (cell: Cell) => number | null | undefined;

const UNSCALED: Scale = { family: "", factor: 1, scaled: false };

/**
 * Reads the cells of one column: numbers with or without a unit, with thousands between, percent, on/off, missing words.
 * Numbers in other units of the same family (ms and s, MiB and GiB) are turned into the first one; in any other unit they
 * are no numbers of this column.
 */
export function cellReader(decimal: DecimalMark | undefined, unit: string): CellReader {
  let mark = decimal;
  let scale: Scale | undefined =
    unit === "" ? undefined : (knownScale(unit) ?? { family: unit, factor: 1, scaled: false });
  let unitless = false;
  return (cell) => {
    if (typeof cell === "number") return Number.isFinite(cell) ? cell : undefined;
    if (cell === null) return null;
    if (typeof cell === "boolean") return cell ? 1 : 0;
    if (mark !== ",") {
      const plain = readNumber(cell);
      if (!Number.isNaN(plain) && (scale === undefined || scale === UNSCALED)) {
        unitless = true;
        if (mark === undefined && cell.includes(".") && markOf(cell.trim().replace(/^[+-]/, "")) === ".")
          mark = ".";
        return plain;
      }
    }
    const text = cell.trim();
    if (isMissing(text)) return null;
    if (ON.test(text)) return 1;
    if (OFF.test(text)) return 0;
    const found = quantity(text);
    if (found === undefined) return undefined;
    mark ??= markOf(found.digits);
    const value = found.sign * Number(`${readDigits(found.digits, mark ?? ".")}${found.exponent}`);
    if (!Number.isFinite(value)) return undefined;
    if (found.unit === "") {
      if (scale === undefined || scale === UNSCALED) unitless = true;
      else if (value !== 0 && scale.scaled) return undefined;
      return value;
    }
    const own =
      knownScale(found.unit) ??
      (found.unit === unit ? { family: unit, factor: 1, scaled: false } : undefined);
    if (own === undefined) return undefined;
    if (scale === undefined) {
      // After numbers without a unit, one with a unit is the same only where units are never scaled.
      if (unitless && own.scaled) return undefined;
      scale = unitless ? UNSCALED : own;
      return value;
    }
    if (scale === UNSCALED) return own.scaled ? undefined : value;
    if (own.family !== scale.family) return undefined;
    return own.factor === scale.factor ? value : (value * own.factor) / scale.factor;
  };
}
