import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { EddyError } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import type { SubscribeAlertsMessage, SubscribeMessage } from "../../protocol/client-messages.ts";
import { CloseCode } from "../../protocol/close-codes.ts";
import { ARROW_SUBPROTOCOL, JSON_SUBPROTOCOL } from "../../protocol/subprotocols.ts";
import { Caller } from "../access/caller.ts";
import type { Access, Refusal } from "../access.ts";
import type { Engine } from "../engine.ts";
import type { Intake } from "../intake.ts";
import type { Turns } from "../turns.ts";
import { AlertEvents } from "./alert-events.ts";
import { AlertFeed } from "./alert-feed.ts";
import { openArrowFrames } from "./arrow-frames.ts";
import { Backlog } from "./backlog.ts";
import { Connection, type ConnectionWorld } from "./connection.ts";
import type { EventPeer } from "./event-peer.ts";
import { EventStream, type EventStreamWorld } from "./event-stream.ts";
import { FanOut } from "./fan-out.ts";
import { JSON_FRAMES } from "./json-frames.ts";
import { LONGEST_TIMER, type SocketOptions } from "./limits.ts";
import { Dispatch } from "./outgoing.ts";
import type { Subprotocol } from "./subprotocol.ts";

export interface StreamEndpointOptions {
  readonly engine: Engine;
  readonly intake: Intake;
  readonly access: Access;
  readonly socket: SocketOptions;
  readonly monotonic: () => number;
  readonly turns: Turns;
  readonly onError: (error: unknown) => void;
}

const CLOSE_CODES = {
  401: CloseCode.unauthorised,
  403: CloseCode.forbidden,
  429: CloseCode.tooMany,
} as const;
const SUBPROTOCOLS: ReadonlySet<string> = new Set([JSON_SUBPROTOCOL, ARROW_SUBPROTOCOL]);

/** `/v1/stream`: takes WebSocket upgrades, holds the connections and feeds them forecasts. */
export class StreamEndpoint {
  readonly #options: StreamEndpointOptions;
  readonly #server: WebSocketServer;
  readonly #dispatch: Dispatch;
  readonly #backlog: Backlog;
  readonly #fanOut: FanOut;
  readonly #alertFeed: AlertFeed;
  readonly #connections = new Set<Connection | EventPeer>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  /** There once a client has asked for it. */
  #arrow: Subprotocol | undefined;
  #opened = 0;
  #tooSlow = 0;

