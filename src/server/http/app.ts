import type { IncomingMessage, ServerResponse } from "node:http";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import type { Access } from "../access.ts";
import { HANDSHAKE_MILLISECONDS, type TlsPair } from "../tls.ts";
import { answerError, HttpFailure, rawAnswer, rawResponse } from "./failure.ts";
import { addPage } from "./page.ts";
import { admit, type RouteAccess } from "./route-access.ts";
import { addRoutes, type RouteWorld } from "./routes.ts";

export interface AppOptions extends Omit<RouteWorld, "wanted" | "audit"> {
  readonly access: Access;
  /** Speaks TLS with this certificate; plain HTTP otherwise. */
  readonly tls?: TlsPair | undefined;
  readonly onError: (error: unknown) => void;
  /** Told of every answer. */
  readonly answered: () => void;
}

/** A route as it was registered. */
export interface Route {
  readonly method: string;
  readonly url: string;
  readonly access: RouteAccess;
}

/** Requests whose clients wait to be told that their body is wanted. */
const asking = new WeakMap<IncomingMessage, ServerResponse>();

/** Tells a client that waits for it to send its body. */
function wanted(request: IncomingMessage): void {
  asking.get(request)?.writeContinue();
  asking.delete(request);
}

/** Milliseconds in which a request must have arrived whole. */
const REQUEST_MILLISECONDS = 30_000;

/**
 * HTTP and the page, not yet listening. Who may ask is decided after the router has chosen: by the route itself and not
 * by how its path was spelt. A route that does not say what it asks of its caller is not registered; a path that fits none asks
 * for a token.
 */
export function openApp(options: AppOptions): { app: FastifyInstance; routes: readonly Route[] } {
  const { access, onError, tls } = options;
  // An HTTPS server has all that is asked of one below.
  const app = Fastify({
    bodyLimit: options.bodyBytes,
    requestTimeout: REQUEST_MILLISECONDS,
    // A missing Host is answered below, in the words of all other errors.
    ...(tls === undefined
      ? { http: { requireHostHeader: false } }
      : {
          https: {
            requireHostHeader: false,
            cert: tls.cert,
            key: tls.key,
            minVersion: "TLSv1.2",
            handshakeTimeout: HANDSHAKE_MILLISECONDS,
          },
        }),
    routerOptions: { maxParamLength: 4096 },
    forceCloseConnections: "idle",
    frameworkErrors: answerError,
    clientErrorHandler: (error, socket) => {
      // Whatever else went wrong, such as a handshake, went wrong before anybody spoke HTTP.
      const spoken = /^(HPE_|ERR_HTTP_)/.test(error.code);
      if (socket.writable && spoken) socket.end(rawAnswer(error.code));
      else socket.destroy(error);
    },
  } as FastifyServerOptions) as FastifyInstance;
  // A client that asks before it sends a body is told to go on by whoever reads it, once the route has let it in.
  app.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    asking.set(request, response);
    app.routing(request, response);
  });
  app.server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    response.socket?.end(
      rawResponse("417 Expectation Failed", "bad-message", "Expect: expected 100-continue, or none"),
    );
  });
  app.addHook("onSend", async (request, reply) => {
    // Whether the body still comes is not known: nothing may be read after it.
    if (asking.delete(request.raw)) reply.header("connection", "close");
  });
  const routes: Route[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const asked = config?.access;
    if (asked === undefined) throw new Error(`${method} ${url}: expected config.access, got none`);
    for (const one of [method].flat()) routes.push({ method: one, url, access: asked });
  });
  app.decorateRequest("caller");
  app.decorateRequest("audit");
  app.decorateRequest("peer", "");
  app.decorateRequest("series", "");
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw new HttpFailure(
      404,
      "not-found",
      `${request.method} ${printable(request.url, 120)}: no such resource`,
    );
  });
  app.addHook("onRequest", async (request, reply) => {
    const { raw } = request;
    if (raw.headers.host === undefined && raw.httpVersion === "1.1") {
      throw new HttpFailure(400, "bad-message", "Host: expected a name, got none");
    }
    admit(request, access);
    const { caller } = request;
    // What goes on being sent ends with the right to it.
    if (request.method === "GET") {
      const forget = caller.onEnd(() => raw.socket.destroy());
      reply.raw.once("close", forget);
    }
  });
  app.addHook("onResponse", async () => options.answered());
  app.addHook("onError", async (_request, _reply, error) => {
    // An answer that was meant, such as "not ready yet", is no failure of the server.
    const meant = error instanceof EddyError || error instanceof HttpFailure;
    if ((error.statusCode ?? 500) >= 500 && !meant) onError(error);
  });
  addRoutes(app, { ...options, audit: access.audit, wanted });
  addPage(app);
  return { app, routes };
}
