import { type Static, Type } from "@sinclair/typebox";
import { TransitionSchema } from "../alert.ts";
import { Moment } from "../forecast.ts";

// Who is told of alerts, and what waits or was given up.

const closed = { additionalProperties: false };
const count = Type.Integer({ minimum: 0 });
const text = Type.String();

export const ReceiversSchema = Type.Object(
  {
    receivers: Type.Array(
      Type.Object(
        {
          name: text,
          kind: text,
          waiting: count,
          reminded: count,
          dead: count,
          told: count,
          failures: count,
          reached: Type.Union([Type.Boolean(), Type.Null()], {
            description: "whether the last attempt reached it; null before the first",
          }),
          lastTold: Type.Union([Moment, Type.Null()]),
          lastError: Type.Union([Type.Object({ time: Moment, message: text }, closed), Type.Null()]),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type ReceiversAnswer = Static<typeof ReceiversSchema>;

export const DeliveriesSchema = Type.Object(
  {
    deliveries: Type.Array(
      Type.Object(
        {
          id: count,
          receiver: text,
          state: Type.Union([Type.Literal("waiting"), Type.Literal("reminded"), Type.Literal("dead")]),
          attempts: count,
          error: Type.Union([text, Type.Null()]),
          transition: TransitionSchema,
        },
        closed,
      ),
    ),
    next: Type.Union([text, Type.Null()]),
  },
  closed,
);
export type DeliveriesAnswer = Static<typeof DeliveriesSchema>;

export const RetriedSchema = Type.Object({ retried: count }, closed);
