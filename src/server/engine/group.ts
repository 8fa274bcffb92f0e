import type { JournalEntry } from "../../storage/store.ts";
import type { Request, Waiting } from "./queue.ts";
import type { SeriesEntry } from "./series.ts";

/** An observation that is written and applied. */
export interface Admitted extends Waiting {
  readonly entry: SeriesEntry;
  /** It repeats the one before it for a pipeline: whoever sent that one is not told of it. */
  readonly repeats?: true;
}

/** Observations that are made durable together. */
export interface Group {
  /** All that were taken from the queue. */
  readonly waiting: Waiting[];
  /** Those of them that are written and applied, beside their rows. */
  readonly admitted: Admitted[];
  readonly entries: JournalEntry[];
  readonly sources: Map<string, string>;
  /** Requests that end within it. */
  readonly ended: Set<Request>;
}

export const emptyGroup = (): Group => ({
  waiting: [],
  admitted: [],
  entries: [],
  sources: new Map(),
  ended: new Set(),
});
