import type { SubscribeMessage, SubscriptionId } from "../../protocol/client-messages.ts";
import type { SlowMessage } from "../../protocol/server-messages.ts";
import { matchesPattern } from "../../streams/pattern.ts";
import type { Caller } from "../access/caller.ts";
import type { LogPlace } from "../engine.ts";
import { type Outgoing, View } from "./outgoing.ts";
import { type Addressee, type Piece, Run } from "./run.ts";
import type { Subprotocol } from "./subprotocol.ts";

/** Forecasts of a run that is taken from what waits for one subscription alone. */
const RUN = 64;

/**
 * What one subscription has still to be sent.
 *
 * `latest`: one slot per series and target, replaced in place while it waits, so a slow reader sees fewer and newer
 * forecasts and memory is bounded by the number of series. `stream`: all, in order, in a queue of bounded length.
 *
 * What is about to be sent is a run. One that keeps up is dealt whole runs, the same as all others of its kind (`Group`); for
 * one that does not, forecasts wait here, and it makes runs of its own of them.
 */
export class Subscription implements Addressee {
  readonly id: SubscriptionId;
  /** The exact series, or undefined when a pattern chooses. */
  readonly series: string | undefined;
  readonly mode: "latest" | "stream";
  /** Chooses where there is no exact series. */
  readonly pattern: string;
  readonly view: View;
  readonly key: string;
  readonly #reader: Caller;
  /** Milliseconds between two messages of one slot (`latest`) or of the subscription (`stream`). */
  readonly #interval: number;
  /** Forecasts of a `stream` that may wait for it, or to be acknowledged. */
  readonly capacity: number;
  readonly #slots = new Map<string, Outgoing>();
  /** When a slot may be sent next; kept only under a rate limit. */
  readonly #next = new Map<string, number>();
  #queue: Outgoing[] = [];
  #head = 0;
  /** What is being sent, before all that waits; and how many forecasts of it have been. */
  #run: Run | null = null;
  #sent = 0;
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
    this.key = `${JSON.stringify(message.id)} ${this.view.key}`;
    this.#interval = message.maxRate === undefined ? 0 : 1000 / message.maxRate;
    this.capacity = capacity;
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
    this.#putBack();
    return this.#slots.has(outgoing.slot);
  }

  get waiting(): number {
    const running = this.#run === null ? 0 : this.#run.forecasts.length - this.#sent;
    return running + (this.mode === "latest" ? this.#slots.size : this.#queue.length - this.#head);
  }

  /** It has all that there is, and takes whatever comes as fast as it comes: it may be dealt the same as others. */
  get keepsUp(): boolean {
    return (
      this.waiting === 0 &&
      this.#interval === 0 &&
      this.#unacknowledged === null &&
      this.#resumingFrom === null &&
      this.#unseen === null
    );
  }

  /** Takes a run that others are dealt too, while it keeps up. */
  deal(run: Run): void {
    this.#run = run;
    this.#sent = 0;
  }

  /** So many that were due to it have been replaced before they were dealt. */
  replaced(forecasts: number, client: { readonly full: boolean }): void {
    this.conflated += forecasts;
    if (client.full) this.#skipped += forecasts;
  }

  /** Takes a forecast for sending to `client`; false when the queue is full, and the client too slow for a stream. */
  offer(outgoing: Outgoing, client?: { readonly full: boolean }): boolean {
    if (this.mode === "latest") {
      this.#putBack();
      if (this.#slots.has(outgoing.slot)) {
        this.conflated++;
        if (client?.full) this.#skipped++;
      }
      this.#slots.set(outgoing.slot, outgoing);
      return true;
    }
    if (this.#load >= this.capacity) return false;
    this.#queue.push(outgoing);
    return true;
  }

  /** Half of what may wait does: it is to be sent at once, or the client told. */
  get pressed(): boolean {
    return this.mode === "stream" && 2 * this.#load >= this.capacity;
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
    return { type: "slow", id, waiting: this.#load, limit: this.capacity, skipped: 0 };
  }

  /** Takes a page of the log, when nothing waits. */
  replay(page: Run): void {
    if (this.#interval === 0 && page.forecasts.length > 0) {
      this.deal(page);
      return;
    }
    this.#queue = [...page.forecasts];
    this.#head = 0;
  }

  /** What may be sent at `now` (milliseconds) next, or undefined. It is `sent` once it has been. */
  piece(subprotocol: Subprotocol, now: number): Piece | undefined {
    return this.#due(now)?.piece(subprotocol, this, this.#sent);
  }

  /** So many forecasts of what may be sent have been. */
  sent(forecasts: number, now: number): void {
    const run = this.#run;
    if (run === null) return;
    const from = this.#sent;
    this.#sent += forecasts;
    if (this.#sent >= run.forecasts.length) {
      this.#run = null;
      this.#sent = 0;
    }
    if (this.mode === "stream") {
      this.#nextStream = now + this.#interval;
      if (this.#toldSlow && 4 * this.#load < this.capacity) this.#toldSlow = false;
    }
    if (this.#unacknowledged === null && this.#interval === 0) return;
    for (const { offset, slot } of run.forecasts.slice(from, from + forecasts)) {
      if (this.mode === "stream") this.#unacknowledged?.push(offset);
      else if (this.#interval > 0) this.#next.set(slot, now + this.#interval);
    }
  }

  /** The next forecast that may be sent at `now` (milliseconds), or null; it counts as sent. */
  take(now: number): Outgoing | null {
    const next = this.#due(now)?.forecasts[this.#sent];
    if (next === undefined) return null;
    this.sent(1, now);
    return next;
  }

  /** When it is to be turned to again: something waits, or there is more to catch up with. Infinity: not until then. */
  get dueAt(): number {
    if (this.#unseen !== null) return 0;
    if (this.waiting === 0) return this.#resumingFrom === null ? Number.POSITIVE_INFINITY : 0;
    if (this.mode === "stream") return this.#nextStream;
    if (this.#run !== null) return 0;
    let due = Number.POSITIVE_INFINITY;
    for (const slot of this.#slots.keys()) due = Math.min(due, this.#next.get(slot) ?? 0);
    return due;
  }

  /** The client has dealt with everything up to `offset`. */
  acknowledge(offset: number): void {
    this.#unacknowledged = (this.#unacknowledged ?? []).filter((sent) => sent > offset);
  }

  /** The run that is being sent, or a new one of what waits. */
  #due(now: number): Run | null {
    if (this.#nextStream > now) return null;
    if (this.#run === null) {
      const forecasts = this.mode === "latest" ? this.#takeSlots(now) : this.#takeQueued();
      if (forecasts.length > 0) this.#run = new Run(forecasts);
    }
    return this.#run;
  }

  /** What was about to be sent waits again in its slots: something newer may take its place. */
  #putBack(): void {
    const run = this.#run;
    if (run === null) return;
    const waiting = [...this.#slots];
    this.#slots.clear();
    for (const outgoing of run.forecasts.slice(this.#sent)) this.#slots.set(outgoing.slot, outgoing);
    for (const [slot, outgoing] of waiting) this.#slots.set(slot, outgoing);
    this.#run = null;
    this.#sent = 0;
  }

  #takeSlots(now: number): Outgoing[] {
    const taken: Outgoing[] = [];
    for (const [slot, outgoing] of this.#slots) {
      if (this.#interval > 0 && (this.#next.get(slot) ?? 0) > now) continue;
      this.#slots.delete(slot);
      taken.push(outgoing);
      if (taken.length === RUN) break;
    }
    return taken;
  }

  #takeQueued(): Outgoing[] {
    const from = this.#head;
    this.#head = Math.min(this.#queue.length, from + (this.#interval > 0 ? 1 : RUN));
    const taken = this.#queue.slice(from, this.#head);
    if (this.#head > 256 && 2 * this.#head > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}
