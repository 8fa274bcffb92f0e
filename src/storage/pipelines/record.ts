import type { OperatorFunction } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { currentStages, type Stage } from "../../stages/stage.ts";
import { stage } from "../../stages/stage-operator.ts";
import { Recording } from "../recording/recording.ts";
import { checkName, PipelineStore } from "./pipeline-store.ts";

/** One value per column of a recording; null where there is none. */
export type Row = readonly (number | string | null)[];

export interface RecordOptions<T> {
  /** Events that are written together, where the pipeline is not kept. Default 256. */
  readonly batch?: number;
  /** What is written of an event to a recording. Default: its fields by the names of the columns; times as a number, or as ISO 8601. */
  readonly row?: (event: T) => Row;
}

/**
 * Writes every event down and passes it on: to a store as JSON under a name, or to an Arrow recording as a row.
 *
 * Inside `durable` what is recorded is written with each save: in the same transaction where the store is the same, so that after `kill -9` every event is there exactly once; a recording is
 * written right before, and rows that the saved state does not know of are not written a second time. Elsewhere events are written in batches, and when the stream ends.
 * A write that fails is an error of the stream.
 */
export function record<T>(
  store: PipelineStore,
  name: string,
  options?: RecordOptions<T>,
): OperatorFunction<T, T>;
export function record<T>(recording: Recording, options?: RecordOptions<T>): OperatorFunction<T, T>;
export function record<T>(
  target: PipelineStore | Recording,
  nameOrOptions?: string | RecordOptions<T>,
  more: RecordOptions<T> = {},
): OperatorFunction<T, T> {
  const options = typeof nameOrOptions === "string" ? more : (nameOrOptions ?? {});
  return stage("record", () => {
    if (target instanceof Recording) return new RecordStage<T, Row>(toRecording(target, options), options);
    if (target instanceof PipelineStore && typeof nameOrOptions === "string") {
      checkName(nameOrOptions);
      return new RecordStage<T, string>(toStore(target, nameOrOptions), options);
    }
    throw new EddyError("bad-argument", "record", {
      expected: "a store and a name, or a recording",
      received: printable(target),
    });
  });
}

/** Where events are written, each as one `W`. */
interface Target<T, W> {
  /** Events written so far. */
  readonly written: number;
  of(event: T): W;
  write(first: number, events: readonly W[]): void;
}

class RecordStage<T, W> implements Stage<T, T> {
  readonly #target: Target<T, W>;
  readonly #batch: number;
  readonly #kept: boolean;
  readonly #rehearsing: boolean;
  #waiting: W[] = [];
  /** Number of the last event taken. */
  #taken: number;

  constructor(target: Target<T, W>, { batch = 256 }: RecordOptions<T>) {
    if (!(Number.isInteger(batch) && batch >= 1)) {
      throw new EddyError("bad-argument", "batch", {
        expected: "a whole number of events from 1",
        received: printable(batch),
      });
    }
    this.#target = target;
    this.#batch = batch;
    const stages = currentStages();
    this.#kept = stages !== undefined;
    this.#rehearsing = stages?.rehearsing ?? false;
    this.#taken = this.#kept ? 0 : target.written;
  }

  step(event: T, output: { next(event: T): void }): void {
    this.#taken++;
    if (!this.#rehearsing) this.#waiting.push(this.#target.of(event));
    if (!this.#kept && this.#waiting.length >= this.#batch) this.#flush();
    output.next(event);
  }

  end(): void {
    if (!this.#kept) this.#flush();
  }

  #flush(): void {
    const events = this.#waiting;
    if (events.length === 0) return;
    this.#target.write(this.#taken - events.length + 1, events);
    this.#waiting = [];
  }

  metrics(): Readonly<Record<string, number>> {
    return { recorded: this.#taken };
  }

  /** Its place in the target; what waits is written first, so that both are saved together. */
  save(): Uint8Array {
    if (!this.#rehearsing) this.#flush();
    return new Uint8Array(Float64Array.of(this.#taken).buffer);
  }

  restore(bytes: Uint8Array): void {
    this.#taken = itemAt(new Float64Array(bytes.slice().buffer), 0);
    if (!this.#rehearsing && this.#target.written < this.#taken) {
      throw new EddyError("bad-state", "record", {
        expected: `${this.#taken} events written, as when the pipeline was saved`,
        received: String(this.#target.written),
        hint: "what they were written to has been changed or replaced",
      });
    }
  }

  release(): void {
    if (!this.#kept) this.#flush();
  }
}

function toStore<T>(store: PipelineStore, name: string): Target<T, string> {
  return {
    get written() {
      return store.lastRecord(name);
    },
    of: (event) => JSON.stringify(event) ?? "null",
    write: (first, events) =>
      store.writeRecords(
        name,
        events.map((event, i) => ({ number: first + i, event })),
      ),
  };
}

function toRecording<T>(recording: Recording, { row }: RecordOptions<T>): Target<T, Row> {
  const { columns } = recording;
  const named = (event: T): Row =>
    columns.map(({ name, kind }) => {
      const value = (event as Readonly<Record<string, unknown>> | null)?.[name];
      if (value === undefined || value === null) return null;
      if (kind === "time" && typeof value === "string") return Date.parse(value);
      if (typeof value === "number") return kind === "text" ? String(value) : value;
      if (typeof value === "string" && kind === "text") return value;
      throw new EddyError("bad-column", name, {
        expected: kind === "text" ? "text" : "a number",
        received: printable(value),
      });
    });
  return {
    get written() {
      return recording.rows;
    },
    of: row ?? named,
    write(first, rows) {
      // Rows that a process which died had written already.
      const fresh = rows.slice(Math.max(0, recording.rows - first + 1));
      if (fresh.length === 0) return;
      recording.append(columns.map(({ name }, c) => fresh.map((one) => cellOf(one, c, name))));
    },
  };
}

function cellOf(row: Row, c: number, name: string): Row[number] {
  const cell = row[c];
  if (cell !== undefined) return cell;
  throw new EddyError("bad-column", name, {
    expected: "a row with a cell for each column",
    received: `${row.length} cells`,
  });
}
