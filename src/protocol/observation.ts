import { type Static, Type } from "@sinclair/typebox";

/** Characters of the name of a series or a column, and of an id, at most. */
export const MAX_NAME = 256;
/** Columns of one observation at most. */
export const MAX_COLUMNS = 256;

export const A_NAME = `a name of 1 to ${MAX_NAME} characters without control characters`;
export const A_NUMBER = "a finite number";
export const A_TIME = "ISO 8601 or epoch milliseconds";

const value = Type.Union([Type.Number(), Type.Null()], { expected: A_NUMBER });

/** Fields of an observation. */
export const OBSERVATION_FIELDS = {
  id: Type.Optional(
    // Beyond 2^53 two whole numbers of JSON may read as one: they would be taken for a repeat.
    Type.Union(
      [Type.String(), Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })],
      { expected: `${A_NAME}, or a whole number up to 2^53 (longer ones as a string)` },
    ),
  ),
  series: Type.String({ expected: A_NAME }),
  time: Type.Optional(Type.Union([Type.Number(), Type.String()], { expected: A_TIME })),
  value: Type.Optional(value),
  values: Type.Optional(Type.Record(Type.String(), value, { expected: "an object of numbers by column" })),
};

/** The one of two fields that an observation has. */
export const ONE_VALUE_OR_MANY = [{ required: ["value"] }, { required: ["values"] }];

/** What a client may send as one observation: an NDJSON line, an element of a JSON array, a WebSocket `observe`; its limits are those of any. */
export const ObservationSchema = Type.Object(OBSERVATION_FIELDS, {
  additionalProperties: false,
  expected: "an object with series and value or values",
  oneOf: ONE_VALUE_OR_MANY,
});
export type ObservationInput = Static<typeof ObservationSchema>;
