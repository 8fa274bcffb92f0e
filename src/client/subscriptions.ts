import type { SubscribeAlertsMessage, SubscribeMessage } from "../protocol/client-messages.ts";
import type {
  ConnectionLimits,
  ErrorMessage,
  GapMessage,
  ServerMessage,
  SubscribedMessage,
} from "../protocol/server-messages.ts";
import { ClientError } from "./errors.ts";
import { Pace } from "./pace.ts";
import type { Data, Progress } from "./progress.ts";
import type { ClientWorld } from "./world.ts";

/** What is subscribed to, but for the name of the subscription and where it begins: those are the client's. */
export type Wanted =
  | Omit<SubscribeMessage, "type" | "id" | "since">
  | Omit<SubscribeAlertsMessage, "type" | "id" | "since">;

/** What cannot be sent any more: forecasts after offset `from` up to `to`; of alerts, those after place `from` of their log up to `to`. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** Who is handed what comes. */
export interface Receiver {
  data(message: Data): void;
  gap(gap: Gap): void;
  /** The server refuses it; nothing more comes. */
  error(error: ClientError): void;
  /** The client is closed; nothing more comes. */
  end(): void;
}

/** Milliseconds before what was refused for now is asked again. */
const AGAIN = 1_000;
const CANNOT_RESUME = 4010;

/** One subscription, whatever becomes of the connection. */
export class Subscription {
  readonly wanted: Wanted;
  readonly progress: Progress;
  readonly receiver: Receiver;
  /** Its name on this connection, from when it is asked for; null before and while it is paused. */
  id: string | null = null;
  /** The server has answered. */
  answered = false;
  /** It went on from a place. */
  resumed = false;
  paused = false;
  /** The place after which all is missing that comes before the next one. */
  missingAfter: number | null = null;

  constructor(wanted: Wanted, progress: Progress, receiver: Receiver) {
    this.wanted = wanted;
    this.progress = progress;
    this.receiver = receiver;
  }
}

/**
 * All subscriptions of a client. What is wanted is kept here and brought to the server on every connection anew, no faster than it
 * allows; each time under a new name, so that what is still on its way from a subscription given up is told from what comes of
 * the one that took its place.
 */
export class Subscriptions {
  readonly #send: (text: string) => void;
  readonly #world: ClientWorld;
  readonly #wanted = new Set<Subscription>();
  /** By name on this connection. */
  readonly #known = new Map<string, Subscription>();
  /** Names the server is to be told to forget. */
  #leaving: string[] = [];
  /** To be asked for, in this order. */
  readonly #asking = new Set<Subscription>();
  /** While there is a connection. */
  #limits: ConnectionLimits | null = null;
  #pace = new Pace(1, 0);
  #named = 0;
  #timer: unknown = null;

  constructor(send: (text: string) => void, world: ClientWorld) {
    this.#send = send;
    this.#world = world;
  }

  add(subscription: Subscription): void {
    this.#wanted.add(subscription);
    this.#asking.add(subscription);
    this.#go();
  }

