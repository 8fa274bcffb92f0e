import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import type { Access } from "../access.ts";
import type { Engine, Receipt } from "../engine.ts";
import type { Intake } from "../intake.ts";
import { metricsText } from "./metrics-text.ts";
import { type Batch, MEDIA_TYPES, readBody } from "./observations-body.ts";

/** The parts of a server that takes observations. */
export interface Live {
  readonly engine: Engine;
  readonly intake: Intake;
}

/** What the routes answer from. */
export interface RouteWorld {
  readonly access: Access;
  /** The live parts; null until the engine has recovered and once the server is shutting down. */
  readonly live: () => Live | null;
  readonly metrics: () => Readonly<Record<string, number>>;
}

/** A failure with its HTTP status; answered as `{ code, message }`. */
class HttpFailure extends Error {
  readonly statusCode: number;
  readonly code: string;

  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

/** Observations that `GET /v1/series/:id/observations` answers: enough to draw. */
const RECENT = 400;
/** Seconds after which a client may try again. */
const RETRY_AFTER = "1";

/** `/v1/...`, health and metrics. Every error is `{ code, message }` with one line. */
export function addRoutes(app: FastifyInstance, world: RouteWorld): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...MEDIA_TYPES], { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw new HttpFailure(
      404,
      "not-found",
      `${request.method} ${printable(request.url, 120)}: no such resource`,
    );
  });
  app.addHook("onRequest", async (request) => {
    const forbidden = world.access.forbidden(request.raw);
    if (forbidden !== null) throw new HttpFailure(403, "forbidden", forbidden);
    const guarded = request.url.startsWith("/v1/") || request.url.startsWith("/metrics");
    if (guarded && !world.access.authorise(world.access.bearer(request.raw))) {
      throw new HttpFailure(401, "unauthorised", "Authorization: expected Bearer and the server's token");
    }
  });

  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async () => {
    const { failed } = live(world).engine;
    if (failed !== undefined) throw new HttpFailure(503, "storage", failed.message);
    return { status: "ready" };
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    return metricsText(world.metrics());
  });

  app.post("/v1/observations", (request, reply) => takeObservations(request, reply, world));
  app.get("/v1/series", async () => live(world).engine.series());
  app.get<{ Params: { id: string } }>("/v1/series/:id", async ({ params }) => summary(world, params.id));
  app.get<{ Params: { id: string } }>("/v1/series/:id/forecast", async ({ params }) =>
    forecasts(world, params.id),
  );
  app.get<{ Params: { id: string } }>("/v1/series/:id/observations", async ({ params }) =>
    observations(world, params.id),
  );
  // A name with slashes that were not written as %2F.
  app.get<{ Params: { "*": string } }>("/v1/series/*", async ({ params }) => {
    const path = params["*"];
    if (live(world).engine.summary(path) !== undefined) return summary(world, path);
    const slash = path.lastIndexOf("/");
    const [name, what] = [path.slice(0, slash), path.slice(slash + 1)];
    if (what === "forecast") return forecasts(world, name);
    if (what === "observations") return observations(world, name);
    return summary(world, path);
  });
}

function live(world: RouteWorld): Live {
  const parts = world.live();
  if (parts === null) throw new HttpFailure(503, "not-ready", "the server is starting or shutting down");
  return parts;
}

function summary(world: RouteWorld, name: string) {
  const found = live(world).engine.summary(name);
  if (found !== undefined) return found;
  throw new HttpFailure(404, "not-found", `series ${printable(name)}: nothing has been observed of it`);
}

function forecasts(world: RouteWorld, name: string) {
  summary(world, name);
  const latest = live(world).engine.latest(name);
  if (latest.length > 0) return latest;
  throw new HttpFailure(
    404,
    "not-found",
    `series ${printable(name)}: no forecast yet, the first one follows its second observation`,
  );
}

/** The last ones, in the shape in which they could be sent. */
function observations(world: RouteWorld, name: string) {
  summary(world, name);
  return live(world)
    .engine.recent(name, RECENT)
    .map(({ series, time, values }) => ({ series, time: new Date(time).toISOString(), values }));
}

async function takeObservations(request: FastifyRequest, reply: FastifyReply, world: RouteWorld) {
  const { intake } = live(world);
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw new HttpFailure(415, "unsupported", `Content-Encoding: expected none, got ${printable(encoding)}`);
  }
  const mediaType = (request.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const { series } = request.query as { series?: unknown };
  if (series !== undefined && typeof series !== "string") {
    throw new EddyError("bad-argument", "?series", { expected: "one name", received: printable(series) });
  }
  const batch = await readBody(mediaType, body, { series });
  const receipt =
    batch.observations.length === 0
      ? { accepted: 0, duplicate: 0, late: 0, refused: [] }
      : await intake.ingest(batch.observations);
  const answer = merged(batch, receipt);
  reply.code(answer.refused.length > 0 ? 207 : 200);
  return answer;
}

/** The engine counts lines within what it was given; the client counts lines of its body. */
function merged(batch: Batch, receipt: Receipt): Receipt {
  const refused = receipt.refused.map((refusal) => ({ ...refusal, line: batch.lines[refusal.line - 1] }));
  return {
    accepted: receipt.accepted,
    duplicate: receipt.duplicate,
    late: receipt.late,
    refused: [...batch.refused, ...refused].sort((a, b) => a.line - b.line),
  };
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode, code, message } = worded(error, request);
  if (statusCode >= 500 && statusCode !== 503) request.log.error(error);
  if (statusCode === 429 || statusCode === 503) reply.header("retry-after", RETRY_AFTER);
  // A body that was not read to its end leaves the connection unusable.
  if (statusCode === 413) reply.header("connection", "close");
  reply.code(statusCode).send({ code, message });
}

function worded(
  error: unknown,
  request: FastifyRequest,
): { statusCode: number; code: string; message: string } {
  if (error instanceof HttpFailure) return error;
  if (error instanceof EddyError) {
    if (error.code === "busy") return { statusCode: 429, code: error.code, message: error.message };
    const statusCode = error.code === "storage" ? 503 : 400;
    return { statusCode, code: error.code, message: error.message };
  }
  const failure = error as { code?: string; statusCode?: number; message?: string };
  if (failure.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    const limit = request.routeOptions.bodyLimit;
    return { statusCode: 413, code: "too-large", message: `body: expected at most ${limit} bytes` };
  }
  if (failure.code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    const received = printable(request.headers["content-type"] ?? "none");
    return {
      statusCode: 415,
      code: "unsupported",
      message: `Content-Type: expected one of ${MEDIA_TYPES.join(", ")}, got ${received}`,
    };
  }
  const statusCode = failure.statusCode ?? 500;
  if (statusCode >= 500) return { statusCode: 500, code: "internal", message: "internal error" };
  return { statusCode, code: "bad-message", message: String(failure.message).replaceAll(/\s+/g, " ") };
}
