import * as nodeFs from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { EddyError, printable } from "../models/errors.ts";
import type { ConnectionLimits } from "../protocol/server-messages.ts";
import { systemClock } from "../storage/clock.ts";
import type { SourceSettings } from "../streams/sources/kinds.ts";
import { type SourceWorld, sourceContext } from "../streams/sources/source.ts";
import { type ServerLog, SILENT } from "./access/audit.ts";
import type { TokenSettings } from "./access/tokens.ts";
import { Access, type Credentials, checkToken, isLoopback } from "./access.ts";
import { Deliveries } from "./alerts/delivery/deliveries.ts";
import type { DeliveryWorld } from "./alerts/delivery/receiver.ts";
import type { Receivers } from "./alerts/delivery/settings.ts";
import { deliveryWorld } from "./alerts/delivery/world.ts";
import type { Engine, EngineLog } from "./engine.ts";
import { type EventLoopWatch, watchEventLoop } from "./event-loop.ts";
import { watchFiles } from "./file-watch.ts";
import { ADMISSION_DEFAULTS, Admission, type AdmissionOptions } from "./http/admission.ts";
import { openApp } from "./http/app.ts";
import { rawResponse } from "./http/failure.ts";
import { prefixed } from "./http/metrics-text.ts";
import { processMetrics } from "./http/process-metrics.ts";
import type { Live } from "./http/routes.ts";
import { Intake } from "./intake.ts";
import { StreamEndpoint } from "./socket/endpoint.ts";
import { SOCKET_DEFAULTS, type SocketOptions } from "./socket/limits.ts";
import type { CounterNames } from "./sources/counter-names.ts";
import { Sources } from "./sources/sources.ts";
import { answerPlainHttp, readTls, type TlsFiles } from "./tls.ts";
import { Turns } from "./turns.ts";
import { Units } from "./units.ts";

export interface ServerOptions {
  /** Where the observations go; a promise while it recovers, during which the server listens and is not ready. */
  readonly engine: Engine | Promise<Engine>;
  /** Default 127.0.0.1: this machine only. Any other address needs a token. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** What clients must show, to do anything: `Authorization: Bearer` or `init{token}`. */
  readonly token?: string;
  /** Tokens by their hashes, each with what it may do. */
  readonly tokens?: readonly TokenSettings[];
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed; default none. */
  readonly proxies?: readonly string[];
  /** Requests a second of each token and of each peer, twice that at once; default 5,000. */
  readonly requestsPerSecond?: number;
  /** Speaks TLS with the certificate of these files, and with what they hold after each change. */
  readonly tls?: TlsFiles;
  /** Told who was refused what, what changed, and what an operator must know of the receivers; default: nobody. */
  readonly log?: ServerLog;
  /** Origins of pages, beside the server's own, that may connect, such as `https://dash.example`. */
  readonly origins?: readonly string[];
  /** Largest body of a request, bytes; default 8 MiB. */
  readonly bodyBytes?: number;
  /** How many bodies may be under way; docs/protocol.md tells what happens beyond. */
  readonly admission?: Partial<Omit<AdmissionOptions, "full">>;
  readonly socket?: Partial<Omit<SocketOptions, "limits">> & { readonly limits?: Partial<ConnectionLimits> };
  /** In which units series are read, by patterns of names: told to whoever shows them. */
  readonly units?: Readonly<Record<string, string>>;
  /** Sources that are read once the engine has recovered. */
  readonly sources?: readonly SourceSettings[];
  /** Told which series their senders say are counters; who opens series may ask it. */
  readonly counters?: CounterNames;
  /** What the sources may touch; default: the world of this process. */
  readonly sourceWorld?: Partial<SourceWorld>;
  /** Who is told of alerts, by name. */
  readonly receivers?: Receivers;
  /** What the receivers may touch; default: the world of this process. */
  readonly deliveryWorld?: Partial<DeliveryWorld>;
  /** Told what went wrong inside; default: nobody. */
  readonly onError?: (error: unknown) => void;
  /** Wall clock, epoch milliseconds: the time of observations that give none. */
  readonly now?: () => number;
  /** Watches from when the server is ready for how long the event loop is held, for /metrics; default: that of this process. */
  readonly eventLoop?: () => EventLoopWatch;
}

