import { EddyError } from "../../models/errors.ts";
import type {
  SubscribeAlertsMessage,
  SubscribeMessage,
  SubscriptionId,
} from "../../protocol/client-messages.ts";
import { CloseCode } from "../../protocol/close-codes.ts";
import type { ConnectionLimits, ServerMessage } from "../../protocol/server-messages.ts";
import { Bucket } from "../bucket.ts";
import { idOf, NotAMessage, readMessage } from "./messages.ts";

/** What the connection is to do about a frame, in order. */
export type Effect =
  | { readonly do: "send"; readonly message: ServerMessage }
  | { readonly do: "welcome" }
  | { readonly do: "subscribe"; readonly subscribe: SubscribeMessage }
  | { readonly do: "subscribe to alerts"; readonly subscribe: SubscribeAlertsMessage }
  | { readonly do: "unsubscribe"; readonly id: SubscriptionId }
  | { readonly do: "acknowledge"; readonly id: SubscriptionId; readonly offset: number }
  | { readonly do: "observe"; readonly observation: Readonly<Record<string, unknown>> }
  | { readonly do: "close"; readonly code: CloseCode; readonly reason: string };

export interface ReceiveOptions {
  readonly limits: ConnectionLimits;
  /** The upgrade request carried a good token already. */
  readonly authorised: boolean;
  /** Whether observations come in binary frames, too. */
  readonly binary?: boolean;
  /** Lets in whoever shows this token, or answers how the connection is to be ended. */
  readonly authorise: (token: string | undefined) => readonly [CloseCode, string] | null;
}

/**
 * The receiving side of one connection, as a state machine without socket or clock: frames in, effects out.
 *
 *     opened --init, good token--> ready --anything wrong with the frame as such--> closed
 *
 * A frame that is no message (not JSON, no known type, binary) is answered by an error and 4400. A known message with a
 * wrong field is answered by an error, and the connection goes on.
 */
export class Receive {
  readonly #options: ReceiveOptions;
  readonly #subscriptions = new Set<SubscriptionId>();
  #phase: "opened" | "ready" | "closed" = "opened";
  /** Messages that may still come at once, and when that was reckoned. */
  readonly #allowance: Bucket;

  constructor(options: ReceiveOptions) {
    this.#options = options;
    this.#allowance = new Bucket(2 * options.limits.messagesPerSecond, 0);
  }

  get ready(): boolean {
    return this.#phase === "ready";
  }

  /** A text frame that came at `now`, milliseconds of any clock that does not go back. */
  text(frame: string, now: number): Effect[] {
    if (this.#phase === "closed") return [];
    let message: ReturnType<typeof readMessage>;
    try {
      message = readMessage(frame);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      const id = idOf(frame);
      const answer: Effect = {
        do: "send",
        message: {
          type: "error",
          ...(id === undefined ? {} : { id }),
          code: error.code,
          message: error.message,
          retryable: false,
        },
      };
      if (error instanceof NotAMessage || this.#phase === "opened") {
        return [answer, this.#close(CloseCode.badMessage, error.message)];
      }
      return this.#spend(now) ?? [answer];
    }
    if (this.#phase === "opened") {
      if (message.type !== "init") {
        return [this.#close(CloseCode.badMessage, `first message: expected init, got ${message.type}`)];
      }
      const refused = this.#options.authorised ? null : this.#options.authorise(message.token);
      if (refused !== null) return [this.#close(...refused)];
      this.#phase = "ready";
      return [{ do: "welcome" }];
    }
    if (message.type === "observe") return [{ do: "observe", observation: message.observation }];
    const refused = this.#spend(now);
    if (refused !== null) return refused;
    switch (message.type) {
      case "init":
        return [this.#close(CloseCode.badMessage, "init: expected once, at the start")];
      case "subscribe":
        if (this.#subscriptions.has(message.id)) {
          return [
            this.#close(CloseCode.duplicateId, `subscription ${JSON.stringify(message.id)} exists already`),
          ];
        }
        if (this.#subscriptions.size >= this.#options.limits.subscriptions) {
          return [
            this.#close(
              CloseCode.tooMany,
              `expected at most ${this.#options.limits.subscriptions} subscriptions`,
            ),
          ];
        }
        this.#subscriptions.add(message.id);
        return [
          "alerts" in message
            ? { do: "subscribe to alerts", subscribe: message }
            : { do: "subscribe", subscribe: message },
        ];
      case "unsubscribe":
        if (!this.#subscriptions.delete(message.id)) return [unknown(message.id, "unsubscribe")];
        return [{ do: "unsubscribe", id: message.id }];
      case "ack":
        if (!this.#subscriptions.has(message.id)) return [unknown(message.id, "ack")];
        return [{ do: "acknowledge", id: message.id, offset: message.offset }];
      case "ping":
        return [{ do: "send", message: { type: "pong" } }];
    }
  }

  /** A subscription was not opened after all: its id is free again. */
  forget(id: SubscriptionId): void {
    this.#subscriptions.delete(id);
  }

  /** Whether a binary frame may come now: observations. */
  get takesBinary(): boolean {
    return this.#options.binary === true && this.#phase === "ready";
  }

  /** A binary frame that may not come: `eddy.v1.json` has none. */
  binary(): Effect[] {
    if (this.#phase === "closed") return [];
    const reason =
      this.#options.binary === true
        ? "first message: expected init, got a binary frame"
        : "message: expected text, got a binary frame";
    return [this.#close(CloseCode.badMessage, reason)];
  }

  /** The time for `init` is over. */
  initTimeout(): Effect[] {
    if (this.#phase !== "opened") return [];
    return [this.#close(CloseCode.initTimeout, "expected init, got nothing in time")];
  }

  #close(code: CloseCode, reason: string): Effect {
    this.#phase = "closed";
    return { do: "close", code, reason };
  }

  /** Counts one control message: a bucket that fills at the allowed rate and holds two seconds of it. */
  #spend(now: number): Effect[] | null {
    const rate = this.#options.limits.messagesPerSecond;
    if (this.#allowance.take(rate, 2 * rate, now) === 0) return null;
    return [this.#close(CloseCode.tooMany, `expected at most ${rate} messages a second`)];
  }
}

const unknown = (id: SubscriptionId, type: string): Effect => ({
  do: "send",
  message: {
    type: "error",
    id,
    code: "bad-message",
    message: `${type} id: expected a subscription of this connection, got ${JSON.stringify(id)}`,
    retryable: false,
  },
});
