import { EddyError, printable } from "../models/errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The key that marks what JSON has no word for; a key of an event's own that looks like it gets one more sign. */
const MARK = "$";

const LISTS = { Float64Array, Float32Array, Int32Array, Uint8Array } as const;

/**
 * Events that a stage holds back, as bytes: JSON, with words of its own for NaN, infinities, minus zero, undefined, dates and
 * typed arrays. The same events always have the same bytes.
 *
 * @throws EddyError `bad-observation` for an event that is not data, such as one with a function in it
 */
export function writeEvents(events: readonly unknown[]): Uint8Array {
  return encoder.encode(JSON.stringify(events.map((event) => packed(event, 0))));
}

/** The events that `writeEvents` wrote. @throws EddyError `bad-state` for other bytes */
export function readEvents(bytes: Uint8Array): unknown[] {
  try {
    const events: unknown = JSON.parse(decoder.decode(bytes));
    if (Array.isArray(events)) return events.map(unpacked);
  } catch {
    // Told below.
  }
  throw new EddyError("bad-state", "events held back", {
    expected: "a list of events",
    received: "other bytes",
  });
}

function packed(value: unknown, depth: number): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [MARK]: Object.is(value, -0) ? "-0" : String(value) };
  }
  if (value === undefined) return { [MARK]: "undefined" };
  if (depth > 64 || typeof value !== "object") throw notData(value);
  if (Array.isArray(value)) return value.map((one) => packed(one, depth + 1));
  if (value instanceof Date) return { [MARK]: "Date", of: packed(value.getTime(), depth) };
  for (const [name, List] of Object.entries(LISTS)) {
    if (value instanceof List) {
      return { [MARK]: name, of: Array.from(value, (one) => packed(one, depth)) };
    }
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notData(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.startsWith(MARK) ? MARK + key : key,
      packed(one, depth + 1),
    ]),
  );
}

function unpacked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpacked);
  if (typeof value !== "object" || value === null) return value;
  const { [MARK]: mark, of } = value as { [MARK]?: string; of?: unknown };
  if (mark === "undefined") return undefined;
  if (mark === "Date") return new Date(unpacked(of) as number);
  if (mark !== undefined && mark in LISTS) {
    return LISTS[mark as keyof typeof LISTS].from((of as unknown[]).map(unpacked) as number[]);
  }
  if (mark !== undefined) return Number(mark);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.startsWith(MARK) ? key.slice(MARK.length) : key,
      unpacked(one),
    ]),
  );
}

const notData = (value: unknown): EddyError =>
  new EddyError("bad-observation", "an event that is held back", {
    expected: "plain data, so that it can be kept: numbers, text, lists, objects, dates",
    received: typeof value === "object" ? "an object of a class of its own" : printable(value),
  });
