import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import { EddyError, printable } from "../../models/errors.ts";
import type { Forecast } from "../../models/forecast.ts";
import { MAX_HORIZON } from "../../models/forecaster/specification.ts";
import { MAX_NAME } from "../../streams/checked-observation.ts";
import { parseJson } from "../../streams/json.ts";
import type { ConnectionLimits } from "./limits.ts";

/** The control and data frames of `eddy.v1.json`; `type` tells which one it is. */
export const JSON_SUBPROTOCOL = "eddy.v1.json";

/** Names a subscription, chosen by the client; 1 and "1" are two names. */
const Id = Type.Union([Type.String({ minLength: 1, maxLength: 128 }), Type.Integer()], {
  expected: "a string of 1 to 128 characters or a whole number",
});
export type SubscriptionId = Static<typeof Id>;

const Offset = Type.Integer({ minimum: 0, expected: "a journal offset, a whole number from 0" });
const Name = (of: string) =>
  Type.String({
    minLength: 1,
    maxLength: MAX_NAME,
    expected: `${of} of 1 to ${MAX_NAME} characters`,
  });

const closed = { additionalProperties: false, expected: "an object" };
const Init = Type.Object(
  {
    type: Type.Literal("init"),
    token: Type.Optional(Type.String({ maxLength: 4096, expected: "a string" })),
  },
  closed,
);
const Subscribe = Type.Object(
  {
    type: Type.Literal("subscribe"),
    id: Id,
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
    since: Type.Optional(
      Type.Object(
        { epoch: Type.String({ maxLength: 128, expected: "a string" }), offset: Offset },
        { additionalProperties: false, expected: "{ epoch, offset }" },
      ),
    ),
    observed: Type.Optional(Type.Boolean({ expected: "true or false" })),
  },
  closed,
);
const Unsubscribe = Type.Object({ type: Type.Literal("unsubscribe"), id: Id }, closed);
const Ack = Type.Object({ type: Type.Literal("ack"), id: Id, offset: Offset }, closed);
const Ping = Type.Object({ type: Type.Literal("ping") }, closed);

export type InitMessage = Static<typeof Init>;
export type SubscribeMessage = Static<typeof Subscribe>;
export type UnsubscribeMessage = Static<typeof Unsubscribe>;
export type AckMessage = Static<typeof Ack>;
/** The fields beside `type` are those of an observation, and `readObservation` checks them. */
export interface ObserveMessage {
  readonly type: "observe";
  readonly observation: Readonly<Record<string, unknown>>;
}
export type ClientMessage =
  | InitMessage
  | SubscribeMessage
  | UnsubscribeMessage
  | AckMessage
  | ObserveMessage
  | Static<typeof Ping>;

export type ServerMessage =
  | { type: "ready"; session: string; pingMs: number; limits: ConnectionLimits }
  | { type: "subscribed"; id: SubscriptionId; epoch: string; offset: number; recovered: boolean }
  | {
      type: "data";
      id: SubscriptionId;
      epoch: string;
      offset: number;
      forecast: Forecast;
      observed?: number | null;
    }
  | { type: "ack"; id?: SubscriptionId; status: "accepted" | "duplicate" | "late"; offset: number }
  | { type: "gap"; id: SubscriptionId; from: number; to: number; reason: string }
  | { type: "error"; id?: SubscriptionId; code: string; message: string; retryable: boolean }
  | { type: "draining"; reconnectAfterMs: number }
  | { type: "pong" };

const checks: Readonly<Record<string, TypeCheck<TSchema>>> = Object.assign(Object.create(null), {
  init: TypeCompiler.Compile(Init),
  subscribe: TypeCompiler.Compile(Subscribe),
  unsubscribe: TypeCompiler.Compile(Unsubscribe),
  ack: TypeCompiler.Compile(Ack),
  ping: TypeCompiler.Compile(Ping),
});
const TYPES = [...Object.keys(checks), "observe"].join(", ");

/** A frame that is not a message at all: no JSON object, or no known `type`. The connection cannot go on. */
export class NotAMessage extends EddyError {}

/**
 * Reads one text frame.
 *
 * @throws NotAMessage when it is not a JSON object of a known type
 * @throws EddyError `bad-message` when a field of a known message is wrong
 */
export function readMessage(text: string): ClientMessage {
  let message: unknown;
  try {
    message = parseJson(text, "bad-message", "message");
  } catch (cause) {
    const { expected = "JSON" } = cause as EddyError;
    throw new NotAMessage("bad-message", "message", { expected, received: printable(text), cause });
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    throw new NotAMessage("bad-message", "message", {
      expected: "a JSON object",
      received: printable(message),
    });
  }
  const { type, ...rest } = message as Record<string, unknown>;
  if (type === "observe") return { type, observation: rest };
  const check = typeof type === "string" ? checks[type] : undefined;
  if (check === undefined) {
    throw new NotAMessage("bad-message", "type", {
      expected: `one of ${TYPES}`,
      received: type === undefined ? "nothing" : printable(type),
    });
  }
  if (!check.Check(message)) throw refusal(type as string, check, message);
  const subscribe = message as SubscribeMessage;
  if (type === "subscribe" && (subscribe.series === undefined) === (subscribe.pattern === undefined)) {
    throw new EddyError("bad-message", "subscribe", {
      expected: "either series or pattern",
      received: subscribe.series === undefined ? "neither" : "both",
    });
  }
  return message as ClientMessage;
}

/** The `id` of a message that was refused, for the error that answers it. */
export function idOf(text: string): SubscriptionId | undefined {
  try {
    return usableId((parseJson(text, "bad-message", "message") as { id?: unknown }).id);
  } catch {
    return undefined;
  }
}

/** `id` if it can be sent back, else nothing. */
export function usableId(id: unknown): SubscriptionId | undefined {
  if (typeof id === "string" && id.length <= MAX_NAME) return id;
  return Number.isSafeInteger(id) ? (id as number) : undefined;
}

function refusal(type: string, check: TypeCheck<TSchema>, message: object): EddyError {
  const first = check.Errors(message).First();
  const field = first?.path.slice(1).replaceAll("/", ".") ?? "";
  const received = first?.value === undefined ? "nothing" : printable(first.value);
  const expected = first?.schema.expected ?? (first?.message ?? "").toLowerCase();
  return new EddyError("bad-message", `${type} ${printable(field).slice(1, -1)}`, {
    expected: first?.message === "Unexpected property" ? "no such field" : expected,
    received,
  });
}
