import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { EddyError } from "../../models/errors.ts";
import { type Observation, UNTIMED } from "../../models/observation.ts";
import { readObservation } from "../../streams/observation-schema.ts";
import type { Refused } from "../access/audit.ts";
import { Caller, NOBODY } from "../access/caller.ts";
import type { Engine, Receipt } from "../engine.ts";
import type { Turns } from "../turns.ts";
import type { Backlog } from "./backlog.ts";
import { CloseCode } from "./close-codes.ts";
import type { FanOut, Recipient } from "./fan-out.ts";
import { highWater, LONGEST_TIMER, type SocketOptions } from "./limits.ts";
import { type ServerMessage, type SubscribeMessage, type SubscriptionId, usableId } from "./messages.ts";
import type { Dispatch } from "./outgoing.ts";
import { type Effect, Receive } from "./receive.ts";
import { Subscription } from "./subscription.ts";

/** What a connection is given by the server that holds it. */
export interface ConnectionWorld {
  readonly engine: Engine;
  readonly fanOut: FanOut;
  readonly backlog: Backlog;
  readonly dispatch: Dispatch;
  /** Connections there are. */
  readonly connections: () => number;
  readonly options: SocketOptions;
  /** False once the server is shutting down: the engine is not asked any more. */
  readonly open: () => boolean;
  readonly ingest: (batch: readonly Observation[]) => Promise<Receipt>;
  /** Who shows this token, or how the connection is to be ended. */
  readonly login: (token: string | undefined) => Caller | readonly [CloseCode, string];
  /** Told what was refused to whom. */
  readonly refused: (caller: Caller, what: string, why: string, reason: Refused) => void;
  /** Milliseconds of a clock that does not go back. */
  readonly monotonic: () => number;
  /** Shares the event loop with all other connections and bodies. */
  readonly turns: Turns;
  readonly onError: (error: unknown) => void;
}

/** Series looked at in one turn for what is known of them already. */
const NAMES_PER_TURN = 256;

/** Messages that wait to be read before no more are taken from the socket; those of one chunk of it come all the same. */
const INBOX_MESSAGES = 256;

/** One client of `/v1/stream`: carries out what `Receive` decides, and writes what its subscriptions hold. */
export class Connection implements Recipient {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #world: ConnectionWorld;
  readonly #session: string;
  readonly #receive: Receive;
  /** Who is at the other end; nobody before it has said so. */
  #caller = NOBODY;
  #forgetCaller = () => {};
  readonly #subscriptions = new Map<SubscriptionId, Subscription>();
  /** Between which offsets a new `latest` subscription looks for what is known already. */
  readonly #latest = new WeakMap<Subscription, { readonly after: number; readonly upTo: number }>();
  /** What a `stream` subscription that is catching up has seen: the first page may begin before it. */
  readonly #seen = new WeakMap<Subscription, number>();
  readonly #initTimer: NodeJS.Timeout;
  #paceTimer: NodeJS.Timeout | null = null;
  #closeTimer: NodeJS.Timeout | null = null;
  #closing = false;
  #answered = true;
  /** Bytes that the system had taken for this peer at the last beat, while more waited; otherwise -1. */
  #takenBefore = -1;
  /** Messages that came and are not read yet; undefined for one that is binary. */
  #inbox: (string | undefined)[] = [];
  #reading = false;
  #corked = false;
  #pending = 0;
  #observed = 0;
  readonly onClosed: Promise<void>;

