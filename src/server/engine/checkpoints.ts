import { EddyError } from "../../models/errors.ts";
import { FRAME_BYTES, frameInPlace, readFrame } from "../../storage/checkpoint.ts";
import type { CheckpointWrite, Generation, JournalRow, Store } from "../../storage/store.ts";
import type { EngineLog } from "./contract.ts";
import type { Derivation } from "./derivation.ts";
import type { EngineMetrics } from "./metrics.ts";
import type { LiveSeries, SeriesEntry, SeriesMaker } from "./series.ts";

/** A state found in the store that can be gone on from. */
export interface Base {
  readonly position: number;
  readonly live: LiveSeries;
  /** Size of its state. */
  readonly bytes: number;
  readonly observations: number;
  readonly lastTime: number;
}

export interface CheckpointOptions {
  /** Checkpoints kept of each series. */
  readonly generations: number;
  /** Go on although no checkpoint of a series is good any more. */
  readonly reset: boolean;
  readonly derivation: Derivation;
}

/** The checkpoints of the series: which are due, writing them, and finding the state to go on from. */
export class Checkpoints {
  readonly #store: Store;
  readonly #maker: SeriesMaker;
  readonly #metrics: EngineMetrics;
  readonly #log: EngineLog;
  readonly #options: CheckpointOptions;
  /**
   * Series of which readings are being taken back: they take none, no checkpoint of them is written, and no journal deleted,
   * until that is done.
   */
  readonly rebuilding = new Set<SeriesEntry>();
  /** Grows whenever such a series begins: what was reckoned before of the journal that is needed holds no more. */
  rebuilds = 0;
  /** Every observation up to here is in a checkpoint. */
  checkpointedUpTo = 0;

  constructor(
    store: Store,
    maker: SeriesMaker,
    metrics: EngineMetrics,
    log: EngineLog,
    options: CheckpointOptions,
  ) {
    this.#store = store;
    this.#maker = maker;
    this.#metrics = metrics;
    this.#log = log;
    this.#options = options;
  }

  /** The journal must be kept after this position for the sake of the series' oldest kept checkpoint. */
  needed(entry: SeriesEntry): number {
    if (entry.dormantAt !== undefined) return entry.dormantAt;
    const [first] = entry.generations;
    const oldest =
      first === undefined || entry.generations.length < this.#options.generations
        ? entry.stored.birth
        : first.position;
    return oldest < entry.applied ? oldest : Number.POSITIVE_INFINITY;
  }

  /** Whether a checkpoint is due, so that recovery or the journal need not go back further. */
  due(entry: SeriesEntry): boolean {
    if (entry.dormantAt !== undefined) return false;
    if (this.rebuilding.has(entry) || isStopped(entry)) return false;
    return this.changed(entry) || this.needed(entry) < Number.POSITIVE_INFINITY;
  }

  /** Whether its state is not in a checkpoint yet, and can be. */
  changed(entry: SeriesEntry): boolean {
    if (this.rebuilding.has(entry) || entry.dormantAt !== undefined || isStopped(entry)) return false;
    return savedAt(entry) < entry.applied;
  }

  /** The position up to which every observation is in a checkpoint, once all that could be written at `reached` have been. */
  coveredUpTo(entries: Iterable<SeriesEntry>, reached: number): number {
    let covered = reached;
    for (const entry of entries) {
      // A pipeline that has stopped, or was not given at this start, goes on from where it was saved some day.
      const behind = isStopped(entry) ? savedAt(entry) : (entry.dormantAt ?? Number.POSITIVE_INFINITY);
      covered = Math.min(covered, behind);
    }
    return Math.max(covered, this.checkpointedUpTo);
  }