  constructor(options: StreamEndpointOptions) {
    this.#options = options;
    const { engine, socket } = options;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: socket.limits.messageBytes,
      maxFragments: 64,
      maxBufferedChunks: 1024,
      // A client that offers only unknown subprotocols is given one of them for as long as it takes to close with 4406:
      // without a subprotocol, libraries and browsers report a failed handshake, and nobody learns why.
      handleProtocols: (offered) =>
        [...offered].find((name) => SUBPROTOCOLS.has(name)) ?? [...offered][0] ?? false,
    });
    this.#dispatch = new Dispatch(engine.epoch);
    this.#backlog = new Backlog(engine, this.#dispatch);
    this.#fanOut = new FanOut(this.#dispatch, options.monotonic);
    this.#alertFeed = new AlertFeed(engine.alerts, engine.epoch);
    const subscription = engine.issues$.subscribe((logged) => this.#fanOut.publish(logged));
    this.#unsubscribe = () => subscription.unsubscribe();
    this.#heartbeat = setInterval(
      () => {
        for (const connection of this.#connections) connection.beat();
      },
      Math.min(LONGEST_TIMER, socket.pingMs),
    );
  }

  /** Answers one upgrade request for this endpoint. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (
      this.#arrow !== undefined ||
      !request.headers["sec-websocket-protocol"]?.includes(ARROW_SUBPROTOCOL)
    ) {
      this.#upgrade(request, socket, head);
      return;
    }
    // The library is loaded with the first who asks for it; until then nothing is read of what comes.
    openArrowFrames(this.#options.engine.epoch)
      .then((arrow) => {
        this.#arrow = arrow;
        this.#upgrade(request, socket, head);
      })
      .catch((error) => {
        this.#options.onError(error);
        socket.destroy();
      });
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const peer = this.#options.access.peer(request);
      const refused = this.#refusal(request, ws, peer);
      if (refused === null) {
        this.#open(ws, socket, request, peer);
        return;
      }
      ws.on("error", () => {});
      ws.close(...refused);
      const timer = setTimeout(() => ws.terminate(), this.#options.socket.closeMs);
      ws.once("close", () => clearTimeout(timer));
    });
  }

  /**
   * Whether one more stream of events may begin.
   *
   * @throws EddyError `busy` when there are as many connections or subscriptions as may be; `bad-state` when the journal has not
   * come as far as its client says
   */
  admitEvents(message: SubscribeMessage | SubscribeAlertsMessage): void {
    const { engine, socket } = this.#options;
    if (this.#connections.size >= socket.connections || this.#fanOut.subscriptions >= socket.subscriptions) {
      throw new EddyError("busy", "connections", {
        expected: `at most ${socket.connections} with ${socket.subscriptions} subscriptions`,
        received: "one more",
      });
    }
    const { since } = message;
    if (since === undefined || since.epoch !== engine.epoch) return;
    const [what, reached, given] =
      "sequence" in since
        ? ["a sequence", this.#alertFeed.sequence, since.sequence]
        : ["an offset", engine.offset, since.offset];
    if (given > reached) {
      throw new EddyError("bad-state", "since", {
        expected: `${what} up to ${reached}`,
        received: String(given),
        hint: "begin anew without it",
      });
    }
  }

  /** Sends forecasts or alerts as Server-Sent Events, once that has been admitted. */
  events(response: ServerResponse, message: SubscribeMessage | SubscribeAlertsMessage, reader: Caller): void {
    const world = this.#world();
    this.#add(
      "alerts" in message
        ? new AlertEvents(response, message, reader, { ...world, alertFeed: this.#alertFeed })
        : new EventStream(response, message, reader, world),
    );
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      connections: this.#connections.size,
      connections_total: this.#opened,
      subscriptions: this.#fanOut.subscriptions,
      conflated_total: this.#fanOut.conflated,
      too_slow_total: this.#tooSlow,
      log_pages_read_total: this.#backlog.reads,
    };
  }

  /** Says goodbye to everyone; resolves when all are gone, terminated where they do not answer. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#unsubscribe();
    const gone = [...this.#connections].map((connection) => connection.onClosed);
    this.#fanOut.deal();
    for (const connection of this.#connections) connection.drain();
    await Promise.all(gone);
    this.#fanOut.close();
    this.#alertFeed.close();
    this.#server.close();
  }

  #refusal(request: IncomingMessage, ws: WebSocket, peer: string): [code: CloseCode, reason: string] | null {
    const { access, intake, socket } = this.#options;
    if (!intake.open) return [CloseCode.goingAway, "the server is going away"];
    if (!SUBPROTOCOLS.has(ws.protocol)) {
      return [CloseCode.subprotocol, `subprotocol: expected ${[...SUBPROTOCOLS].join(" or ")}`];
    }
    const bearer = access.bearer(request);
    const wrong = (): Refusal | null => {
      const login = bearer === undefined ? null : access.login(bearer, peer);
      return login instanceof Caller ? null : login;
    };
    const refusal = access.forbidden(request) ?? access.pace(peer) ?? wrong();
    if (refusal !== null) return this.#turnedAway(refusal, peer, "GET /v1/stream");
    if (this.#connections.size >= socket.connections) {
      return [CloseCode.tooMany, `expected at most ${socket.connections} connections`];
    }
    return null;
  }

  /** Counts a refusal, and answers how the connection is to be ended. */
  #turnedAway(refusal: Refusal, peer: string, what: string, caller?: Caller): [CloseCode, string] {
    const { reason, status, message } = refusal;
    this.#options.access.audit.refuse({ reason, caller, peer, what, why: message });
    return [CLOSE_CODES[status], message];
  }

  #open(ws: WebSocket, socket: Socket, request: IncomingMessage, peer: string): void {
    const { access, intake, turns } = this.#options;
    const world: ConnectionWorld = {
      ...this.#world(),
      alertFeed: this.#alertFeed,
      ingest: (batch: readonly Observation[]) => intake.ingest(batch),
      login: (token) => {
        const login = access.login(token, peer);
        return login instanceof Caller ? login : this.#turnedAway(login, peer, "init");
      },
      refused: (caller, what, why, reason) => access.audit.refuse({ reason, caller, peer, what, why }),
      turns,
    };
    const bearer = access.bearer(request);
    const known = access.needsToken && bearer === undefined ? undefined : access.login(bearer, peer);
    const caller = known instanceof Caller ? known : undefined;
    const subprotocol =
      ws.protocol === ARROW_SUBPROTOCOL && this.#arrow !== undefined ? this.#arrow : JSON_FRAMES;
    this.#add(new Connection({ ws, socket, session: randomUUID(), caller, subprotocol }, world));
  }

  #add(connection: Connection | EventPeer): void {
    this.#opened++;
    this.#connections.add(connection);
    connection.onClosed.then(() => this.#connections.delete(connection));
  }

  /** What each client is given. */
  #world(): EventStreamWorld {
    const { engine, intake, monotonic, onError, socket } = this.#options;
    return {
      engine,
      fanOut: this.#fanOut,
      backlog: this.#backlog,
      dispatch: this.#dispatch,
      connections: () => this.#connections.size,
      options: socket,
      open: () => intake.open,
      endedAsTooSlow: () => {
        this.#tooSlow++;
      },
      monotonic,
      onError,
    };
  }
}
