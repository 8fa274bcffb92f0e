import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { EddyError } from "../../models/errors.ts";
import { type Observation, UNTIMED } from "../../models/observation.ts";
import { readObservation } from "../../streams/observation-schema.ts";
import type { Engine, Receipt } from "../engine.ts";
import { CloseCode } from "./close-codes.ts";
import type { FanOut, Recipient } from "./fan-out.ts";
import { Issue } from "./issue.ts";
import type { SocketOptions } from "./limits.ts";
import { type ServerMessage, type SubscribeMessage, type SubscriptionId, usableId } from "./messages.ts";
import { type Effect, Receive } from "./receive.ts";
import { Subscription } from "./subscription.ts";

/** What a connection is given by the server that holds it. */
export interface ConnectionWorld {
  readonly engine: Engine;
  readonly fanOut: FanOut;
  readonly options: SocketOptions;
  /** False once the server is shutting down: the engine is not asked any more. */
  readonly open: () => boolean;
  readonly ingest: (batch: readonly Observation[]) => Promise<Receipt>;
  readonly authorise: (token: string | undefined) => boolean;
  /** Milliseconds of a clock that does not go back. */
  readonly monotonic: () => number;
  readonly onError: (error: unknown) => void;
}

/** Forecasts fetched from the log at a time. */
const BACKLOG_PAGE = 512;

/** One client of `/v1/stream`: carries out what `Receive` decides, and writes what its subscriptions hold. */
export class Connection implements Recipient {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #world: ConnectionWorld;
  readonly #session: string;
  readonly #receive: Receive;
  readonly #subscriptions = new Map<SubscriptionId, Subscription>();
  readonly #initTimer: NodeJS.Timeout;
  #paceTimer: NodeJS.Timeout | null = null;
  #closeTimer: NodeJS.Timeout | null = null;
  #closing = false;
  #answered = true;
  #pending = 0;
  #observed = 0;
  readonly onClosed: Promise<void>;

  constructor(ws: WebSocket, socket: Duplex, session: string, authorised: boolean, world: ConnectionWorld) {
    this.#ws = ws;
    this.#socket = socket;
    this.#session = session;
    this.#world = world;
    const { options, authorise } = world;
    this.#receive = new Receive({ limits: options.limits, authorised, authorise });
    this.#initTimer = setTimeout(() => this.#carryOut(this.#receive.initTimeout()), options.initMs);
    ws.on("message", (data, isBinary) => {
      this.#answered = true;
      if (isBinary) this.#carryOut(this.#receive.binary());
      else this.#carryOut(this.#receive.text(String(data), world.monotonic()));
    });
    ws.on("pong", () => {
      this.#answered = true;
    });
    // The library has closed with the right code already, such as 1009; the event is only not to go unheard.
    ws.on("error", () => {});
    socket.on("drain", () => world.fanOut.wake(this));
    this.onClosed = new Promise((resolve) => {
      ws.once("close", () => {
        this.#release();
        resolve();
      });
    });
  }

  /** Ends the connection: error codes 4xxx say why. A peer that does not take the frame is terminated. */
  close(code: CloseCode, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#drop();
    this.#ws.close(code, shortened(reason));
    this.#closeTimer = setTimeout(() => this.#ws.terminate(), this.#world.options.closeMs);
  }

