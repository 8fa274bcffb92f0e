const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const MISSING = /^(?:|na|n\/a|null|none)$/i;

/** A finite decimal number, or NaN for anything else: no hexadecimal, no `Infinity`, no `12abc`. */
export function readNumber(text: string): number {
  const trimmed = text.trim();
  if (!NUMBER.test(trimmed)) return Number.NaN;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : Number.NaN;
}

/** Whether a cell says that there is no value: empty, NA, N/A, null, none. NaN is not missing but wrong. */
export const isMissing = (text: string): boolean => MISSING.test(text.trim());

/** Whether a cell belongs to a column of numbers: a number, a missing one, or one gone wrong (NaN, inf). */
export const looksNumeric = (text: string): boolean =>
  !Number.isNaN(readNumber(text)) || isMissing(text) || /^[+-]?(?:nan|inf(?:inity)?)$/i.test(text.trim());
