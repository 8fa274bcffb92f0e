import { EddyError, printable } from "../../models/errors.ts";
import { unpackValues } from "../../storage/journal.ts";
import type { JournalRow } from "../../storage/store.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { Commits } from "./commit.ts";
import type { TakenBack } from "./contract.ts";
import { isHosted, sourceOf } from "./hosting.ts";
import type { Loop } from "./loop.ts";
import type { EngineParts } from "./parts.ts";
import { summarise } from "./queries.ts";
import type { SeriesEntry } from "./series.ts";
import { type ReadingsToTakeBack, takeBack } from "./taking-back.ts";

/** What changes the past of an engine: a series is removed, or readings are taken back. */
export class Past {
  readonly #parts: EngineParts;
  readonly #loop: Loop;
  readonly #commits: Commits;
  readonly #checkpointer: Checkpointer;
  readonly #closing: () => boolean;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Grows with every change. */
  rewrites = 0;

  constructor(
    parts: EngineParts,
    loop: Loop,
    commits: Commits,
    checkpointer: Checkpointer,
    closing: () => boolean,
  ) {
    this.#parts = parts;
    this.#loop = loop;
    this.#commits = commits;
    this.#checkpointer = checkpointer;
    this.#closing = closing;
  }

  async remove(series: string): Promise<boolean> {
    const { alerts, derivation, log, metrics, store, table } = this.#parts;
    const removed = await this.#loop.between(() => {
      const entry = table.get(series);
      if (!entry) return false;
      this.#assertUntouched(entry);
      const { id } = entry.stored;
      // Its readings can be found no more: what pipelines have made of them is kept as it is.
      const readers = table.hosting.readersOf(series).flatMap(({ name }) => table.get(name) ?? []);
      if (readers.length > 0) table.writeCheckpoints(readers.filter(({ live }) => live !== undefined));
      // Should the series stay after all, its next reading tells of them again.
      alerts.removed(entry);
      if (alerts.waiting) this.#commits.flushNow();
      store.removeSeries(id, entry.applied);
      derivation.forget(id);
      table.forget(series);
      this.rewrites++;
      metrics.add("series_removed_total", 1);
      log.warn(`series ${printable(series)} was removed`);
      return true;
    });
    if (removed) {
      this.#checkpointer
        .tidy()
        .catch((error: Error) => log.error(`a removed series was not deleted yet: ${error.message}`));
    }
    return removed;
  }

  async takeBack(series: string, from: number, to: number): Promise<TakenBack> {
    const { log, metrics, table } = this.#parts;
    const entry = await this.#claim(() => {
      const found = table.get(series);
      if (found && !isHosted(found)) return found;
      throw new EddyError("bad-argument", "series", {
        expected: found ? "one of readings" : "one that exists",
        received: found ? `the pipeline ${printable(series)}` : printable(series),
      });
    });
    try {
      // From the pipelines first: should the process die in between, nobody has been told yet, and asking again is harmless.
      for (const { name } of table.hosting.readersOf(series)) {
        if (table.get(name) === undefined) continue;
        const reader = await this.#claim(() => table.hosted(name));
        await this.#work(reader, { from, to, which: (row) => this.#isOf(row, reader, entry) });
      }
    } catch (error) {
      table.checkpoints.rebuilding.delete(entry);
      throw error;
    }
    const takenBack = await this.#work(entry, { from, to });
    metrics.add("taken_back_total", takenBack);
    if (takenBack > 0) log.warn(`series ${printable(series)}: ${takenBack} readings were taken back`);
    return { takenBack, series: summarise(entry) };
  }

  /** Takes a series for a change of its past: until that is done it takes no reading. */
  #claim(find: () => SeriesEntry): Promise<SeriesEntry> {
    const { checkpoints } = this.#parts.table;
    return this.#loop.between(() => {
      const found = find();
      this.#assertUntouched(found);
      checkpoints.rebuilding.add(found);
      checkpoints.rebuilds++;
      return found;
    });
  }

  /** Whether a row of a pipeline stands for a reading of a series. */
  #isOf(row: JournalRow, reader: SeriesEntry, { stored: { id } }: SeriesEntry): boolean {
    const { store } = this.#parts;
    const values = unpackValues(row.payload, reader.stored.columns, row.time, row.position);
    const source = sourceOf({ series: reader.stored.name, time: row.time, values }, row.position);
    const [reading] = store.rows(source - 1, source);
    return reading?.series === id;
  }

  /** Takes readings back from a series that has been claimed, and lets it go. */
  async #work(entry: SeriesEntry, readings: ReadingsToTakeBack): Promise<number> {
    const { alerts, clock, derivation, store, table } = this.#parts;
    const work = takeBack(entry, readings, {
      store,
      table,
      clock,
      between: (task) => this.#loop.between(task),
      changing: (id, first) => {
        // What waits to be written of it is about to be wrong.
        this.#commits.flush();
        if (derivation.waiting) throw new EddyError("busy", "forecasts before it could not be written yet");
        derivation.forget(id, first);
        this.rewrites++;
      },
      changed: (entry) => alerts.revised(entry),
      closing: this.#closing,
    }).finally(() => {
      table.checkpoints.rebuilding.delete(entry);
      this.#underWay.delete(work);
    });
    this.#underWay.add(work);
    return work;
  }

  /** Resolves when nothing is being changed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  #assertUntouched(entry: SeriesEntry): void {
    if (!this.#parts.table.checkpoints.rebuilding.has(entry)) return;
    throw new EddyError("busy", `series ${printable(entry.stored.name)}`, {
      expected: "one of which no readings are being taken back",
      received: "one of which they are",
      hint: "try again in a moment",
    });
  }
}
