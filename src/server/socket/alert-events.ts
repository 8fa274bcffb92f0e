import type { ServerResponse } from "node:http";
import type { SubscribeAlertsMessage } from "../../protocol/client-messages.ts";
import type { ServerMessage } from "../../protocol/server-messages.ts";
import type { Caller } from "../access/caller.ts";
import type { Engine } from "../engine.ts";
import type { AlertFeed, AlertNews, AlertSubscription } from "./alert-feed.ts";
import { EventPeer, type EventPeerWorld } from "./event-peer.ts";

export interface AlertEventsWorld extends EventPeerWorld {
  readonly engine: Engine;
  readonly alertFeed: AlertFeed;
}

/** One client of `/v1/stream?alerts=PATTERN`: beginnings and ends of alerts; the `id` of each is its place in their log, EPOCH:SEQUENCE. */
export class AlertEvents extends EventPeer {
  readonly #world: AlertEventsWorld;
  readonly #subscription: AlertSubscription;
  readonly #stopListening: () => void;

  constructor(
    response: ServerResponse,
    message: SubscribeAlertsMessage,
    reader: Caller,
    world: AlertEventsWorld,
  ) {
    super(response, world);
    this.#world = world;
    const { engine, alertFeed, fanOut } = world;
    const { subscription, told } = alertFeed.begin(message, engine, reader);
    this.#subscription = subscription;
    for (const news of told) this.#send(news);
    this.#stopListening = alertFeed.listen(() => fanOut.wake(this));
    fanOut.wake(this);
  }

  get writable(): boolean {
    return !this.closing && !this.full && this.#subscription.sequence < this.#world.alertFeed.sequence;
  }

  /** Nothing waits for it: it is only further behind. */
  slow(): void {}

  protected write(messages: number): number {
    if (messages <= 0 || !this.writable || !this.#world.open()) return 0;
    let written = 0;
    for (const news of this.#world.alertFeed.news(this.#subscription)) {
      this.#send(news);
      if (++written >= messages || this.full) break;
    }
    return written;
  }

  protected dropped(): void {
    this.#stopListening?.();
  }

  #send({ message, sequence }: AlertNews<ServerMessage | string>): void {
    const place = `${encodeURIComponent(this.#world.engine.epoch)}:${sequence}`;
    if (typeof message === "string") this.data(message, place);
    else this.tell(message, place);
  }
}
