import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import type { SubscribeAlertsMessage, SubscribeMessage } from "../../protocol/client-messages.ts";
import type { ServerMessage } from "../../protocol/server-messages.ts";
import { alertsSinceOf, sinceOf } from "../socket/event-stream.ts";
import { readMessage } from "../socket/messages.ts";
import { accepted, EVENTS_TYPE } from "./accepted.ts";
import { answerError, wordedFailure } from "./failure.ts";
import { refuse } from "./route-access.ts";
import type { Live } from "./routes.ts";

const FIELDS: readonly string[] = [
  "series",
  "pattern",
  "alerts",
  "mode",
  "horizons",
  "maxRate",
  "observed",
  "since",
];
/** The name of the only subscription of a stream of events. */
const ID = 1;

/** `GET /v1/stream`: what the socket of that name sends, as Server-Sent Events. */
export function addStreamRoute(app: FastifyInstance, live: () => Live): void {
  const readEach = { access: { scope: "read", of: "each" } } as const;
  const options = { exposeHeadRoute: false, config: readEach, errorHandler: comeBackLater };
  app.get("/v1/stream", options, async (request, reply) => {
    const { stream } = live();
    accepted(request, [EVENTS_TYPE]);
    const { caller } = request;
    const message = subscriptionOf(request);
    const series = "alerts" in message ? undefined : message.series;
    if (series !== undefined && !caller.may("read", series)) refuse(request, caller.lacks("read", series));
    if ("alerts" in message && !caller.mayAny("read")) refuse(request, caller.lacks("read", message.alerts));
    stream.admitEvents(message);
    const { origin } = request.headers;
    // The answer is the stream's from here on.
    reply.hijack();
    reply.raw.writeHead(200, {
      "content-type": EVENTS_TYPE,
      "cache-control": "no-cache, no-transform",
      // Else a proxy may keep what is written until it comes to some kilobytes.
      "x-accel-buffering": "no",
      // That a page of this origin may ask has been decided already.
      ...(origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "origin" }),
    });
    stream.events(reply.raw, message, caller);
  });
}

/**
 * To a browser's `EventSource` an answer other than 200 is the end for ever: what is over in a moment, such as a start of the server, is
 * told as an event, after which it comes back by itself. Others get the status.
 */
function comeBackLater(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { code, message, statusCode, retryAfter } = wordedFailure(error, request);
  const asked = String(request.headers.accept)
    .split(/[,;]/)
    .map((type) => type.trim().toLowerCase());
  if ((statusCode !== 503 && statusCode !== 429) || !asked.includes(EVENTS_TYPE)) {
    answerError(error, request, reply);
    return;
  }
  const told: ServerMessage = { type: "error", code, message, retryable: true };
  reply.type(EVENTS_TYPE).header("cache-control", "no-cache");
  reply.send(`retry: ${1000 * retryAfter}\n\nevent: failure\ndata: ${JSON.stringify(told)}\n\n`);
}

/** What is asked for, in the form in which a socket asks for it. */
function subscriptionOf({ query, headers }: FastifyRequest): SubscribeMessage | SubscribeAlertsMessage {
  const given = query as Readonly<Record<string, unknown>>;
  for (const [field, value] of Object.entries(given)) {
    if (!FIELDS.includes(field)) {
      throw new EddyError("bad-argument", "query", {
        expected: `only ${FIELDS.join(", ")}`,
        received: printable(field),
      });
    }
    if (typeof value !== "string") {
      throw new EddyError("bad-argument", `?${field}`, { expected: "one", received: printable(value) });
    }
  }
  const { series, pattern, alerts, mode, horizons, maxRate, observed, since } = given as Readonly<
    Record<string, string>
  >;
  const number = (text: string): unknown => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text);
  const last = headers["last-event-id"];
  // What came last says more than how it began.
  const seen = last === undefined || last === "" ? since : String(last);
  const asked = {
    type: "subscribe",
    id: ID,
    ...(alerts === undefined ? {} : { alerts }),
    ...(series === undefined ? {} : { series }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(series === undefined && pattern === undefined && alerts === undefined ? { pattern: "*" } : {}),
    ...(mode === undefined ? {} : { mode }),
    ...(horizons === undefined ? {} : { horizons: horizons.split(",").map(number) }),
    ...(maxRate === undefined ? {} : { maxRate: number(maxRate) }),
    ...(observed === undefined
      ? {}
      : { observed: observed === "true" || (observed === "false" ? false : observed) }),
  };
  try {
    const message = readMessage(JSON.stringify(asked)) as SubscribeMessage | SubscribeAlertsMessage;
    if (seen === undefined) return message;
    if ("alerts" in message)
      return { ...message, since: alertsSinceOf(seen, seen === since ? "?since" : "Last-Event-ID") };
    return { ...message, since: sinceOf(seen, seen === since ? "?since" : "Last-Event-ID") };
  } catch (error) {
    if (!(error instanceof EddyError) || error.code !== "bad-message") throw error;
    throw error.about(error.subject.replace(/^subscribe /, "?"), "bad-argument");
  }
}
