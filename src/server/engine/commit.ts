import type { Commit } from "../../storage/store.ts";
import type { Group } from "./group.ts";
import type { EngineParts } from "./parts.ts";
import { fail } from "./queue.ts";

/** Makes groups of observations durable, and with them whatever follows from the ones before. */
export class Commits {
  readonly #parts: EngineParts;
  /** How far each named source has been read as of the last commit. */
  readonly sources: Map<string, string>;

  constructor(parts: EngineParts, sources: ReadonlyMap<string, string>) {
    this.#parts = parts;
    this.sources = new Map(sources);
  }

  /** Positions of the rows of a group, 0 for repeats; undefined when it was not written, which its requests have been told. */
  write({ entries, sources, waiting }: Group): Float64Array | undefined {
    const { clock, log, metrics, table } = this.#parts;
    const born = Array.from(table.unborn, ({ stored }) => stored);
    if (born.length === 0 && entries.length === 0 && sources.size === 0) return new Float64Array(0);
    const started = clock.monotonic();
    try {
      const positions = this.#commit({ series: born, entries, sources });
      table.unborn.clear();
      metrics.add("commits_total", 1);
      metrics.set("commit_seconds", (clock.monotonic() - started) / 1000);
      for (const [name, reached] of sources) this.sources.set(name, reached);
      return positions;
    } catch (error) {
      table.unpin();
      for (const { name } of born) table.forget(name);
      log.error(`observations were not taken: ${(error as Error).message}`);
      for (const request of new Set(waiting.map((row) => row.request))) fail(request, error);
      return undefined;
    }
  }

  /** Writes what no commit has carried yet. */
  flush(): void {
    const { derivation, log, store } = this.#parts;
    if (!derivation.waiting || store.failed) return;
    try {
      this.flushNow();
    } catch (error) {
      log.error(`forecasts were not written: ${(error as Error).message}`);
    }
  }

  /** The same at once, however little it is; throws when it cannot be written. */
  flushNow(): void {
    this.#commit({ series: [], entries: [], sources: new Map() });
  }

  #commit(commit: Omit<Commit, "derived">): Float64Array {
    const { derivation, metrics, store } = this.#parts;
    try {
      const positions = store.commit({ ...commit, derived: derivation.take() });
      derivation.written();
      return positions;
    } catch (error) {
      derivation.giveBack();
      metrics.add("commit_failures_total", 1);
      throw error;
    }
  }
}
