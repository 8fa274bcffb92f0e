import { EddyError } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import { isTakenBack, unpackValues } from "../../storage/journal.ts";
import type { Generation, JournalRow, Store, StoredSeries } from "../../storage/store.ts";
import { apply } from "./applying.ts";
import { type Base, type CheckpointOptions, Checkpoints } from "./checkpoints.ts";
import type { EngineLog } from "./contract.ts";
import type { Hosting } from "./hosting.ts";
import type { EngineMetrics } from "./metrics.ts";
import type { Applied, LiveSeries, SeriesEntry, SeriesMaker } from "./series.ts";

export interface TableOptions extends CheckpointOptions {
  /** Bytes of model state held in memory at most. */
  readonly memoryBytes: number;
}

/** A journal row and what it led to. */
export interface Followed {
  readonly observation: Observation;
  readonly applied: Applied;
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
  readonly #memoryBytes: number;
  readonly #byName = new Map<string, SeriesEntry>();
  readonly #byId = new Map<number, SeriesEntry>();
  /** Series in memory, least recently used first. */
  readonly #recent = new Set<SeriesEntry>();
  /** Series opened by the group under way and not yet durable: nobody is told of them. */
  readonly unborn = new Set<SeriesEntry>();
  readonly checkpoints: Checkpoints;
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
    this.#memoryBytes = options.memoryBytes;
    this.checkpoints = new Checkpoints(store, maker, metrics, log, options);
  }

  get hosting(): Hosting {
    return this.#maker.hosting;
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

  get(name: string): SeriesEntry | undefined {
    return this.#byName.get(name);
  }

  byId(id: number): SeriesEntry | undefined {
    return this.#byId.get(id);
  }

  entries(): Iterable<SeriesEntry> {
    return this.#byName.values();
  }

  /** Those that anybody may be told of. */
  *known(): Iterable<SeriesEntry> {
    for (const entry of this.#byName.values()) if (!this.unborn.has(entry)) yield entry;
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
    return this.#begin(first.series, this.#maker.open(first), birth);
  }

  /** The entry of a pipeline that is hosted, opened when it is new, and in memory. */
  hosted(name: string): SeriesEntry {
    const found = this.#byName.get(name);
    if (found === undefined) return this.#begin(name, this.#maker.hosting.open(name), this.reached);
    this.load(found);
    return found;
  }

  #begin(name: string, live: LiveSeries, birth: number): SeriesEntry {
    const { targets, inputs } = live.specification;
    const stored: StoredSeries = {
      id: this.#nextId++,
      name,
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
    this.#byName.set(name, entry);
    this.#byId.set(stored.id, entry);
    this.#hold(entry, live, live.stateBytes);
    this.unborn.add(entry);
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
    this.unborn.delete(entry);
    this.#byName.delete(name);
    this.#byId.delete(entry.stored.id);
  }

  /** Gives one observation of the journal to its series, which is brought into memory for it. */
  push(entry: SeriesEntry, observation: Observation, position: number): Applied {
    const live = this.load(entry);
    this.#recent.delete(entry);
    this.#recent.add(entry);
    this.reached = Math.max(this.reached, position);
    return apply(live, entry, observation, position, { metrics: this.#metrics, log: this.#log });
  }

  /** Writes a checkpoint of each of these series as it stands, in one transaction; returns their bytes. */
  writeCheckpoints(entries: readonly SeriesEntry[]): number {
    // One may have been removed since somebody meant to write it.
    const there = entries.filter((entry) => this.#byId.get(entry.stored.id) === entry);
    return this.checkpoints.write(there, (entry) => this.load(entry));
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
    return this.#pinnedBytes + price <= this.#memoryBytes;
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
    for (const entry of this.#recent) {
      if (this.#loadedBytes + bytes <= this.#memoryBytes) return;
      if (this.#pinned.has(entry) || (bytes === 0 && this.#recent.size === 1)) continue;
      // A pipeline that has stopped holds nothing any more, and would have to find that out again.
      if ((entry.live?.stopped ?? null) !== null) continue;
      if (this.checkpoints.changed(entry)) {
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
    const base = this.checkpoints.base(entry);
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