  /** Writes a checkpoint of each of these series as it stands, in one transaction; returns their bytes. `load` brings one into memory. */
  write(entries: readonly SeriesEntry[], load: (entry: SeriesEntry) => LiveSeries): number {
    const { derivation, generations: keep } = this.#options;
    const written: { readonly entry: SeriesEntry; readonly checkpoint: CheckpointWrite }[] = [];
    for (const entry of entries) {
      // It is being rebuilt since somebody meant to write it.
      if (this.rebuilding.has(entry)) continue;
      try {
        written.push({ entry, checkpoint: this.#checkpoint(entry, load) });
      } catch (error) {
        if (!(error instanceof EddyError) || error.code !== "bad-state") throw error;
        this.#metrics.add("checkpoint_failures_total", 1);
        this.#log.error(error.message);
      }
    }
    try {
      const derived = derivation.take();
      const checkpoints = written.map(({ checkpoint }) => checkpoint);
      this.#store.writeCheckpoints({ checkpoints, keep, derived, checkpointedUpTo: this.checkpointedUpTo });
      derivation.written();
    } catch (error) {
      derivation.giveBack();
      this.#metrics.add("checkpoint_failures_total", 1);
      throw error;
    }
    let bytes = 0;
    for (const { entry, checkpoint } of written) {
      const { series, generation, position, framed } = checkpoint;
      entry.generations = [...entry.generations, { series, generation, position }].slice(-keep);
      bytes += framed.byteLength;
    }
    this.#metrics.add("checkpoints_total", written.length);
    this.#metrics.add("checkpoint_bytes_total", bytes);
    return bytes;
  }

  #checkpoint(entry: SeriesEntry, load: (entry: SeriesEntry) => LiveSeries): CheckpointWrite {
    const series = entry.stored.id;
    const newest = entry.generations.at(-1);
    const generation = (newest?.generation ?? 0) + 1;
    const { applied: position, observations, lastTime } = entry;
    if (!entry.live && newest?.position === position) {
      // Evicted and unchanged: a second copy of the same bytes, so that the older one no longer pins the journal.
      const framed = this.#store.readCheckpoint(series, newest.generation);
      if (framed && isGood(framed, series)) return { series, generation, position, framed };
    }
    const framed = load(entry).save(FRAME_BYTES);
    const bytes = framed.byteLength - FRAME_BYTES;
    entry.stateBytes = bytes;
    frameInPlace(framed, { series, position, observations, lastTime });
    return { series, generation, position, framed };
  }

  /** The newest good state before a position from which the journal goes on without a gap. */
  base(entry: SeriesEntry, before = Number.POSITIVE_INFINITY): Base {
    const { name, id, specification, birth } = entry.stored;
    const bad: Generation[] = [];
    for (const kept of entry.generations.toReversed()) {
      if (kept.position >= before) continue;
      const { generation } = kept;
      let live: LiveSeries | undefined;
      try {
        const framed = this.#store.readCheckpoint(id, generation);
        if (!framed) throw new EddyError("bad-state", "checkpoint", { received: "no such row" });
        const { position, observations, lastTime, state } = readFrame(framed, id);
        if (!this.#continues(entry, position)) {
          throw new EddyError("bad-state", "checkpoint", {
            expected: `the journal of the series after position ${position}`,
            received: "a journal without it",
          });
        }
        live = this.#maker.reopen(name, specification);
        live.restore(state);
        if (bad.length > 0) entry.generations = entry.generations.filter((kept) => !bad.includes(kept));
        return { position, live, bytes: state.byteLength, observations, lastTime };
      } catch (error) {
        live?.release();
        if (!(error instanceof EddyError) || error.code !== "bad-state") throw error;
        bad.push(kept);
        this.#metrics.add("checkpoints_refused_total", 1);
        this.#log.warn(
          `checkpoint ${generation} of series ${name} is damaged and not used: ${error.message}; ` +
            "the one before it and a longer replay take its place",
        );
      }
    }
    if (before === Number.POSITIVE_INFINITY) entry.generations = [];
    let position = birth;
    if (!this.#continues(entry, birth)) {
      const problem = new EddyError("bad-state", `series ${name}`, {
        expected: "a good checkpoint, or the journal from its first observation",
        received: `${bad.length} damaged checkpoints and a journal from position ${this.#store.oldestRow()}`,
        hint: "--reset begins this series anew from what the journal still holds",
      });
      if (!this.#options.reset || before < Number.POSITIVE_INFINITY) throw problem;
      this.#metrics.add("series_reset_total", 1);
      this.#log.warn(`${problem.message}: reset`);
      position = this.#firstRow(entry, birth)?.previous ?? entry.applied;
    }
    const live = this.#maker.reopen(name, specification);
    return {
      position,
      live,
      bytes: live.stateBytes,
      observations: 0,
      lastTime: Number.NaN,
    };
  }

  /** Whether the journal holds every observation of the series after `position`, up to the last one known to be applied. */
  #continues(entry: SeriesEntry, position: number): boolean {
    return position >= entry.applied || this.#firstRow(entry, position)?.previous === position;
  }

  #firstRow(entry: SeriesEntry, after: number): JournalRow | undefined {
    for (const row of this.#store.rows(after, entry.applied, entry.stored.id)) return row;
    return undefined;
  }
}

const isStopped = ({ live }: SeriesEntry): boolean => (live?.stopped ?? null) !== null;

/** The position of its newest checkpoint. */
const savedAt = ({ generations, stored }: SeriesEntry): number =>
  generations.at(-1)?.position ?? stored.birth;

function isGood(framed: Uint8Array, series: number): boolean {
  try {
    readFrame(framed, series);
    return true;
  } catch {
    return false;
  }
}
