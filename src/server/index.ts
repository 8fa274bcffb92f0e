/// <reference types="node" preserve="true" />
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
export { CloseCode } from "./socket/close-codes.ts";
export type { ConnectionLimits, SocketOptions } from "./socket/limits.ts";
export type { ClientMessage, ServerMessage, SubscriptionId } from "./socket/messages.ts";
