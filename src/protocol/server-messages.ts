import { type Static, Type } from "@sinclair/typebox";
import type { Forecast, PipelineOutput } from "../models/forecast.ts";
import { Sequence, TransitionSchema } from "./alert.ts";
import { SubscriptionIdSchema } from "./client-messages.ts";
import { ForecastSchema, Offset, Ordinal, PipelineOutputSchema } from "./forecast.ts";
import { MAX_NAME } from "./observation.ts";

// What a server sends on /v1/stream; `type` tells which one it is.

const closed = { additionalProperties: false };
const count = Type.Integer({ minimum: 0 });
const atLeastOne = Type.Integer({ minimum: 1 });

/** An `id` sent back: that of a subscription or of an observation. */
const AnsweredId = Type.Union([Type.String({ maxLength: MAX_NAME }), Type.Integer()]);

const Epoch = Type.String({ description: "names the journal: offsets of two epochs cannot be compared" });

/** What one connection may do. */
export const LimitsSchema = Type.Object(
  {
    messageBytes: Type.Integer({
      minimum: 1,
      description: "bytes of one message from the client; a larger one ends the connection with 1009",
    }),
    subscriptions: Type.Integer({
      minimum: 0,
      description: "subscriptions at a time; one more ends the connection with 4429",
    }),
    messagesPerSecond: Type.Number({
      minimum: 0,
      description:
        "messages a second other than observe, with a burst of twice that; more ends the connection with 4429",
    }),
    pendingObservations: Type.Integer({
      minimum: 1,
      description:
        "observations sent and not yet answered; at this number the server stops reading until some are",
    }),
    queue: Type.Integer({
      minimum: 1,
      description: "messages that may wait for one stream subscription; more ends the connection with 4008",
    }),
  },
  closed,
);

export const ReadySchema = Type.Object(
  {
    type: Type.Literal("ready"),
    session: Type.String(),
    pingMs: Type.Number({ description: "milliseconds between two pings of the server" }),
    limits: LimitsSchema,
  },
  closed,
);

export const SubscribedSchema = Type.Object(
  {
    type: Type.Literal("subscribed"),
    id: SubscriptionIdSchema,
    epoch: Epoch,
    offset: Type.Integer({ minimum: 0, description: "the last journal position before the subscription" }),
    recovered: Type.Boolean({ description: "everything after since follows" }),
    sequence: Type.Optional(
      Type.Integer({ minimum: 0, description: "of alerts: the last transition before the subscription" }),
    ),
  },
  closed,
);

const place = {
  id: SubscriptionIdSchema,
  epoch: Epoch,
  offset: Offset,
  ordinal: Ordinal,
};

/** One forecast; (offset, ordinal) is its place in the log. */
export const ForecastDataSchema = Type.Object(
  {
    type: Type.Literal("data"),
    ...place,
    forecast: ForecastSchema,
    observed: Type.Optional(
      Type.Union([Type.Number(), Type.Null()], { description: "the reading that led to it, when asked for" }),
    ),
  },
  closed,
);

/** One output of a hosted pipeline. */
export const OutputDataSchema = Type.Object(
  { type: Type.Literal("data"), ...place, output: PipelineOutputSchema },
  closed,
);

/** The beginning of an alert, or its end; `sequence` is its place in the log of transitions. */
export const AlertDataSchema = Type.Object(
  {
    type: Type.Literal("data"),
    id: SubscriptionIdSchema,
    epoch: Epoch,
    offset: Offset,
    sequence: Sequence,
    alert: TransitionSchema,
  },
  closed,
);

export const GapSchema = Type.Object(
  {
    type: Type.Literal("gap"),
    id: SubscriptionIdSchema,
    from: Offset,
    to: Offset,
    reason: Type.Union([Type.Literal("no longer kept"), Type.Literal("another epoch")]),
  },
  {
    ...closed,
    description:
      "forecasts after from up to to cannot be sent; of alerts, transitions, and from and to are places in their log",
  },
);

export const SlowSchema = Type.Object(
  {
    type: Type.Literal("slow"),
    id: SubscriptionIdSchema,
    waiting: Type.Integer({ minimum: 0, description: "messages that wait to be sent" }),
    limit: Type.Union([atLeastOne, Type.Null()], {
      description: "of a stream: with more than so many the connection ends with 4008; null for latest",
    }),
    skipped: Type.Integer({
      minimum: 0,
      description: "of latest: forecasts that newer ones took the place of since this was last told",
    }),
  },
  { ...closed, description: "the client takes less than there is to send" },
);

export const AcknowledgedSchema = Type.Object(
  {
    type: Type.Literal("ack"),
    id: Type.Optional(AnsweredId),
    status: Type.Union([Type.Literal("accepted"), Type.Literal("duplicate"), Type.Literal("late")]),
    offset: count,
  },
  { ...closed, description: "an observation is durable" },
);

export const ReceiptMessageSchema = Type.Object(
  {
    type: Type.Literal("receipt"),
    frame: Type.Integer({ minimum: 1, description: "which of the binary frames of this connection, from 1" }),
    accepted: count,
    duplicate: count,
    late: count,
    refused: Type.Array(Type.Object({ line: count, code: Type.String(), message: Type.String() }, closed), {
      description: "the first hundred, by row from 1",
    }),
    moreRefused: Type.Optional(count),
    offset: count,
  },
  { ...closed, description: "what became of the observations of a binary frame: all accepted are durable" },
);

export const ErrorSchema = Type.Object(
  {
    type: Type.Literal("error"),
    id: Type.Optional(AnsweredId),
    code: Type.String({ description: "one of docs/errors.md" }),
    message: Type.String(),
    retryable: Type.Boolean({ description: "the same may be sent again later" }),
  },
  { ...closed, description: "a message was not carried out" },
);

export const DrainingSchema = Type.Object(
  { type: Type.Literal("draining"), reconnectAfterMs: Type.Number({ minimum: 0 }) },
  { ...closed, description: "the server goes away; close 1001 follows" },
);

export const PongSchema = Type.Object({ type: Type.Literal("pong") }, closed);

export type ConnectionLimits = Readonly<Static<typeof LimitsSchema>>;
export type ReadyMessage = Static<typeof ReadySchema>;
export type SubscribedMessage = Static<typeof SubscribedSchema>;
export type GapMessage = Static<typeof GapSchema>;
export type SlowMessage = Static<typeof SlowSchema>;
export type AcknowledgedMessage = Static<typeof AcknowledgedSchema>;
export type ReceiptMessage = Static<typeof ReceiptMessageSchema>;
export type ErrorMessage = Static<typeof ErrorSchema>;
export type DrainingMessage = Static<typeof DrainingSchema>;
export type PongMessage = Static<typeof PongSchema>;

/** One forecast, of `models/forecast.ts`. */
export interface ForecastDataMessage extends Omit<Static<typeof ForecastDataSchema>, "forecast"> {
  readonly forecast: Forecast;
}
export interface OutputDataMessage extends Omit<Static<typeof OutputDataSchema>, "output"> {
  readonly output: PipelineOutput;
}
export type AlertDataMessage = Static<typeof AlertDataSchema>;
export type DataMessage = ForecastDataMessage | OutputDataMessage;

export type ServerMessage =
  | ReadyMessage
  | SubscribedMessage
  | DataMessage
  | AlertDataMessage
  | GapMessage
  | SlowMessage
  | AcknowledgedMessage
  | ReceiptMessage
  | ErrorMessage
  | DrainingMessage
  | PongMessage;
