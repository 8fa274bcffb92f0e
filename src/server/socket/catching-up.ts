import type { SubscribeMessage } from "../../protocol/client-messages.ts";
import type { GapMessage, SubscribedMessage } from "../../protocol/server-messages.ts";
import type { Engine } from "../engine.ts";
import type { Backlog } from "./backlog.ts";
import type { Dispatch } from "./outgoing.ts";
import { Run } from "./run.ts";
import { isAfter, NOTHING_SEEN, type Seen, seenBy } from "./seen.ts";
import type { Subscription } from "./subscription.ts";

export interface CatchingUpWorld {
  readonly engine: Engine;
  readonly backlog: Backlog;
  readonly dispatch: Dispatch;
}

/** Series looked at in one turn for what is known of them already. */
const NAMES_PER_TURN = 256;

/** What one step of catching up came to: nothing to do, a step done, or what was to be read is no longer kept. */
export type Step = "none" | "done" | "lost";

/**
 * How the subscriptions of one connection come up to now, a little in every turn: `latest` looks through the series for what is
 * known, `stream` reads the log from where its client stands.
 */
export class CatchingUp {
  readonly #world: CatchingUpWorld;
  /** Between which places a new `latest` subscription looks for what is known already. */
  readonly #latest = new WeakMap<Subscription, { readonly after: Seen; readonly upTo: number }>();
  /** What the client of a `stream` subscription has seen: the first page may begin before it. */
  readonly #seen = new WeakMap<Subscription, Seen>();

  constructor(world: CatchingUpWorld) {
    this.#world = world;
  }

  /** Begins, from what the client says it has seen; returns what it is told first. */
  begin(subscription: Subscription, { since }: SubscribeMessage): (SubscribedMessage | GapMessage)[] {
    const { engine, backlog } = this.#world;
    const { id } = subscription;
    const { epoch, offset } = engine;
    const sameEpoch = since !== undefined && since.epoch === epoch;
    const place = sameEpoch ? backlog.start(since) : null;
    const recovered = place !== null;
    if (subscription.mode === "latest") {
      subscription.lookThrough(subscription.series === undefined ? engine.names() : [subscription.series]);
      this.#latest.set(subscription, { after: recovered ? seenBy(since) : NOTHING_SEEN, upTo: offset });
    } else if (recovered) {
      this.#seen.set(subscription, seenBy(since));
      subscription.resumeFrom(place);
    }
    const subscribed: SubscribedMessage = { type: "subscribed", id, epoch, offset, recovered };
    if (since === undefined || recovered) return [subscribed];
    const reason = sameEpoch ? "no longer kept" : "another epoch";
    return [subscribed, { type: "gap", id, from: sameEpoch ? since.offset : 0, to: offset, reason }];
  }

  /** One look through some series, or one page of the log. */
  step(subscription: Subscription): Step {
    return this.#look(subscription) ? "done" : this.#resume(subscription);
  }

  #look(subscription: Subscription): boolean {
    const bounds = this.#latest.get(subscription);
    if (bounds === undefined) return false;
    const { engine, dispatch } = this.#world;
    for (let n = 0; n < NAMES_PER_TURN; n++) {
      const name = subscription.nextUnseen();
      if (name === undefined) {
        this.#latest.delete(subscription);
        break;
      }
      if (!subscription.wants(name)) continue;
      const logged = engine.latestLogged(name);
      // A later one has been offered by itself.
      if (logged === undefined || logged.position > bounds.upTo) continue;
      for (const outgoing of dispatch.of(logged)) {
        if (isAfter(outgoing, bounds.after) && !subscription.holds(outgoing)) subscription.offer(outgoing);
      }
    }
    return true;
  }

  #resume(subscription: Subscription): Step {
    const { backlog, engine } = this.#world;
    const from = subscription.resumingFrom;
    if (from === null || subscription.waiting > 0) return "none";
    const page = backlog.page(from);
    // The log moved on past a reader that took too long.
    if (page === null) return "lost";
    const seen = this.#seen.get(subscription) ?? NOTHING_SEEN;
    const { run } = page;
    const due = run.forecasts.filter((one) => isAfter(one, seen) && subscription.wants(one.series));
    subscription.replay(due.length === run.forecasts.length ? run : new Run(due));
    subscription.resumeFrom(page.next, engine.offset);
    return "done";
  }
}