  /** The server goes away: says so, and closes with 1001. */
  drain(): void {
    if (this.#closing) return;
    if (this.#receive.ready) {
      this.flush(Number.POSITIVE_INFINITY);
      this.#send({ type: "draining", reconnectAfterMs: this.#world.options.reconnectAfterMs });
    }
    this.close(CloseCode.goingAway, "the server is going away");
  }

  /** One beat: terminates a peer that has been silent since the last one, and asks again. */
  beat(): void {
    // A peer we do not read from cannot be heard.
    if (this.#closing || this.#ws.isPaused) return;
    if (!this.#answered) {
      this.#ws.terminate();
      return;
    }
    this.#answered = false;
    this.#ws.ping();
  }

  terminate(): void {
    this.#ws.terminate();
  }

  get writable(): boolean {
    return !this.#closing && !this.#full && this.#dueAt() <= this.#world.monotonic();
  }

  flush(frames: number): number {
    if (this.#closing) return 0;
    const now = this.#world.monotonic();
    let written = 0;
    // Frames of one turn leave in one system call.
    this.#socket.cork();
    for (const subscription of this.#subscriptions.values()) {
      while (written < frames && !this.#full) {
        const frame = subscription.take(now);
        if (frame === null) break;
        this.#ws.send(frame, { binary: false });
        written++;
      }
      this.#resume(subscription);
    }
    this.#socket.uncork();
    this.#pace(now);
    return written;
  }

  tooSlow(subscription: Subscription): void {
    this.close(
      CloseCode.tooSlow,
      `subscription ${JSON.stringify(subscription.id)}: more than ${this.#world.options.limits.queue} messages waiting`,
    );
  }

  get #full(): boolean {
    return this.#ws.bufferedAmount >= this.#world.options.highWaterBytes;
  }

  #dueAt(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const subscription of this.#subscriptions.values()) due = Math.min(due, subscription.dueAt);
    return due;
  }

  /** Wakes up when the next message may be sent under a rate limit. */
  #pace(now: number): void {
    const due = this.#dueAt();
    if (this.#paceTimer !== null) clearTimeout(this.#paceTimer);
    this.#paceTimer = null;
    if (due <= now || due === Number.POSITIVE_INFINITY) return;
    this.#paceTimer = setTimeout(() => this.#world.fanOut.wake(this), Math.ceil(due - now));
  }

  #send(message: ServerMessage): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.send(JSON.stringify(message));
  }

