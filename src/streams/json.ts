import { EddyError, type ErrorCode, printable } from "../models/errors.ts";

/** Levels of brackets that JSON from outside may have; nothing that is read here needs more than five. */
export const MAX_NESTING = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Reads JSON that comes from outside. Brackets are counted before anything is built, so that nothing that walks the result
 * later can run out of stack. Cost: one look at each character, then `JSON.parse`.
 *
 * @throws EddyError `code` about `subject`: no JSON, or nested deeper than MAX_NESTING
 */
export function parseJson(text: string, code: ErrorCode, subject: string): unknown {
  if (nestedTooDeep(text)) {
    throw new EddyError(code, subject, {
      expected: `JSON nested at most ${MAX_NESTING} deep`,
      received: printable(text),
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EddyError(code, subject, { expected: "JSON", received: printable(text), cause });
  }
}

/**
 * Where text stops being JSON, in words, without repeating any of it: a configuration holds secrets. Whoever reads it has the file.
 * Cost: some twenty readings of the text.
 *
 * @example
 * ```
 * placeOfFlaw('{\n  "port": 80 80\n}'); // "something else at line 2, column 14"
 * ```
 */
export function placeOfFlaw(text: string): string {
  /** Is what is wrong with the first `n` characters no more than that they end there? */
  const onlyEnds = (n: number): boolean => {
    try {
      JSON.parse(text.slice(0, n));
      return true;
    } catch (error) {
      const { message } = error as Error;
      const position = /at position (\d+)/.exec(message)?.[1];
      return /end of JSON|Unterminated/.test(message) || Number(position) >= n;
    }
  };
  let [low, high] = [0, text.length];
  if (onlyEnds(high)) return "a text that ends too early";
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (onlyEnds(middle)) low = middle;
    else high = middle;
  }
  const before = text.slice(0, low).split("\n");
  return `something else at line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}

function nestedTooDeep(text: string): boolean {
  // Fewer brackets than levels: the usual line of readings is done at once.
  if (text.length <= MAX_NESTING) return false;
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) quoted = false;
    } else if (c === QUOTE) quoted = true;
    // [ and {, ] and } differ from each other by 0x20 only.
    else if ((c | 0x20) === 0x7b) {
      if (++depth > MAX_NESTING) return true;
    } else if ((c | 0x20) === 0x7d) depth--;
  }
  return false;
}

/** What `elementsOf` hands out: where an element lies, or `null` where somebody else may have a turn. */
export type Span = readonly [from: number, to: number] | null;

/** Bytes looked at between two turns. */
const TURN_BYTES = 256 * 1024;

/**
 * Where the elements of a JSON array lie in its bytes, so that each can be read by itself: one array of 8 MiB read at once
 * holds everything else up. It only counts brackets and commas; whether an element is JSON is for its reader to say.
 * Undefined when the bytes are no array. Returns whether the array was closed and nothing follows it.
 */
export function* elementsOf(bytes: Uint8Array): Generator<Span, boolean> {
  let i = skipBlanks(bytes, 0);
  if (bytes[i] !== 0x5b) return false;
  let from = ++i;
  let depth = 1;
  let quoted = false;
  let turn = i + TURN_BYTES;
  let any = false;
  for (; i < bytes.length; i++) {
    if (i > turn) {
      turn = i + TURN_BYTES;
      yield null;
    }
    const c = byteAt(bytes, i);
    if (quoted) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) quoted = false;
    } else if (c === QUOTE) quoted = true;
    else if ((c | 0x20) === 0x7b) depth++;
    else if ((c | 0x20) === 0x7d) {
      if (--depth > 0) continue;
      const empty = !any && skipBlanks(bytes, from) >= i;
      if (!empty) yield [from, i];
      return c === 0x5d && skipBlanks(bytes, i + 1) === bytes.length;
    } else if (c === 0x2c && depth === 1) {
      any = true;
      yield [from, i];
      from = i + 1;
    }
  }
  return false;
}

/** The first byte from `at` on that is no blank. */
export function skipBlanks(bytes: Uint8Array, at: number): number {
  let i = at;
  while (i < bytes.length && BLANKS.has(byteAt(bytes, i))) i++;
  return i;
}

/** -1 beyond the last one. */
const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? -1;
