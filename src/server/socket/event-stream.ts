import type { ServerResponse } from "node:http";
import { EddyError, printable } from "../../models/errors.ts";
import type { Since, SubscribeMessage } from "../../protocol/client-messages.ts";
import type { Caller } from "../access/caller.ts";
import { CatchingUp, type CatchingUpWorld } from "./catching-up.ts";
import { EventPeer, type EventPeerWorld } from "./event-peer.ts";
import { LONGEST_TIMER } from "./limits.ts";
import type { Outgoing } from "./outgoing.ts";
import { isAfter, NOTHING_SEEN, type Seen } from "./seen.ts";
import { Subscription } from "./subscription.ts";

export interface EventStreamWorld extends CatchingUpWorld, EventPeerWorld {
  readonly monotonic: () => number;
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

/** The same of an event that tells of an alert, EPOCH:SEQUENCE. @throws EddyError `bad-argument` when it is none */
export function alertsSinceOf(id: string, subject: string): { epoch: string; sequence: number } {
  const { epoch, offset, ordinal } = sinceOf(id, subject);
  if (ordinal === undefined) return { epoch, sequence: offset };
  throw new EddyError("bad-argument", subject, {
    expected: "the id of an event that told of an alert, EPOCH:SEQUENCE",
    received: printable(id),
  });
}

/**
 * One client of `/v1/stream` by Server-Sent Events: one subscription, the same messages as on the socket, and their place as the
 * `id` of each event, so that whoever comes back with the last one misses nothing and sees nothing twice.
 */
export class EventStream extends EventPeer {
  readonly #world: EventStreamWorld;
  readonly #subscription: Subscription;
  readonly #catchingUp: CatchingUp;
  #paceTimer: NodeJS.Timeout | null = null;
  /** The furthest place sent. */
  #sent: Seen = NOTHING_SEEN;

  constructor(response: ServerResponse, message: SubscribeMessage, reader: Caller, world: EventStreamWorld) {
    super(response, world);
    this.#world = world;
    const { engine, fanOut, options } = world;
    this.#subscription = new Subscription(message, engine.offset, options.limits.queue, reader);
    this.#catchingUp = new CatchingUp(world);
    const { since } = message;
    for (const told of this.#catchingUp.begin(this.#subscription, message)) {
      // What came before it is not asked for: a stream is whole from here on.
      const begins = told.type === "gap" || since === undefined;
      const from = this.#subscription.mode === "stream" && begins;
      this.tell(told, from ? eventId(engine.epoch, { offset: engine.offset }) : undefined);
    }
    fanOut.add(this.#subscription, this);
    fanOut.wake(this);
  }

  get writable(): boolean {
    return !this.closing && !this.full && this.#subscription.dueAt <= this.#world.monotonic();
  }

  slow(): void {
    if (this.closing) return;
    const message = this.#subscription.slowness();
    if (message !== null) this.tell(message);
  }

  protected write(forecasts: number): number {
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
      this.end({ type: "error", code: "bad-state", message, retryable: false });
    }
    if (!this.closing) this.#pace(now);
    return written;
  }

  protected dropped(): void {
    this.#world.fanOut.delete(this.#subscription);
    if (this.#paceTimer !== null) clearTimeout(this.#paceTimer);
  }

  #send(outgoing: Outgoing): void {
    const { id, view, mode } = this.#subscription;
    if (isAfter(outgoing, this.#sent)) this.#sent = outgoing;
    // Of `latest`, a series whose newest still waits may stand anywhere before this one: only what is sent to the end has a place.
    const known = mode === "stream" || (this.#subscription.waiting === 0 && this.#subscription.dueAt > 0);
    this.data(outgoing.message(id, view), known ? eventId(this.#world.engine.epoch, this.#sent) : undefined);
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
}
