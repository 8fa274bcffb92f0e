import type { AlertTransition } from "../models/alert.ts";
import type { EddyError } from "../models/errors.ts";
import type { Issue } from "../models/issue.ts";
import type { Outbox } from "./outbox.ts";

/** Keys are spread over this many fixed partitions from the first day, so that state can later move between machines. */
export const PARTITIONS = 128;

/** A series as the store keeps it. `birth` is the journal position before its first observation. */
export interface StoredSeries {
  readonly id: number;
  readonly name: string;
  /** JSON: everything its forecaster was opened with. */
  readonly specification: string;
  /** Columns in the order in which the journal packs their values. */
  readonly columns: readonly string[];
  readonly birth: number;
}

/** An observation on its way into the journal. */
export interface JournalEntry {
  readonly series: number;
  /** Position of the observation of this series before the first one of this commit: what has been applied. */
  readonly applied: number;
  readonly time: number;
  /** Packed values: `packValues`. */
  readonly payload: Uint8Array;
  readonly id?: string;
  /** Written only if the entry before it is: it repeats it for a pipeline. */
  readonly follows?: true;
}

/** An observation in the journal. */
export interface JournalRow {
  readonly position: number;
  readonly series: number;
  /** Position of the observation of this series before it, or its birth: a missing row cannot go unnoticed. */
  readonly previous: number;
  readonly time: number;
  readonly payload: Uint8Array;
}

/** A place in the log of forecasts. */
export interface LogPlace {
  /** Journal position of the observation with which the issue was made. */
  readonly position: number;
  /** Place of its first forecast among all that this observation led to: its issues in order, in each its targets in order. */
  readonly ordinal: number;
}

/** An issue as it was published, in its place. */
export interface LoggedIssue extends LogPlace {
  readonly series: number;
  readonly issue: Issue;
}

/** A row of the log as it is read: its issue is null where the bytes were altered or the series was removed. */
export interface LogRow extends LogPlace {
  readonly series: number;
  readonly issue: Issue | null;
}

/** Where an issue stands among those of its series: by the event time at which it was made, then in the order of the journal. */
export interface IssuePlace extends LogPlace {
  /** `moment` of that time. */
  readonly issued: number;
}

/** What one series did in one hour: `count` forecasts one step ahead that met their label. */
export interface RollUp {
  readonly series: number;
  /** Start of the hour, epoch milliseconds of event time. */
  readonly hour: number;
  readonly observations: number;
  readonly count: number;
  readonly absoluteError: number;
  readonly held: number;
}

/** A rule for alerts as it is kept. */
export interface StoredRule {
  readonly name: string;
  readonly from: "configuration" | "http";
  readonly revision: number;
  /** JSON. */
  readonly rule: string;
}

/** How an alert of one rule, series and target stands, as it is kept. */
export interface StoredAlert {
  readonly rule: string;
  readonly series: number;
  readonly target: string;
  /** JSON. */
  readonly state: string;
}

/** A transition that is new. Those of one lane may go to a receiver in one message; an alert stays in its lane. */
export interface NewTransition {
  readonly transition: AlertTransition;
  readonly lane: string;
}

/** What alerts have come to since it was last written. */
export interface AlertChanges {
  /** Rules that are new or changed; `rule` is null for one that is gone. */
  readonly rules: readonly (Omit<StoredRule, "rule"> & { readonly rule: string | null })[];
  /** Alerts that stand otherwise; `state` is null for one of which there is nothing to keep. */
  readonly alerts: readonly (Omit<StoredAlert, "state"> & { readonly state: string | null })[];
  readonly transitions: readonly NewTransition[];
}

/** What follows from the journal up to position `upTo` and is written with a later commit. */
export interface Derived {
  readonly upTo: number;
  readonly issued: readonly LoggedIssue[];
  readonly rollUps: readonly RollUp[];
  readonly alerts: AlertChanges;
}

/** One transaction of the live path: all of it is durable when `commit` returns, or none of it is there. */
export interface Commit {
  readonly series: readonly StoredSeries[];
  readonly entries: readonly JournalEntry[];
  /** How far each named source has been read. */
  readonly sources: ReadonlyMap<string, string>;
  readonly derived: Derived;
}

/** One kept checkpoint, without its bytes. */
export interface Generation {
  readonly series: number;
  readonly generation: number;
  /** Journal position the state stands at. */
  readonly position: number;
}

/** A checkpoint to be written: `framed` is what `frameCheckpoint` made. */
export interface CheckpointWrite extends Generation {
  readonly framed: Uint8Array;
}

/** Checkpoints of one transaction, and with them everything derived from the journal that they have left behind. */
export interface CheckpointBatch {
  readonly checkpoints: readonly CheckpointWrite[];
  /** Generations to keep of each series written. */
  readonly keep: number;
  readonly derived: Derived;
  /** Every observation up to here is in a checkpoint; recovery reads the journal from here on. */
  readonly checkpointedUpTo: number;
}

/**
 * What is kept and for how long; the smaller bound rules. Rows that recovery needs are kept whatever these say. Days are those
 * that the store has been open: no clock is asked, so none that jumps deletes anything.
 */
