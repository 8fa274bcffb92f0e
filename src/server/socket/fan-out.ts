import type { LoggedIssue } from "../engine.ts";
import type { Dispatch, Outgoing } from "./outgoing.ts";
import type { Subscription } from "./subscription.ts";

/** What the fan-out needs of a connection. */
export interface Recipient {
  /** Writes waiting frames, of at most `forecasts`; returns of how many. It must not block. */
  flush(forecasts: number): number;
  /** More may be written at once: frames are due and the socket takes them. */
  readonly writable: boolean;
  /** The socket takes nothing more for now. */
  readonly full: boolean;
  /** A subscription has more waiting than its client takes: it is told. */
  slow(subscription: Subscription): void;
  /** It can hold no more. */
  tooSlow(subscription: Subscription): void;
}

/** Forecasts written before other work of the process gets its turn. */
const FORECASTS_PER_TURN = 512;
/** Milliseconds of writing, and of reading what has to be caught up with, before other work gets its turn. */
const TURN_MILLISECONDS = 8;
/** Forecasts written to one connection before the next one gets its turn. */
const FORECASTS_PER_CONNECTION = 64;
/** Forecasts written to one connection so that its queue takes what comes with the same observation. */
const FORECASTS_RELIEVED = 512;

/** Subscriptions that want the same series. */
type Group = Set<Subscription>;

/**
 * Hands each issue to the subscriptions that want it, and lets the connections write in turns, so that a broadcast to
 * many never holds the event loop. Cost of a forecast in it: O(subscriptions that want it); of a subscription that comes or
 * goes: O(1), but for the first and last of a pattern, however many thousands do so at once.
 */
export class FanOut {
  readonly #dispatch: Dispatch;
  readonly #monotonic: () => number;
  readonly #recipients = new Map<Subscription, Recipient>();
  readonly #exact = new Map<string, Group>();
  /** By pattern, and by what the subscribers may read. */
  readonly #patterns = new Map<string, Group>();
  /** Groups of the patterns that a series fits, until a pattern comes or goes. */
  readonly #matches = new Map<string, readonly Group[]>();
  readonly #waiting = new Set<Recipient>();
  #turn: NodeJS.Immediate | null = null;
  #conflatedBefore = 0;

  constructor(dispatch: Dispatch, monotonic: () => number) {
    this.#dispatch = dispatch;
    this.#monotonic = monotonic;
  }

  get subscriptions(): number {
    return this.#recipients.size;
  }

  /** Forecasts replaced before they were sent, over all subscriptions of the past and present. */
  get conflated(): number {
    let total = this.#conflatedBefore;
    for (const subscription of this.#recipients.keys()) total += subscription.conflated;
    return total;
  }

  add(subscription: Subscription, recipient: Recipient): void {
    this.#recipients.set(subscription, recipient);
    const [groups, name] = this.#placeOf(subscription);
    const group = groups.get(name);
    if (group !== undefined) {
      group.add(subscription);
      return;
    }
    groups.set(name, new Set([subscription]));
    if (groups === this.#patterns) this.#matches.clear();
  }

  delete(subscription: Subscription): void {
    if (!this.#recipients.delete(subscription)) return;
    this.#conflatedBefore += subscription.conflated;
    const [groups, name] = this.#placeOf(subscription);
    const group = groups.get(name);
    group?.delete(subscription);
    if (group?.size !== 0) return;
    groups.delete(name);
    if (groups === this.#patterns) this.#matches.clear();
  }

  publish(logged: LoggedIssue): void {
    const { series } = logged.issue;
    const exact = this.#exact.get(series);
    let matches = this.#matches.get(series);
    if (matches === undefined && this.#patterns.size > 0) {
      matches = [...this.#patterns.values()].filter((group) => {
        const [any] = group;
        return any?.wants(series) === true;
      });
      this.#matches.set(series, matches);
    }
    if (exact === undefined && (matches === undefined || matches.length === 0)) return;
    for (const outgoing of this.#dispatch.of(logged)) {
      // One that turns out too slow is deleted meanwhile, which does no harm to those after it.
      for (const subscription of exact ?? []) this.#offer(subscription, outgoing);
      for (const group of matches ?? []) {
        for (const subscription of group) this.#offer(subscription, outgoing);
      }
    }
  }

  /** Lets a connection write as soon as it is its turn. */
  wake(recipient: Recipient): void {
    this.#waiting.add(recipient);
    this.#turn ??= setImmediate(() => this.#write());
  }

  forget(recipient: Recipient): void {
    this.#waiting.delete(recipient);
  }

  close(): void {
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turn = null;
    this.#waiting.clear();
  }

  #placeOf({ series, audience }: Subscription): readonly [Map<string, Group>, string] {
    return series === undefined ? [this.#patterns, audience] : [this.#exact, series];
  }

  #offer(subscription: Subscription, outgoing: Outgoing): void {
    const recipient = this.#recipients.get(subscription);
    if (recipient === undefined || outgoing.offset <= subscription.after) return;
    if (subscription.pressed) {
      // Much came at once: a client that takes it is not slow.
      if (recipient.writable) recipient.flush(FORECASTS_RELIEVED);
      if (subscription.pressed) recipient.slow(subscription);
    }
    if (subscription.offer(outgoing, recipient)) this.wake(recipient);
    else recipient.tooSlow(subscription);
  }

  #write(): void {
    this.#turn = null;
    let left = FORECASTS_PER_TURN;
    const until = this.#monotonic() + TURN_MILLISECONDS;
    for (const recipient of [...this.#waiting]) {
      // Deleted and added again, a recipient with more to write goes to the end of the line.
      this.#waiting.delete(recipient);
      left -= recipient.flush(Math.min(left, FORECASTS_PER_CONNECTION));
      if (recipient.writable) this.#waiting.add(recipient);
      if (left <= 0 || this.#monotonic() >= until) break;
    }
    if (this.#waiting.size > 0) this.#turn = setImmediate(() => this.#write());
  }
}
