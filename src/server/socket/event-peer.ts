import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ServerMessage } from "../../protocol/server-messages.ts";
import type { FanOut, Recipient } from "./fan-out.ts";
import { highWater, type SocketOptions } from "./limits.ts";

export interface EventPeerWorld {
  readonly fanOut: FanOut;
  /** Connections there are. */
  readonly connections: () => number;
  readonly options: SocketOptions;
  /** False once the server is shutting down. */
  readonly open: () => boolean;
  /** Told when a peer is ended that does not take what there is. */
  readonly endedAsTooSlow: () => void;
  readonly onError: (error: unknown) => void;
}

/** A client that reads Server-Sent Events, whatever they tell: how it is written to, kept alive and ended. */
export abstract class EventPeer implements Recipient {
  readonly #response: ServerResponse;
  readonly #world: EventPeerWorld;
  #closeTimer: NodeJS.Timeout | null = null;
  /** Bytes that the system had taken for this peer at the last beat, while more waited; otherwise -1. */
  #takenBefore = -1;
  protected closing = false;
  readonly onClosed: Promise<void>;

  constructor(response: ServerResponse, world: EventPeerWorld) {
    this.#response = response;
    this.#world = world;
    this.onClosed = new Promise((resolve) => {
      response.once("close", () => {
        this.#drop();
        if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
        resolve();
      });
    });
    response.on("error", () => {});
    response.on("drain", () => {
      this.slow();
      world.fanOut.wake(this);
    });
    // A browser that lost its connection comes back after so long.
    response.write(`retry: ${world.options.reconnectAfterMs}\n\n`);
  }

  abstract get writable(): boolean;

  /** Tells a client that takes less than there is, if there is something to tell. */
  abstract slow(): void;

  /** Writes what waits, at most `messages`; returns how many it was. */
  protected abstract write(messages: number): number;

  /** Nothing more is written: lets go of everything. */
  protected abstract dropped(): void;

  get full(): boolean {
    return this.#response.writableLength >= highWater(this.#world.options, this.#world.connections());
  }

  flush(messages: number): number {
    if (this.closing) return 0;
    this.#response.cork();
    try {
      return this.write(messages);
    } catch (error) {
      this.#world.onError(error);
      this.end({ type: "error", code: "internal", message: "internal error", retryable: true });
      return 0;
    } finally {
      this.#response.uncork();
    }
  }

  /** It comes back by itself, and goes on from the log. */
  tooSlow(): void {
    this.#world.endedAsTooSlow();
    const message = `expected at most ${this.#world.options.limits.queue} messages waiting; come back with Last-Event-ID`;
    this.end({ type: "error", code: "busy", message, retryable: true });
  }

  /** One beat: ends a peer that has taken nothing since the last one, and keeps proxies from taking silence for the end. */
  beat(): void {
    if (this.closing) return;
    const socket = this.#response.socket as Socket | null;
    if (this.full && socket !== null) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (taken === this.#takenBefore) {
        this.#world.endedAsTooSlow();
        this.#response.destroy();
      } else this.slow();
      this.#takenBefore = taken;
      return;
    }
    this.#takenBefore = -1;
    this.#response.write(":\n\n");
  }

  /** The server goes away. */
  drain(): void {
    if (this.closing) return;
    this.flush(Number.POSITIVE_INFINITY);
    this.end({ type: "draining", reconnectAfterMs: this.#world.options.reconnectAfterMs });
  }

  /** An event without a name. */
  protected data(text: string | Uint8Array, id: string | undefined): void {
    if (id !== undefined) this.#response.write(`id: ${id}\n`);
    this.#response.write("data: ");
    this.#response.write(text);
    this.#response.write("\n\n");
  }

  /** An event with the name of its message. */
  protected tell(message: ServerMessage, id?: string): void {
    const place = id === undefined ? "" : `id: ${id}\n`;
    // To a browser, `error` is the end of a connection.
    const name = message.type === "error" ? "failure" : message.type;
    this.#response.write(`${place}event: ${name}\ndata: ${JSON.stringify(message)}\n\n`);
  }

  /** Says why, and ends; a peer that does not take it is cut off. */
  protected end(message: ServerMessage): void {
    if (this.closing) return;
    this.#drop();
    this.tell(message);
    this.#response.end();
    this.#closeTimer = setTimeout(() => this.#response.destroy(), this.#world.options.closeMs);
  }

  #drop(): void {
    this.closing = true;
    this.dropped();
    this.#world.fanOut.forget(this);
  }
}
