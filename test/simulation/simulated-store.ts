import type { AlertTransition } from "../../src/models/alert.ts";
import { EddyError } from "../../src/models/errors.ts";
import { moment } from "../../src/models/issue.ts";
import { TAKEN_BACK } from "../../src/storage/journal.ts";
import type {
  AlertChanges,
  CheckpointBatch,
  Commit,
  Derived,
  Generation,
  IssuePlace,
  JournalRow,
  LoggedIssue,
  LogRow,
  Opened,
  RollUp,
  Store,
  StoredAlert,
  StoredRule,
  StoredSeries,
  StoreSize,
  TakeBack,
  TrimRequest,
} from "../../src/storage/store.ts";
import { memoryOutbox } from "../outbox.ts";

/** Thrown by every call once the power is gone. */
export class PowerCut extends Error {}

export const FAULTS = [
  "failed write",
  "full disk",
  "cut before sync",
  "cut after sync",
  "flipped bit",
] as const;
export type Fault = (typeof FAULTS)[number];

/** What is on the disk. A transaction is a function of it. */
interface Content {
  series: StoredSeries[];
  rows: JournalRow[];
  ids: Map<string, number>;
  /** Where each observation with an id stands, also once its id is free again. */
  places: Map<string, number>;
  rollUps: Map<string, RollUp>;
  checkpoints: Map<string, { generation: Generation; framed: Uint8Array }>;
  issued: LoggedIssue[];
  sources: Map<string, string>;
  rules: Map<string, StoredRule>;
  revision: number;
  alerts: Map<string, StoredAlert>;
  transitions: AlertTransition[];
  removed: Set<number>;
  takenBack: Set<number>;
  names: Map<string, number[]>;
  rebuilding: Map<number, number>;
  derivedUpTo: number;
  checkpointedUpTo: number;
  forecastsAfter: number;
  position: number;
}

type Transaction = (content: Content) => void;

const blank = (): Content => ({
  series: [],
  rows: [],
  ids: new Map(),
  places: new Map(),
  rollUps: new Map(),
  checkpoints: new Map(),
  issued: [],
  sources: new Map(),
  rules: new Map(),
  revision: 0,
  alerts: new Map(),
  transitions: [],
  removed: new Set(),
  takenBack: new Set(),
  names: new Map(),
  rebuilding: new Map(),
  derivedUpTo: 0,
  checkpointedUpTo: 0,
  forecastsAfter: 0,
  position: 0,
});

export interface SimulatedStoreOptions {
  readonly durability: "power" | "process";
  readonly random: () => number;
  /** Chance of a fault per transaction. */
  readonly faultRate: number;
  readonly onFault: (fault: Fault) => void;
}

/**
 * A disk that fails by the seed. Transactions are whole, in order, and durable once synced, as SQLite's are. Checkpoints and
 * deleting are not synced by themselves, under `process` nothing is: a power cut takes any number of the last ones.
 */
export class SimulatedStore implements Store {
  failed: EddyError | undefined;
  /** Beside the disk that fails: it is no part of what is simulated. */
  readonly outbox = memoryOutbox();
  /** Chance of a fault per transaction. */
  faultRate: number;
  readonly #options: SimulatedStoreOptions;
  #log: Transaction[] = [];
  #synced = 0;
  #content = blank();
  #dead = false;

  constructor(options: SimulatedStoreOptions) {
    this.#options = options;
    this.faultRate = options.faultRate;
  }

  get position(): number {
    return this.#content.position;
  }

  /** Where an observation stands in the journal; undefined when it was never taken. */
  placeOf(series: number, id: string): number | undefined {
    return this.#content.places.get(`${series} ${id}`);
  }

  isTakenBack(position: number): boolean {
    return this.#content.takenBack.has(position);
  }

  /** Numbers that a series of this name has had, each of them once it was removed. */
  numbersOf(name: string): readonly number[] {
    return this.#content.names.get(name) ?? [];
  }

