import type { Issue, TargetIssue } from "../../models/issue.ts";
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

/** What an issue says of one target. */
export interface Issued {
  readonly issue: Issue;
  readonly own: TargetIssue;
}

/** What an issue says of a target; undefined when it says nothing of it. */
export function ofTarget(issue: Issue | undefined, target: string): Issued | undefined {
  const own = issue?.targets.find(({ name }) => name === target);
  return issue === undefined || own === undefined ? undefined : { issue, own };
}

/** A number, or null where it is not known. */
export const told = (value: number): number | null => (Number.isNaN(value) ? null : value);

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
): Promise<{ readonly issued: Issued[]; readonly all: boolean }> {
  const issued: Issued[] = [];
  let cursor: string | undefined;
  do {
    const page = engine.forecastHistory(series, {
      from,
      to,
      limit: Math.max(1, Math.min(limit - issued.length, Math.floor(STEPS / horizon))),
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { issue } of page.items) {
      const found = ofTarget(issue, target);
      if (found !== undefined) issued.push(found);
    }
    if (page.next === null) return { issued, all: true };
    cursor = page.next;
    await turn();
  } while (issued.length < limit);
  return { issued, all: false };
}
