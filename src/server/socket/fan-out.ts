import type { LoggedIssue } from "../engine.ts";
import type { Dispatch, Outgoing } from "./outgoing.ts";
import type { Subscription } from "./subscription.ts";

/** What the fan-out needs of a connection. */
export interface Recipient {
  /** Writes waiting frames, at most `frames`; returns how many it wrote. It must not block. */
  flush(frames: number): number;
  /** More may be written at once: frames are due and the socket takes them. */
  readonly writable: boolean;
  tooSlow(subscription: Subscription): void;
}

/** Frames written before other work of the process gets its turn. */
const FRAMES_PER_TURN = 512;
/** Milliseconds of writing, and of reading what has to be caught up with, before other work gets its turn. */
const TURN_MILLISECONDS = 8;
/** Frames written to one connection before the next one gets its turn. */
const FRAMES_PER_CONNECTION = 64;

/**
 * Hands each issue to the subscriptions that want it, and lets the connections write in turns, so that a broadcast to
 * many never holds the event loop. Cost of a forecast in it: O(subscriptions that want it).
 */
export class FanOut {
  readonly #dispatch: Dispatch;
  readonly #monotonic: () => number;
  readonly #recipients = new Map<Subscription, Recipient>();
  readonly #exact = new Map<string, Set<Subscription>>();
  readonly #patterns = new Set<Subscription>();
  /** Pattern subscriptions by series, until a subscription comes or goes. */
  readonly #matches = new Map<string, readonly Subscription[]>();
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
    if (subscription.series === undefined) {
      this.#patterns.add(subscription);
      this.#matches.clear();
      return;
    }
    const those = this.#exact.get(subscription.series);
    if (those === undefined) this.#exact.set(subscription.series, new Set([subscription]));
    else those.add(subscription);
  }

  delete(subscription: Subscription): void {
    if (!this.#recipients.delete(subscription)) return;
    this.#conflatedBefore += subscription.conflated;
    if (this.#patterns.delete(subscription)) this.#matches.clear();
    const those = this.#exact.get(subscription.series ?? "");
    those?.delete(subscription);
    if (those?.size === 0) this.#exact.delete(subscription.series ?? "");
  }

  publish(logged: LoggedIssue): void {
    const { series } = logged.issue;
    const exact = this.#exact.get(series);
    let matches = this.#matches.get(series);
    if (matches === undefined && this.#patterns.size > 0) {
      matches = [...this.#patterns].filter((subscription) => subscription.wants(series));
      this.#matches.set(series, matches);
    }
    if (exact === undefined && (matches === undefined || matches.length === 0)) return;
    for (const outgoing of this.#dispatch.of(logged)) {
      for (const those of [exact, matches]) {
        if (those === undefined) continue;
        for (const subscription of [...those]) this.#offer(subscription, outgoing);
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

  #offer(subscription: Subscription, outgoing: Outgoing): void {
    const recipient = this.#recipients.get(subscription);
    if (recipient === undefined || outgoing.offset <= subscription.after) return;
    if (subscription.offer(outgoing)) this.wake(recipient);
    else recipient.tooSlow(subscription);
  }

  #write(): void {
    this.#turn = null;
    let left = FRAMES_PER_TURN;
    const until = this.#monotonic() + TURN_MILLISECONDS;
    for (const recipient of [...this.#waiting]) {
      // Deleted and added again, a recipient with more to write goes to the end of the line.
      this.#waiting.delete(recipient);
      left -= recipient.flush(Math.min(left, FRAMES_PER_CONNECTION));
      if (recipient.writable) this.#waiting.add(recipient);
      if (left <= 0 || this.#monotonic() >= until) break;
    }
    if (this.#waiting.size > 0) this.#turn = setImmediate(() => this.#write());
  }
}
