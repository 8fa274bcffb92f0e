import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import { openApiDocument } from "../../protocol/http/openapi.ts";
import { protocolSchema } from "../../protocol/schema.ts";
import type { Deliveries } from "../alerts/delivery/deliveries.ts";
import { addDeliveryRoutes } from "../alerts/delivery/routes.ts";
import { addAlertRoutes } from "../alerts/routes.ts";
import type { Engine } from "../engine.ts";
import type { Intake } from "../intake.ts";
import type { StreamEndpoint } from "../socket/endpoint.ts";
import type { Sources } from "../sources/sources.ts";
import type { Turns } from "../turns.ts";
import type { Units } from "../units.ts";
import { VERSION } from "../version.ts";
import { ARROW_TYPE, accepted, JSON_TYPE } from "./accepted.ts";
import type { Admission } from "./admission.ts";
import { mayBeRead, receive } from "./body.ts";
import { HttpFailure } from "./failure.ts";
import { forecastPage, forecastsNow, moment, observationPage, worded } from "./history.ts";
import { metricsText } from "./metrics-text.ts";
import { MEDIA_TYPES } from "./observations-body.ts";
import { addPageRoutes } from "./page-routes.ts";
import { addPrometheusRoutes } from "./prometheus/routes.ts";
import { addPushRoutes } from "./push-routes.ts";
import { addStreamRoute } from "./stream-route.ts";
import { takeObservations } from "./take-observations.ts";

/** The parts of a server that takes observations. */
export interface Live {
  readonly engine: Engine;
  readonly intake: Intake;
  readonly stream: Pick<StreamEndpoint, "admitEvents" | "events">;
}

/** What the routes answer from. */
export interface RouteWorld {
  /** The live parts; null until the engine has recovered and once the server is shutting down. */
  readonly live: () => Live | null;
  readonly metrics: () => Readonly<Record<string, number>>;
  /** Largest body, bytes. */
  readonly bodyBytes: number;
  readonly admission: Admission;
  readonly turns: Turns;
  readonly sources: Sources;
  readonly deliveries: Deliveries;
  readonly units: Units;
  readonly onError: (error: unknown) => void;
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number;
  /** Called right before the body of a request is read. */
  readonly wanted: (request: IncomingMessage) => void;
}

/** Observations that `GET /v1/series/:id/observations` answers: enough to draw. */
const RECENT = 400;
/** Series put into words at a time. */
const LISTED = 64;
/** A body of this many bytes a row at least is never refused for its rows. */
const ROW_BYTES = 16;

