import { EddyError, printable } from "../../models/errors.ts";
import { readTime } from "../observation-schema.ts";

/** One number, or several. */
export type Numbers = number | ArrayLike<number>;

/** What an operator that learns reads at one event. */
export interface Sample {
  /** What is read now. */
  readonly x: Numbers;
  /** What was to be said at this event; nothing, null or NaN where it is not known. */
  readonly label?: Numbers | null;
  /** When, ISO 8601 or epoch milliseconds. */
  readonly time?: number | string;
  /** Sets the context c of a network that has one, from this event on. */
  readonly context?: ArrayLike<number>;
}

/** A label that comes later than its event, found again by the event's time. */
export interface LateLabel {
  readonly label: Numbers;
  /** Time of the event that it belongs to. */
  readonly time: number | string;
}

/** Events of operators that learn: numbers alone, numbers with their label, or a label that comes later. */
export type Learnable = Numbers | Sample | LateLabel;

/** A `Learnable` taken apart; what it does not have is undefined, a time NaN. */
export interface ReadSample {
  readonly x: ArrayLike<number> | undefined;
  readonly label: ArrayLike<number> | undefined;
  readonly time: number;
  readonly context: ArrayLike<number> | undefined;
}

const isList = (value: unknown): value is ArrayLike<number> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/**
 * Takes an event apart.
 *
 * @throws EddyError `bad-number` for an x that is not finite, `bad-time` for a time that is none, `bad-observation` for anything else
 */
export function readSample(event: Learnable): ReadSample {
  if (typeof event === "number" || isList(event)) {
    return { x: finite(event, "x"), label: undefined, time: Number.NaN, context: undefined };
  }
  if (typeof event !== "object" || event === null) throw notASample(event);
  const { label, time } = event;
  const at = time === undefined ? Number.NaN : readTime(time);
  if (!("x" in event)) {
    if (label === undefined || Number.isNaN(at)) throw notASample(event);
    return { x: undefined, label: known(label), time: at, context: undefined };
  }
  return { x: finite(event.x, "x"), label: known(label), time: at, context: event.context };
}

const listed = (value: unknown, name: string): ArrayLike<number> => {
  if (typeof value === "number") return [value];
  if (isList(value)) return value;
  throw new EddyError("bad-observation", name, {
    expected: "a number or a list of numbers",
    received: printable(value),
  });
};

function finite(value: unknown, name: string): ArrayLike<number> {
  const numbers = listed(value, name);
  for (let i = 0; i < numbers.length; i++) {
    if (typeof numbers[i] === "number" && Number.isFinite(numbers[i])) continue;
    throw new EddyError("bad-number", numbers.length === 1 ? name : `${name}[${i}]`, {
      expected: "a finite number",
      received: printable(numbers[i]),
    });
  }
  return numbers;
}

/** Labels, NaN where one is missing; undefined when none is known. */
function known(label: Numbers | null | undefined): ArrayLike<number> | undefined {
  if (label === undefined || label === null) return undefined;
  const numbers = listed(label, "label");
  let some = false;
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isFinite(numbers[i])) some = true;
    else if (!Number.isNaN(numbers[i])) {
      throw new EddyError("bad-number", "label", {
        expected: "finite numbers, or NaN where one is missing",
        received: printable(numbers[i]),
      });
    }
  }
  return some ? numbers : undefined;
}

const notASample = (event: unknown): EddyError =>
  new EddyError("bad-observation", "event", {
    expected: "numbers, { x, label } or { label, time }",
    received: printable(event),
  });