export interface Retention {
  readonly journalRows: number;
  readonly journalDays: number;
  /** Forecast issues: one row per series and observation. */
  readonly forecastRows: number;
  readonly forecastDays: number;
  /** Positions over which a repeated id is recognised. */
  readonly idRows: number;
  /** By the wall clock and event time; the least that the clock has said over the last day counts. */
  readonly rollUpDays: number;
  /** Beginnings and ends of alerts. */
  readonly transitionRows: number;
}

export interface TrimRequest {
  /** The journal is kept after this position, whatever retention says. */
  readonly needed: number;
  /** Position that retention counts rows back from: fixed, so that deleting ends although rows keep coming. */
  readonly reached: number;
  readonly retention: Retention;
  /** Rows of each table to delete at most. */
  readonly limit: number;
}

/** What a store finds when it is opened. */
export interface Opened {
  readonly epoch: string;
  /** Last position in the journal. */
  readonly position: number;
  /** Everything derived from the journal up to here has been written. */
  readonly derivedUpTo: number;
  /** Every observation up to here is in a checkpoint. */
  readonly checkpointedUpTo: number;
  readonly series: readonly StoredSeries[];
  readonly generations: readonly Generation[];
  readonly sources: ReadonlyMap<string, string>;
  /** Numbers of series that were removed and of which rows are still to be deleted. */
  readonly removed: ReadonlySet<number>;
  /** Series whose readings were taken back, not yet made anew: the position of the first such reading. */
  readonly rebuilding: ReadonlyMap<number, number>;
  readonly alerts: {
    readonly rules: readonly StoredRule[];
    readonly alerts: readonly StoredAlert[];
    /** The highest number that a revision of a rule, and a transition, has had. */
    readonly revision: number;
    readonly sequence: number;
  };
}

/** Readings of one series to be taken back. */
export interface TakeBack {
  readonly series: number;
  /** Their positions, ascending. */
  readonly positions: readonly number[];
  /** To be added to the hourly figures: what the observations since the first of them had brought, taken away. */
  readonly rollUps: readonly RollUp[];
}

export interface StoreSize {
  readonly databaseBytes: number;
  readonly journalRows: number;
  readonly forecastRows: number;
  readonly idRows: number;
  /** Stored forecasts found altered since the store was opened; they are left out of every answer. */
  readonly damagedForecasts: number;
  /** What has been committed and is not yet where it is read from in the long run. */
  readonly logBytes: number;
  /** Times that it could not be taken there. */
  readonly copyFailures: number;
}

/**
 * Everything durable, one writer. Two implementations: SQLite, and a simulated disk for tests. Each method that
 * writes is one transaction; when it throws, nothing of it was written. Trying again may help, unless `failed` is set:
 * then the file can no longer be trusted to take writes and every later one throws the same error.
 */
export interface Store {
  readonly failed: EddyError | undefined;
  /** What receivers of alerts have still to be told. */
  readonly outbox: Outbox;
  open(): Opened;
  /** Positions given to the entries in order, 0 for one whose id is known already. */
  commit(commit: Commit): Float64Array;
  /**
   * Checkpoints are not synced by themselves, so that nothing waits for it: a power cut may take the last ones, and the
   * journal makes them again. A batch of none is synced, and all before it; so is one with transitions of alerts.
   */
  writeCheckpoints(batch: CheckpointBatch): void;
  readCheckpoint(series: number, generation: number): Uint8Array | undefined;
  /** Journal rows with `after` < position <= `upTo`, in order; of one series, or of all. */
  rows(after: number, upTo: number, series?: number): Iterable<JournalRow>;
  /** The oldest position the journal still holds; one more than the last when it holds none. */
  oldestRow(): number;
  /**
   * Issues with position greater than `since`, and those of `since` itself whose ordinal is greater than `ordinal`, oldest
   * first; null when some of them are no longer kept.
   */
  issuedSince(since: number, limit: number, ordinal?: number): readonly LogRow[] | null;
  /** The last issue of a series made at or before event time `time`. */
  issuedAsOf(series: number, time: number): LogRow | undefined;
  /** At most `limit` issues of a series made at or after event time `from` and before a place, the newest first. */
  issuedOf(series: number, from: number, before: IssuePlace, limit: number): readonly LogRow[];
  /** Transitions after a place in their log, oldest first; null when some of them are no longer kept. */
  transitionsAfter(sequence: number, limit: number): readonly AlertTransition[] | null;
  /** Transitions before a place in their log, the newest first. */
  transitionsBefore(sequence: number, limit: number): readonly AlertTransition[];
  /** Forgets a series whose last row stands at `last`. What is left of it is invisible, and deleted by `trim`. */
  removeSeries(series: number, last: number): void;
  /**
   * Takes readings back: their rows stay as places without values, their ids are free again; checkpoints and forecasts of the
   * series from the first of them on are gone. Until `rebuilt`, opening tells that the series is to be made anew.
   */
  takeBack(taken: TakeBack): void;
  /** Writes forecasts of a series that is being made anew over those that may be there. */
  reissue(issued: readonly LoggedIssue[]): void;
  /** The series has been made anew, and its checkpoint written; `rollUps` are what its observations have brought now. */
  rebuilt(series: number, rollUps: readonly RollUp[]): void;
  /** Deletes some rows that retention no longer asks for, unsynced; returns how many, 0 once there are none. */
  trim(request: TrimRequest): number;
  size(): StoreSize;
  /** Resolves once the disk has caught up: whoever writes in the background waits for it, intake does not. */
  settled(): Promise<void>;
  close(): Promise<void>;
}
