/// <reference types="node" preserve="true" />

export type { ClientMessage, SubscriptionId } from "../protocol/client-messages.ts";
export { CloseCode } from "../protocol/close-codes.ts";
export type { ConnectionLimits, ServerMessage } from "../protocol/server-messages.ts";
export { matchesPattern } from "../streams/pattern.ts";
export { type Configuration, readConfiguration, seriesOptions } from "./configuration.ts";
export {
  type Engine,
  type EngineLog,
  type EngineOptions,
  type IngestOptions,
  openEngine,
  type Receipt,
  type RefusedObservation,
  type SeriesSummary,
} from "./engine.ts";
export type { Intake } from "./intake.ts";
export { type Server, type ServerOptions, startServer } from "./server.ts";
export type { SocketOptions } from "./socket/limits.ts";