/** A server that listens. */
export interface Server {
  /** Of the page, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** Resolves when the engine has recovered and observations are taken; rejects when the engine could not be opened. */
  readonly ready: Promise<void>;
  /** Takes observations of a source inside this process, through the same door as all others. */
  readonly intake: Promise<Intake>;
  /**
   * Reads its tokens anew and puts them in the place of all there are: whoever is connected with one that is gone or changed is cut
   * off. A server that asked for none goes on so. When `read` throws, the tokens stay as they are, and the log and /metrics say so;
   * the answer is whether it went well.
   */
  reload(read: () => Credentials): boolean;
  /**
   * Shuts down in order: not ready, no more intake, everything taken answered, checkpoint, `draining` and 1001 to the
   * subscribers, sockets closed.
   */
  close(): Promise<void>;
}

/** How long answers under way may take once everything else is closed. */
const CLOSE_MS = 2_000;

/**
 * Starts HTTP, WebSocket and the page over an engine.
 *
 * @throws EddyError `bad-argument` for an address beyond this machine without a token, or one that is taken
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { host = "127.0.0.1", port = 0, token, bodyBytes = 8 << 20, now = Date.now } = options;
  const { onError = () => {} } = options;
  if (!isLoopback(host) && token === undefined && options.tokens === undefined) {
    throw new EddyError("bad-argument", "--host", {
      expected: "a loopback address, or a token beside it (EDDY_TOKEN, or tokens in the configuration)",
      received: printable(host),
      hint: "without a token anyone who reaches the address could read and write",
    });
  }
  if (token !== undefined) checkToken(token);
  const { log = SILENT } = options;
  const fs = options.sourceWorld?.fs ?? nodeFs;
  const pair = options.tls === undefined ? undefined : readTls(options.tls, fs);
  if (!isLoopback(host) && pair === undefined) {
    log.warn(
      { event: "clear-text", host },
      "listening beyond this machine without TLS: tokens and readings can be read on the way (see tls in the configuration, or put a proxy before it)",
    );
  }
  const access = new Access({ ...options, clock: { ...systemClock, now } });
  const socket: SocketOptions = {
    ...SOCKET_DEFAULTS,
    ...options.socket,
    limits: { ...SOCKET_DEFAULTS.limits, ...options.socket?.limits },
  };
  let live: (Live & { readonly stream: StreamEndpoint; readonly eventLoop: EventLoopWatch }) | null = null;
  let closing: Promise<void> | null = null;
  let requests = 0;
  let reloaded = true;

  const turns = new Turns(systemClock);
  const sources = new Sources(await sourceContext({ now, ...options.sourceWorld }), options.counters);
  const admission = new Admission(
    {
      ...ADMISSION_DEFAULTS,
      bytes: Math.max(ADMISSION_DEFAULTS.bytes, 4 * bodyBytes),
      ...options.admission,
      full: () => live !== null && live.engine.room <= 0,
    },
    systemClock,
  );
  const deliveries = new Deliveries(
    options.receivers ?? {},
    deliveryWorld({ now, ...options.deliveryWorld }),
    messages(log),
  );
  const { app } = openApp({
    access,
    tls: pair,
    bodyBytes,
    admission,
    turns,
    onError,
    sources,
    deliveries,
    units: new Units(options.units),
    now,
    live: () => (live?.intake.open ? live : null),
    metrics: () => ({
      ...metrics(live, requests, admission),
      ...access.metrics,
      eddy_config_last_reload_successful: reloaded ? 1 : 0,
    }),
    answered: () => {
      requests++;
    },
  });
  app.server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // A peer that goes away during the handshake is no event for the process.
    stream.on("error", () => {});
    const path = request.url?.split("?")[0];
    if (path !== "/v1/stream")
      stream.end(rawResponse("404 Not Found", "not-found", "path: expected /v1/stream"));
    else if (live === null)
      stream.end(rawResponse("503 Service Unavailable", "not-ready", "the server is starting"));
    else live.stream.upgrade(request, stream as Socket, head);
  });
  const secure = app.server as unknown as HttpsServer;
  const endConnections =
    pair === undefined ? () => app.server.closeAllConnections() : answerPlainHttp(secure);
  const stopWatching = options.tls === undefined ? () => {} : keepCertificate(secure, options.tls, fs, log);
  await listen(app, host, port);
  const { port: listening } = app.server.address() as AddressInfo;

  const opened = Promise.resolve(options.engine).then((engine) => {
    const intake = new Intake(engine, now);
    const stream = new StreamEndpoint({
      engine,
      intake,
      access,
      socket,
      monotonic: systemClock.monotonic,
      turns,
      onError,
    });
    live = { engine, intake, stream, eventLoop: (options.eventLoop ?? watchEventLoop)() };
    if (closing === null) {
      sources.open(options.sources ?? [], engine, intake);
      deliveries.open(engine.outbox);
    }
    return live;
  });
  const ready = opened.then(() => undefined);
  const intake = opened.then((parts) => parts.intake);
  // Whoever waits for them hears of it; a caller that does not must not be ended by it.
  ready.catch(() => {});
  intake.catch(() => {});

  const shutDown = async () => {
    const parts = await opened.catch(() => null);
    await sources.stop();
    await parts?.intake.shut();
    await deliveries.stop();
    await parts?.engine.close();
    await parts?.stream.close();
    const timer = setTimeout(endConnections, CLOSE_MS);
    await app.close();
    clearTimeout(timer);
    parts?.eventLoop.close();
    stopWatching();
    access.close();
  };
  return {
    url: `${pair === undefined ? "http" : "https"}://${reachable(host)}:${listening}`,
    port: listening,
    ready,
    intake,
    reload: (read) => {
      try {
        access.setTokens(read());
        reloaded = true;
        log.info({ event: "reload", tokens: access.metrics.eddy_tokens }, "the tokens were read anew");
      } catch (error) {
        reloaded = false;
        log.error({ event: "reload" }, `the tokens stay as they were: ${(error as Error).message}`);
      }
      return reloaded;
    },
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
}

/** Speaks with what the files of the certificate hold, whenever that changes. A pair that does not fit is tried again. */
function keepCertificate(
  server: HttpsServer,
  files: TlsFiles,
  fs: typeof nodeFs,
  log: ServerLog,
): () => void {
  let failed = "";
  return watchFiles([files.cert, files.key], fs, systemClock, () => {
    try {
      const { cert, key, expires } = readTls(files, fs);
      server.setSecureContext({ cert, key, minVersion: "TLSv1.2" });
      failed = "";
      log.info(
        { event: "certificate", cert: files.cert, expires: new Date(expires).toISOString() },
        "the certificate was read anew",
      );
      return true;
    } catch (error) {
      // Two files are never changed at one instant: what goes on failing is told once.
      const { message } = error as Error;
      if (message !== failed)
        log.error({ event: "certificate" }, `the old certificate stays in use: ${message}`);
      failed = message;
      return false;
    }
  });
}

