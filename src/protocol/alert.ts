import { Type } from "@sinclair/typebox";
import { Moment, Offset } from "./forecast.ts";

// An alert begins or ends.

const closed = { additionalProperties: false };
const text = Type.String();
const number = Type.Number();
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

/** A tuple is written otherwise in every version of JSON Schema. */
const Pair = Type.Unsafe<[number, number]>(Type.Array(number, { minItems: 2, maxItems: 2 }));

export const Limit = orNull(
  Type.Union([number, Pair]),
  "of the rule; with outside the lowest and the highest that is as it should be",
);
export const Crosses = orNull(
  Type.Object({ from: orNull(Moment), at: orNull(Moment), to: orNull(Moment) }, closed),
  "when the limit is reached: 10 %, median and 90 %; null is beyond what can be told",
);
export const Sequence = Type.Integer({ minimum: 0, description: "place in the log of transitions, from 1" });

export const TransitionSchema = Type.Object(
  {
    sequence: Sequence,
    id: Type.String({ description: "the same whenever it is told again: drop repeats by it" }),
    alert: Type.String({ description: "the same for a beginning and its end" }),
    rule: text,
    series: text,
    target: Type.String({ description: "empty where the rule is about the whole series" }),
    state: Type.Union([Type.Literal("firing"), Type.Literal("resolved")]),
    time: Type.String({ format: "date-time", description: "event time; of a silence the server's clock" }),
    offset: Offset,
    value: orNull(number),
    limit: Limit,
    probability: orNull(number),
    crosses: Crosses,
    severity: text,
    labels: Type.Record(text, text),
    summary: text,
    to: Type.Array(text, { description: "receivers" }),
  },
  closed,
);
