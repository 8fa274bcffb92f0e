import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Observation } from "../../models/observation.ts";
import type {
  SubscribeAlertsMessage,
  SubscribeMessage,
  SubscriptionId,
} from "../../protocol/client-messages.ts";
import { CloseCode } from "../../protocol/close-codes.ts";
import type { ServerMessage } from "../../protocol/server-messages.ts";
import type { Refused } from "../access/audit.ts";
import { Caller, NOBODY } from "../access/caller.ts";
import type { Engine, Receipt } from "../engine.ts";
import type { Turns } from "../turns.ts";
import type { AlertFeed, AlertSubscription } from "./alert-feed.ts";
import type { Backlog } from "./backlog.ts";
import { CatchingUp } from "./catching-up.ts";
import type { FanOut, Recipient } from "./fan-out.ts";
import { type Frame, Inbox } from "./inbox.ts";
import { highWater, LONGEST_TIMER, type SocketOptions } from "./limits.ts";
import { Observing } from "./observing.ts";
import type { Dispatch } from "./outgoing.ts";
import { type Effect, Receive } from "./receive.ts";
import type { Subprotocol } from "./subprotocol.ts";
import { Subscription } from "./subscription.ts";

/** What a connection is given by the server that holds it. */
export interface ConnectionWorld {
  readonly engine: Engine;
  readonly fanOut: FanOut;
  readonly backlog: Backlog;
  readonly dispatch: Dispatch;
  readonly alertFeed: AlertFeed;
  /** Connections there are. */
  readonly connections: () => number;
  readonly options: SocketOptions;
  /** False once the server is shutting down: the engine is not asked any more. */
  readonly open: () => boolean;
  /** Told when a peer is ended that does not take what there is. */
  readonly endedAsTooSlow: () => void;
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

/** A client that has just connected. */
export interface Peer {
  readonly ws: WebSocket;
  readonly socket: Socket;
  readonly session: string;
  /** Whose token the upgrade request carried, where it was a good one. */
  readonly caller: Caller | undefined;
  readonly subprotocol: Subprotocol;
}

/** One client of `/v1/stream`: carries out what `Receive` decides, and writes what its subscriptions hold. */
export class Connection implements Recipient {
  readonly #peer: Peer;
  readonly #world: ConnectionWorld;
  readonly #receive: Receive;
  /** Who is at the other end; nobody before it has said so. */
  #caller = NOBODY;
  #forgetCaller = () => {};
  readonly #inbox: Inbox;
  readonly #observing: Observing;
  readonly #catchingUp: CatchingUp;
  readonly #subscriptions = new Map<SubscriptionId, Subscription>();
  readonly #alerts = new Map<SubscriptionId, AlertSubscription>();
  #stopListening = (): void => {};
  readonly #initTimer: NodeJS.Timeout;
  #paceTimer: NodeJS.Timeout | null = null;
  #closeTimer: NodeJS.Timeout | null = null;
  #closing = false;
  #answered = true;
  /** Bytes that the system had taken for this peer at the last beat, while more waited; otherwise -1. */
  #takenBefore = -1;
  #corked = false;
  readonly onClosed: Promise<void>;

