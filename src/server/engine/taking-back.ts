import { EddyError, printable } from "../../models/errors.ts";
import type { Clock } from "../../storage/clock.ts";
import { isTakenBack, unpackValues } from "../../storage/journal.ts";
import type { JournalRow, LoggedIssue, Store } from "../../storage/store.ts";
import type { Base } from "./checkpoints.ts";
import { lastIssue, placed } from "./derivation.ts";
import { RollUps } from "./roll-ups.ts";
import type { SeriesEntry } from "./series.ts";
import type { SeriesTable } from "./table.ts";

/** Milliseconds of work between two yields. */
const SLICE_MILLISECONDS = 10;
/** Milliseconds until something that could not be written is tried again. */
const RETRY_MILLISECONDS = 1000;
/** Issues written at a time. */
const ISSUES_WRITTEN = 256;

/** Readings by their time, both bounds included, and by whatever else. */
export interface ReadingsToTakeBack {
  readonly from: number;
  readonly to: number;
  readonly which?: (row: JournalRow) => boolean;
}

export interface TakingBackWorld {
  readonly store: Store;
  readonly table: SeriesTable;
  readonly clock: Clock;
  /** Runs a task when no group of observations is under way. */
  readonly between: <T>(task: () => T) => Promise<T>;
  /** Called within such a task, right before the past changes. */
  readonly changing: (series: number, from: number) => void;
  /** Called within such a task, right before what it led to is written. */
  readonly changed: (entry: SeriesEntry) => void;
  /** The engine is being closed: leave it to the next start. */
  readonly closing: () => boolean;
}

/**
 * Takes readings of a series back and makes it anew without them: from the newest checkpoint before the first of them, or
 * from its birth, by the journal. All of it in slices; only the series itself waits. A crash on the way is no matter: the
 * store tells at the next start that the series is to be made anew, and recovery does it. What cannot be written on the way,
 * as on a full disk, is tried again until it can.
 *
 * Hourly figures are sums: what the readings since the first one taken back had brought is gone through once more and
 * taken away, in one transaction with the readings; what they bring now is added at the end.
 *
 * @returns how many were taken back
 */
export async function takeBack(
  entry: SeriesEntry,
  { from, to, which = () => true }: ReadingsToTakeBack,
  world: TakingBackWorld,
): Promise<number> {
  const { store, table, between, clock } = world;
  const series = entry.stored.id;
  const pause = slices(clock, world.closing);
  // Along the links of the journal, newest first.
  const positions: number[] = [];
  const taken: number[] = [];
  let position = entry.applied;
  while (position > entry.stored.birth) {
    const row = rowAt(store, position, series);
    if (row === undefined) break;
    positions.push(position);
    const chosen = !isTakenBack(row.payload) && row.time >= from && row.time <= to && which(row);
    if (chosen) taken.push(position);
    position = row.previous;
    await pause();
  }
  const whole = position === entry.stored.birth;
  if (taken.length === 0 && whole) return 0;
  positions.reverse();
  taken.reverse();
  const first = taken[0] ?? Number.POSITIVE_INFINITY;
  const base = baseBefore(entry, first, table);
  let adopted = false;
  try {
    // What the journal no longer holds is in the base: no reading of it may be one of those to take back.
    if (!whole && !(base.lastTime < from)) throw outOfReach(entry);
    if (taken.length === 0) return 0;
    const before = await rollUpsSince(first, positions, entry, world, pause);
    await between(() => {
      world.changing(series, first);
      store.takeBack({ series, positions: taken, rollUps: before.negated });
      table.letGo(entry);
      entry.generations = entry.generations.filter(({ position }) => position < first);
      entry.latest = undefined;
    });
    let { observations, lastTime } = base;
    const rollUps = new RollUps();
    let latest = standing(base, series, store);
    let issued: LoggedIssue[] = [];
    const write = async (): Promise<void> => {
      const those = issued;
      issued = [];
      await persist(() => store.reissue(those), world);
    };
    for (const position of positions) {
      if (position <= base.position) continue;
      const row = rowAt(store, position, series);
      if (row === undefined || isTakenBack(row.payload)) continue;
      const { issues, values, refused } = replay(entry, base, row);
      if (!refused) {
        observations++;
        lastTime = Number.isNaN(lastTime) ? row.time : Math.max(lastTime, row.time);
      }
      if (position >= first) rollUps.add({ series, time: row.time, values, refused, before: latest?.issue });
      const logged = placed(issues, position, series);
      latest = logged.at(-1) ?? latest;
      if (position >= first) issued.push(...logged);
      if (issued.length >= ISSUES_WRITTEN) await write();
      await pause();
    }
    await write();
    await persist(() => {
      const { live } = base;
      if (!adopted) {
        table.adopt(entry, { live, bytes: live.stateBytes, observations, lastTime }, entry.applied);
        entry.latest = latest;
        adopted = true;
      }
      table.checkpoints.rebuilding.delete(entry);
      world.changed(entry);
      try {
        table.writeCheckpoints([entry]);
        store.rebuilt(series, rollUps.all);
      } catch (error) {
        table.checkpoints.rebuilding.add(entry);
        entry.generations = entry.generations.filter(({ position }) => position < first);
        throw error;
      }
    }, world);
  } finally {
    if (!adopted) base.live.release();
  }
  return taken.length;
}