/** The log for those who have nothing to say but words. */
const messages = (log: ServerLog): EngineLog => ({
  info: (message) => log.info({}, message),
  warn: (message) => log.warn({}, message),
  error: (message) => log.error({}, message),
});

/** How this machine reaches what listens on an address. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw new EddyError("port-taken", "--port", {
        expected: "a free port, or 0 for any",
        received: `${port}, which another program listens on`,
        cause,
      });
    }
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EACCES") {
      throw new EddyError("bad-argument", "--host", {
        expected: "an address and port of this machine",
        received: `${host}:${port} (${code})`,
        cause,
      });
    }
    throw cause;
  }
}

function metrics(
  live: { engine: Engine; stream: StreamEndpoint; eventLoop: EventLoopWatch } | null,
  requests: number,
  admission: Admission,
): Readonly<Record<string, number>> {
  return {
    ...processMetrics(),
    ...(live === null ? {} : prefixed("eddy", live.engine.metrics())),
    ...(live === null ? {} : prefixed("eddy_socket", live.stream.metrics())),
    ...(live === null ? {} : blocks(live.eventLoop)),
    eddy_http_requests_total: requests,
    eddy_http_bodies_refused_total: admission.refused,
    eddy_http_lines_refused_total: admission.linesRefused,
    eddy_http_body_bytes: admission.held,
    eddy_http_waiting: admission.outside,
  };
}

function blocks(eventLoop: EventLoopWatch): Readonly<Record<string, number>> {
  const { wall, own } = eventLoop.recent();
  const { longest } = eventLoop;
  return {
    eddy_event_loop_block_seconds: wall / 1000,
    eddy_event_loop_own_block_seconds: own / 1000,
    eddy_event_loop_block_max_seconds: longest.wall / 1000,
    eddy_event_loop_own_block_max_seconds: longest.own / 1000,
  };
}