  rollUpsOf(series: number): readonly RollUp[] {
    return [...this.#content.rollUps.values()]
      .filter((rollUp) => rollUp.series === series && rollUp.observations !== 0)
      .sort((a, b) => a.hour - b.hour);
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The power goes off, and on again: what was not synced is lost from some transaction on. */
  restart(power: boolean): void {
    const { random } = this.#options;
    const spare = this.#log.length - this.#synced;
    const kept = power ? this.#synced + Math.floor(random() * (spare + 1)) : this.#log.length;
    this.#log = this.#log.slice(0, kept);
    this.#synced = kept;
    this.#content = blank();
    for (const transaction of this.#log) transaction(this.#content);
    this.#dead = false;
  }

  /** Flips one bit in the newest checkpoint of a series that has another to fall back to. */
  flipBit(): void {
    const { random } = this.#options;
    const keys = [...this.#content.checkpoints.keys()];
    if (keys.length === 0) return;
    const { generation } = this.#content.checkpoints.get(keys[Math.floor(random() * keys.length)])!;
    const mine = [...this.#content.checkpoints.values()]
      .filter((kept) => kept.generation.series === generation.series)
      .sort((a, b) => b.generation.generation - a.generation.generation);
    if (mine.length < 2) return;
    this.#options.onFault("flipped bit");
    const key = `${generation.series} ${mine[0].generation.generation}`;
    const flipped = Uint8Array.from(mine[0].framed);
    flipped[Math.floor(random() * flipped.length)] ^= 1 << Math.floor(random() * 8);
    this.#append((content) => {
      const kept = content.checkpoints.get(key);
      if (kept) content.checkpoints.set(key, { ...kept, framed: flipped });
    });
    this.#synced = this.#log.length;
  }

  #append(transaction: Transaction): void {
    this.#log.push(transaction);
    transaction(this.#content);
  }

  #write(transaction: Transaction, sync = true): void {
    this.#alive();
    const { random, durability, onFault } = this.#options;
    const fault = random() < this.faultRate ? FAULTS[Math.floor(random() * 4)] : undefined;
    if (fault) onFault(fault);
    if (fault === "failed write" || fault === "full disk") throw new EddyError("storage", fault);
    if (fault === "cut before sync") {
      this.#append(transaction);
      this.#dead = true;
      throw new PowerCut();
    }
    this.#append(transaction);
    if (sync && durability === "power") this.#synced = this.#log.length;
    if (fault === "cut after sync") {
      this.#synced = this.#log.length;
      this.#dead = true;
      throw new PowerCut();
    }
  }

  #alive(): void {
    if (this.#dead) throw new PowerCut();
  }

  open(): Opened {
    this.#alive();
    const { position, derivedUpTo, checkpointedUpTo, series, checkpoints, sources } = this.#content;
    const { removed, rebuilding, rules, alerts, revision, transitions } = this.#content;
    return {
      epoch: "simulated",
      position,
      derivedUpTo,
      checkpointedUpTo,
      series: [...series],
      generations: [...checkpoints.values()]
        .map(({ generation }) => generation)
        .sort((a, b) => a.series - b.series || a.generation - b.generation),
      sources: new Map(sources),
      removed: new Set(removed),
      rebuilding: new Map(rebuilding),
      alerts: {
        rules: [...rules.values()],
        alerts: [...alerts.values()],
        revision,
        sequence: transitions.at(-1)?.sequence ?? 0,
      },
    };
  }

  commit({ series, entries, sources, derived: given }: Commit): Float64Array {
    this.#alive();
    const derived = asWritten(given);
    const positions = new Float64Array(entries.length);
    let position = this.#content.position;
    const taken = new Set<string>();
    for (let i = 0; i < entries.length; i++) {
      const { series, id, follows } = entries[i];
      if (follows && positions[i - 1] === 0) continue;
      const key = `${series} ${id}`;
      if (id !== undefined && (taken.has(key) || this.#content.ids.has(key))) continue;
      if (id !== undefined) taken.add(key);
      positions[i] = ++position;
    }
    this.#write((content) => {
      writeDerived(content, derived);
      content.series.push(...series);
      for (const { id, name } of series) content.names.set(name, [...(content.names.get(name) ?? []), id]);
      const last = new Map<number, number>();
      for (let i = 0; i < entries.length; i++) {
        if (positions[i] === 0) continue;
        const { series, applied, time, payload, id } = entries[i];
        content.rows.push({
          position: positions[i],
          series,
          previous: last.get(series) ?? applied,
          time,
          payload,
        });
        last.set(series, positions[i]);
        if (id === undefined) continue;
        content.ids.set(`${series} ${id}`, positions[i]);
        content.places.set(`${series} ${id}`, positions[i]);
      }
      for (const [name, reached] of sources) content.sources.set(name, reached);
      content.position = position;
    });
    return positions;
  }

  writeCheckpoints({ checkpoints, keep, derived: given, checkpointedUpTo }: CheckpointBatch): void {
    const derived = asWritten(given);
    this.#write(
      (content) => {
        writeDerived(content, derived);
        content.checkpointedUpTo = checkpointedUpTo;
        for (const { series, generation, position, framed } of checkpoints) {
          for (const [key, kept] of content.checkpoints) {
            const old = kept.generation;
            if (old.series !== series) continue;
            if (old.generation <= generation - keep || old.generation >= generation)
              content.checkpoints.delete(key);
          }
          content.checkpoints.set(`${series} ${generation}`, {
            generation: { series, generation, position },
            framed: Uint8Array.from(framed),
          });
        }
      },
      checkpoints.length === 0 || derived.alerts.transitions.length > 0,
    );
  }

  readCheckpoint(series: number, generation: number): Uint8Array | undefined {
    this.#alive();
    return this.#content.checkpoints.get(`${series} ${generation}`)?.framed.slice();
  }

  *rows(after: number, upTo: number, series?: number): Iterable<JournalRow> {
    this.#alive();
    for (const row of [...this.#content.rows]) {
      if (row.position > after && row.position <= upTo && (series === undefined || row.series === series))
        yield row;
    }
  }

  oldestRow(): number {
    this.#alive();
    return this.#content.rows[0]?.position ?? this.#content.position + 1;
  }

  issuedSince(since: number, limit: number, after = Number.MAX_SAFE_INTEGER): readonly LogRow[] | null {
    this.#alive();
    if (since < this.#content.forecastsAfter) return null;
    return this.#content.issued
      .filter(({ position, ordinal }) => position > since || (position === since && ordinal > after))
      .slice(0, limit);
  }

  transitionsAfter(sequence: number, limit: number): readonly AlertTransition[] {
    this.#alive();
    return this.#content.transitions.filter((one) => one.sequence > sequence).slice(0, limit);
  }

  transitionsBefore(sequence: number, limit: number): readonly AlertTransition[] {
    this.#alive();
    return this.#content.transitions
      .filter((one) => one.sequence < sequence)
      .reverse()
      .slice(0, limit);
  }

  removeSeries(series: number): void {
    this.#write((content) => {
      content.series = content.series.filter(({ id }) => id !== series);
      content.issued = content.issued.filter((issue) => issue.series !== series);
      for (const [key, kept] of content.checkpoints) {
        if (kept.generation.series === series) content.checkpoints.delete(key);
      }
      for (const key of content.ids.keys()) if (key.startsWith(`${series} `)) content.ids.delete(key);
      for (const [key, rollUp] of content.rollUps) if (rollUp.series === series) content.rollUps.delete(key);
      content.rebuilding.delete(series);
      // Its rows stay: `trim` deletes them some time.
      content.removed.add(series);
    });
  }

  takeBack({ series, positions, rollUps }: TakeBack): void {
    const [first] = positions;
    const taken = new Set(positions);
    this.#write((content) => {
      content.rows = content.rows.map((row) =>
        taken.has(row.position) ? { ...row, payload: TAKEN_BACK } : row,
      );
      for (const [key, position] of content.ids) if (taken.has(position)) content.ids.delete(key);
      content.issued = content.issued.filter((issue) => issue.series !== series || issue.position < first);
      for (const [key, { generation }] of content.checkpoints) {
        if (generation.series === series && generation.position >= first) content.checkpoints.delete(key);
      }
      content.rebuilding.set(series, first);
      for (const position of positions) content.takenBack.add(position);
      addRollUps(content, rollUps);
    });
  }

  reissue(issued: readonly LoggedIssue[]): void {
    this.#write((content) => {
      for (const issue of issued) {
        const same = ({ position, ordinal }: LoggedIssue): boolean =>
          position === issue.position && ordinal === issue.ordinal;
        content.issued = [...content.issued.filter((one) => !same(one)), issue];
      }
      content.issued.sort((a, b) => a.position - b.position || a.ordinal - b.ordinal);
    }, false);
  }

  rebuilt(series: number, rollUps: readonly RollUp[]): void {
    this.#write((content) => {
      addRollUps(content, rollUps);
      content.rebuilding.delete(series);
    });
  }

  issuedAsOf(series: number, time: number): LogRow | undefined {
    this.#alive();
    return this.#content.issued.findLast(
      (issue) => issue.series === series && moment(issue.issue.time) <= time,
    );
  }

  issuedOf(series: number, from: number, before: IssuePlace, limit: number): readonly LogRow[] {
    this.#alive();
    const order = (a: IssuePlace, b: IssuePlace): number =>
      a.issued - b.issued || a.position - b.position || a.ordinal - b.ordinal;
    return this.#content.issued
      .filter((issue) => issue.series === series)
      .map((issue) => ({ issue, place: { ...issue, issued: moment(issue.issue.time) } }))
      .filter(({ place }) => place.issued >= from && order(place, before) < 0)
      .sort((a, b) => order(b.place, a.place))
      .slice(0, limit)
      .map(({ issue }) => issue);
  }

  trim({ needed, reached, retention, limit }: TrimRequest): number {
    this.#alive();
    const upTo = Math.min(needed, reached - retention.journalRows);
    const dropped = this.#content.rows.filter(({ position }) => position <= upTo).slice(0, limit);
    const last = dropped.at(-1);
    if (last === undefined) return 0;
    this.#write((content) => {
      content.rows = content.rows.filter(({ position }) => position > last.position);
    }, false);
    return dropped.length;
  }

  size(): StoreSize {
    return {
      databaseBytes: 0,
      journalRows: this.#content.rows.length,
      forecastRows: this.#content.issued.length,
      idRows: this.#content.ids.size,
      damagedForecasts: 0,
      logBytes: 0,
      copyFailures: 0,
    };
  }

  async settled(): Promise<void> {}

  async close(): Promise<void> {}
}

