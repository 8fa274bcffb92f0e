import { type AlertTransition, transitionInWords } from "../../models/alert.ts";
import type { SubscribeAlertsMessage, SubscriptionId } from "../../protocol/client-messages.ts";
import type { GapMessage, SubscribedMessage } from "../../protocol/server-messages.ts";
import { matchesPattern } from "../../streams/pattern.ts";
import type { Caller } from "../access/caller.ts";
import type { AlertService, Engine } from "../engine.ts";

/** The newest transitions, kept in memory: who is up to date needs nothing from the disk. */
const KEPT = 256;
/** Transitions read from the log at once. */
const PAGE = 256;
/** Pages that one turn looks through. */
const PAGES = 4;

/** A subscription to alerts: how far in the log of transitions its client is. Nothing waits for it in memory. */
export class AlertSubscription {
  readonly id: SubscriptionId;
  readonly #pattern: string;
  readonly #reader: Caller;
  /** Everything up to and with this place has been sent, or is not wanted. */
  sequence: number;

  /** `reader`: who subscribes, and is told of the series that it may read. */
  constructor({ id, alerts }: SubscribeAlertsMessage, sequence: number, reader: Caller) {
    this.#reader = reader;
    this.id = id;
    this.#pattern = alerts;
    this.sequence = sequence;
  }

  wants({ rule, series }: AlertTransition): boolean {
    return matchesPattern(this.#pattern, rule) && this.#reader.may("read", series);
  }
}

/** What a subscription has still to be sent: transitions, or the place up to which they are no longer kept. */
type AlertPage = { readonly transitions: readonly AlertTransition[] } | { readonly lostUpTo: number };

/** A message to a subscriber, and the place in the log that it has come to with it. */
export interface AlertNews<M = SubscribedMessage | GapMessage> {
  readonly message: M;
  readonly sequence: number;
}

/** The log of transitions for subscribers: each reads on from where it is, from memory or from the disk. */
export class AlertFeed {
  readonly #alerts: AlertService;
  readonly #epoch: string;
  #recent: AlertTransition[] = [];
  readonly #bodies = new WeakMap<AlertTransition, string>();
  readonly #listeners = new Set<() => void>();
  readonly #unsubscribe: () => void;

  constructor(alerts: AlertService, epoch: string) {
    this.#alerts = alerts;
    this.#epoch = JSON.stringify(epoch);
    const subscription = alerts.transitions$.subscribe((one) => {
      this.#recent.push(one);
      if (this.#recent.length > 2 * KEPT) this.#recent = this.#recent.slice(-KEPT);
      for (const listener of this.#listeners) listener();
    });
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  /** Place of the newest transition. */
  get sequence(): number {
    return this.#alerts.sequence;
  }

  /** Begins a subscription where its client stands, and says what it is told first. */
  begin(
    message: SubscribeAlertsMessage,
    { epoch, offset }: Pick<Engine, "epoch" | "offset">,
    reader: Caller,
  ): { readonly subscription: AlertSubscription; readonly told: readonly AlertNews[] } {
    const { id, since } = message;
    const { sequence } = this;
    // Of another journal nothing is known: what this one has told goes as a gap, as forecasts do.
    const same = since?.epoch === epoch;
    const from = since !== undefined && same ? since.sequence : sequence;
    const kept = from === sequence || !("lostUpTo" in this.#after(from));
    const recovered = since !== undefined && same && kept;
    const told: AlertNews[] = [
      { message: { type: "subscribed", id, epoch, offset, sequence, recovered }, sequence: from },
    ];
    if (since !== undefined && !same)
      told.push({ message: { type: "gap", id, from: 0, to: sequence, reason: "another epoch" }, sequence });
    return { subscription: new AlertSubscription(message, from, reader), told };
  }

  /** What a subscription has not had, for one turn. It has had what it is given: a client that takes less is further behind, and nothing waits. */
  *news(subscription: AlertSubscription): Generator<AlertNews<GapMessage | string>> {
    const { id } = subscription;
    for (let page = 0; page < PAGES; page++) {
      const { sequence: from } = subscription;
      if (from >= this.sequence) return;
      const read = this.#after(from);
      if ("lostUpTo" in read) {
        const { lostUpTo: to } = read;
        subscription.sequence = to;
        yield { message: { type: "gap", id, from, to, reason: "no longer kept" }, sequence: to };
        continue;
      }
      if (read.transitions.length === 0) return;
      for (const one of read.transitions) {
        const { sequence } = one;
        subscription.sequence = sequence;
        if (subscription.wants(one)) yield { message: this.#frame(id, one), sequence };
      }
    }
  }

  /** Calls `listener` for every new transition; the returned function ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #after(sequence: number): AlertPage {
    const first = this.#recent[0]?.sequence ?? Number.POSITIVE_INFINITY;
    if (sequence + 1 >= first)
      return { transitions: this.#recent.slice(sequence + 1 - first, sequence + 1 - first + PAGE) };
    const transitions = this.#alerts.after(sequence, PAGE);
    if (transitions !== null) return { transitions };
    const [newest] = this.#alerts.before(Number.MAX_SAFE_INTEGER, 1);
    return { lostUpTo: this.#oldest(sequence, newest?.sequence ?? this.sequence) - 1 };
  }

  /** The frame that a subscription is sent of a transition. */
  #frame(id: SubscriptionId, one: AlertTransition): string {
    let body = this.#bodies.get(one);
    if (body === undefined) {
      const { offset, sequence } = one;
      body = `,"epoch":${this.#epoch},"offset":${offset},"sequence":${sequence},"alert":${JSON.stringify(transitionInWords(one))}}`;
      this.#bodies.set(one, body);
    }
    return `{"type":"data","id":${JSON.stringify(id)}${body}`;
  }

  close(): void {
    this.#unsubscribe();
    this.#listeners.clear();
  }

  /** The first place that is still kept: between one that is not and one that is. */
  #oldest(lost: number, kept: number): number {
    let [low, high] = [lost, kept];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#alerts.after(middle - 1, 1) === null) low = middle;
      else high = middle;
    }
    return high;
  }
}