/** Hourly figures as they came about, of a series' observations from a position on. */
async function rollUpsSince(
  first: number,
  positions: readonly number[],
  entry: SeriesEntry,
  { store, table }: TakingBackWorld,
  pause: () => Promise<void> | undefined,
): Promise<RollUps> {
  const series = entry.stored.id;
  const rollUps = new RollUps();
  const base = baseBefore(entry, first, table);
  try {
    let before = standing(base, series, store)?.issue;
    for (const position of positions) {
      if (position <= base.position) continue;
      const row = rowAt(store, position, series);
      if (row === undefined || isTakenBack(row.payload)) continue;
      const { issues, values, refused } = replay(entry, base, row);
      if (position >= first) rollUps.add({ series, time: row.time, values, refused, before });
      before = issues.at(-1) ?? before;
      await pause();
    }
  } finally {
    base.live.release();
  }
  return rollUps;
}

/** What a series had forecast last when it was in this state. */
const standing = ({ lastTime }: Base, series: number, store: Store): LoggedIssue | undefined =>
  Number.isNaN(lastTime) ? undefined : lastIssue(store, series, lastTime);

/** Writes something, again and again until it can be written; what only a restart can mend is thrown. */
async function persist(task: () => void, { between, clock, store, closing }: TakingBackWorld): Promise<void> {
  for (;;) {
    try {
      return await between(task);
    } catch (error) {
      if (closing() || store.failed || !(error instanceof EddyError)) throw error;
      await new Promise<void>((resolve) => void clock.after(RETRY_MILLISECONDS, resolve));
      if (closing()) throw error;
    }
  }
}

/** The state to go on from; refused by name when nothing kept reaches back far enough, before anything is changed. */
function baseBefore(entry: SeriesEntry, first: number, table: SeriesTable): Base {
  try {
    return table.checkpoints.base(entry, first);
  } catch (cause) {
    if (!(cause instanceof EddyError)) throw cause;
    throw outOfReach(entry, cause);
  }
}

const outOfReach = (entry: SeriesEntry, cause?: unknown): EddyError =>
  new EddyError("bad-state", `series ${printable(entry.stored.name)}`, {
    expected: "the journal since its first observation, or a checkpoint before the readings to take back",
    received: "neither: retention has deleted it",
    hint: "take back later ones only, or delete the series",
    cause,
  });

function rowAt(store: Store, position: number, series: number): JournalRow | undefined {
  const [row] = store.rows(position - 1, position);
  return row?.series === series ? row : undefined;
}

function replay(entry: SeriesEntry, { live }: Base, row: JournalRow) {
  const { name, columns } = entry.stored;
  const values = unpackValues(row.payload, columns, row.time, row.position);
  try {
    const { issues, refused } = live.push({ series: name, time: row.time, values }, row.position);
    return { issues, values, refused: refused !== undefined };
  } catch {
    // As when it was first applied: a failure of the model is an outcome too.
    return { issues: [], values, refused: true };
  }
}

/** A wait that is none until a slice of work is over. */
function slices(clock: Clock, closing: () => boolean): () => Promise<void> | undefined {
  let until = clock.monotonic() + SLICE_MILLISECONDS;
  return () => {
    if (closing()) throw new EddyError("busy", "the server is stopping");
    if (clock.monotonic() < until) return undefined;
    return new Promise((resolve) =>
      clock.soon(() => {
        until = clock.monotonic() + SLICE_MILLISECONDS;
        resolve();
      }),
    );
  };
}
