import type { LoggedIssue } from "../engine.ts";
import { Group } from "./group.ts";
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

/** Milliseconds of writing, and of reading what has to be caught up with, before other work gets its turn. */
const TURN_MILLISECONDS = 4;
/** Forecasts written to one connection before the next one gets its turn. */
const FORECASTS_PER_CONNECTION = 512;
/**
 * A round of writing to all who wait is followed by a rest as long as it was, milliseconds at most: what is issued meanwhile leaves in one
 * piece. With few subscribers the rest is too short to be taken.
 */
const LONGEST_REST = 20;

/**
 * Hands each issue to the subscriptions that want it, and lets the connections write in turns, so that a broadcast to
 * many never holds the event loop. Cost of a forecast: O(groups that want it) and O(subscriptions in them that do not keep up); of a round
 * of writing: O(subscriptions with something to be sent); of a subscription that comes or goes: O(1), but for the first and last of a
 * pattern, however many thousands do so at once.
 */
export class FanOut {
  readonly #dispatch: Dispatch;
  readonly #monotonic: () => number;
  readonly #recipients = new Map<Subscription, Recipient>();
  /** By series and by mode. */
  readonly #exact = new Map<string, Group>();
  /** By pattern, by what the subscribers may read, and by mode. */
  readonly #patterns = new Map<string, Group>();
  /** Groups of the patterns that a series fits, until a pattern comes or goes. */
  readonly #matches = new Map<string, readonly Group[]>();
  /** Groups that have collected something. */
  readonly #news = new Set<Group>();
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
    let group = groups.get(name);
    if (group === undefined) {
      group = new Group(subscription);
      groups.set(name, group);
      if (groups === this.#patterns) this.#matches.clear();
    }
    group.apart.add(subscription);
  }

  delete(subscription: Subscription): void {
    if (!this.#recipients.delete(subscription)) return;
    this.#conflatedBefore += subscription.conflated;
    const [groups, name] = this.#placeOf(subscription);
    const group = groups.get(name);
    group?.delete(subscription);
    if (group?.size !== 0) return;
    this.#news.delete(group);
    groups.delete(name);
    if (groups === this.#patterns) this.#matches.clear();
  }

  publish(logged: LoggedIssue): void {
    const groups = this.#groupsOf(logged.issue.series);
    if (groups.length === 0) return;
    for (const outgoing of this.#dispatch.of(logged)) {
      for (const group of groups) this.#hand(group, outgoing);
    }
  }

  /** Deals what has been collected to those who keep up, and lets them write it in the next round. */
  deal(): void {
    for (const group of this.#news) this.#deal(group);
    this.#news.clear();
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

  #placeOf({ series, audience, mode }: Subscription): readonly [Map<string, Group>, string] {
    return series === undefined
      ? [this.#patterns, `${mode} ${audience}`]
      : [this.#exact, `${mode} ${series}`];
  }

  #groupsOf(series: string): readonly Group[] {
    const groups = ["latest", "stream"].flatMap((mode) => this.#exact.get(`${mode} ${series}`) ?? []);
    if (this.#patterns.size === 0) return groups;
    let matches = this.#matches.get(series);
    if (matches === undefined) {
      matches = [...this.#patterns.values()].filter(({ together, apart }) => {
        const [any] = together.size > 0 ? together : apart;
        return any?.wants(series) === true;
      });
      this.#matches.set(series, matches);
    }
    return groups.length === 0 ? matches : [...groups, ...matches];
  }

  #hand(group: Group, outgoing: Outgoing): void {
    // What is collected already is not for those who join.
    const open = group.collected === 0;
    // One that turns out too slow is deleted meanwhile, which does no harm to those after it.
    for (const subscription of group.apart) {
      const joins = open && subscription.keepsUp && outgoing.offset > subscription.after;
      if (joins && this.#recipients.get(subscription)?.full === false) group.join(subscription);
      else this.#offer(subscription, outgoing);
    }
    if (group.together.size === 0) return;
    group.collect(outgoing);
    this.#news.add(group);
    if (group.pressed) this.#relieve(group);
    else this.#schedule();
  }

  /** Much came at once: it leaves at once, behind what was dealt before. */
  #relieve(group: Group): void {
    const write = (): void => {
      for (const one of group.together) {
        if (one.waiting > 0) this.#recipients.get(one)?.flush(FORECASTS_PER_CONNECTION);
      }
    };
    write();
    this.#news.delete(group);
    this.#deal(group);
    write();
  }

  #deal(group: Group): void {
    const { run, replaced } = group.take();
    for (const subscription of group.together) {
      const recipient = this.#recipients.get(subscription);
      if (recipient === undefined) continue;
      subscription.replaced(replaced, recipient);
      if (subscription.keepsUp && !recipient.full) {
        subscription.deal(run);
        this.wake(recipient);
        continue;
      }
      group.leave(subscription);
      for (const outgoing of run.forecasts) this.#offer(subscription, outgoing);
    }
  }

  #offer(subscription: Subscription, outgoing: Outgoing): void {
    const recipient = this.#recipients.get(subscription);
    if (recipient === undefined || outgoing.offset <= subscription.after) return;
    if (subscription.pressed) {
      // Much came at once: a client that takes it is not slow.
      if (recipient.writable) recipient.flush(FORECASTS_PER_CONNECTION);
      if (subscription.pressed) recipient.slow(subscription);
    }
    if (subscription.offer(outgoing, recipient)) this.wake(recipient);
    else recipient.tooSlow(subscription);
  }

  #schedule(): void {
    if (this.#cancelTurn !== null) return;
    const rest = this.#rest;
    if (rest < 1) {
      const turn = setImmediate(() => this.#write());
      this.#cancelTurn = () => clearImmediate(turn);
    } else {
      const turn = setTimeout(() => this.#write(), rest);
      this.#cancelTurn = () => clearTimeout(turn);
    }
  }

  /** Milliseconds until the next round may begin. */
  get #rest(): number {
    return this.#round.size > 0 ? 0 : this.#restUntil - this.#monotonic();
  }

  #write(): void {
    this.#cancelTurn = null;
    if (this.#rest >= 1) {
      this.#schedule();
      return;
    }
    if (this.#round.size === 0) {
      this.deal();
      [this.#round, this.#waiting] = [this.#waiting, this.#round];
      this.#spent = 0;
      this.#more = false;
    }
    const started = this.#monotonic();
    for (const recipient of this.#round) {
      this.#round.delete(recipient);
      recipient.flush(FORECASTS_PER_CONNECTION);
      if (recipient.writable) {
        this.#waiting.add(recipient);
        this.#more = true;
      }
      if (this.#monotonic() - started >= TURN_MILLISECONDS) break;
    }
    const now = this.#monotonic();
    this.#spent += now - started;
    // Who catches up is not kept waiting.
    if (this.#round.size === 0) this.#restUntil = this.#more ? 0 : now + Math.min(this.#spent, LONGEST_REST);
    if (this.#round.size > 0 || this.#waiting.size > 0 || this.#news.size > 0) this.#schedule();
  }
}
