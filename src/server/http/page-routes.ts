import type { FastifyInstance, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import { checkSeriesName } from "../../streams/checked-observation.ts";
import type { Engine } from "../engine.ts";
import { mayBeRead } from "./body.ts";
import { drawing, MOST_POINTS } from "./drawing.ts";
import { HttpFailure } from "./failure.ts";
import { moment } from "./history.ts";
import { overview } from "./overview.ts";
import { recogniseTable } from "./recognition.ts";
import { MOST_READINGS, record } from "./record.ts";
import type { RouteWorld } from "./routes.ts";

/** Readings of a drawing, and forecasts that a record looks back on, when nothing is said. */
const POINTS = 400;
const READINGS = 500;

/**
 * What a page needs beside the stream: all series at a glance, the past of one of them as it is drawn, how right its forecasts
 * have been, and what a table is found to be.
 */
export function addPageRoutes(app: FastifyInstance, world: RouteWorld, engine: () => Engine): void {
  type Asked = Readonly<Record<string, unknown>>;
  const readEach = { config: { access: { scope: "read", of: "each" } } } as const;
  const readAsked = {
    config: { access: { scope: "read", of: ({ query }: FastifyRequest) => String((query as Asked).series) } },
  } as const;
  app.get<{ Querystring: Asked }>("/v1/overview", readEach, async ({ query, caller }, reply) => {
    onlyKnown(query, ["after", "rewrites"]);
    const after = whole(query, "after", 0, Number.MAX_SAFE_INTEGER, 0);
    const rewrites = whole(query, "rewrites", 0, Number.MAX_SAFE_INTEGER, -1);
    reply.type("application/json; charset=utf-8");
    return overview(engine(), world.units, after, rewrites, (name) => caller.may("read", name));
  });
  app.get<{ Querystring: Asked }>("/v1/drawing", readAsked, async ({ query }) => {
    onlyKnown(query, ["series", "target", "from", "to", "points", "lead"]);
    const { from, to } = query;
    const one = target(engine(), query);
    return drawing(engine(), {
      ...one,
      from: from === undefined ? null : from === "all" ? Number.NEGATIVE_INFINITY : moment(from, "from"),
      to: to === undefined ? Number.POSITIVE_INFINITY : moment(to, "to"),
      points: whole(query, "points", 2, MOST_POINTS, POINTS),
      lead: whole(query, "lead", 1, one.horizon, Math.min(one.horizon, 6)),
    });
  });
  app.get<{ Querystring: Asked }>("/v1/record", readAsked, async ({ query }) => {
    onlyKnown(query, ["series", "target", "readings"]);
    const one = target(engine(), query);
    return record(engine(), { ...one, readings: whole(query, "readings", 1, MOST_READINGS, READINGS) });
  });
  app.post<{ Querystring: Asked }>(
    "/v1/recognise",
    { config: { access: "token" }, onRequest: (request) => mayBeRead(request, world) },
    async (request) => {
      onlyKnown(request.query, ["series"]);
      const { series } = request.query;
      if (series !== undefined) checkSeriesName(String(series), "?series");
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      return recogniseTable(body, typeof series === "string" ? series : "");
    },
  );
}

function onlyKnown(query: Readonly<Record<string, unknown>>, fields: readonly string[]): void {
  const unknown = Object.keys(query).find((field) => !fields.includes(field));
  if (unknown === undefined) return;
  throw new EddyError("bad-argument", "query", {
    expected: `only ${fields.join(", ")}`,
    received: printable(unknown),
  });
}

function whole(
  query: Readonly<Record<string, unknown>>,
  field: string,
  low: number,
  high: number,
  otherwise: number,
): number {
  const given = query[field];
  if (given === undefined) return otherwise;
  const read = typeof given === "string" && /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
  if (read >= low && read <= high) return read;
  throw new EddyError("bad-argument", `?${field}`, {
    expected: `a whole number from ${low} to ${high}`,
    received: printable(given),
  });
}

/** The target asked for; the first one of the series when none is. */
function target(engine: Engine, { series, target }: Readonly<Record<string, unknown>>) {
  const found = typeof series === "string" ? engine.summary(series) : undefined;
  if (found === undefined) {
    throw new HttpFailure(404, "not-found", `series ${printable(series)}: nothing has been observed of it`);
  }
  const name = target ?? found.targets[0];
  if (typeof name !== "string" || !found.targets.includes(name)) {
    throw new EddyError("bad-argument", "?target", {
      expected: `one of ${printable(found.targets.join(", "), 200)}`,
      received: printable(target),
    });
  }
  return { series: found.series, target: name, horizon: found.horizon };
}
