import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { EddyError, printable } from "../../models/errors.ts";
import type { Since, SubscribeMessage } from "../../protocol/client-messages.ts";
import type { ServerMessage } from "../../protocol/server-messages.ts";
import { CatchingUp, type CatchingUpWorld } from "./catching-up.ts";
import type { FanOut, Recipient } from "./fan-out.ts";
import { highWater, LONGEST_TIMER, type SocketOptions } from "./limits.ts";
import type { Outgoing } from "./outgoing.ts";
import { isAfter, NOTHING_SEEN, type Seen } from "./seen.ts";
import { Subscription } from "./subscription.ts";

export interface EventStreamWorld extends CatchingUpWorld {
  readonly fanOut: FanOut;
  /** Connections there are. */
  readonly connections: () => number;
  readonly options: SocketOptions;
  /** False once the server is shutting down. */
  readonly open: () => boolean;
  readonly monotonic: () => number;
  readonly onError: (error: unknown) => void;
}

/** The `id` of an event: how far its client has come, which a browser sends back as `Last-Event-ID`. */
const eventId = (epoch: string, { offset, ordinal }: { offset: number; ordinal?: number }): string =>
  `${encodeURIComponent(epoch)}:${offset}${ordinal === undefined ? "" : `:${ordinal}`}`;

/**
 * Reads the `id` of an event back.
 *
 * @throws EddyError `bad-argument` when it is none
 */
export function sinceOf(id: string, subject: string): Since {
  const [, epoch, offset, ordinal] = /^([^:]{1,384}):(\d{1,15})(?::(\d{1,15}))?$/.exec(id) ?? [];
  try {
    if (epoch !== undefined) {
      return {
        epoch: decodeURIComponent(epoch),
        offset: Number(offset),
        ...(ordinal === undefined ? {} : { ordinal: Number(ordinal) }),
      };
    }
  } catch {
    // Not percent-encoded.
  }
  throw new EddyError("bad-argument", subject, {
    expected: "the id of an event, EPOCH:OFFSET:ORDINAL",
    received: printable(id),
  });
}

/**
 * One client of `/v1/stream` by Server-Sent Events: one subscription, the same messages as on the socket, and their place as the
 * `id` of each event, so that whoever comes back with the last one misses nothing and sees nothing twice.
 */
export class EventStream implements Recipient {
  readonly #response: ServerResponse;
  readonly #world: EventStreamWorld;
  readonly #subscription: Subscription;
  readonly #catchingUp: CatchingUp;
  #paceTimer: NodeJS.Timeout | null = null;
  #closeTimer: NodeJS.Timeout | null = null;
  #closing = false;
  #takenBefore = -1;
  /** The furthest place sent. */
  #sent: Seen = NOTHING_SEEN;
  readonly onClosed: Promise<void>;

