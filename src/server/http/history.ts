import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import { type Forecast, type PipelineOutput, told } from "../../models/forecast.ts";
import type { Observation } from "../../models/observation.ts";
import { exportForecasts, exportObservations } from "../../storage/export.ts";
import { readTime } from "../../streams/observation-schema.ts";
import type { Engine, HistoryRange, SeriesSummary } from "../engine.ts";
import { ARROW_TYPE, accepted, JSON_TYPE } from "./accepted.ts";
import { HttpFailure } from "./failure.ts";

/** Readings, or issues of forecasts, of a page. */
const PAGE = 100;
const MOST = 1000;
const FIELDS: readonly string[] = ["from", "to", "asOf", "limit", "cursor"];

/** A moment in a query, which has text only: epoch milliseconds come as digits. */
export const moment = (given: unknown, field: string): number =>
  readTime(typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given, field);

/** An observation in the shape in which it could be sent. */
export const worded = ({ series, time, values }: Observation) => ({
  series,
  time: new Date(time).toISOString(),
  values,
});

/** @throws EddyError `bad-argument` unless all that is asked is known */
function onlyFields(query: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
  const given = query as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((field) => !fields.includes(field));
  if (unknown === undefined) return given;
  throw new EddyError("bad-argument", "query", {
    expected: `only ${fields.join(", ")}`,
    received: printable(unknown),
  });
}

/** What is asked for; `asOf` is null when nothing is said of it. */
function rangeOf(query: unknown): { readonly range: HistoryRange; readonly asOf: number | null } {
  const { from, to, asOf, limit = String(PAGE), cursor } = onlyFields(query, FIELDS);
  const most = typeof limit === "string" && /^\d{1,6}$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > MOST) {
    throw new EddyError("bad-argument", "?limit", {
      expected: `a whole number from 1 to ${MOST}`,
      received: printable(limit),
    });
  }
  if (cursor !== undefined && typeof cursor !== "string") {
    throw new EddyError("bad-argument", "?cursor", { expected: "one", received: printable(cursor) });
  }
  const instant = asOf === undefined ? null : moment(asOf, "asOf");
  const until = to === undefined ? Number.POSITIVE_INFINITY : moment(to, "to");
  return {
    range: {
      from: from === undefined ? Number.NEGATIVE_INFINITY : moment(from, "from"),
      to: Math.min(until, instant ?? until),
      limit: most,
      ...(cursor === undefined ? {} : { cursor }),
    },
    asOf: instant,
  };
}

/**
 * `{ observations, next }`: readings as they came, the last one first. As of an instant: those that had come when the forecast was
 * made that stood then.
 */
export function observationPage(
  engine: Engine,
  { series, targets, inputs }: SeriesSummary,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const type = accepted(request, [JSON_TYPE, ARROW_TYPE]);
  const { range, asOf } = rangeOf(request.query);
  const upTo = asOf === null ? undefined : (engine.loggedAsOf(series, asOf)?.position ?? -1);
  const { items, next } = engine.observationHistory(series, {
    ...range,
    ...(upTo === undefined ? {} : { upTo }),
  });
  nextPage(request, reply, next);
  if (type === JSON_TYPE) return { observations: items.map(worded), next };
  return arrow(reply, exportObservations(items, [...targets, ...inputs], "arrow"));
}

/** `{ forecasts, next }`: forecasts as they were issued, the newest first; as of an instant, nothing that was issued after it. */
export function forecastPage(
  engine: Engine,
  { series, targets, inputs }: SeriesSummary,
  request: FastifyRequest,
  reply: FastifyReply,
): { readonly forecasts: readonly (Forecast | PipelineOutput)[]; readonly next: string | null } | Readable {
  const isPipeline = targets.length + inputs.length === 0;
  const type = accepted(request, isPipeline ? [JSON_TYPE] : [JSON_TYPE, ARROW_TYPE]);
  const { items, next } = engine.forecastHistory(series, rangeOf(request.query).range);
  const issues = items.map(({ issue }) => issue);
  nextPage(request, reply, next);
  if (type === JSON_TYPE) return { forecasts: issues.flatMap(told), next };
  const levels = [...new Set(issues.flatMap(({ quantileLevels }) => quantileLevels))];
  return arrow(
    reply,
    exportForecasts(
      issues,
      "arrow",
      levels.sort((a, b) => a - b),
    ),
  );
}

/** The latest forecast of each target, or the one that stood at an instant. */
export function forecastsNow(
  engine: Engine,
  series: string,
  query: unknown,
): readonly (Forecast | PipelineOutput)[] {
  const { asOf } = onlyFields(query, ["asOf"]);
  if (asOf !== undefined) {
    const stood = engine.issuedAsOf(series, moment(asOf, "asOf"));
    if (stood !== undefined) return told(stood);
    throw new HttpFailure(
      404,
      "not-found",
      `series ${printable(series)}: no forecast of that time or before is kept`,
    );
  }
  const latest = engine.latest(series);
  if (latest !== undefined) return told(latest);
  throw new HttpFailure(
    404,
    "not-found",
    `series ${printable(series)}: no forecast yet, the first one follows its second observation`,
  );
}

/** Where the next page is, for those who do not read it in the body. */
function nextPage(request: FastifyRequest, reply: FastifyReply, next: string | null): void {
  if (next === null) return;
  const asked = new URLSearchParams(request.query as Record<string, string>);
  asked.set("cursor", next);
  reply.header("link", `<?${asked}>; rel="next"`);
}

function arrow(reply: FastifyReply, pieces: Iterable<string | Uint8Array>): Readable {
  reply.type(ARROW_TYPE);
  return Readable.from(pieces, { objectMode: false });
}
