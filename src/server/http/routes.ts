import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import { openApiDocument } from "../../protocol/http/openapi.ts";
import { protocolSchema } from "../../protocol/schema.ts";
import type { Audit } from "../access/audit.ts";
import type { Caller } from "../access/caller.ts";
import type { Scope } from "../access/scopes.ts";
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
import { turn } from "./slices.ts";
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
  readonly audit: Audit;
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
/** Names looked at, at most, before others have a turn. */
const LOOKED_AT = 4096;
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

  const open = { config: { access: "open" } } as const;
  app.get("/healthz", open, async () => ({ status: "ok" }));
  app.get("/readyz", open, async () => {
    const { failed } = live(world).engine;
    if (failed !== undefined) throw new HttpFailure(503, "storage", failed.message);
    return { status: "ready" };
  });
  const token = { config: { access: "token" } } as const;
  app.get("/metrics", token, async (_request, reply) => {
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    const { sources, deliveries, audit } = world;
    return metricsText(world.metrics()) + audit.metrics + sources.metrics + deliveries.metrics;
  });
  const description = JSON.stringify(openApiDocument(VERSION));
  app.get("/v1/openapi.json", token, async (_request, reply) => {
    reply.type("application/json; charset=utf-8");
    return description;
  });
  const readEach = { config: { access: { scope: "read", of: "each" } } } as const;
  app.get("/v1/pipelines", readEach, async ({ caller }) =>
    live(world)
      .engine.pipelines()
      .filter(({ name }) => caller.may("read", name)),
  );
  // What it tells of errors may name any series.
  app.get(
    "/v1/sources",
    { config: { access: { scope: "read", of: "everything" } } },
    async () => world.sources.report,
  );

  const rows = Math.max(1000, Math.floor(world.bodyBytes / ROW_BYTES));
  app.post(
    "/v1/observations",
    {
      config: { access: { scope: "write", of: "each" }, codings: ["gzip", "deflate"] },
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
  app.get("/v1/schema", token, async (_request, reply) => {
    reply.type("application/schema+json; charset=utf-8");
    return JSON.stringify(schema);
  });
  addPageRoutes(app, world, () => live(world).engine);
  addStreamRoute(app, () => live(world));
  addPrometheusRoutes(app, world, () => live(world).engine);
  app.get("/v1/series", readEach, async ({ caller }, reply) => {
    reply.type("application/json; charset=utf-8");
    return Readable.from(listed(live(world).engine, caller), { objectMode: false });
  });
  // Each of these goes by `request.series`: the series that the caller was found to have a right to.
  const byId = (scope: Scope) => ({
    config: { access: { scope, of: ({ params }: FastifyRequest) => (params as { id: string }).id } },
  });
  const [readOne, adminOne] = [byId("read"), byId("admin")];
  app.get("/v1/series/:id", readOne, async ({ series }) => summary(world, series));
  app.get("/v1/series/:id/forecast", readOne, async ({ series, query }) => {
    summary(world, series);
    return forecastsNow(live(world).engine, series, query);
  });
  app.get("/v1/series/:id/forecasts", readOne, async (request, reply) =>
    forecastPage(live(world).engine, summary(world, request.series), request, reply),
  );
  app.get("/v1/series/:id/observations", readOne, async (request, reply) =>
    observations(world, request.series, request, reply),
  );
  app.delete("/v1/series/:id", adminOne, async ({ series }, reply) => remove(world, series, reply));
  app.delete("/v1/series/:id/observations", adminOne, async ({ series, query }) =>
    takeBack(world, series, query),
  );
  // A name with slashes that were not written as %2F.
  const pathOf = ({ params }: FastifyRequest): string => (params as { "*": string })["*"];
  const parts = (path: string): readonly [name: string, what: string] => {
    const slash = path.lastIndexOf("/");
    return [path.slice(0, slash), path.slice(slash + 1)];
  };
  const byPath = (scope: Scope, known: readonly string[]) => ({
    config: {
      access: {
        scope,
        of: (request: FastifyRequest): string => {
          const path = pathOf(request);
          const [name, what] = parts(path);
          const whole = live(world).engine.summary(path) !== undefined || !known.includes(what);
          return whole ? path : name;
        },
      },
    },
  });
  /** What is asked of a series, after its name in the path. */
  const askedOf = (request: FastifyRequest): string => pathOf(request).slice(request.series.length + 1);
  app.get(
    "/v1/series/*",
    byPath("read", ["forecast", "forecasts", "observations"]),
    async (request, reply) => {
      const { series, query } = request;
      const what = askedOf(request);
      const found = summary(world, series);
      if (what === "forecast") return forecastsNow(live(world).engine, series, query);
      if (what === "forecasts") return forecastPage(live(world).engine, found, request, reply);
      return what === "observations" ? observations(world, series, request, reply) : found;
    },
  );
  app.delete("/v1/series/*", byPath("admin", ["observations"]), async (request, reply) => {
    const { series, query } = request;
    if (askedOf(request) === "observations") return takeBack(world, series, query);
    return remove(world, series, reply);
  });
}

function live(world: RouteWorld): Live {
  const parts = world.live();
  if (parts === null) throw new HttpFailure(503, "not-ready", "the server is starting or shutting down");
  return parts;
}

/** All series that the caller may read as one JSON array, a few at a time: as fast as it is read, however many there are. */
async function* listed(engine: Engine, caller: Caller): AsyncGenerator<string> {
  let text = "[";
  let n = 0;
  let looked = 0;
  for (const name of engine.names()) {
    if (++looked % LOOKED_AT === 0) await turn();
    const found = caller.may("read", name) ? engine.summary(name) : undefined;
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
