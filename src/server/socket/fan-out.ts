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
/**
 * A round of writing to all who wait is followed by a rest as long as it was, milliseconds at most: what is issued meanwhile leaves in one
 * piece. With few subscribers the rest is too short to be taken.
 */
const LONGEST_REST = 20;
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
  /** Those who have still to write in this round, and those who do in the next one. */
  #round = new Set<Recipient>();
  #waiting = new Set<Recipient>();
  /** Calls off the turn that is to come. */
  #cancelTurn: (() => void) | null = null;
  /** Milliseconds of writing in this round. */
  #spent = 0;
  /** Somebody in this round has more to write than one turn's worth. */
  #more = false;
  #restUntil = 0;
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
    if (!this.#round.has(recipient)) this.#waiting.add(recipient);
    this.#schedule();
  }

  forget(recipient: Recipient): void {
    this.#round.delete(recipient);
    this.#waiting.delete(recipient);
  }

  close(): void {
    this.#cancelTurn?.();
    this.#cancelTurn = null;
    this.#round.clear();
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

  #schedule(): void {
    if (this.#cancelTurn !== null) return;
    const rest = this.#round.size > 0 ? 0 : this.#restUntil - this.#monotonic();
    if (rest < 1) {
      const turn = setImmediate(() => this.#write());
      this.#cancelTurn = () => clearImmediate(turn);
    } else {
      const turn = setTimeout(() => this.#write(), rest);
      this.#cancelTurn = () => clearTimeout(turn);
    }
  }

  #write(): void {
    this.#cancelTurn = null;
    if (this.#round.size === 0) {
      [this.#round, this.#waiting] = [this.#waiting, this.#round];
      this.#spent = 0;
      this.#more = false;
    }
    let left = FORECASTS_PER_TURN;
    const started = this.#monotonic();
    for (const recipient of this.#round) {
      this.#round.delete(recipient);
      left -= recipient.flush(Math.min(left, FORECASTS_PER_CONNECTION));
      if (recipient.writable) {
        this.#waiting.add(recipient);
        this.#more = true;
      }
      if (left <= 0 || this.#monotonic() - started >= TURN_MILLISECONDS) break;
    }
    const now = this.#monotonic();
    this.#spent += now - started;
    // Who catches up is not kept waiting.
    if (this.#round.size === 0) this.#restUntil = this.#more ? 0 : now + Math.min(this.#spent, LONGEST_REST);
    if (this.#round.size > 0 || this.#waiting.size > 0) this.#schedule();
  }
}
