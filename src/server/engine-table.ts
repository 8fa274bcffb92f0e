import { EddyError, printable } from "../models/errors.ts";
import type { Observation } from "../models/observation.ts";
import { FRAME_BYTES, frameInPlace, readFrame } from "../storage/checkpoint.ts";
import { isTakenBack, unpackValues } from "../storage/journal.ts";
import type { CheckpointWrite, Generation, JournalRow, Store, StoredSeries } from "../storage/store.ts";
import type { EngineLog } from "./engine-contract.ts";
import type { Derivation } from "./engine-derivation.ts";
import type { EngineMetrics } from "./engine-metrics.ts";
import type { Applied, LiveSeries, SeriesEntry, SeriesMaker } from "./engine-series.ts";

/** Why an observation was set aside, for whoever sent it. */
const WORDS: Readonly<Record<string, string>> = {
  "duplicate-time":
    "expected one reading for each time, got another for one that was taken: the first one stands",
};

export interface TableOptions {
  readonly memoryBytes: number;
  /** Checkpoints kept of each series. */
  readonly generations: number;
  readonly reset: boolean;
  readonly derivation: Derivation;
}

/** A journal row and what it led to. */
export interface Followed {
  readonly observation: Observation;
  readonly applied: Applied;
}

/** A state found in the store that can be gone on from. */
export interface Base {
  readonly position: number;
  readonly live: LiveSeries;
  /** Size of its state. */
  readonly bytes: number;
  readonly observations: number;
  readonly lastTime: number;
}

/**
 * Every series of the database: in memory, or evicted to its checkpoint. Whichever it is, its state is the same
 * function of the journal.
 */
export class SeriesTable {
  readonly #store: Store;
  readonly #maker: SeriesMaker;
  readonly #metrics: EngineMetrics;
  readonly #log: EngineLog;
  readonly #options: TableOptions;
  readonly #byName = new Map<string, SeriesEntry>();
  readonly #byId = new Map<number, SeriesEntry>();
  /** Series in memory, least recently used first. */
  readonly #recent = new Set<SeriesEntry>();
  /**
   * Series of which readings are being taken back: they take none, no checkpoint of them is written, and no journal deleted,
   * until that is done.
   */
  readonly rebuilding = new Set<SeriesEntry>();
  /** Grows whenever such a series begins: what was reckoned before of the journal that is needed holds no more. */
  rebuilds = 0;
  /** Every observation up to here is in a checkpoint. */
  checkpointedUpTo = 0;
  /** Position of the last observation applied. */
  reached = 0;
  #nextId = 1;
  /** Series of the group under way: they stay in memory until it has been applied. */
  readonly #pinned = new Set<SeriesEntry>();
  #pinnedBytes = 0;
  #loadedBytes = 0;

  constructor(
    store: Store,
    maker: SeriesMaker,
    metrics: EngineMetrics,
    log: EngineLog,
    options: TableOptions,
  ) {
    this.#store = store;
    this.#maker = maker;
    this.#metrics = metrics;
    this.#log = log;
    this.#options = options;
  }

  get size(): number {
    return this.#byName.size;
  }

  get loaded(): number {
    return this.#recent.size;
  }

  get loadedBytes(): number {
    return this.#loadedBytes;
  }

  get generations(): number {
    return this.#options.generations;
  }

  get(name: string): SeriesEntry | undefined {
    return this.#byName.get(name);
  }

  byId(id: number): SeriesEntry | undefined {
    return this.#byId.get(id);
  }

  names(): Iterable<string> {
    return this.#byName.keys();
  }

  entries(): Iterable<SeriesEntry> {
    return this.#byName.values();
  }

  /** Enters a series found in the store, not in memory. */
  enter(stored: StoredSeries, generations: readonly Generation[]): SeriesEntry {
    const specification = this.#maker.specification(stored.specification);
    const newest = generations.at(-1);
    const entry: SeriesEntry = {
      stored,
      specification,
      live: undefined,
      stateBytes: 0,
      heldBytes: 0,
      applied: newest?.position ?? stored.birth,
      observations: 0,
      lastTime: Number.NaN,
      latest: undefined,
      generations,
    };
    this.#byName.set(stored.name, entry);
    this.#byId.set(stored.id, entry);
    this.#nextId = Math.max(this.#nextId, stored.id + 1);
    return entry;
  }