/** As it stands now: what is written later is not in it. */
const asWritten = (derived: Derived): Derived => ({
  ...derived,
  issued: [...derived.issued],
  alerts: { ...derived.alerts, transitions: [...derived.alerts.transitions] },
});

function writeAlerts(content: Content, { rules, alerts, transitions }: AlertChanges): void {
  for (const { rule, ...rest } of rules) {
    if (rule === null) content.rules.delete(rest.name);
    else content.rules.set(rest.name, { ...rest, rule });
    content.revision = rest.revision;
  }
  for (const { state, ...rest } of alerts) {
    const key = JSON.stringify([rest.rule, rest.series, rest.target]);
    if (state === null) content.alerts.delete(key);
    else content.alerts.set(key, { ...rest, state });
  }
  for (const { transition: one } of transitions) {
    const known = content.transitions.find(({ id, sequence }) => id === one.id || sequence === one.sequence);
    if (known) throw new Error(`transition ${one.sequence} (${one.id}) written twice`);
    content.transitions.push(one);
  }
}

function writeDerived(content: Content, derived: Derived): void {
  for (const issue of derived.issued) {
    if (content.issued.some((one) => one.position === issue.position && one.ordinal === issue.ordinal)) {
      throw new Error(`issue ${issue.position}:${issue.ordinal} written twice`);
    }
    content.issued.push(issue);
  }
  addRollUps(content, derived.rollUps);
  writeAlerts(content, derived.alerts);
  content.derivedUpTo = derived.upTo;
}

function addRollUps(content: Content, rollUps: readonly RollUp[]): void {
  for (const { series, hour, observations, count, absoluteError, held } of rollUps) {
    const key = `${series} ${hour}`;
    const before = content.rollUps.get(key);
    content.rollUps.set(key, {
      series,
      hour,
      observations: observations + (before?.observations ?? 0),
      count: count + (before?.count ?? 0),
      absoluteError: absoluteError + (before?.absoluteError ?? 0),
      held: held + (before?.held ?? 0),
    });
  }
}
