import type { SubscribeMessage, SubscriptionId } from "../../protocol/client-messages.ts";
import type { SlowMessage } from "../../protocol/server-messages.ts";
import { matchesPattern } from "../../streams/pattern.ts";
import type { Caller } from "../access/caller.ts";
import type { LogPlace } from "../engine.ts";
import { type Outgoing, View } from "./outgoing.ts";

/**
 * What one subscription has still to be sent.
 *
 * `latest`: one slot per series and target, replaced in place while it waits, so a slow reader sees fewer and newer
 * forecasts and memory is bounded by the number of series. `stream`: all, in order, in a queue of bounded length.
 */
export class Subscription {
  readonly id: SubscriptionId;
  /** The exact series, or undefined when a pattern chooses. */
  readonly series: string | undefined;
  readonly mode: "latest" | "stream";
  /** Chooses where there is no exact series. */
  readonly pattern: string;
  /** What it wants to see of each forecast. */
  readonly view: View;
  readonly #reader: Caller;
  /** Milliseconds between two messages of one slot (`latest`) or of the subscription (`stream`). */
  readonly #interval: number;
  readonly #capacity: number;
  readonly #slots = new Map<string, Outgoing>();
  /** When a slot may be sent next; kept only under a rate limit. */
  readonly #next = new Map<string, number>();
  #queue: Outgoing[] = [];
  #head = 0;
  #nextStream = 0;
  /** Offsets sent and not acknowledged, once the client has begun to acknowledge. */
  #unacknowledged: number[] | null = null;
  /** Forecasts replaced before they were sent. */
  conflated = 0;
  /** Of those, the ones that the client took too little for, and has not been told of. */
  #skipped = 0;
  #toldSlow = false;
  #after: number;
  #resumingFrom: LogPlace | null = null;
  /** Series whose latest forecast has still to be looked at, or null when all have been. */
  #unseen: Iterator<string> | null = null;

  /** `reader`: who subscribes, and sees only what it may read. */
  constructor(message: SubscribeMessage, after: number, capacity: number, reader: Caller) {
    this.#reader = reader;
    this.id = message.id;
    this.series = message.series;
    this.mode = message.mode ?? "latest";
    this.pattern = message.pattern ?? "";
    this.view = new View(message.horizons, message.observed ?? false);
    this.#interval = message.maxRate === undefined ? 0 : 1000 / message.maxRate;
    this.#capacity = capacity;
    this.#after = after;
  }

  wants(series: string): boolean {
    const named = this.series === undefined ? matchesPattern(this.pattern, series) : this.series === series;
    return named && this.#reader.may("read", series);
  }

  /** Subscriptions of the same audience want the same series. */
  get audience(): string {
    return `${this.#reader.id} ${this.pattern}`;
  }

  /** Live forecasts at or before this journal position are not wanted; infinite while catching up from the log. */
  get after(): number {
    return this.#resumingFrom === null ? this.#after : Number.POSITIVE_INFINITY;
  }

  /** Where catching up stands, or null when the subscription is live. */
  get resumingFrom(): LogPlace | null {
    return this.#resumingFrom;
  }

  /** Goes on catching up from `place`; with null, goes live after journal position `live`. */
  resumeFrom(place: LogPlace | null, live = this.#after): void {
    this.#resumingFrom = place;
    this.#after = live;
  }

  /** Begins to look through these series for what is known already. */
  lookThrough(series: Iterable<string>): void {
    this.#unseen = series[Symbol.iterator]();
  }

  /** The next of them, or undefined when there is none. */
  nextUnseen(): string | undefined {
    const next = this.#unseen?.next();
    if (next === undefined || next.done) {
      this.#unseen = null;
      return undefined;
    }
    return next.value;
  }

  /** Whether something newer waits in the slot of this forecast. */
  holds(outgoing: Outgoing): boolean {
    return this.#slots.has(outgoing.slot);
  }

  get waiting(): number {
    return this.mode === "latest" ? this.#slots.size : this.#queue.length - this.#head;
  }

  /** Takes a forecast for sending to `client`; false when the queue is full, and the client too slow for a stream. */
  offer(outgoing: Outgoing, client?: { readonly full: boolean }): boolean {
    if (this.mode === "latest") {
      if (this.#slots.has(outgoing.slot)) {
        this.conflated++;
        if (client?.full) this.#skipped++;
      }
      this.#slots.set(outgoing.slot, outgoing);
      return true;
    }
    if (this.#load >= this.#capacity) return false;
    this.#queue.push(outgoing);
    return true;
  }

  /** Half of what may wait does: it is to be sent at once, or the client told. */
  get pressed(): boolean {
    return this.mode === "stream" && 2 * this.#load >= this.#capacity;
  }

  get #load(): number {
    return this.waiting + (this.#unacknowledged?.length ?? 0);
  }

  /** What a client is told that takes less than there is; null when there is nothing new to tell. */
  slowness(): SlowMessage | null {
    const { id, waiting } = this;
    if (this.mode === "latest") {
      const skipped = this.#skipped;
      this.#skipped = 0;
      return skipped === 0 ? null : { type: "slow", id, waiting, limit: null, skipped };
    }
    if (this.#toldSlow || !this.pressed) return null;
    this.#toldSlow = true;
    return { type: "slow", id, waiting: this.#load, limit: this.#capacity, skipped: 0 };
  }

  /** Takes a page of the log, when nothing waits. */
  replay(page: readonly Outgoing[]): void {
    this.#queue = [...page];
    this.#head = 0;
  }

  /** The next forecast that may be sent at `now` (milliseconds), or null. */
  take(now: number): Outgoing | null {
    const outgoing = this.mode === "latest" ? this.#takeSlot(now) : this.#takeQueued(now);
    if (outgoing === null) return null;
    if (this.mode === "stream") {
      this.#unacknowledged?.push(outgoing.offset);
      if (this.#toldSlow && 4 * this.#load < this.#capacity) this.#toldSlow = false;
    }
    return outgoing;
  }

  /** When it is to be turned to again: something waits, or there is more to catch up with. Infinity: not until then. */
  get dueAt(): number {
    if (this.#unseen !== null) return 0;
    if (this.waiting === 0) return this.#resumingFrom === null ? Number.POSITIVE_INFINITY : 0;
    if (this.mode === "stream") return this.#nextStream;
    let due = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots.keys()) due = Math.min(due, this.#next.get(slot) ?? 0);
    return due;
  }

  /** The client has dealt with everything up to `offset`. */
  acknowledge(offset: number): void {
    this.#unacknowledged = (this.#unacknowledged ?? []).filter((sent) => sent > offset);
  }

  #takeSlot(now: number): Outgoing | null {
    for (const [slot, outgoing] of this.#slots) {
      if (this.#interval > 0) {
        if ((this.#next.get(slot) ?? 0) > now) continue;
        this.#next.set(slot, now + this.#interval);
      }
      this.#slots.delete(slot);
      return outgoing;
    }
    return null;
  }

  #takeQueued(now: number): Outgoing | null {
    const outgoing = this.#queue[this.#head];
    if (outgoing === undefined || this.#nextStream > now) return null;
    if (this.#interval > 0) this.#nextStream = now + this.#interval;
    this.#head++;
    if (this.#head > 256 && 2 * this.#head > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return outgoing;
  }
}