  remove(subscription: Subscription): void {
    if (!this.#wanted.delete(subscription)) return;
    this.#leave(subscription);
    this.#go();
  }

  /** Nothing more is to come until `resume`, which goes on where this began: the receiver has enough for now. */
  pause(subscription: Subscription): void {
    subscription.paused = true;
    this.#leave(subscription);
    this.#go();
  }

  resume(subscription: Subscription): void {
    subscription.paused = false;
    if (this.#wanted.has(subscription)) this.#asking.add(subscription);
    this.#go();
  }

  opened(limits: ConnectionLimits): void {
    this.#limits = limits;
    this.#pace = new Pace(limits.messagesPerSecond, this.#world.now());
    this.#named = 0;
    for (const subscription of this.#wanted) if (!subscription.paused) this.#asking.add(subscription);
    this.#go();
  }

  lost(code: number): void {
    if (code === CANNOT_RESUME) this.#forget();
    this.#limits = null;
    this.#known.clear();
    this.#asking.clear();
    this.#leaving = [];
    for (const subscription of this.#wanted) {
      subscription.id = null;
      subscription.answered = false;
      subscription.resumed = false;
    }
  }

  ended(error: ClientError | null): void {
    this.#limits = null;
    this.#world.clearTimeout(this.#timer);
    const ended = [...this.#wanted];
    this.#wanted.clear();
    this.#known.clear();
    this.#asking.clear();
    for (const { receiver } of ended) {
      if (error === null) receiver.end();
      else receiver.error(error);
    }
  }

  /** Takes a message of the server's, if it is about a subscription. */
  message(message: ServerMessage): boolean {
    const { id } = message as { id?: unknown };
    const subscription = typeof id === "string" ? this.#known.get(id) : undefined;
    if (subscription === undefined) return false;
    switch (message.type) {
      case "data":
        if (subscription.progress.take(message)) subscription.receiver.data(message);
        return true;
      case "subscribed":
        this.#subscribed(subscription, message);
        return true;
      case "gap":
        this.#gap(subscription, message);
        return true;
      case "error":
        this.#refused(subscription, message);
        return true;
      default:
        return false;
    }
  }

  #subscribed(subscription: Subscription, message: SubscribedMessage): void {
    subscription.answered = true;
    subscription.progress.subscribed(message);
    const from = subscription.missingAfter;
    subscription.missingAfter = null;
    if (from !== null) {
      const to = message.sequence ?? message.offset;
      subscription.receiver.gap({ from, to, reason: "the server cannot go on from there" });
    }
  }

  #gap({ progress, receiver }: Subscription, message: GapMessage): void {
    progress.gap(message);
    const { from, to, reason } = message;
    receiver.gap({ from, to, reason });
  }

  #refused(subscription: Subscription, { code, message, retryable }: ErrorMessage): void {
    // Of one that stands, it is about an `unsubscribe` or `ack`: nothing to mend.
    if (subscription.answered) return;
    this.#known.delete(subscription.id ?? "");
    subscription.id = null;
    if (retryable) {
      this.#world.setTimeout(() => {
        if (subscription.id === null && !subscription.paused) this.resume(subscription);
      }, AGAIN);
      return;
    }
    this.#wanted.delete(subscription);
    subscription.receiver.error(new ClientError(code, message));
  }

  #leave(subscription: Subscription): void {
    this.#asking.delete(subscription);
    const { id } = subscription;
    if (id === null) return;
    this.#known.delete(id);
    this.#leaving.push(id);
    subscription.id = null;
    subscription.answered = false;
    subscription.resumed = false;
  }

  /**
   * The server has closed because it cannot go on from the place of a subscription, and did not say of which one: of the first that it
   * has not answered, as it answers in order; of any that went on from a place, when it has answered all.
   */
  #forget(): void {
    const resumed = [...this.#known.values()].filter((subscription) => subscription.resumed);
    const first = resumed.find(({ answered }) => !answered);
    for (const subscription of first === undefined ? resumed : [first]) {
      subscription.missingAfter = subscription.progress.forget();
    }
  }

  /** Tells the server what has changed, as fast as it may be told. */
  #go(): void {
    if (this.#limits === null) return;
    const { now } = this.#world;
    while (this.#leaving.length > 0 || this.#asking.size > 0) {
      const wait = this.#pace.wait(now());
      if (wait > 0) {
        this.#world.clearTimeout(this.#timer);
        this.#timer = this.#world.setTimeout(() => this.#go(), wait);
        return;
      }
      this.#tellNext(this.#limits);
      // Whoever was told of a refusal may have closed.
      if (this.#limits === null) return;
    }
  }

  #tellNext({ subscriptions: most }: ConnectionLimits): void {
    const id = this.#leaving.shift();
    if (id !== undefined) {
      this.#pace.take();
      this.#send(JSON.stringify({ type: "unsubscribe", id }));
      return;
    }
    for (const subscription of this.#asking) {
      this.#asking.delete(subscription);
      if (this.#known.size >= most) {
        this.#wanted.delete(subscription);
        const error = new ClientError(
          "too-many",
          `subscriptions: expected at most ${most} at a time of one client`,
        );
        subscription.receiver.error(error);
        return;
      }
      const since = subscription.progress.since();
      const name = `~${++this.#named}`;
      const text = JSON.stringify({
        type: "subscribe",
        id: name,
        ...subscription.wanted,
        ...(since === undefined ? {} : { since }),
      });
      subscription.id = name;
      subscription.resumed = since !== undefined;
      this.#known.set(name, subscription);
      this.#pace.take();
      this.#send(text);
      return;
    }
  }
}
