import { EddyError, printable } from "../../models/errors.ts";
import { type Forecast, type PipelineOutput, told } from "../../models/forecast.ts";
import type { Observation } from "../../models/observation.ts";
import { readTime } from "../../streams/observation-schema.ts";
import type { Engine, HistoryRange } from "../engine.ts";

/** Readings, or issues of forecasts, of a page. */
const PAGE = 100;
const MOST = 1000;
const FIELDS: readonly string[] = ["from", "to", "limit", "cursor"];

/** A moment in a query, which has text only: epoch milliseconds come as digits. */
export const moment = (given: unknown, field: string): number =>
  readTime(typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given, field);

/** An observation in the shape in which it could be sent. */
export const worded = ({ series, time, values }: Observation) => ({
  series,
  time: new Date(time).toISOString(),
  values,
});

function rangeOf(query: unknown): HistoryRange {
  const given = query as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    throw new EddyError("bad-argument", "query", {
      expected: `only ${FIELDS.join(", ")}`,
      received: printable(unknown),
    });
  }
  const { from, to, limit = String(PAGE), cursor } = given;
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
  return {
    from: from === undefined ? Number.NEGATIVE_INFINITY : moment(from, "from"),
    to: to === undefined ? Number.POSITIVE_INFINITY : moment(to, "to"),
    limit: most,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** `{ observations, next }`: readings as they came, the last one first. */
export function observationPage(engine: Engine, series: string, query: unknown) {
  const { items, next } = engine.observationHistory(series, rangeOf(query));
  return { observations: items.map(worded), next };
}

/** `{ forecasts, next }`: forecasts as they were issued, the newest first. */
export function forecastPage(
  engine: Engine,
  series: string,
  query: unknown,
): { readonly forecasts: readonly (Forecast | PipelineOutput)[]; readonly next: string | null } {
  const { items, next } = engine.forecastHistory(series, rangeOf(query));
  return { forecasts: items.flatMap(told), next };
}
