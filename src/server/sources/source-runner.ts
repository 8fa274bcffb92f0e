import type { Subscription } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Observation } from "../../models/observation.ts";
import { isRefused } from "../../streams/formats/reading.ts";
import { Backoff } from "../../streams/sources/backoff.ts";
import type { Reached, SourceBatch, SourceBatches } from "../../streams/sources/source.ts";
import type { Engine, Receipt } from "../engine.ts";
import type { Intake } from "../intake.ts";
import { TOLD } from "../refusals.ts";
import type { SourceCounts } from "./counts.ts";
import { SeriesColumns } from "./series-columns.ts";

/** A reading on its way in, with what is kept with it. */
interface Row {
  readonly observation: Observation;
  readonly reached: Reached | undefined;
  /** Called once it is durable or refused for good, and all before it. */
  readonly done: readonly (() => void)[];
}

export interface RunnerWorld {
  readonly engine: Engine;
  readonly intake: Intake;
  readonly random: () => number;
  readonly after: (milliseconds: number, task: () => void) => () => void;
}

/**
 * Takes the batches of one source in, in order, one request at a time, and acknowledges each when it is durable. What the engine has
 * no room for is handed in again: the source waits meanwhile, and nothing is lost.
 */
export class SourceRunner {
  readonly #counts: SourceCounts;
  readonly #world: RunnerWorld;
  readonly #prefix: string;
  #rows: Row[] = [];
  /** What readings that were refused leave to be kept with the next one. */
  #carried: Reached = {};
  #subscription: Subscription | undefined;
  readonly #columns: SeriesColumns;
  #busy = false;
  #working: Promise<void> | undefined;
  /** What is to be acknowledged after the rows under way. */
  readonly #afterwards: (() => void)[] = [];
  #stopped = false;
  #wake: (() => void) | undefined;

  /** `prefix` stands before the keys that the source keeps. */
  constructor(counts: SourceCounts, prefix: string, world: RunnerWorld) {
    this.#counts = counts;
    this.#prefix = prefix;
    this.#world = world;
    this.#columns = new SeriesColumns(world.engine);
  }

  run(batches$: SourceBatches): void {
    this.#subscription = batches$.subscribe({
      next: (batch) => this.#take(batch),
      error: (error: Error) => {
        this.#counts.disconnected();
        this.#counts.disturbed(error.message);
      },
    });
  }

  /** Asks for nothing more; resolves when the request under way has been answered. What waits is not acknowledged, and comes again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#working;
    this.#subscription?.unsubscribe();
  }

  #take(batch: SourceBatch): void {
    const { readings } = batch;
    this.#counts.received += readings.length;
    for (const [index, reading] of readings.entries()) {
      const reached = batch.reached?.(index);
      if (reached !== undefined) this.#carried = { ...this.#carried, ...reached };
      if (isRefused(reading)) {
        this.#counts.refuse(reading.reason, reading.message);
        continue;
      }
      this.#rows.push({ observation: reading.observation, reached: this.#prefixed(), done: [] });
      this.#carried = {};
    }
    const done = (): void => batch.acknowledge?.();
    // One without readings comes after those before it all the same.
    const last = this.#rows.at(-1);
    if (last !== undefined) this.#rows[this.#rows.length - 1] = { ...last, done: [...last.done, done] };
    else if (this.#busy) this.#afterwards.push(done);
    else done();
    if (!this.#busy && this.#rows.length > 0) this.#working = this.#work();
  }

  #prefixed(): Reached | undefined {
    const entries = Object.entries(this.#carried);
    if (entries.length === 0) return undefined;
    return Object.fromEntries(entries.map(([key, value]) => [`${this.#prefix}${key}`, value]));
  }

  async #work(): Promise<void> {
    const backoff = new Backoff(this.#world.random, 50, 1000);
    this.#busy = true;
    while (this.#rows.length > 0 && !this.#stopped) {
      // As many as the answer tells one by one, so that each is counted by its reason.
      let rows: readonly Row[] = this.#rows.splice(0, TOLD);
      while (rows.length > 0 && !this.#stopped) {
        rows = await this.#hand(rows);
        if (rows.length === 0) backoff.reset();
        else await this.#pause(backoff.next());
      }
      for (const done of this.#afterwards.splice(0)) done();
    }
    this.#busy = false;
  }

  /** Hands rows in; resolves with those that are to be handed in again. */
  async #hand(rows: readonly Row[]): Promise<readonly Row[]> {
    const reached = new Map<number, Reached>();
    for (const [i, row] of rows.entries()) if (row.reached !== undefined) reached.set(i + 1, row.reached);
    let receipt: Receipt;
    try {
      receipt = await this.#world.intake.ingest(
        rows.map(({ observation }) => observation),
        { reached, paced: true },
      );
    } catch (error) {
      if (!(error instanceof EddyError && error.code === "busy"))
        this.#counts.disturbed((error as Error).message);
      return this.#notKept(rows);
    }
    const again = new Map(
      receipt.refused.filter(({ code }) => code === "busy").map(({ line }) => [line, true] as const),
    );
    this.#counts.taken += receipt.accepted;
    this.#counts.refuse("duplicate", "", receipt.duplicate);
    this.#counts.refuse("late", "", receipt.late);
    for (const { code, message } of receipt.refused) if (code !== "busy") this.#counts.refuse(code, message);
    for (const { observation } of rows) this.#columns.note(observation, this.#counts);
    if (again.size === 0) {
      release(rows);
      return [];
    }
    const left = rows.filter((_, i) => again.has(i + 1)).map((row): Row => ({ ...row, done: [] }));
    // The whole is acknowledged, and told as read, once the last of them is in.
    const end = itemAt(left, left.length - 1);
    left[left.length - 1] = {
      observation: end.observation,
      reached: itemAt(rows, rows.length - 1).reached ?? end.reached,
      done: rows.flatMap((row) => row.done),
    };
    return left;
  }

  /** Those of rows whose request failed that are not durable: it may have been cut into several commits. */
  #notKept(rows: readonly Row[]): readonly Row[] {
    const { sources } = this.#world.engine;
    for (let i = rows.length - 1; i >= 0; i--) {
      const entries = Object.entries(itemAt(rows, i).reached ?? {});
      if (entries.length === 0 || !entries.every(([key, value]) => sources.get(key) === value)) continue;
      this.#counts.taken += i + 1;
      release(rows.slice(0, i + 1));
      return rows.slice(i + 1);
    }
    return rows;
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#world.after(milliseconds, () => resolve());
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

function release(rows: readonly Row[]): void {
  for (const { done } of rows) for (const each of done) each();
}
