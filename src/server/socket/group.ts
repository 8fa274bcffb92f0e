import type { Outgoing } from "./outgoing.ts";
import { Run } from "./run.ts";
import type { Subscription } from "./subscription.ts";

/**
 * Subscriptions of one mode that want the same series. For those who keep up what is issued is collected once, however many they are,
 * and dealt to all of them as one run; the others are handed each forecast by itself, until they have caught up.
 */
export class Group {
  readonly together = new Set<Subscription>();
  readonly apart = new Set<Subscription>();
  readonly #latest: boolean;
  /** Forecasts of a `stream` that are collected before they are to leave. */
  readonly #most: number;
  /** Issued since they were dealt something last: the newest of each slot, or all. */
  #collected = new Map<string | number, Outgoing>();
  #replaced = 0;

  /** For those that are of the mode of this one, and hold as much. */
  constructor({ mode, capacity }: Subscription) {
    this.#latest = mode === "latest";
    this.#most = capacity / 2;
  }

  get size(): number {
    return this.together.size + this.apart.size;
  }

  /** How many forecasts have been collected. */
  get collected(): number {
    return this.#collected.size;
  }

  /** So much has been collected that it is to leave at once. What is `latest` takes the place of what was. */
  get pressed(): boolean {
    return !this.#latest && this.#collected.size >= this.#most;
  }

  delete(subscription: Subscription): void {
    this.together.delete(subscription);
    this.apart.delete(subscription);
  }

  /** Moves one to those who keep up, which it may join while nothing has been collected, ... */
  join(subscription: Subscription): void {
    this.apart.delete(subscription);
    this.together.add(subscription);
  }

  /** ... and one that falls behind away from them. */
  leave(subscription: Subscription): void {
    this.together.delete(subscription);
    this.apart.add(subscription);
  }

  collect(outgoing: Outgoing): void {
    const key = this.#latest ? outgoing.slot : this.#collected.size;
    if (this.#latest && this.#collected.has(key)) this.#replaced++;
    this.#collected.set(key, outgoing);
  }

  /** What has been collected, to be dealt; and how many forecasts were replaced in it. */
  take(): { readonly run: Run; readonly replaced: number } {
    const taken = { run: new Run([...this.#collected.values()]), replaced: this.#replaced };
    this.#collected = new Map();
    this.#replaced = 0;
    return taken;
  }
}
