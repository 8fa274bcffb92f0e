import { TypeCompiler } from "@sinclair/typebox/compiler";
import { EddyError, printable } from "../models/errors.ts";
import { type Observation, VALUE } from "../models/observation.ts";
import { ObservationSchema } from "../protocol/observation.ts";
import { badNumber, badTime, type Flaw, flawOf, isTime } from "./checked-observation.ts";

const compiled = TypeCompiler.Compile(ObservationSchema);
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * Reads a moment given as ISO 8601 or epoch milliseconds; without a zone it is UTC, so that it means the same on every
 * machine.
 *
 * @returns epoch milliseconds
 * @throws EddyError `bad-time` naming `field`
 * @example
 * ```ts
 * readTime("2024-05-01T12:00:00+02:00"); // 1714557600000
 * ```
 */
export function readTime(value: unknown, field = "time"): number {
  const moment = momentOf(value);
  if (moment === undefined) throw badTime(value, field)();
  return moment;
}

function momentOf(value: unknown): number | undefined {
  if (isTime(value)) return value;
  // No moment is written in more characters than these, blanks around it included.
  const match = typeof value === "string" && value.length <= 64 ? ISO.exec(value.trim()) : null;
  if (match === null) return undefined;
  const [
    ,
    year = "",
    month = "",
    day = "",
    hour = "00",
    minute = "00",
    second = "00",
    fraction = "0",
    zone = "Z",
  ] = match;
  const milliseconds = Math.floor(Number(`0.${fraction}`) * 1000);
  const utc = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second, milliseconds);
  const date = new Date(utc);
  const real =
    date.getUTCFullYear() === +year &&
    date.getUTCMonth() === +month - 1 &&
    date.getUTCDate() === +day &&
    +hour < 24 &&
    +minute < 60 &&
    +second < 60;
  if (!real) return undefined;
  if (zone.toUpperCase() === "Z") return utc;
  const sign = zone.startsWith("-") ? 1 : -1;
  const offset = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return offset < 24 * 60 ? utc + sign * offset * 60_000 : undefined;
}

/**
 * Turns what a client sent into an observation; the reader of NDJSON, HTTP and WebSocket. `arrival` is the time
 * taken when none was given, epoch milliseconds.
 *
 * @throws EddyError `bad-observation`, `bad-number` or `bad-time`: one line naming the field, what was expected and what came
 * @example
 * ```ts
 * readObservation({ series: "tank/level", value: 3.5 }, 1000); // {"series":"tank/level","time":1000,"values":{"value":3.5}}
 * ```
 */
export function readObservation(input: unknown, arrival: number): Observation {
  const read = tryObservation(input, arrival);
  if (typeof read === "function") throw read();
  return read;
}

/** `readObservation` that hands out what is wrong instead of throwing it. */
export function tryObservation(input: unknown, arrival: number): Observation | Flaw {
  if (!compiled.Check(input)) return () => refusal(input);
  const { series, value, id } = input;
  const given = input.values ?? (value === undefined ? undefined : { [VALUE]: value });
  if (given === undefined || (value !== undefined && input.values !== undefined)) {
    return bad("value", "either value or values", given === undefined ? "neither" : "both");
  }
  // Without a prototype, so that a column called __proto__ is a column like any other.
  const values: Record<string, number | null> = Object.assign(Object.create(null), given);
  const time = input.time === undefined ? arrival : momentOf(input.time);
  if (time === undefined) return badTime(input.time);
  const observation = { ...(id === undefined ? {} : { id: String(id) }), series, time, values };
  return flawOf(observation) ?? observation;
}

const bad =
  (field: string, expected: string, received: string): Flaw =>
  () =>
    new EddyError("bad-observation", field, { expected, received });

/** The first thing wrong, as one line. */
function refusal(input: unknown): EddyError {
  const first = compiled.Errors(input).First();
  if (first === undefined)
    return new EddyError("bad-observation", "observation", { received: printable(input) });
  const path = first.path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .join(".");
  const field = path === "" ? "observation" : path;
  const known = Object.keys(ObservationSchema.properties);
  if (!known.includes(field.replace(/\..*/s, "")) && path !== "") {
    return new EddyError("bad-observation", `field ${printable(field)}`, {
      expected: `only ${known.join(", ")}`,
      received: printable(first.value),
    });
  }
  if (field === "value" || path.startsWith("values.")) {
    return badNumber(path.replace(/^values\./, ""), first.value)();
  }
  if (field === "time") return badTime(first.value)();
  return new EddyError("bad-observation", field, {
    expected: (first.schema.expected as string | undefined) ?? first.message.toLowerCase(),
    received: first.value === undefined ? "nothing" : printable(first.value),
  });
}