/** `/v1/...`, health and metrics. Every error is `{ code, message }` with one line. */
export function addRoutes(app: FastifyInstance, world: RouteWorld): void {
  const { admission } = world;
  app.removeAllContentTypeParsers();
  app.decorateRequest("held", 0);
  app.decorateRequest("working", false);
  app.addContentTypeParser([...MEDIA_TYPES], (request: FastifyRequest, payload: Readable) =>
    receive(request, payload, world),
  );
  app.addHook("onResponse", async (request) => {
    if (!request.working && request.held > 0) admission.release(request.held);
  });

  const open = { config: { open: true } };
  app.get("/healthz", open, async () => ({ status: "ok" }));
  app.get("/readyz", open, async () => {
    const { failed } = live(world).engine;
    if (failed !== undefined) throw new HttpFailure(503, "storage", failed.message);
    return { status: "ready" };
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    return metricsText(world.metrics()) + world.sources.metrics + world.deliveries.metrics;
  });
  const description = JSON.stringify(openApiDocument(VERSION));
  app.get("/v1/openapi.json", async (_request, reply) => {
    reply.type("application/json; charset=utf-8");
    return description;
  });
  app.get("/v1/pipelines", async () => live(world).engine.pipelines());
  app.get("/v1/sources", async () => world.sources.report);

  const rows = Math.max(1000, Math.floor(world.bodyBytes / ROW_BYTES));
  app.post(
    "/v1/observations",
    {
      config: { codings: ["gzip", "deflate"] },
      onRequest: async (request) => {
        live(world);
        await mayBeRead(request, world);
      },
    },
    async (request, reply) => {
      const { intake } = live(world);
      request.working = true;
      try {
        return await takeObservations(request, reply, { ...world, intake, rows });
      } finally {
        admission.release(request.held);
      }
    },
  );
  addDeliveryRoutes(app, world.deliveries, () => void live(world));
  addAlertRoutes(app, world, () => live(world).engine.alerts);
  addPushRoutes(app, world, () => live(world), rows);
  const schema = protocolSchema();
  app.get("/v1/schema", async (_request, reply) => {
    reply.type("application/schema+json; charset=utf-8");
    return JSON.stringify(schema);
  });
  addPageRoutes(app, world, () => live(world).engine);
  addStreamRoute(app, () => live(world));
  addPrometheusRoutes(app, world, () => live(world).engine);
  app.get("/v1/series", async (_request, reply) => {
    reply.type("application/json; charset=utf-8");
    return Readable.from(listed(live(world).engine), { objectMode: false });
  });
  type ById = { Params: { id: string } };
  app.get<ById>("/v1/series/:id", async ({ params }) => summary(world, params.id));
  app.get<ById>("/v1/series/:id/forecast", async ({ params, query }) => {
    summary(world, params.id);
    return forecastsNow(live(world).engine, params.id, query);
  });
  app.get<ById>("/v1/series/:id/forecasts", async (request, reply) =>
    forecastPage(live(world).engine, summary(world, request.params.id), request, reply),
  );
  app.get<ById>("/v1/series/:id/observations", async (request, reply) =>
    observations(world, request.params.id, request, reply),
  );
  app.delete<ById>("/v1/series/:id", async ({ params }, reply) => remove(world, params.id, reply));
  app.delete<ById>("/v1/series/:id/observations", async ({ params, query }) =>
    takeBack(world, params.id, query),
  );
  // A name with slashes that were not written as %2F.
  type ByPath = { Params: { "*": string } };
  const resolved = (path: string): { name: string; what: string } => {
    if (live(world).engine.summary(path) !== undefined) return { name: path, what: "" };
    const slash = path.lastIndexOf("/");
    const what = path.slice(slash + 1);
    return ["forecast", "forecasts", "observations"].includes(what)
      ? { name: path.slice(0, slash), what }
      : { name: path, what: "" };
  };
  app.get<ByPath>("/v1/series/*", async (request, reply) => {
    const { name, what } = resolved(request.params["*"]);
    const found = summary(world, name);
    if (what === "forecast") return forecastsNow(live(world).engine, name, request.query);
    if (what === "forecasts") return forecastPage(live(world).engine, found, request, reply);
    return what === "observations" ? observations(world, name, request, reply) : found;
  });
  app.delete<ByPath>("/v1/series/*", async ({ params, query }, reply) => {
    const { name, what } = resolved(params["*"]);
    if (what === "observations") return takeBack(world, name, query);
    return remove(world, what === "" ? name : params["*"], reply);
  });
}

function live(world: RouteWorld): Live {
  const parts = world.live();
  if (parts === null) throw new HttpFailure(503, "not-ready", "the server is starting or shutting down");
  return parts;
}

/** All series as one JSON array, a few at a time: as fast as it is read, however many there are. */
function* listed(engine: Engine): Generator<string> {
  let text = "[";
  let n = 0;
  for (const name of engine.names()) {
    const found = engine.summary(name);
    if (found === undefined) continue;
    text += `${n === 0 ? "" : ","}${JSON.stringify(found)}`;
    if (++n % LISTED === 0) {
      yield text;
      text = "";
    }
  }
  yield `${text}]`;
}

function summary(world: RouteWorld, name: string) {
  const found = live(world).engine.summary(name);
  if (found !== undefined) return found;
  throw new HttpFailure(404, "not-found", `series ${printable(name)}: nothing has been observed of it`);
}

/** The last ones, in the shape in which they could be sent; a page of a range when one is asked for. */
function observations(world: RouteWorld, name: string, request: FastifyRequest, reply: FastifyReply) {
  const found = summary(world, name);
  const { engine } = live(world);
  const page =
    Object.keys(request.query as object).length > 0 ||
    accepted(request, [JSON_TYPE, ARROW_TYPE]) !== JSON_TYPE;
  return page ? observationPage(engine, found, request, reply) : engine.recent(name, RECENT).map(worded);
}

async function remove(world: RouteWorld, name: string, reply: FastifyReply) {
  summary(world, name);
  await live(world).engine.remove(name);
  reply.code(204);
}

async function takeBack(world: RouteWorld, name: string, query: unknown) {
  summary(world, name);
  const { from, to, ...rest } = query as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (from === undefined || unknown !== undefined) {
    throw new EddyError("bad-argument", "query", {
      expected: "from=TIME, and to=TIME if wanted",
      received: unknown === undefined ? "no from" : printable(unknown),
    });
  }
  return live(world).engine.takeBack(
    name,
    moment(from, "from"),
    to === undefined ? Number.POSITIVE_INFINITY : moment(to, "to"),
  );
}
