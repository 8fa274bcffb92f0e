import { type Forecast, words } from "../src/models/forecast.ts";
import type { Issue, TargetIssue } from "../src/models/issue.ts";
import type { Engine, LogPage, LogPlace } from "../src/server/engine.ts";

/** The forecasts that something led to, as they are told. */
export const told = ({ issues }: { readonly issues: readonly Issue[] }): Forecast[] => issues.flatMap(words);

/** A target as a test wants it: a value for each step, an interval around each. */
export function madeTarget(
  name: string,
  mean: readonly number[],
  rest: Partial<TargetIssue> = {},
  half = 1,
): TargetIssue {
  return {
    name,
    coverage: 0.9,
    skill: Number.NaN,
    observed: 1,
    surprise: 0.5,
    taken: 1,
    mean: Float64Array.from(mean),
    lower: Float64Array.from(mean, (value) => value - half),
    upper: Float64Array.from(mean, (value) => value + half),
    quantiles: [],
    ...rest,
  };
}

export const madeIssue = (
  series: string,
  time: number,
  offset: number,
  targets: readonly TargetIssue[],
  model = "persistence",
): Issue => ({
  series,
  time,
  step: 1000,
  offset,
  level: 0.9,
  model,
  horizon: targets[0]?.mean.length ?? 0,
  quantileLevels: [],
  experts: [],
  targets,
});

/** Forecasts as they are published from now on. */
export function published(engine: Engine): Forecast[] {
  const found: Forecast[] = [];
  engine.issues$.subscribe(({ issue }) => found.push(...words(issue)));
  return found;
}

/** At most `limit` forecasts of the log after a position, oldest first; null when some are no longer kept. */
export function logged(engine: Engine, since = 0, limit = Number.POSITIVE_INFINITY): Forecast[] | null {
  const found: Forecast[] = [];
  let place: LogPlace | null = { position: since, ordinal: Number.MAX_SAFE_INTEGER };
  while (place !== null && found.length < limit) {
    const page: LogPage | null = engine.issuedAfter(place, Math.min(limit, 1024));
    if (page === null) return null;
    for (const { issue } of page.rows) if (issue !== null) found.push(...words(issue));
    place = page.next;
  }
  return found.slice(0, limit);
}
