import type { ConnectionLimits, ServerMessage } from "../protocol/server-messages.ts";
import { ClientError } from "./errors.ts";
import type { Status } from "./status.ts";
import type { ClientWorld, Socket } from "./world.ts";

/** The first bound of the wait between two attempts, and the largest: it doubles from one failure to the next. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
/** Milliseconds that a connection must have lived before the next failure counts as the first again. */
const STEADY = 5_000;
/** Milliseconds for a connection to be made and greeted. */
const PATIENCE = 15_000;
/** Milliseconds for an answer when there is reason to doubt that the connection still stands. */
const DOUBT = 5_000;
/** A timer that goes off so much too late did so in a process that had been stopped: what came meanwhile is still to be read. */
const LATE = 1_000;
/** Milliseconds for the other side to take our farewell. */
const FAREWELL = 2_000;
const OPEN = 1;

/** What comes of a connection that the server closes with a code after which trying again would end the same way. */
const FINAL: Readonly<Record<number, readonly [code: string, message: string]>> = {
  1009: ["too-large", "the server was sent a message larger than it takes"],
  4400: ["bad-message", "the server did not understand what it was sent"],
  4401: ["unauthorised", "the token is missing or wrong"],
  4403: ["forbidden", "the server does not answer this origin, or not by this name"],
  4406: ["unsupported", "the server does not speak eddy.v1.json"],
  4409: ["bad-message", "the server knows a subscription of this id already"],
};
const TOO_MANY = 4429;

export interface ConnectionOptions {
  /** `ws://` or `wss://`, up to `/v1/stream`. */
  readonly url: string;
  readonly token: () => Promise<string | undefined>;
  readonly firstWait?: number;
  readonly longestWait?: number;
}

/** Who is told what becomes of a connection. */
export interface ConnectionUser {
  status(status: Status): void;
  /** The server has greeted us. */
  opened(limits: ConnectionLimits): void;
  /** `size`: characters it came in. */
  message(message: ServerMessage, size: number): void;
  /** It is gone, with what was sent and not answered. */
  lost(code: number): void;
  ended(error: ClientError | null): void;
}

/** One attempt; what comes of one that has been given up is not listened to. */
interface Link {
  socket: Socket | null;
  /** When the server greeted us. */
  liveSince: number | null;
  /** Something came since this was last looked at. */
  heard: boolean;
  beat: number;
  timer: unknown;
  /** What the system said of a failure. */
  error: string;
  /** Milliseconds that the server asked us to stay away. */
  stayAway: number | null;
}

