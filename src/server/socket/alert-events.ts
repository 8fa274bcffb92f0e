import type { ServerResponse } from "node:http";
import type { SubscribeAlertsMessage } from "../../protocol/client-messages.ts";
import type { Caller } from "../access/caller.ts";
import type { Engine } from "../engine.ts";
import { type AlertFeed, AlertSubscription } from "./alert-feed.ts";
import { EventPeer, type EventPeerWorld } from "./event-peer.ts";

export interface AlertEventsWorld extends EventPeerWorld {
  readonly engine: Engine;
  readonly alertFeed: AlertFeed;
}

/** Pages of the log of transitions read in one turn. */
const PAGES = 4;

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
    const { epoch, offset } = engine;
    const { id, since } = message;
    const { sequence } = alertFeed;
    const same = since?.epoch === epoch;
    const from = since !== undefined && same ? since.sequence : sequence;
    const recovered =
      since !== undefined && same && (from === sequence || !("lostUpTo" in alertFeed.after(from)));
    this.#subscription = new AlertSubscription(message, from, reader);
    this.tell({ type: "subscribed", id, epoch, offset, sequence, recovered }, this.#place(from));
    if (since !== undefined && !same)
      this.tell({ type: "gap", id, from: 0, to: sequence, reason: "another epoch" }, this.#place(sequence));
    this.#stopListening = alertFeed.listen(() => fanOut.wake(this));
    fanOut.wake(this);
  }

  get writable(): boolean {
    return !this.closing && !this.full && this.#subscription.sequence < this.#world.alertFeed.sequence;
  }

  /** Nothing waits for it: it is only further behind. */
  slow(): void {}

  protected write(messages: number): number {
    const { alertFeed } = this.#world;
    const subscription = this.#subscription;
    let written = 0;
    for (let page = 0; page < PAGES && written < messages && this.writable && this.#world.open(); page++) {
      const { id, sequence: from } = subscription;
      const read = alertFeed.after(from);
      if ("lostUpTo" in read) {
        subscription.sequence = read.lostUpTo;
        this.tell(
          { type: "gap", id, from, to: read.lostUpTo, reason: "no longer kept" },
          this.#place(read.lostUpTo),
        );
        continue;
      }
      if (read.transitions.length === 0) break;
      for (const one of read.transitions) {
        if (written >= messages || this.full) break;
        subscription.sequence = one.sequence;
        if (!subscription.wants(one)) continue;
        this.data(alertFeed.frame(id, one), this.#place(one.sequence));
        written++;
      }
    }
    return written;
  }

  protected dropped(): void {
    this.#stopListening?.();
  }

  #place(sequence: number): string {
    return `${encodeURIComponent(this.#world.engine.epoch)}:${sequence}`;
  }
}
