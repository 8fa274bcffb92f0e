import type { Delivery, Outbox } from "../../../storage/outbox.ts";
import { Backoff } from "../../../streams/sources/backoff.ts";
import type { EngineLog } from "../../engine.ts";
import type { DeliveryWorld, Outcome, Receiver } from "./receiver.ts";

/** Bounds of the waits between two attempts, milliseconds. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;
/** Attempts of a message that the receiver refuses, as opposed to one that does not reach it. */
const MOST_REFUSALS = 10;
/** Attempts before anything is given up for its age: it may have grown old elsewhere. */
const LEAST_ATTEMPTS = 5;
/** Attempts of a message of several until it is tried in smaller ones. */
const SMALLER_AFTER = 3;
/** Milliseconds for which a receiver is reminded of an end: it may have lost its memory meanwhile. */
const END_REMINDED = 15 * 60_000;
/** Deliveries of one reminder. */
const REMINDED = 200;
/** Milliseconds until a database that could not be written is tried again. */
const WRITE_AGAIN = 1000;

/** What may go in one message. */
interface Lane {
  readonly name: string;
  readonly backoff: Backoff;
  /** Not before, by the monotonic clock. */
  due: number;
  /** Deliveries of its messages at most: half as many after a refusal, twice as many after one that is taken. */
  together: number;
  busy: boolean;
}

/** How a receiver does. */
export interface ReceiverHealth {
  /** Deliveries that it has been told of since the start. */
  readonly told: number;
  /** Attempts in vain since the start. */
  readonly failures: number;
  /** Deliveries given up since the start. */
  readonly died: number;
  /** Attempts in vain since the last one that was not. */
  readonly failing: number;
  /** Epoch milliseconds; null: not since the start. */
  readonly lastTold: number | null;
  readonly lastError: { readonly time: number; readonly message: string } | null;
}

/**
 * Tells one receiver what the outbox holds for it: of each lane one message at a time, in order. A receiver that fails is
 * left alone for a while that grows, then tried with one message, each lane in its turn; a message that is refused is tried again
 * by itself, in smaller ones at last, and holds up its own lane only.
 */
export class Dispatcher {
  readonly receiver: Receiver;
  readonly #outbox: Outbox;
  readonly #world: DeliveryWorld;
  readonly #log: EngineLog;
  readonly #lanes = new Map<string, Lane>();
  readonly #pause: Backoff;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #pausedUntil = 0;
  /** Until when it has asked to be left alone. */
  #askedUntil = 0;
  #remindAt: number;
  #cancel = (): void => {};
  /** When it looks again by itself. */
  #looksAt = Number.POSITIVE_INFINITY;
  #stopped = false;
  #told = 0;
  #failures = 0;
  #died = 0;
  #failing = 0;
  #lastTold: number | null = null;
  #lastError: { time: number; message: string } | null = null;

  constructor(receiver: Receiver, outbox: Outbox, world: DeliveryWorld, log: EngineLog) {
    this.receiver = receiver;
    this.#outbox = outbox;
    this.#world = world;
    this.#log = log;
    this.#pause = new Backoff(world.random, FIRST_WAIT, LONGEST_WAIT);
    // At once: it may have forgotten while nobody reminded it.
    this.#remindAt = receiver.remindEvery === undefined ? Number.POSITIVE_INFINITY : world.monotonic();
    for (const lane of outbox.lanesOf(receiver.name)) this.#add(lane, 0);
    this.#pump();
  }

  get health(): ReceiverHealth {
    return {
      told: this.#told,
      failures: this.#failures,
      died: this.#died,
      failing: this.#failing,
      lastTold: this.#lastTold,
      lastError: this.#lastError,
    };
  }

