import type { TSchema } from "@sinclair/typebox";
import { TransitionSchema } from "./alert.ts";
import {
  AcknowledgeSchema,
  InitSchema,
  ObserveSchema,
  PingSchema,
  SinceSchema,
  SubscribeAlertsSchema,
  SubscribeSchema,
  SubscriptionIdSchema,
  UnsubscribeSchema,
} from "./client-messages.ts";
import { ForecastSchema, ForecastStepSchema, PipelineOutputSchema } from "./forecast.ts";
import { ObservationSchema } from "./observation.ts";
import { published } from "./published.ts";
import {
  AcknowledgedSchema,
  AlertDataSchema,
  DrainingSchema,
  ErrorSchema,
  ForecastDataSchema,
  GapSchema,
  LimitsSchema,
  OutputDataSchema,
  PongSchema,
  ReadySchema,
  ReceiptMessageSchema,
  SlowSchema,
  SubscribedSchema,
} from "./server-messages.ts";

/** Parts of messages, by the name under which they are published. */
const PARTS: Readonly<Record<string, TSchema>> = {
  SubscriptionId: SubscriptionIdSchema,
  Since: SinceSchema,
  Observation: ObservationSchema,
  ForecastStep: ForecastStepSchema,
  Forecast: ForecastSchema,
  PipelineOutput: PipelineOutputSchema,
  Transition: TransitionSchema,
  Limits: LimitsSchema,
};

/** What a client sends. */
const CLIENT: Readonly<Record<string, TSchema>> = {
  Init: InitSchema,
  Subscribe: SubscribeSchema,
  SubscribeAlerts: SubscribeAlertsSchema,
  Unsubscribe: UnsubscribeSchema,
  Observe: ObserveSchema,
  Acknowledge: AcknowledgeSchema,
  Ping: PingSchema,
};

/** What a server sends. */
const SERVER: Readonly<Record<string, TSchema>> = {
  Ready: ReadySchema,
  Subscribed: SubscribedSchema,
  ForecastData: ForecastDataSchema,
  OutputData: OutputDataSchema,
  AlertData: AlertDataSchema,
  Gap: GapSchema,
  Slow: SlowSchema,
  Acknowledged: AcknowledgedSchema,
  Receipt: ReceiptMessageSchema,
  Error: ErrorSchema,
  Draining: DrainingSchema,
  Pong: PongSchema,
};

const NAMED = new Map(
  Object.entries({ ...PARTS, ...CLIENT, ...SERVER }).map(([name, schema]) => [schema, name]),
);

const refOf = (name: string) => `#/$defs/${name}`;
const ref = (name: string) => ({ $ref: refOf(name) });
const refTo = (schema: unknown): string | undefined => {
  const name = NAMED.get(schema as TSchema);
  return name === undefined ? undefined : refOf(name);
};

/**
 * Every message of `/v1/stream` as one JSON Schema (2020-12): `#/$defs/ClientMessage` is what a client may send, `#/$defs/ServerMessage`
 * what a server sends, and the document itself is either. A message that is to be valid for years to come ignores fields that
 * it does not know; this one names all there are.
 */
export function protocolSchema(): object {
  const all = { ...PARTS, ...CLIENT, ...SERVER };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "urn:eddy:stream:v1",
    title: "Messages of /v1/stream",
    description:
      "Text frames of the subprotocols eddy.v1.json and eddy.v1.arrow, one JSON object each; docs/protocol.md tells what they mean.",
    anyOf: [ref("ClientMessage"), ref("ServerMessage")],
    $defs: {
      ClientMessage: { oneOf: Object.keys(CLIENT).map(ref) },
      ServerMessage: { oneOf: Object.keys(SERVER).map(ref) },
      ...Object.fromEntries(
        Object.entries(all).map(([name, schema]) => [name, published(schema, refTo, "as description")]),
      ),
    },
  };
}