  #carryOut(effects: readonly Effect[]): void {
    try {
      for (const effect of effects) this.#perform(effect);
    } catch (error) {
      this.#world.onError(error);
      this.close(CloseCode.internal, "internal error");
    }
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case "send":
        this.#send(effect.message);
        return;
      case "welcome": {
        clearTimeout(this.#initTimer);
        const { pingMs, limits } = this.#world.options;
        this.#send({ type: "ready", session: this.#session, pingMs, limits });
        return;
      }
      case "subscribe":
        this.#subscribe(effect.subscribe);
        return;
      case "unsubscribe": {
        const subscription = this.#subscriptions.get(effect.id);
        if (subscription !== undefined) this.#world.fanOut.delete(subscription);
        this.#subscriptions.delete(effect.id);
        return;
      }
      case "acknowledge":
        this.#subscriptions.get(effect.id)?.acknowledge(effect.offset);
        return;
      case "observe":
        this.#observe(effect.observation);
        return;
      case "close":
        this.close(effect.code, effect.reason);
        return;
    }
  }

  #subscribe(message: SubscribeMessage): void {
    const { engine, fanOut, options } = this.#world;
    const { id, since } = message;
    if (!this.#world.open()) {
      this.#send({
        type: "error",
        id,
        code: "busy",
        message: "the server is shutting down",
        retryable: true,
      });
      return;
    }
    const { epoch, offset } = engine;
    const sameEpoch = since !== undefined && since.epoch === epoch;
    if (sameEpoch && since.offset > offset) {
      this.close(
        CloseCode.cannotResume,
        `since: expected an offset up to ${offset}, got ${since.offset}; subscribe without since`,
      );
      return;
    }
    const subscription = new Subscription(message, offset, options.limits.queue);
    const kept = sameEpoch && engine.issuedSince(since.offset, 1) !== null;
    this.#subscriptions.set(id, subscription);
    this.#send({ type: "subscribed", id, epoch, offset, recovered: kept });
    if (since !== undefined && !kept) {
      const reason = sameEpoch ? "no longer kept" : "another epoch";
      this.#send({ type: "gap", id, from: sameEpoch ? since.offset : 0, to: offset, reason });
    }
    if (subscription.mode === "latest") this.#offerLatest(subscription, kept && since ? since.offset : -1);
    else if (kept && since) subscription.resumeFrom(since.offset);
    fanOut.add(subscription, this);
    fanOut.wake(this);
  }

  /** A new `latest` subscription begins with what is known already. */
  #offerLatest(subscription: Subscription, after: number): void {
    const { engine } = this.#world;
    const names =
      subscription.series === undefined ? engine.series().map(({ series }) => series) : [subscription.series];
    for (const name of names) {
      if (!subscription.wants(name)) continue;
      for (const forecast of engine.latest(name)) {
        if (forecast.offset > after) subscription.offer(new Issue(forecast, engine.epoch));
      }
    }
  }

  /** Fetches the next page of the log for a subscription that is catching up: one a turn, so that nobody waits for it. */
  #resume(subscription: Subscription): void {
    const { engine } = this.#world;
    const from = subscription.resumingFrom;
    if (from === null || subscription.waiting > 0 || this.#closing || !this.#world.open()) return;
    // Asked without a filter: the work of a page is bounded, however little of it is wanted.
    for (let limit = BACKLOG_PAGE; ; limit *= 2) {
      const page = engine.issuedSince(from, limit);
      if (page === null) {
        // The log moved on past a reader that took too long.
        this.close(CloseCode.cannotResume, `offset ${from} is no longer kept; subscribe without since`);
        return;
      }
      // A full page may end in the middle of an observation that led to several: that one waits for the next page.
      const end = page.length < limit ? undefined : page.at(-1)?.offset;
      const whole = page.filter(({ offset }) => offset !== end);
      if (whole.length === 0 && end !== undefined) continue;
      const wanted = whole.filter(({ series }) => subscription.wants(series));
      subscription.replay(wanted.map((forecast) => new Issue(forecast, engine.epoch)));
      subscription.resumeFrom(end === undefined ? null : (whole.at(-1)?.offset ?? from), engine.offset);
      return;
    }
  }

  #observe(observation: Readonly<Record<string, unknown>>): void {
    const number = ++this.#observed;
    const given = usableId(observation.id);
    const id = given === undefined ? {} : { id: given };
    const refuse = (code: string, message: string, retryable: boolean) =>
      this.#send({ type: "error", ...id, code, message: `observe ${number}: ${message}`, retryable });
    let read: Observation;
    try {
      read = readObservation(observation, UNTIMED);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      refuse(error.code, error.message, false);
      return;
    }
    const { limits } = this.#world.options;
    if (++this.#pending >= limits.pendingObservations) this.#ws.pause();
    this.#world
      .ingest([read])
      .then((receipt) => {
        const [refused] = receipt.refused;
        if (refused !== undefined) return refuse(refused.code, refused.message, false);
        const status = receipt.duplicate > 0 ? "duplicate" : receipt.late > 0 ? "late" : "accepted";
        this.#send({ type: "ack", ...id, status, offset: this.#world.engine.offset });
      })
      .catch((error) => {
        if (error instanceof EddyError) return refuse(error.code, error.message, error.code === "busy");
        this.#world.onError(error);
        refuse("storage", "the observation could not be kept", true);
      })
      .finally(() => {
        this.#pending--;
        if (this.#ws.isPaused && this.#pending <= limits.pendingObservations / 2) this.#ws.resume();
      });
  }

  /** Nothing more is sent but what has been handed to the socket. */
  #drop(): void {
    for (const subscription of this.#subscriptions.values()) this.#world.fanOut.delete(subscription);
    this.#subscriptions.clear();
    this.#world.fanOut.forget(this);
    clearTimeout(this.#initTimer);
    if (this.#paceTimer !== null) clearTimeout(this.#paceTimer);
  }

  #release(): void {
    this.#closing = true;
    this.#drop();
    if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
  }
}

/** A close reason holds at most 123 bytes of UTF-8. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= 123) return reason;
  return `${bytes
    .subarray(0, 117)
    .toString("utf8")
    .replace(/\ufffd$/, "")}…`;
}
