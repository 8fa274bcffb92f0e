import type { TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";
import { EddyError, printable } from "../../models/errors.ts";
import {
  type AcknowledgeMessage,
  AcknowledgeSchema,
  type InitMessage,
  InitSchema,
  type PingMessage,
  PingSchema,
  type SubscribeAlertsMessage,
  SubscribeAlertsSchema,
  type SubscribeMessage,
  SubscribeSchema,
  type SubscriptionId,
  type UnsubscribeMessage,
  UnsubscribeSchema,
} from "../../protocol/client-messages.ts";
import { MAX_NAME } from "../../protocol/observation.ts";
import { parseJson } from "../../streams/json.ts";

/** An `observe` as it came: `readObservation` checks its fields. */
export interface UnreadObservation {
  readonly type: "observe";
  readonly observation: Readonly<Record<string, unknown>>;
}
export type ReadMessage =
  | InitMessage
  | SubscribeMessage
  | SubscribeAlertsMessage
  | UnsubscribeMessage
  | AcknowledgeMessage
  | PingMessage
  | UnreadObservation;

const checks: Readonly<Record<string, TypeCheck<TSchema>>> = Object.assign(Object.create(null), {
  init: TypeCompiler.Compile(InitSchema),
  subscribe: TypeCompiler.Compile(SubscribeSchema),
  unsubscribe: TypeCompiler.Compile(UnsubscribeSchema),
  ack: TypeCompiler.Compile(AcknowledgeSchema),
  ping: TypeCompiler.Compile(PingSchema),
});
const subscribeAlerts = TypeCompiler.Compile(SubscribeAlertsSchema);
const TYPES = [...Object.keys(checks), "observe"].join(", ");

/** A frame that is not a message at all: no JSON object, or no known `type`. The connection cannot go on. */
export class NotAMessage extends EddyError {}

/**
 * Reads one text frame.
 *
 * @throws NotAMessage when it is not a JSON object of a known type
 * @throws EddyError `bad-message` when a field of a known message is wrong
 */
export function readMessage(text: string): ReadMessage {
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
  const known = typeof type === "string" ? checks[type] : undefined;
  const isAlerts = type === "subscribe" && Object.hasOwn(rest, "alerts");
  const check = isAlerts ? subscribeAlerts : known;
  if (check === undefined) {
    throw new NotAMessage("bad-message", "type", {
      expected: `one of ${TYPES}`,
      received: type === undefined ? "nothing" : printable(type),
    });
  }
  if (!check.Check(message)) throw refusal(type as string, check, message);
  const subscribe = message as SubscribeMessage;
  if (
    type === "subscribe" &&
    !isAlerts &&
    (subscribe.series === undefined) === (subscribe.pattern === undefined)
  ) {
    throw new EddyError("bad-message", "subscribe", {
      expected: "either series or pattern",
      received: subscribe.series === undefined ? "neither" : "both",
    });
  }
  return message as ReadMessage;
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
