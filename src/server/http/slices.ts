import type { Forecast } from "../../models/forecast.ts";
import type { Engine } from "../engine.ts";

/** Steps of forecasts that are read from the log at once: some milliseconds. */
const STEPS = 6_000;

/** Lets others have their turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One target of one series. */
export interface Target {
  readonly series: string;
  readonly target: string;
  readonly horizon: number;
}

/**
 * Forecasts of one target as they were issued from event time `from` to `to`, the newest first, at most `limit` of them; read in
 * slices between which others have their turn. `all` is false when there are more.
 */
export async function issuedBetween(
  engine: Engine,
  { series, target, horizon }: Target,
  from: number,
  to: number,
  limit: number,
): Promise<{ readonly issued: Forecast[]; readonly all: boolean }> {
  const issued: Forecast[] = [];
  let cursor: string | undefined;
  do {
    const page = engine.forecastHistory(series, {
      from,
      to,
      limit: Math.max(1, Math.min(limit - issued.length, Math.floor(STEPS / horizon))),
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const forecast of page.items) if (forecast.target === target) issued.push(forecast);
    if (page.next === null) return { issued, all: true };
    cursor = page.next;
    await turn();
  } while (issued.length < limit);
  return { issued, all: false };
}