  /** Numbers up to this one are not given to new series. */
  reserve(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1);
  }

  /** Opens a new series for its first observation; `birth` is the journal position before it. */
  open(first: Observation, birth: number): SeriesEntry {
    const live = this.#maker.open(first);
    const { targets, inputs } = live.specification;
    const stored: StoredSeries = {
      id: this.#nextId++,
      name: first.series,
      specification: this.#maker.describe(live),
      columns: [...targets, ...inputs],
      birth,
    };
    const entry: SeriesEntry = {
      stored,
      specification: live.specification,
      live: undefined,
      stateBytes: 0,
      heldBytes: 0,
      applied: birth,
      observations: 0,
      lastTime: Number.NaN,
      latest: undefined,
      generations: [],
    };
    this.#byName.set(first.series, entry);
    this.#byId.set(stored.id, entry);
    this.#hold(entry, live, live.stateBytes);
    return entry;
  }

  /** Brings a series into memory; throws `bad-state` when no state of it can be gone on from. */
  load(entry: SeriesEntry): LiveSeries {
    if (entry.live) return entry.live;
    this.makeRoom(this.#maker.price(entry.specification));
    const { applied } = entry;
    const { live, position } = this.restore(entry);
    if (position < applied) {
      for (const row of this.#store.rows(position, applied, entry.stored.id)) this.follow(entry, row);
    }
    return live;
  }

  /** Takes back a series whose birth was not committed. */
  forget(name: string): void {
    const entry = this.#byName.get(name);
    if (!entry) return;
    this.#drop(entry);
    this.#pinned.delete(entry);
    this.#byName.delete(name);
    this.#byId.delete(entry.stored.id);
  }

  /** Applies one observation of the journal. Deterministic; a failure of the model is an outcome too. */
  push(entry: SeriesEntry, observation: Observation, position: number): Applied {
    const live = this.load(entry);
    this.#recent.delete(entry);
    this.#recent.add(entry);
    entry.applied = position;
    this.reached = Math.max(this.reached, position);
    try {
      const { issues, refused, later, outOfRange } = live.push(observation, position);
      for (const { targets } of issues) {
        for (const { taken } of targets) if (taken === 0) this.#metrics.add("doubted_readings_total", 1);
      }
      if (later !== undefined) this.#metrics.add("set_aside_total", later.length);
      if (outOfRange !== undefined) this.#metrics.add("out_of_range_total", outOfRange.length);
      if (refused === undefined) {
        entry.observations++;
        entry.lastTime = Math.max(
          observation.time,
          Number.isNaN(entry.lastTime) ? -Infinity : entry.lastTime,
        );
        return { issues, message: "" };
      }
      return { issues, refused, message: `${printable(entry.stored.name)}: ${WORDS[refused] ?? refused}` };
    } catch (error) {
      const message = `${entry.stored.name}: ${(error as Error).message}`;
      this.#metrics.add("series_failures_total", 1);
      this.#log.error(`an observation of ${message}`);
      return { issues: [], refused: error instanceof EddyError ? error.code : "internal", message };
    }
  }

  /** The journal must be kept after this position for the sake of the series' oldest kept checkpoint. */
  needed(entry: SeriesEntry): number {
    const oldest =
      entry.generations.length < this.#options.generations
        ? entry.stored.birth
        : entry.generations[0].position;
    return oldest < entry.applied ? oldest : Number.POSITIVE_INFINITY;
  }

  /** Whether a checkpoint is due, so that recovery or the journal need not go back further. */
  due(entry: SeriesEntry): boolean {
    return (
      !this.rebuilding.has(entry) && (this.changed(entry) || this.needed(entry) < Number.POSITIVE_INFINITY)
    );
  }

  /** Whether its state is not in a checkpoint yet. */
  changed(entry: SeriesEntry): boolean {
    if (this.rebuilding.has(entry)) return false;
    return (entry.generations.at(-1)?.position ?? entry.stored.birth) < entry.applied;
  }

  /** Writes a checkpoint of each of these series as it stands, in one transaction; returns their bytes. */
  writeCheckpoints(entries: readonly SeriesEntry[]): number {
    const { derivation, generations: keep } = this.#options;
    const written: SeriesEntry[] = [];
    const checkpoints: CheckpointWrite[] = [];
    for (const entry of entries) {
      // Removed, or being rebuilt, since somebody meant to write it.
      if (this.#byId.get(entry.stored.id) !== entry || this.rebuilding.has(entry)) continue;
      try {
        checkpoints.push(this.#checkpoint(entry));
        written.push(entry);
      } catch (error) {
        if (!(error instanceof EddyError) || error.code !== "bad-state") throw error;
        this.#metrics.add("checkpoint_failures_total", 1);
        this.#log.error(error.message);
      }
    }
    try {
      const derived = derivation.take();
      this.#store.writeCheckpoints({ checkpoints, keep, derived, checkpointedUpTo: this.checkpointedUpTo });
      derivation.written();
    } catch (error) {
      derivation.giveBack();
      this.#metrics.add("checkpoint_failures_total", 1);
      throw error;
    }
    let bytes = 0;
    for (let i = 0; i < written.length; i++) {
      const { series, generation, position, framed } = checkpoints[i];
      written[i].generations = [...written[i].generations, { series, generation, position }].slice(-keep);
      bytes += framed.byteLength;
    }
    this.#metrics.add("checkpoints_total", written.length);
    this.#metrics.add("checkpoint_bytes_total", bytes);
    return bytes;
  }

  #checkpoint(entry: SeriesEntry): CheckpointWrite {
    const series = entry.stored.id;
    const newest = entry.generations.at(-1);
    const generation = (newest?.generation ?? 0) + 1;
    const { applied: position, observations, lastTime } = entry;
    if (!entry.live && newest?.position === position) {
      // Evicted and unchanged: a second copy of the same bytes, so that the older one no longer pins the journal.
      const framed = this.#store.readCheckpoint(series, newest.generation);
      if (framed && isGood(framed, series)) return { series, generation, position, framed };
    }
    const framed = this.load(entry).save(FRAME_BYTES);
    const bytes = framed.byteLength - FRAME_BYTES;
    entry.stateBytes = bytes;
    frameInPlace(framed, { series, position, observations, lastTime });
    return { series, generation, position, framed };
  }

  /** Whether the series of an observation can be in memory together with those of the group under way; one always can. */
  fits(observation: Observation): boolean {
    const entry = this.#byName.get(observation.series);
    if (this.#pinned.size === 0 || (entry && this.#pinned.has(entry))) return true;
    let price: number;
    try {
      price = entry ? this.#maker.price(entry.specification) : this.price(observation);
    } catch {
      // It will be refused.
      return true;
    }
    return this.#pinnedBytes + price <= this.#options.memoryBytes;
  }

  /** Keeps a series in memory until `unpin`. */
  pin(entry: SeriesEntry): void {
    if (this.#pinned.has(entry)) return;
    this.#pinned.add(entry);
    this.#pinnedBytes += entry.heldBytes;
  }

  unpin(): void {
    this.#pinned.clear();
    this.#pinnedBytes = 0;
  }

  /** What a series takes in memory, before it is opened. */
  price(first: Observation): number {
    return this.#maker.price(this.#maker.plan(first));
  }

  /** Sends series used least recently to disk until the memory bound holds again. */
  evict(): void {
    if (this.#recent.size > 1) this.makeRoom(0);
  }

  /** Sends series used least recently to disk until so many bytes more are within the memory bound. */
  makeRoom(bytes: number): void {
    const { memoryBytes } = this.#options;
    for (const entry of this.#recent) {
      if (this.#loadedBytes + bytes <= memoryBytes) return;
      if (this.#pinned.has(entry) || (bytes === 0 && this.#recent.size === 1)) continue;
      if (this.changed(entry)) {
        try {
          this.writeCheckpoints([entry]);
        } catch (error) {
          // It stays in memory: more than was asked for, but nothing is lost.
          this.#log.error(`${entry.stored.name} was not evicted: ${(error as Error).message}`);
          return;
        }
      }
      this.#drop(entry);
      this.#metrics.add("evictions_total", 1);
    }
  }

  release(): void {
    for (const entry of [...this.#recent]) this.#drop(entry);
  }

  /**
   * Brings a series into memory from its newest good checkpoint; throws `bad-state` when there is none and the
   * journal no longer holds it from birth (unless `reset`). The journal after the returned position is still to be applied.
   */
  restore(entry: SeriesEntry): Base {
    const base = this.base(entry);
    this.adopt(entry, base, base.position);
    return base;
  }

  /** Goes on with a series from what was found or made of it, which stands at a position of the journal. */
  adopt(
    entry: SeriesEntry,
    { live, bytes, observations, lastTime }: Omit<Base, "position">,
    position: number,
  ): void {
    this.#drop(entry);
    this.#hold(entry, live, bytes);
    entry.applied = position;
    entry.observations = observations;
    entry.lastTime = lastTime;
  }

  /** Sends a series from memory without writing it. */
  letGo(entry: SeriesEntry): void {
    this.#drop(entry);
  }

  /** Applies the next journal row of a series; throws `bad-state` when a row before it is missing or it was altered. */
  follow(entry: SeriesEntry, row: JournalRow): Followed {
    const { name, columns } = entry.stored;
    if (row.previous !== entry.applied) {
      throw new EddyError("bad-state", `journal of series ${name}`, {
        expected: `the observation after position ${entry.applied}`,
        received: `the one at ${row.position}, which follows ${row.previous}`,
      });
    }
    if (isTakenBack(row.payload)) {
      entry.applied = row.position;
      this.reached = Math.max(this.reached, row.position);
      const observation = { series: name, time: row.time, values: {} };
      return { observation, applied: { issues: [], refused: "taken-back", message: "" } };
    }
    const values = unpackValues(row.payload, columns, row.time, row.position);
    const observation = { series: name, time: row.time, values };
    return { observation, applied: this.push(entry, observation, row.position) };
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
        if (!(error instanceof EddyError)) throw error;
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

  #hold(entry: SeriesEntry, live: LiveSeries, bytes: number): void {
    entry.live = live;
    entry.stateBytes = bytes;
    entry.heldBytes = this.#maker.price(entry.specification);
    this.#loadedBytes += entry.heldBytes;
    this.#recent.add(entry);
  }

  #drop(entry: SeriesEntry): void {
    if (!entry.live) return;
    entry.live.release();
    entry.live = undefined;
    this.#loadedBytes -= entry.heldBytes;
    this.#recent.delete(entry);
  }
}

function isGood(framed: Uint8Array, series: number): boolean {
  try {
    readFrame(framed, series);
    return true;
  } catch {
    return false;
  }
}
