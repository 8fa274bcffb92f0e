import { type Static, Type } from "@sinclair/typebox";
import { MAX_HORIZON } from "../models/forecaster/specification.ts";
import { Offset, Ordinal } from "./forecast.ts";
import { MAX_NAME, OBSERVATION_FIELDS, ONE_VALUE_OR_MANY } from "./observation.ts";

// What a client sends on /v1/stream; `type` tells which one it is. `expected` is what an error says was expected.

/** Names a subscription, chosen by the client; 1 and "1" are two names. */
export const SubscriptionIdSchema = Type.Union(
  [
    Type.String({ minLength: 1, maxLength: 128 }),
    // Beyond 2^53 JSON loses digits: the client would not know its own name again.
    Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
  ],
  { expected: "a string of 1 to 128 characters or a whole number up to 2^53" },
);
export type SubscriptionId = Static<typeof SubscriptionIdSchema>;

const Name = (of: string) =>
  Type.String({
    minLength: 1,
    maxLength: MAX_NAME,
    expected: `${of} of 1 to ${MAX_NAME} characters`,
  });

const closed = { additionalProperties: false, expected: "an object" };

export const InitSchema = Type.Object(
  {
    type: Type.Literal("init"),
    token: Type.Optional(Type.String({ maxLength: 4096, expected: "a string" })),
  },
  closed,
);

/** Everything up to and with (offset, ordinal) has been seen; without an ordinal, everything of that offset. */
export const SinceSchema = Type.Object(
  {
    epoch: Type.String({ maxLength: 128, expected: "a string" }),
    offset: Offset,
    ordinal: Type.Optional(Ordinal),
  },
  { additionalProperties: false, expected: "{ epoch, offset, ordinal? }" },
);
export type Since = Static<typeof SinceSchema>;

/** `series` or `pattern`, one of them. */
export const SubscribeSchema = Type.Object(
  {
    type: Type.Literal("subscribe"),
    id: SubscriptionIdSchema,
    series: Type.Optional(Name("the name of a series")),
    pattern: Type.Optional(Name("a pattern")),
    mode: Type.Optional(
      Type.Union([Type.Literal("latest"), Type.Literal("stream")], { expected: '"latest" or "stream"' }),
    ),
    horizons: Type.Optional(
      Type.Array(
        Type.Integer({ minimum: 1, maximum: MAX_HORIZON, expected: `a step from 1 to ${MAX_HORIZON}` }),
        {
          minItems: 1,
          maxItems: MAX_HORIZON,
          expected: `a list of steps from 1 to ${MAX_HORIZON}`,
        },
      ),
    ),
    maxRate: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 1e6, expected: "messages per second, more than 0" }),
    ),
    since: Type.Optional(SinceSchema),
    observed: Type.Optional(Type.Boolean({ expected: "true or false" })),
  },
  { ...closed, oneOf: [{ required: ["series"] }, { required: ["pattern"] }] },
);
export type SubscribeMessage = Static<typeof SubscribeSchema>;

/** `alerts`: a pattern of names of rules. Whatever has been told of them after `since` comes, in order and without a gap. */
export const SubscribeAlertsSchema = Type.Object(
  {
    type: Type.Literal("subscribe"),
    id: SubscriptionIdSchema,
    alerts: Name("a pattern of names of rules"),
    since: Type.Optional(
      Type.Object(
        {
          epoch: Type.String({ maxLength: 128, expected: "a string" }),
          sequence: Type.Integer({ minimum: 0, expected: "a whole number, 0 or more" }),
        },
        { additionalProperties: false, expected: "{ epoch, sequence }" },
      ),
    ),
  },
  closed,
);
export type SubscribeAlertsMessage = Static<typeof SubscribeAlertsSchema>;

export const UnsubscribeSchema = Type.Object(
  { type: Type.Literal("unsubscribe"), id: SubscriptionIdSchema },
  closed,
);

/** Everything of a subscription up to `offset` has been dealt with. */
export const AcknowledgeSchema = Type.Object(
  { type: Type.Literal("ack"), id: SubscriptionIdSchema, offset: Offset },
  closed,
);

export const PingSchema = Type.Object({ type: Type.Literal("ping") }, closed);

/** The fields beside `type` are those of an observation. */
export const ObserveSchema = Type.Object(
  { type: Type.Literal("observe"), ...OBSERVATION_FIELDS },
  { ...closed, oneOf: ONE_VALUE_OR_MANY },
);

export type InitMessage = Static<typeof InitSchema>;
export type UnsubscribeMessage = Static<typeof UnsubscribeSchema>;
export type AcknowledgeMessage = Static<typeof AcknowledgeSchema>;
export type PingMessage = Static<typeof PingSchema>;
export type ObserveMessage = Static<typeof ObserveSchema>;

export type ClientMessage =
  | InitMessage
  | SubscribeMessage
  | SubscribeAlertsMessage
  | UnsubscribeMessage
  | ObserveMessage
  | AcknowledgeMessage
  | PingMessage;
