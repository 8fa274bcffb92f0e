import { EddyError, printable } from "../../models/errors.ts";
import { moment } from "../../models/issue.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Observation } from "../../models/observation.ts";
import { isTakenBack, unpackValues } from "../../storage/journal.ts";
import type { IssuePlace, LoggedIssue, LogRow, Store } from "../../storage/store.ts";
import type { HistoryPage, HistoryRange } from "./contract.ts";
import type { SeriesEntry } from "./series.ts";

/** Rows of the journal that one page looks at: what is asked for may lie far back. */
const LOOKED_AT = 10_000;

/** Steps of forecasts of one page: some megabytes. */
const STEPS = 50_000;

/** A page of the readings of a series, the last one that came first. */
export function observationHistory(
  store: Store,
  entry: SeriesEntry,
  { from, to, limit, cursor, upTo = Number.POSITIVE_INFINITY }: HistoryRange,
): HistoryPage<Observation> {
  const { id, name, columns } = entry.stored;
  const items: Observation[] = [];
  let position = cursor === undefined ? entry.applied : itemAt(placeOf(cursor, 1), 0);
  for (let looked = 0; looked < LOOKED_AT && items.length < limit; looked++) {
    const [row] = store.rows(position - 1, position);
    if (row?.series !== id) {
      if (looked === 0 && cursor !== undefined && row !== undefined) throw notACursor(cursor);
      return { items, next: null };
    }
    position = row.previous;
    if (isTakenBack(row.payload) || row.time < from || row.time > to || row.position > upTo) continue;
    items.push({
      series: name,
      time: row.time,
      values: unpackValues(row.payload, columns, row.time, row.position),
    });
  }
  return { items, next: String(position) };
}

/** A page of the forecasts of a series as they were issued, the newest first. `pending`: those not written yet, oldest first. */
export function forecastHistory(
  store: Store,
  pending: readonly LoggedIssue[],
  entry: SeriesEntry,
  { from, to, limit: most, cursor }: HistoryRange,
): HistoryPage<LoggedIssue> {
  const { id } = entry.stored;
  const { horizon, targets } = entry.specification;
  const limit = Math.max(1, Math.min(most, Math.floor(STEPS / (horizon * targets.length))));
  let before: IssuePlace = {
    issued: to,
    position: Number.MAX_SAFE_INTEGER,
    ordinal: Number.MAX_SAFE_INTEGER,
  };
  if (cursor !== undefined) {
    const place = placeOf(cursor, 3);
    before = { issued: itemAt(place, 0), position: itemAt(place, 1), ordinal: itemAt(place, 2) };
  }
  const fits = (place: IssuePlace): boolean => place.issued >= from && isBefore(place, before);
  const waiting = pending.filter((logged) => logged.series === id && fits(placeAmong(logged))).reverse();
  const found: LogRow[] = waiting.slice(0, limit);
  if (found.length < limit) {
    const oldest = waiting.at(-1);
    const until = oldest === undefined ? before : placeAmong(oldest);
    found.push(...store.issuedOf(id, from, until, limit - found.length));
  }
  // What was damaged on the disk has no time of its own.
  const readable = found.filter(isReadable);
  const last = readable.at(-1);
  const place = found.length === limit && last !== undefined ? placeAmong(last) : undefined;
  return {
    items: readable,
    next: place === undefined ? null : `${place.issued}.${place.position}.${place.ordinal}`,
  };
}

const isReadable = (row: LogRow): row is LoggedIssue => row.issue !== null;

const placeAmong = ({ position, ordinal, issue }: LoggedIssue): IssuePlace => ({
  issued: moment(issue.time),
  position,
  ordinal,
});

const isBefore = (a: IssuePlace, b: IssuePlace): boolean =>
  a.issued !== b.issued
    ? a.issued < b.issued
    : a.position !== b.position
      ? a.position < b.position
      : a.ordinal < b.ordinal;

function placeOf(cursor: string, count: number): number[] {
  const parts = cursor.length <= 64 ? cursor.split(".") : [];
  if (parts.length !== count || !parts.every((part) => /^-?\d{1,16}$/.test(part))) throw notACursor(cursor);
  return parts.map(Number);
}

const notACursor = (cursor: string): EddyError =>
  new EddyError("bad-argument", "?cursor", {
    expected: "the next of a page of this series",
    received: printable(cursor),
  });
