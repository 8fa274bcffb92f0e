import { EddyError, printable } from "../../models/errors.ts";
import { readFrame } from "../../storage/checkpoint.ts";
import type { Generation, LoggedIssue, Opened, Store } from "../../storage/store.ts";
import { lastIssue } from "./derivation.ts";
import { isHosted } from "./hosting.ts";
import type { EngineParts } from "./parts.ts";
import { RollUps } from "./roll-ups.ts";
import type { SeriesEntry } from "./series.ts";

/** Rows replayed between two looks at the memory bound. */
const ROWS_PER_LOOK = 256;
/** Issues that may wait in memory before they are written. */
const ISSUES_WAITING = 4096;

/**
 * Brings every series to the bits it had: its newest good checkpoint, then the journal after it, in order. The newest
 * checkpoint of every series is verified; a series without later observations stays on disk until it is asked for.
 */
export function recover(
  opened: Opened,
  { store, table, derivation, alerts, metrics, log }: EngineParts,
): void {
  const generations = new Map<number, Generation[]>();
  for (const kept of opened.generations) {
    const list = generations.get(kept.series);
    if (list) list.push(kept);
    else generations.set(kept.series, [kept]);
  }
  table.reached = opened.position;
  table.checkpoints.checkpointedUpTo = opened.checkpointedUpTo;
  let from = opened.checkpointedUpTo;
  for (const id of opened.removed) table.reserve(id);
  for (const stored of opened.series) {
    // One that is being made anew: a checkpoint beyond what was taken back knows nothing of what else was to be written anew.
    const first = opened.rebuilding.get(stored.id) ?? Number.POSITIVE_INFINITY;
    const kept = (generations.get(stored.id) ?? []).filter(({ position }) => position < first);
    const entry = table.enter(stored, kept);
    if (isHosted(entry) !== table.hosting.has(stored.name)) {
      if (!isHosted(entry)) throw takenName(stored.name);
      entry.dormantAt = Number.POSITIVE_INFINITY;
      log.warn(
        `pipeline ${stored.name} is in the database and was not given: it stands still; start with its --pipeline, or delete it as a series`,
      );
      continue;
    }
    if (verify(entry, store)) {
      // Its later checkpoints went with the readings that were taken back.
      if (opened.rebuilding.has(stored.id)) from = Math.min(from, entry.applied);
      continue;
    }
    table.restore(entry);
    from = Math.min(from, entry.applied);
  }
  let replayed = 0;
  let reissued: LoggedIssue[] = [];
  const reissue = (): void => {
    if (reissued.length > 0) store.reissue(reissued);
    reissued = [];
  };
  /** Hourly figures of series whose readings were taken back. */
  const anew = new Map(Array.from(opened.rebuilding.keys(), (id) => [id, new RollUps()]));
  for (const row of store.rows(from, opened.position)) {
    const { position, series } = row;
    const entry = table.byId(series);
    if (!entry) {
      if (opened.removed.has(series)) continue;
      throw new EddyError("bad-state", `journal row ${position}`, {
        expected: "a known series",
        received: `series ${series}`,
      });
    }
    if (position <= entry.applied) continue;
    if (entry.dormantAt !== undefined) {
      entry.dormantAt = entry.applied;
      continue;
    }
    if (position > derivation.upTo && entry.latest === undefined) {
      entry.latest = lastIssue(store, series, Number.MAX_VALUE);
    }
    const rebuiltFrom = opened.rebuilding.get(series) ?? Number.POSITIVE_INFINITY;
    if (
      entry.latest === undefined &&
      rebuiltFrom < Number.POSITIVE_INFINITY &&
      !Number.isNaN(entry.lastTime)
    ) {
      entry.latest = lastIssue(store, series, entry.lastTime);
    }
    const before = entry.latest?.issue;
    const { observation, applied } = table.follow(entry, row);
    const logged = derivation.add(entry, observation, position, applied);
    // A pipeline may have stopped there before.
    if ((position >= rebuiltFrom || isHosted(entry)) && position <= derivation.upTo) {
      const { time, values } = observation;
      if (position >= rebuiltFrom)
        anew.get(series)?.add({ series, time, values, refused: applied.refused !== undefined, before });
      reissued.push(...logged);
      if (reissued.length >= ISSUES_WAITING) reissue();
    }
    replayed++;
    if (replayed % ROWS_PER_LOOK === 0) table.evict();
    if (derivation.issued.length >= ISSUES_WAITING) table.writeCheckpoints([]);
  }
  reissue();
  for (const [id, rollUps] of anew) {
    const entry = table.byId(id);
    if (entry) alerts.revised(entry);
    if (entry && table.checkpoints.changed(entry)) table.writeCheckpoints([entry]);
    store.rebuilt(id, rollUps.all);
  }
  for (const entry of table.entries()) {
    entry.latest ??= lastIssue(store, entry.stored.id, Number.MAX_VALUE);
  }
  metrics.add("replayed_total", replayed);
  if (opened.series.length > 0) {
    log.info(`recovered ${opened.series.length} series; ${replayed} observations replayed`);
  }
}

const takenName = (name: string): EddyError =>
  new EddyError("bad-argument", `pipeline ${printable(name)}`, {
    expected: "a name of its own",
    received: "that of a series in the database",
  });

/** Whether the newest checkpoint is good and the series needs no other; its counts are taken from it. */
function verify(entry: SeriesEntry, store: Store): boolean {
  const newest = entry.generations.at(-1);
  if (!newest) return false;
  try {
    const framed = store.readCheckpoint(entry.stored.id, newest.generation);
    if (!framed) return false;
    const { position, observations, lastTime } = readFrame(framed, entry.stored.id);
    entry.observations = observations;
    entry.lastTime = lastTime;
    return position === newest.position;
  } catch (error) {
    if (error instanceof EddyError && error.code === "bad-state") return false;
    throw error;
  }
}
