import { EddyError, printable } from "../../models/errors.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { Commits } from "./commit.ts";
import type { TakenBack } from "./contract.ts";
import type { Loop } from "./loop.ts";
import type { EngineParts } from "./parts.ts";
import { summarise } from "./queries.ts";
import type { SeriesEntry } from "./series.ts";
import { takeBack } from "./taking-back.ts";

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
    const { derivation, log, metrics, store, table } = this.#parts;
    const removed = await this.#loop.between(() => {
      const entry = table.get(series);
      if (!entry) return false;
      this.#assertUntouched(entry);
      const { id } = entry.stored;
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
    const { clock, derivation, log, metrics, store, table } = this.#parts;
    const entry = await this.#loop.between(() => {
      const found = table.get(series);
      if (!found)
        throw new EddyError("bad-argument", "series", {
          expected: "one that exists",
          received: printable(series),
        });
      this.#assertUntouched(found);
      table.checkpoints.rebuilding.add(found);
      table.checkpoints.rebuilds++;
      return found;
    });
    const work = takeBack(entry, from, to, {
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
      closing: this.#closing,
    }).finally(() => {
      table.checkpoints.rebuilding.delete(entry);
      this.#underWay.delete(work);
    });
    this.#underWay.add(work);
    const takenBack = await work;
    metrics.add("taken_back_total", takenBack);
    if (takenBack > 0) log.warn(`series ${printable(series)}: ${takenBack} readings were taken back`);
    return { takenBack, series: summarise(entry) };
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