  constructor(response: ServerResponse, message: SubscribeMessage, world: EventStreamWorld) {
    this.#response = response;
    this.#world = world;
    const { engine, fanOut, options } = world;
    this.#subscription = new Subscription(message, engine.offset, options.limits.queue);
    this.#catchingUp = new CatchingUp(world);
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
      fanOut.wake(this);
    });
    // A browser that lost its connection comes back after so long.
    response.write(`retry: ${options.reconnectAfterMs}\n\n`);
    const { since } = message;
    for (const told of this.#catchingUp.begin(this.#subscription, message)) {
      // What came before it is not asked for: a stream is whole from here on.
      const begins = told.type === "gap" || since === undefined;
      const from = this.#subscription.mode === "stream" && begins;
      this.#tell(told, from ? eventId(engine.epoch, { offset: engine.offset }) : undefined);
    }
    fanOut.add(this.#subscription, this);
    fanOut.wake(this);
  }

  get full(): boolean {
    return this.#response.writableLength >= highWater(this.#world.options, this.#world.connections());
  }

  get writable(): boolean {
    return !this.#closing && !this.full && this.#subscription.dueAt <= this.#world.monotonic();
  }

  flush(forecasts: number): number {
    if (this.#closing) return 0;
    this.#response.cork();
    try {
      return this.#write(forecasts);
    } catch (error) {
      this.#world.onError(error);
      this.#end({ type: "error", code: "internal", message: "internal error", retryable: true });
      return 0;
    } finally {
      this.#response.uncork();
    }
  }

  slow(): void {
    if (this.#closing) return;
    const message = this.#subscription.slowness();
    if (message !== null) this.#tell(message);
  }

  /** It comes back by itself, and goes on from the log. */
  tooSlow(): void {
    const message = `expected at most ${this.#world.options.limits.queue} messages waiting; come back with Last-Event-ID`;
    this.#end({ type: "error", code: "busy", message, retryable: true });
  }

  /** One beat: ends a peer that has taken nothing since the last one, and keeps proxies from taking silence for the end. */
  beat(): void {
    if (this.#closing) return;
    const socket = this.#response.socket as Socket | null;
    if (this.full && socket !== null) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (taken === this.#takenBefore) this.#response.destroy();
      else this.slow();
      this.#takenBefore = taken;
      return;
    }
    this.#takenBefore = -1;
    this.#response.write(":\n\n");
  }

  /** The server goes away. */
  drain(): void {
    if (this.#closing) return;
    this.flush(Number.POSITIVE_INFINITY);
    this.#end({ type: "draining", reconnectAfterMs: this.#world.options.reconnectAfterMs });
  }

  #write(forecasts: number): number {
    const now = this.#world.monotonic();
    let written = 0;
    while (written < forecasts && !this.full) {
      const outgoing = this.#subscription.take(now);
      if (outgoing === null) break;
      this.#send(outgoing);
      written++;
    }
    // One step a turn: nobody waits for it.
    if (this.#world.open() && this.#catchingUp.step(this.#subscription) === "lost") {
      const message = "what was missed is no longer kept; begin anew without Last-Event-ID";
      this.#end({ type: "error", code: "bad-state", message, retryable: false });
    }
    if (!this.#closing) this.#pace(now);
    return written;
  }

  #send(outgoing: Outgoing): void {
    const { id, view, mode } = this.#subscription;
    if (isAfter(outgoing, this.#sent)) this.#sent = outgoing;
    // Of `latest`, a series whose newest still waits may stand anywhere before this one: only what is sent to the end has a place.
    const known = mode === "stream" || (this.#subscription.waiting === 0 && this.#subscription.dueAt > 0);
    if (known) this.#response.write(`id: ${eventId(this.#world.engine.epoch, this.#sent)}\n`);
    this.#response.write("data: ");
    this.#response.write(outgoing.frame(id, view));
    this.#response.write("\n\n");
  }

  #tell(message: ServerMessage, id?: string): void {
    const place = id === undefined ? "" : `id: ${id}\n`;
    // To a browser, `error` is the end of a connection.
    const name = message.type === "error" ? "failure" : message.type;
    this.#response.write(`${place}event: ${name}\ndata: ${JSON.stringify(message)}\n\n`);
  }

  /** Wakes up when the next message may be sent under a rate limit. */
  #pace(now: number): void {
    const due = this.#subscription.dueAt;
    if (this.#paceTimer !== null) clearTimeout(this.#paceTimer);
    this.#paceTimer = null;
    if (due <= now || due === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(LONGEST_TIMER, Math.ceil(due - now));
    this.#paceTimer = setTimeout(() => this.#world.fanOut.wake(this), wait);
  }

  /** Says why, and ends; a peer that does not take it is cut off. */
  #end(message: ServerMessage): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#drop();
    this.#tell(message);
    this.#response.end();
    this.#closeTimer = setTimeout(() => this.#response.destroy(), this.#world.options.closeMs);
  }

  #drop(): void {
    this.#closing = true;
    this.#world.fanOut.delete(this.#subscription);
    this.#world.fanOut.forget(this);
    if (this.#paceTimer !== null) clearTimeout(this.#paceTimer);
  }
}
