import { itemAt } from "../../models/item-at.ts";
import type { Clock } from "../../storage/clock.ts";
import type { Retention, Store } from "../../storage/store.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { EngineLog } from "./contract.ts";
import type { EngineMetrics } from "./metrics.ts";
import type { EngineParts } from "./parts.ts";
import type { SeriesEntry } from "./series.ts";
import type { SeriesTable } from "./table.ts";

export interface CheckpointerOptions {
  /** Milliseconds from the start of one round to the next. */
  readonly every: number;
  /** Milliseconds of work between two yields. */
  readonly sliceMilliseconds: number;
  readonly retention: Retention;
}

/** Bytes of one slice at most: a commit that comes right after it syncs them too. */
const SLICE_BYTES = 2 ** 20;
/** Rest after background work, in lengths of the work: a commit's sync waits for whatever the disk has been given. */
const REST = 3;
/** Rows deleted between two yields. */
const TRIM_ROWS = 2048;

/**
 * Rounds of checkpoints: every series that changed, a few at a time, so that intake goes on between any two slices. Each
 * checkpoint has its own position, so a round needs no moment at which everything stands still. After a round, rows
 * that neither recovery nor retention asks for are deleted, a few at a time too.
 */
export class Checkpointer {
  readonly #store: Store;
  readonly #table: SeriesTable;
  readonly #checkpoints: Checkpoints;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #metrics: EngineMetrics;
  readonly #options: CheckpointerOptions;
  /** Bytes that fit one slice, as learnt from the last ones. */
  #sliceBytes = 64 * 1024;
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor({ store, table, clock, log, metrics }: EngineParts, options: CheckpointerOptions) {
    this.#store = store;
    this.#table = table;
    this.#checkpoints = table.checkpoints;
    this.#clock = clock;
    this.#log = log;
    this.#metrics = metrics;
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#clock.after(this.#options.every, () => {
      const round = this.#running ? this.#running : this.#begin();
      round
        .catch((error: Error) => this.#log.error(`checkpoints were not written: ${error.message}`))
        .finally(() => {
          if (!this.#stopped) this.start();
        });
    });
  }

  /** A round that begins now, after one that is under way. */
  async round(): Promise<void> {
    await this.#running?.catch(() => {});
    await this.#begin();
  }

  /** Deletes what is no longer asked for, after a round that is under way. */
  async tidy(): Promise<void> {
    await this.#running?.catch(() => {});
    if (this.#stopped || this.#running) return;
    this.#running = this.#trim().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** No more rounds by themselves; resolves once the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running?.catch(() => {});
  }

  #begin(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const started = this.#clock.monotonic();
    const { reached } = this.#table;
    const { rebuilds } = this.#checkpoints;
    // One that is being made anew is passed over: the round then does not hold for all.
    const all = this.#checkpoints.rebuilding.size === 0;
    // When stopping, only what would otherwise have to be replayed.
    const due = [...this.#table.entries()].filter((entry) =>
      this.#stopped ? this.#checkpoints.changed(entry) : this.#checkpoints.due(entry),
    );
    let next = 0;
    while (next < due.length) next = await this.#slice(due, next);
    const covered = this.#checkpoints.coveredUpTo(this.#table.entries(), reached);
    if (
      all &&
      this.#checkpoints.rebuilds === rebuilds &&
      (due.length > 0 || this.#checkpoints.checkpointedUpTo < covered)
    ) {
      this.#checkpoints.checkpointedUpTo = covered;
      this.#table.writeCheckpoints([]);
    }
    this.#metrics.set("checkpoint_round_seconds", (this.#clock.monotonic() - started) / 1000);
    this.#metrics.add("checkpoint_rounds_total", 1);
    if (!this.#stopped) await this.#trim();
  }

  async #slice(due: readonly SeriesEntry[], from: number): Promise<number> {
    const started = this.#clock.monotonic();
    const entries: SeriesEntry[] = [];
    let bytes = 0;
    let next = from;
    for (; next < due.length; next++) {
      const entry = itemAt(due, next);
      if (entries.length > 0 && bytes + entry.stateBytes > this.#sliceBytes) break;
      bytes += entry.stateBytes;
      entries.push(entry);
    }
    const written = this.#table.writeCheckpoints(entries);
    const spent = this.#clock.monotonic() - started;
    const fit = Math.min(2, Math.max(0.5, this.#options.sliceMilliseconds / Math.max(spent, 0.1)));
    this.#sliceBytes = Math.min(SLICE_BYTES, Math.max(4096, Math.max(written, this.#sliceBytes / 2) * fit));
    this.#metrics.peak("checkpoint_slice_max_seconds", spent / 1000);
    await this.#pause(started);
    return next;
  }

  async #trim(): Promise<void> {
    // What comes in while rows are being deleted is needed whatever is found now.
    const { reached } = this.#table;
    const { rebuilds } = this.#checkpoints;
    let needed = reached;
    for (const entry of this.#table.entries()) needed = Math.min(needed, this.#checkpoints.needed(entry));
    // A series that is being made anew may go back to its birth, whatever checkpoints it has; the next round deletes.
    while (this.#checkpoints.rebuilding.size === 0 && this.#checkpoints.rebuilds === rebuilds) {
      const started = this.#clock.monotonic();
      const rows = this.#store.trim({
        needed,
        reached,
        retention: this.#options.retention,
        limit: TRIM_ROWS,
      });
      if (rows === 0 || this.#stopped) return;
      this.#metrics.add("trimmed_rows_total", rows);
      const spent = this.#clock.monotonic() - started;
      this.#metrics.peak("trim_slice_max_seconds", spent / 1000);
      await this.#pause(started);
    }
  }

  /**
   * Until the disk has caught up, then three times as long as that and the work took: background work gets a quarter of the
   * time at most, of the processor and of the disk; all of it once intake has stopped.
   */
  async #pause(started: number): Promise<void> {
    await this.#store.settled();
    const rest = this.#stopped ? 0 : Math.max(1, REST * (this.#clock.monotonic() - started));
    await new Promise<void>((resolve) => void this.#clock.after(rest, resolve));
  }
}