  /** Something has been added to a lane. */
  added(lane: string): void {
    if (this.#stopped || this.#lanes.has(lane)) return;
    this.#add(lane, this.receiver.wait);
    // Thousands may come at once: one look is enough for all that come before it.
    if (this.#world.monotonic() + this.receiver.wait < this.#looksAt) this.#wake();
  }

  /** Ends: what is under way may take so many milliseconds. What was not told is told after the next start. */
  async stop(milliseconds: number): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    const cancel = this.#world.after(milliseconds, () => this.#stop.abort());
    await Promise.all(this.#running);
    cancel();
  }

  #add(name: string, wait: number): void {
    const { random, monotonic } = this.#world;
    this.#lanes.set(name, {
      name,
      backoff: new Backoff(random, FIRST_WAIT, LONGEST_WAIT),
      due: monotonic() + wait,
      together: this.receiver.together,
      busy: false,
    });
  }

  /** Looks again as soon as something is due. */
  #wake(): void {
    this.#cancel();
    this.#looksAt = Number.POSITIVE_INFINITY;
    if (this.#stopped) return;
    let next = this.#remindAt;
    for (const { busy, due } of this.#lanes.values()) if (!busy && due < next) next = due;
    if (next === Number.POSITIVE_INFINITY) return;
    const { monotonic, after } = this.#world;
    this.#looksAt = Math.max(next, this.#pausedUntil);
    this.#cancel = after(Math.max(0, this.#looksAt - monotonic()), () => {
      this.#looksAt = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }

  #pump(): void {
    const { monotonic } = this.#world;
    // One that fails is asked with one message whether it is well again.
    const atOnce = this.#failing > 0 ? 1 : this.receiver.atOnce;
    while (!this.#stopped && this.#running.size < atOnce && this.#pausedUntil <= monotonic()) {
      const work = this.#next(monotonic());
      if (work === undefined) break;
      const done = work().finally(() => {
        this.#running.delete(done);
        this.#pump();
      });
      this.#running.add(done);
    }
    if (this.#running.size < atOnce) this.#wake();
  }

  #next(now: number): (() => Promise<void>) | undefined {
    if (this.#remindAt <= now && this.#running.size === 0) return () => this.#remind();
    let next: Lane | undefined;
    for (const lane of this.#lanes.values()) {
      if (!lane.busy && lane.due <= now && (next === undefined || lane.due < next.due)) next = lane;
    }
    if (next === undefined) return undefined;
    const lane = next;
    lane.busy = true;
    return () =>
      this.#tell(lane).finally(() => {
        lane.busy = false;
      });
  }

  async #tell(lane: Lane): Promise<void> {
    const { name, giveUpAfter, together } = this.receiver;
    let deliveries: readonly Delivery[];
    try {
      deliveries = this.#outbox.message(name, lane.name, lane.together);
    } catch (error) {
      this.#log.error(`receiver ${name}: ${(error as Error).message}`);
      lane.due = this.#world.monotonic() + WRITE_AGAIN;
      return;
    }
    const [first] = deliveries;
    if (first === undefined) {
      this.#lanes.delete(lane.name);
      return;
    }
    const outcome = await this.receiver.send(deliveries, this.#stop.signal);
    if (outcome.told) {
      await this.#written(() => this.#outbox.told(deliveries, this.receiver.remindEvery !== undefined));
      this.#well(deliveries.length);
      lane.backoff.reset();
      // A full one has others behind it; else what comes next waits for its like again.
      lane.due = this.#world.monotonic() + (deliveries.length < lane.together ? this.receiver.wait : 0);
      lane.together = Math.min(together, 2 * lane.together);
      return;
    }
    if (this.#stop.signal.aborted) return;
    this.#failed(outcome);
    const { reason, refused = false, tooLarge = false } = outcome;
    const lasts = refused && deliveries.length === 1 && (tooLarge || first.attempts + 1 >= MOST_REFUSALS);
    let died = lasts ? deliveries.length : 0;
    await this.#written(() => this.#outbox.failed(deliveries, reason, lasts));
    if (deliveries.length > 1 && (refused || (first.attempts + 1) % SMALLER_AFTER === 0)) {
      // One of them may be what is wrong with all, or all of them too much, whatever the receiver calls it.
      lane.together = Math.max(1, deliveries.length >> 1);
      await this.#written(() => this.#outbox.apart(deliveries));
    }
    if (giveUpAfter < Number.POSITIVE_INFINITY && first.attempts + 1 >= LEAST_ATTEMPTS) {
      await this.#written(() => {
        died += this.#outbox.giveUp(name, lane.name, giveUpAfter, reason);
      });
    }
    if (died > 0) {
      this.#died += died;
      this.#log.error(`receiver ${name}: ${died} alerts were given up: ${reason}`);
    }
    lane.due = this.#world.monotonic() + (died > 0 ? 0 : lane.backoff.next());
  }

  /** Tells again what fires. */
  async #remind(): Promise<void> {
    const { name, remindEvery = Number.POSITIVE_INFINITY } = this.receiver;
    this.#remindAt = this.#world.monotonic() + remindEvery;
    let after = 0;
    for (;;) {
      let firing: readonly Delivery[];
      try {
        firing = this.#outbox.reminders(name, after, REMINDED);
      } catch {
        return;
      }
      const last = firing.at(-1);
      if (last === undefined) {
        await this.#written(() => this.#outbox.settle(name, END_REMINDED));
        return;
      }
      if (this.#stopped) return;
      const outcome = await this.receiver.send(firing, this.#stop.signal);
      if (outcome.told) this.#well(0);
      else if (!this.#stop.signal.aborted) {
        this.#failed(outcome);
        if (!outcome.refused) {
          // Sooner than usual, as it takes for ended what it does not hear of; but what waits may have a try between.
          this.#remindAt = this.#pausedUntil + FIRST_WAIT;
          return;
        }
      }
      after = last.id;
    }
  }

  #well(told: number): void {
    if (this.#failing > 0) this.#log.info(`receiver ${this.receiver.name}: takes alerts again`);
    this.#told += told;
    this.#failing = 0;
    this.#pause.reset();
    this.#pausedUntil = this.#askedUntil;
    if (told > 0) this.#lastTold = this.#world.now();
  }

  #failed({ reason, refused, retryAfter = 0 }: Outcome & { told: false }): void {
    this.#failures++;
    const known = this.#lastError?.message === reason;
    this.#lastError = { time: this.#world.now(), message: reason };
    const now = this.#world.monotonic();
    if (refused) {
      if (!known) this.#log.warn(`receiver ${this.receiver.name}: refused alerts: ${reason}`);
    } else {
      if (this.#failing === 0) this.#log.warn(`receiver ${this.receiver.name}: alerts wait: ${reason}`);
      this.#failing++;
      this.#pausedUntil = now + this.#pause.next();
    }
    if (retryAfter > 0) this.#askedUntil = now + retryAfter;
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#askedUntil);
  }

  /** Until it has been written: what has been told is not told again for want of a disk. */
  async #written(write: () => void): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        write();
        return;
      } catch (error) {
        if (tries === 0) this.#log.error(`receiver ${this.receiver.name}: ${(error as Error).message}`);
        if (this.#stopped) return;
        await new Promise<void>((resolve) => void this.#world.after(WRITE_AGAIN, resolve));
      }
    }
  }
}
