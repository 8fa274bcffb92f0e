import type { ConnectionLimits } from "../../protocol/server-messages.ts";

/** Limits and times of `/v1/stream`. */
export interface SocketOptions {
  readonly limits: ConnectionLimits;
  /** Connections at a time; one more is ended with 4429. */
  readonly connections: number;
  /** Subscriptions of all connections; one more ends its connection with 4429. */
  readonly subscriptions: number;
  /** Time for `init` to arrive, milliseconds; then 4408. */
  readonly initMs: number;
  /** A peer that has not answered a WebSocket ping for this long is terminated. */
  readonly pingMs: number;
  /**
   * Bytes handed to a socket and not yet taken by the system, above which a client's messages wait, and nothing more is read
   * from it; less when there are so many connections that all of them would come to more than 256 MiB.
   */
  readonly highWaterBytes: number;
  /** How long a closing peer may take before it is terminated. */
  readonly closeMs: number;
  /** Told to clients when the server goes away. */
  readonly reconnectAfterMs: number;
}

export const SOCKET_DEFAULTS: SocketOptions = {
  limits: {
    messageBytes: 64 * 1024,
    subscriptions: 256,
    messagesPerSecond: 100,
    pendingObservations: 1024,
    queue: 1024,
  },
  connections: 10_000,
  subscriptions: 100_000,
  initMs: 10_000,
  pingMs: 20_000,
  highWaterBytes: 1 << 18,
  closeMs: 2_000,
  reconnectAfterMs: 1_000,
};

/** Bytes that may wait in the sockets of all connections together. */
const ALL_SOCKETS = 256 * 2 ** 20;
const LEAST_HIGH_WATER = 16 * 1024;

/** What may wait in each of so many sockets. */
export const highWater = ({ highWaterBytes }: SocketOptions, connections: number): number =>
  Math.min(highWaterBytes, Math.max(LEAST_HIGH_WATER, ALL_SOCKETS / Math.max(1, connections)));

/** The longest a timer waits: a longer one would go off at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;