  constructor(
    ws: WebSocket,
    socket: Socket,
    session: string,
    caller: Caller | undefined,
    world: ConnectionWorld,
  ) {
    this.#ws = ws;
    this.#socket = socket;
    this.#session = session;
    this.#world = world;
    const { options } = world;
    if (caller !== undefined) this.#is(caller);
    this.#receive = new Receive({
      limits: options.limits,
      authorised: caller !== undefined,
      authorise: (token) => {
        const login = world.login(token);
        if (!(login instanceof Caller)) return login;
        this.#is(login);
        return null;
      },
    });
    this.#initTimer = setTimeout(() => this.#carryOut(() => this.#receive.initTimeout()), options.initMs);
    ws.on("message", (data, isBinary) => {
      this.#answered = true;
      this.#inbox.push(isBinary ? undefined : String(data));
      this.#hold();
      if (this.#reading) return;
      this.#reading = true;
      world.turns.run(this.#read());
    });
    ws.on("pong", () => {
      this.#answered = true;
    });
    // The library has answered it already.
    ws.on("ping", () => this.#hold());
    // The library has closed with the right code already, such as 1009; the event is only not to go unheard.
    ws.on("error", () => {});
    socket.on("drain", () => {
      this.#letGo();
      world.fanOut.wake(this);
    });
    this.onClosed = new Promise((resolve) => {
      ws.once("close", () => {
        this.#release();
        resolve();
      });
    });
  }

  /** Knows who is at the other end; the connection ends with the right of that to anything. */
  #is(caller: Caller): void {
    this.#caller = caller;
    this.#forgetCaller = caller.onEnd((why) => {
      this.#world.refused(caller, "connection", why, "revoked-token");
      this.close(CloseCode.unauthorised, why);
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
    if (this.#closing) return;
    if (this.#full) {
      const taken = this.#socket.bytesWritten - this.#socket.writableLength;
      if (taken === this.#takenBefore) this.close(CloseCode.tooSlow, "what was sent is not being read");
      this.#takenBefore = taken;
      return;
    }
    this.#takenBefore = -1;
    // A peer we do not read from cannot be heard.
    if (this.#ws.isPaused) return;
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
    // Frames of one turn leave in one system call.
    this.#socket.cork();
    try {
      return this.#write(frames);
    } catch (error) {
      this.#world.onError(error);
      this.close(CloseCode.internal, "internal error");
      return 0;
    } finally {
      this.#socket.uncork();
    }
  }

  #write(frames: number): number {
    const now = this.#world.monotonic();
    let written = 0;
    let fetched = false;
    for (const subscription of this.#subscriptions.values()) {
      while (written < frames && !this.#full) {
        const frame = subscription.take(now);
        if (frame === null) break;
        this.#ws.send(frame, { binary: false });
        written++;
      }
      // One page, or one look, a turn: nobody waits for it.
      if (!fetched) fetched = this.#look(subscription) || this.#resume(subscription);
    }
    if (!this.#closing) this.#pace(now);
    return written;
  }

  tooSlow(subscription: Subscription): void {
    this.close(
      CloseCode.tooSlow,
      `subscription ${JSON.stringify(subscription.id)}: more than ${this.#world.options.limits.queue} messages waiting`,
    );
  }

  get #full(): boolean {
    return this.#ws.bufferedAmount >= highWater(this.#world.options, this.#world.connections());
  }

  /** Stops reading from a peer that does not take its answers, or sends faster than its observations can be taken. */
  #hold(): void {
    if (!this.#ws.isPaused && (this.#full || this.#crowded || this.#inbox.length >= INBOX_MESSAGES))
      this.#ws.pause();
  }

  /** Reads what has come, a message at a time: a thousand small ones arrive in one chunk. */
  *#read(): Generator<unknown, void> {
    while (this.#inbox.length > 0) {
      const messages = this.#inbox;
      this.#inbox = [];
      for (const text of messages) {
        if (text === undefined) this.#carryOut(() => this.#receive.binary());
        else this.#carryOut(() => this.#receive.text(text, this.#world.monotonic()));
        yield;
      }
      this.#letGo();
    }
    this.#reading = false;
  }

  #letGo(): void {
    const { pendingObservations } = this.#world.options.limits;
    if (this.#inbox.length >= INBOX_MESSAGES || this.#full || this.#pending > pendingObservations / 2) return;
    if (this.#ws.isPaused) this.#ws.resume();
  }

  get #crowded(): boolean {
    return this.#pending >= this.#world.options.limits.pendingObservations;
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
    const wait = Math.min(LONGEST_TIMER, Math.ceil(due - now));
    this.#paceTimer = setTimeout(() => this.#world.fanOut.wake(this), wait);
  }

  #send(message: ServerMessage): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    // Answers of one turn leave in one system call.
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#ws.send(JSON.stringify(message));
    this.#hold();
  }

  #carryOut(effects: () => readonly Effect[]): void {
    try {
      for (const effect of effects()) this.#perform(effect);
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
    const { engine, fanOut, backlog, options } = this.#world;
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
    const caller = this.#caller;
    const mayRead = (series: string): boolean => caller.may("read", series);
    if (message.series === undefined ? !caller.mayAny("read") : !mayRead(message.series)) {
      const text = caller.lacks("read", message.series ?? message.pattern ?? "");
      this.#world.refused(caller, "subscribe", text, "scope");
      this.#receive.forget(id);
      this.#send({ type: "error", id, code: "forbidden", message: text, retryable: false });
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
    if (fanOut.subscriptions >= options.subscriptions) {
      this.close(CloseCode.tooMany, `expected at most ${options.subscriptions} subscriptions in all`);
      return;
    }
    const subscription = new Subscription(message, offset, options.limits.queue, mayRead);
    const place = sameEpoch ? backlog.start(since.offset) : null;
    const kept = place !== null;
    this.#subscriptions.set(id, subscription);
    this.#send({ type: "subscribed", id, epoch, offset, recovered: kept });
    if (since !== undefined && !kept) {
      const reason = sameEpoch ? "no longer kept" : "another epoch";
      this.#send({ type: "gap", id, from: sameEpoch ? since.offset : 0, to: offset, reason });
    }
    const seen = since?.offset ?? 0;
    if (subscription.mode === "latest") {
      subscription.lookThrough(subscription.series === undefined ? engine.names() : [subscription.series]);
      this.#latest.set(subscription, { after: kept ? seen : -1, upTo: offset });
    } else if (place !== null) {
      this.#seen.set(subscription, seen);
      subscription.resumeFrom(place);
    }
    fanOut.add(subscription, this);
    fanOut.wake(this);
  }

  /** A new `latest` subscription begins with what is known already: a few series a turn, however many there are. */
  #look(subscription: Subscription): boolean {
    const bounds = this.#latest.get(subscription);
    if (bounds === undefined) return false;
    const { engine, dispatch } = this.#world;
    for (let n = 0; n < NAMES_PER_TURN; n++) {
      const name = subscription.nextUnseen();
      if (name === undefined) {
        this.#latest.delete(subscription);
        break;
      }
      if (!subscription.wants(name)) continue;
      const issue = engine.latest(name);
      // A later one has been offered by itself.
      if (issue === undefined || issue.offset <= bounds.after || issue.offset > bounds.upTo) continue;
      for (const outgoing of dispatch.of(issue)) {
        if (!subscription.holds(outgoing)) subscription.offer(outgoing);
      }
    }
    return true;
  }

  /** Hands the next page of the log to a subscription that is catching up; false when it needs none now. */
  #resume(subscription: Subscription): boolean {
    const { backlog, engine } = this.#world;
    const from = subscription.resumingFrom;
    if (from === null || subscription.waiting > 0 || this.#closing || !this.#world.open()) return false;
    const page = backlog.page(from);
    if (page === null) {
      // The log moved on past a reader that took too long.
      this.close(
        CloseCode.cannotResume,
        `offset ${from.position} is no longer kept; subscribe without since`,
      );
      return true;
    }
    const seen = this.#seen.get(subscription) ?? 0;
    subscription.replay(
      page.forecasts.filter(({ offset, series }) => offset > seen && subscription.wants(series)),
    );
    subscription.resumeFrom(page.next, engine.offset);
    return true;
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
    if (!this.#caller.may("write", read.series)) {
      const text = this.#caller.lacks("write", read.series);
      this.#world.refused(this.#caller, "observe", text, "scope");
      refuse("forbidden", text, false);
      return;
    }
    this.#pending++;
    this.#hold();
    this.#world
      .ingest([read])
      .then((receipt) => {
        const [refused] = receipt.refused;
        if (refused !== undefined) return refuse(refused.code, refused.message, refused.code === "busy");
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
        this.#letGo();
      });
  }

  /** Nothing more is sent but what has been handed to the socket. */
  #drop(): void {
    for (const subscription of this.#subscriptions.values()) this.#world.fanOut.delete(subscription);
    this.#subscriptions.clear();
    this.#world.fanOut.forget(this);
    this.#forgetCaller();
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
