import type { TrimRequest } from "../store.ts";
import type { OpenTime } from "./open-time.ts";
import type { Statements } from "./statements.ts";

const DAY = 86_400_000;

/** Deletes some rows that neither recovery nor retention asks for; within a transaction. Returns how many. */
export function trim(
  { needed, reached, retention, limit }: TrimRequest,
  s: Statements,
  time: OpenTime,
): number {
  const bound = (rows: number, days: number): number => {
    const aged = Number(s.positionAtMinute.get(time.minute(days)) ?? 0);
    return Math.max(reached - rows, aged);
  };
  let changes = 0;
  const oldest = Number(s.oldestRow.get() ?? Number.POSITIVE_INFINITY);
  const journalTo = Math.min(needed, bound(retention.journalRows, retention.journalDays));
  if (oldest <= journalTo) changes += s.trimRows.run(journalTo, oldest + limit).changes;

  const forecastsTo = bound(retention.forecastRows, retention.forecastDays);
  const oldestForecast = Number(s.oldestForecast.get() ?? Number.POSITIVE_INFINITY);
  if (oldestForecast <= forecastsTo) {
    const trimmedTo = Math.min(forecastsTo, oldestForecast + limit - 1);
    changes += s.trimForecasts.run(forecastsTo, oldestForecast + limit).changes;
    s.setFact.run(trimmedTo, "forecastsAfter");
  }

  const idsTo = reached - retention.idRows;
  const oldestId = Number(s.oldestId.get() ?? Number.POSITIVE_INFINITY);
  if (oldestId <= idsTo) changes += s.trimIds.run(idsTo, oldestId + limit).changes;

  const keepMinutes = Math.max(retention.journalDays, retention.forecastDays) + 1;
  changes += s.trimMinutes.run(time.minute(keepMinutes)).changes;
  const now = time.steadyNow();
  if (now === undefined) return changes;
  // Readings of long ago make such roll-ups as long as they come in: only a full slice says that there is more to do.
  const rolled = s.trimRollUps.run(now - retention.rollUpDays * DAY, limit).changes;
  if (rolled === limit) changes += rolled;
  return changes;
}