  constructor(peer: Peer, world: ConnectionWorld) {
    this.#peer = peer;
    this.#world = world;
    const { ws, socket, caller, subprotocol } = peer;
    const { engine, ingest, options, login, turns, onError } = world;
    const binary = subprotocol.readBinary !== undefined;
    if (caller !== undefined) this.#is(caller);
    this.#receive = new Receive({
      limits: options.limits,
      authorised: caller !== undefined,
      authorise: (token) => {
        const known = login(token);
        if (!(known instanceof Caller)) return known;
        this.#is(known);
        return null;
      },
      binary,
    });
    this.#inbox = new Inbox(
      turns,
      (frame) => this.#read(frame),
      () => this.#letGo(),
    );
    this.#observing = new Observing({
      engine,
      ingest,
      forbidden: (series) => this.#mayNotWrite(series),
      send: (message) => this.#send(message),
      most: options.limits.pendingObservations,
      changed: () => {
        this.#hold();
        this.#letGo();
      },
      onError,
      readBinary: subprotocol.readBinary,
    });
    this.#catchingUp = new CatchingUp(world);
    this.#initTimer = setTimeout(() => this.#carryOut(() => this.#receive.initTimeout()), options.initMs);
    ws.on("message", (data, isBinary) => {
      this.#answered = true;
      this.#inbox.add(isBinary ? (data as Buffer) : String(data));
      this.#hold();
    });
    ws.on("pong", () => {
      this.#answered = true;
    });
    // The library has answered it already.
    ws.on("ping", () => this.#hold());
    // The library has closed with the right code already, such as 1009; the event is only not to go unheard.
    ws.on("error", () => {});
    socket.on("drain", () => {
      this.#tellSkipped();
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
    this.#forgetCaller = caller.onEnd((why, again) => {
      this.#world.refused(caller, "connection", why, "revoked-token");
      this.close(again ? CloseCode.goingAway : CloseCode.unauthorised, why);
    });
  }

  /** Ends the connection: error codes 4xxx say why. A peer that does not take the frame is terminated. */
  close(code: CloseCode, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#drop();
    if (code === CloseCode.tooSlow) this.#world.endedAsTooSlow();
    const { ws } = this.#peer;
    ws.close(code, shortened(reason));
    this.#closeTimer = setTimeout(() => ws.terminate(), this.#world.options.closeMs);
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
    const { ws, socket } = this.#peer;
    if (this.full) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (taken === this.#takenBefore) this.close(CloseCode.tooSlow, "what was sent is not being read");
      else this.#tellSkipped();
      this.#takenBefore = taken;
      return;
    }
    this.#takenBefore = -1;
    // A peer we do not read from cannot be heard.
    if (ws.isPaused) return;
    if (!this.#answered) {
      ws.terminate();
      return;
    }
    this.#answered = false;
    ws.ping();
  }

  get writable(): boolean {
    return !this.#closing && !this.full && this.#dueAt() <= this.#world.monotonic();
  }

  get full(): boolean {
    return this.#peer.ws.bufferedAmount >= highWater(this.#world.options, this.#world.connections());
  }

  flush(forecasts: number): number {
    if (this.#closing) return 0;
    const { socket } = this.#peer;
    // Frames of one turn leave in one system call.
    socket.cork();
    try {
      return this.#write(forecasts);
    } catch (error) {
      this.#world.onError(error);
      this.close(CloseCode.internal, "internal error");
      return 0;
    } finally {
      socket.uncork();
    }
  }

  slow(subscription: Subscription): void {
    const message = subscription.slowness();
    if (message !== null) this.#send(message);
  }

  tooSlow(subscription: Subscription): void {
    this.close(
      CloseCode.tooSlow,
      `subscription ${JSON.stringify(subscription.id)}: more than ${this.#world.options.limits.queue} messages waiting`,
    );
  }

  #write(forecasts: number): number {
    const { ws, socket, subprotocol } = this.#peer;
    const now = this.#world.monotonic();
    let written = 0;
    let caughtUp = false;
    for (const subscription of this.#subscriptions.values()) {
      while (written < forecasts && !this.full) {
        const piece = subscription.piece(subprotocol, now);
        if (piece === undefined) break;
        // There is no compression, and what the library sends is handed to the socket whole as well: frames never mix.
        if (ws.readyState === ws.OPEN) socket.write(piece.bytes);
        subscription.sent(piece.forecasts, now);
        written += piece.forecasts;
      }
      // One step a turn: nobody waits for it.
      if (!caughtUp && !this.#closing) caughtUp = this.#catchUp(subscription);
    }
    written += this.#writeAlerts(forecasts - written);
    if (!this.#closing) this.#pace(now);
    return written;
  }

  /** Sends what alert subscriptions have not had, at most `most`. */
  #writeAlerts(most: number): number {
    if (!this.#world.open()) return 0;
    let written = 0;
    for (const subscription of this.#alerts.values()) {
      if (written >= most || this.full) break;
      for (const { message } of this.#world.alertFeed.news(subscription)) {
        this.#peer.ws.send(typeof message === "string" ? message : JSON.stringify(message));
        if (++written >= most || this.full) break;
      }
    }
    return written;
  }

  #catchUp(subscription: Subscription): boolean {
    if (!this.#world.open()) return false;
    const step = this.#catchingUp.step(subscription);
    if (step === "lost") {
      const { position } = subscription.resumingFrom ?? { position: 0 };
      this.close(CloseCode.cannotResume, `offset ${position} is no longer kept; subscribe without since`);
    }
    return step !== "none";
  }

  /** Tells of what newer forecasts took the place of. */
  #tellSkipped(): void {
    if (this.#closing) return;
    for (const subscription of this.#subscriptions.values()) this.slow(subscription);
  }

  /** Stops reading from a peer that does not take its answers, or sends faster than its observations can be taken. */
  #hold(): void {
    const { ws } = this.#peer;
    if (!ws.isPaused && (this.full || this.#observing.crowded || this.#inbox.full)) ws.pause();
  }

  #letGo(): void {
    const { ws } = this.#peer;
    if (ws.isPaused && !this.#inbox.full && !this.full && this.#observing.roomy) ws.resume();
  }

  *#read(frame: Frame): Generator<unknown, void> {
    if (typeof frame === "string") {
      this.#carryOut(() => this.#receive.text(frame, this.#world.monotonic()));
      return;
    }
    if (!this.#receive.takesBinary) {
      this.#carryOut(() => this.#receive.binary());
      return;
    }
    try {
      yield* this.#observing.observeAll(frame);
    } catch (error) {
      this.#fail(error);
    }
  }

  #dueAt(): number {
    let due = Number.POSITIVE_INFINITY;
    const { sequence } = this.#world.alertFeed;
    for (const alerts of this.#alerts.values()) if (alerts.sequence < sequence) return 0;
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
    const { ws, socket } = this.#peer;
    if (ws.readyState !== ws.OPEN) return;
    // Answers of one turn leave in one system call.
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    ws.send(JSON.stringify(message));
    this.#hold();
  }

  #carryOut(effects: () => readonly Effect[]): void {
    try {
      for (const effect of effects()) this.#perform(effect);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#world.onError(error);
    this.close(CloseCode.internal, "internal error");
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case "send":
        this.#send(effect.message);
        return;
      case "welcome": {
        clearTimeout(this.#initTimer);
        const { pingMs, limits } = this.#world.options;
        this.#send({ type: "ready", session: this.#peer.session, pingMs, limits });
        return;
      }
      case "subscribe":
        this.#subscribe(effect.subscribe);
        return;
      case "subscribe to alerts":
        this.#subscribeToAlerts(effect.subscribe);
        return;
      case "unsubscribe": {
        this.#alerts.delete(effect.id);
        const subscription = this.#subscriptions.get(effect.id);
        if (subscription !== undefined) this.#world.fanOut.delete(subscription);
        this.#subscriptions.delete(effect.id);
        return;
      }
      case "acknowledge":
        this.#subscriptions.get(effect.id)?.acknowledge(effect.offset);
        return;
      case "observe":
        this.#observing.observe(effect.observation);
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
      const busy = { code: "busy", message: "the server is shutting down", retryable: true };
      this.#send({ type: "error", id, ...busy });
      return;
    }
    const caller = this.#caller;
    if (message.series === undefined ? !caller.mayAny("read") : !caller.may("read", message.series)) {
      const text = caller.lacks("read", message.series ?? message.pattern ?? "");
      this.#world.refused(caller, "subscribe", text, "scope");
      this.#receive.forget(id);
      this.#send({ type: "error", id, code: "forbidden", message: text, retryable: false });
      return;
    }
    const { epoch, offset } = engine;
    if (since !== undefined && since.epoch === epoch && since.offset > offset) {
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
    const subscription = new Subscription(message, offset, options.limits.queue, caller);
    this.#subscriptions.set(id, subscription);
    for (const told of this.#catchingUp.begin(subscription, message)) this.#send(told);
    fanOut.add(subscription, this);
    fanOut.wake(this);
  }

  /** What is answered to an observation of a series that whoever is at the other end may not write; null when they may. */
  #mayNotWrite(series: string): string | null {
    const caller = this.#caller;
    if (caller.may("write", series)) return null;
    const text = caller.lacks("write", series);
    this.#world.refused(caller, "observe", text, "scope");
    return text;
  }

  #subscribeToAlerts(message: SubscribeAlertsMessage): void {
    const { alertFeed, engine, fanOut } = this.#world;
    const { id, since } = message;
    if (!this.#world.open()) {
      const busy = { code: "busy", message: "the server is shutting down", retryable: true };
      this.#send({ type: "error", id, ...busy });
      return;
    }
    const caller = this.#caller;
    if (!caller.mayAny("read")) {
      const text = caller.lacks("read", message.alerts);
      this.#world.refused(caller, "subscribe", text, "scope");
      this.#receive.forget(id);
      this.#send({ type: "error", id, code: "forbidden", message: text, retryable: false });
      return;
    }
    const { sequence } = alertFeed;
    if (since !== undefined && since.epoch === engine.epoch && since.sequence > sequence) {
      this.close(
        CloseCode.cannotResume,
        `since: expected a sequence up to ${sequence}, got ${since.sequence}; subscribe without since`,
      );
      return;
    }
    const { subscription, told } = alertFeed.begin(message, engine, caller);
    for (const { message } of told) this.#send(message);
    if (this.#alerts.size === 0) this.#stopListening = alertFeed.listen(() => fanOut.wake(this));
    this.#alerts.set(id, subscription);
    fanOut.wake(this);
  }

  /** Nothing more is sent but what has been handed to the socket. */
  #drop(): void {
    for (const subscription of this.#subscriptions.values()) this.#world.fanOut.delete(subscription);
    this.#subscriptions.clear();
    this.#alerts.clear();
    this.#stopListening();
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