/**
 * A connection to a server that is made again whenever it is lost, until it is closed or the server refuses for good.
 *
 *     connecting --ready--> live --lost--> waiting --> connecting ...     any --close, or a code that is final--> ended
 *
 * The wait is of any length up to a bound that doubles with each failure ("full jitter"), so that thousands that were dropped together
 * do not come back together; the bound is small again once a connection has lived for some seconds, not as soon as it was made.
 * A connection on which nothing comes is asked (`ping`), and given up when it does not answer: sockets do not tell of a laptop that slept.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #world: ClientWorld;
  readonly #user: ConnectionUser;
  #link: Link | null = null;
  #waiting: unknown = null;
  #failures = 0;
  #ended = false;
  readonly #online = () => this.#recheck();
  readonly #seen = () => {
    if (this.#world.document?.visibilityState !== "hidden") this.#recheck();
  };

  constructor(options: ConnectionOptions, world: ClientWorld, user: ConnectionUser) {
    this.#options = options;
    this.#world = world;
    this.#user = user;
  }

  get live(): boolean {
    const { socket, liveSince } = this.#link ?? {};
    return liveSince !== undefined && liveSince !== null && socket?.readyState === OPEN;
  }

  open(): void {
    const { window, document } = this.#world;
    window?.addEventListener("online", this.#online);
    window?.addEventListener("offline", this.#online);
    document?.addEventListener("visibilitychange", this.#seen);
    this.#connect();
  }

  /** Sends a message as it is; nothing when the connection does not stand. */
  send(text: string): void {
    if (this.live) this.#link?.socket?.send(text);
  }

  close(): void {
    this.#end(null);
  }

  #connect(): void {
    const link: Link = {
      socket: null,
      liveSince: null,
      heard: false,
      beat: 0,
      timer: null,
      error: "",
      stayAway: null,
    };
    this.#link = link;
    this.#user.status({ state: "connecting", attempt: this.#failures + 1 });
    // Whoever heard that may have closed.
    if (this.#link !== link) return;
    const { url, token } = this.#options;
    this.#arm(link, PATIENCE, () => this.#lose(link, 1006, `no answer within ${PATIENCE / 1000} s`));
    token().then(
      (shown) => {
        if (this.#link === link) this.#dial(link, url, shown);
      },
      (error) => this.#lose(link, 1006, `no token: ${(error as Error)?.message ?? error}`),
    );
  }

  #dial(link: Link, url: string, token: string | undefined): void {
    const { WebSocket } = this.#world;
    if (WebSocket === undefined) {
      this.#end(
        new ClientError("unsupported", "WebSocket: expected one of the platform or as an option, got none"),
      );
      return;
    }
    let socket: Socket;
    try {
      socket = new WebSocket(url, "eddy.v1.json");
    } catch (error) {
      // Such as a page of https that may not speak to ws.
      this.#end(new ClientError("bad-argument", `${url}: ${(error as Error).message}`));
      return;
    }
    link.socket = socket;
    socket.onopen = () => {
      if (this.#link !== link) return;
      socket.send(JSON.stringify(token === undefined ? { type: "init" } : { type: "init", token }));
    };
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (this.#link === link) this.#receive(link, data);
    };
    socket.onerror = ({ message, error }: { message?: string; error?: { code?: string } }) => {
      link.error = message || error?.code || "";
    };
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      this.#lose(link, code, reason || link.error);
    };
  }

  #receive(link: Link, data: unknown): void {
    link.heard = true;
    let message: ServerMessage;
    try {
      message = JSON.parse(data as string);
    } catch {
      this.#lose(link, 1006, "what came is not of Eddy's protocol");
      return;
    }
    if (message.type === "ready") {
      link.liveSince = this.#world.now();
      link.beat = Number.isFinite(message.pingMs) ? Math.max(100, message.pingMs) : 20_000;
      this.#arm(link, link.beat, () => this.#ask(link, link.beat));
      this.#user.status({ state: "live" });
      if (this.#link === link) this.#user.opened(message.limits);
      return;
    }
    if (message.type === "draining") link.stayAway = message.reconnectAfterMs;
    if (link.liveSince !== null) this.#user.message(message, (data as string).length);
  }

  /** Asks, and from then on once in each beat for as long as something comes. */
  #ask(link: Link, patience: number): void {
    link.heard = false;
    if (link.socket?.readyState === OPEN) link.socket.send('{"type":"ping"}');
    this.#expect(link, patience);
  }

  #expect(link: Link, patience: number): void {
    const due = this.#world.now() + patience;
    this.#arm(link, patience, () => {
      if (link.heard) this.#ask(link, link.beat);
      else if (this.#world.now() > due + LATE) this.#expect(link, LATE);
      else this.#lose(link, 1006, `the server has not answered for ${patience / 1000} s`);
    });
  }

  /** Something has happened that a connection may not have outlived, or that makes another attempt worth while. */
  #recheck(): void {
    const link = this.#link;
    if (link === null) {
      if (this.#waiting === null || this.#ended) return;
      this.#world.clearTimeout(this.#waiting);
      this.#waiting = null;
      this.#connect();
    } else if (link.liveSince !== null) this.#ask(link, Math.min(DOUBT, link.beat));
  }

  #arm(link: Link, milliseconds: number, run: () => void): void {
    this.#world.clearTimeout(link.timer);
    link.timer = this.#world.setTimeout(() => {
      if (this.#link === link) run();
    }, milliseconds);
  }

  #lose(link: Link, code: number, told: string): void {
    if (this.#link !== link) return;
    this.#drop(link);
    const wasLive = link.liveSince !== null;
    if (link.liveSince !== null && this.#world.now() - link.liveSince >= STEADY) this.#failures = 0;
    this.#failures++;
    const final = FINAL[code];
    if (final !== undefined) {
      const [name, message] = final;
      this.#end(new ClientError(name, told === "" ? message : `${message} (${told})`));
      return;
    }
    if (wasLive) this.#user.lost(code);
    if (this.#ended) return;
    const wait = this.#wait(link, code);
    const reason = told || (wasLive ? "the connection was lost" : "the server cannot be reached");
    this.#waiting = this.#world.setTimeout(() => {
      this.#waiting = null;
      this.#connect();
    }, wait);
    this.#user.status({ state: "waiting", until: this.#world.now() + wait, reason, code });
  }

  #wait({ stayAway }: Link, code: number): number {
    const { firstWait = FIRST_WAIT, longestWait = LONGEST_WAIT } = this.#options;
    const { random } = this.#world;
    if (code === TOO_MANY) return (longestWait * (1 + random())) / 2;
    const bound = Math.min(longestWait, firstWait * 2 ** Math.min(30, this.#failures - 1));
    const asked = Number.isFinite(stayAway) ? Math.max(0, stayAway ?? 0) : 0;
    return Math.min(longestWait, asked) + random() * bound;
  }

  /** Gives up an attempt, whatever its socket thinks. */
  #drop(link: Link): void {
    this.#link = null;
    this.#world.clearTimeout(link.timer);
    if (link.socket !== null) abandon(link.socket);
  }

  #end(error: ClientError | null): void {
    if (this.#ended) return;
    this.#ended = true;
    const { window, document } = this.#world;
    window?.removeEventListener("online", this.#online);
    window?.removeEventListener("offline", this.#online);
    document?.removeEventListener("visibilitychange", this.#seen);
    if (this.#waiting !== null) this.#world.clearTimeout(this.#waiting);
    this.#waiting = null;
    const link = this.#link;
    if (link?.socket?.readyState === OPEN) this.#part(link, link.socket);
    else if (link !== null) this.#drop(link);
    this.#user.ended(error);
    this.#user.status({ state: "ended", error });
  }

  /** Says goodbye; a server that does not answer is not waited for. */
  #part(link: Link, socket: Socket): void {
    this.#link = null;
    this.#world.clearTimeout(link.timer);
    const timer = this.#world.setTimeout(() => socket.terminate?.(), FAREWELL);
    socket.onopen = null;
    socket.onmessage = null;
    socket.onerror = () => {};
    socket.onclose = () => this.#world.clearTimeout(timer);
    socket.close(1000);
  }
}

function abandon(socket: Socket): void {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  // Not none: an error that nobody listens for would end a process of Node.
  socket.onerror = () => {};
  if (socket.terminate === undefined) socket.close();
  else socket.terminate();
}
