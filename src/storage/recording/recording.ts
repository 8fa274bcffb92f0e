import { type RecordBatch, RecordBatchReader, type Schema } from "apache-arrow";
import { EddyError } from "../../models/errors.ts";
import {
  batchMessage,
  batchOf,
  type ColumnPlan,
  type ColumnValues,
  END_OF_STREAM,
  schemaMessage,
  schemaOf,
} from "../arrow/batches.ts";
import { crc32 } from "../checksum.ts";
import { type AppendFile, diskFiles, type Files } from "./files.ts";
import { examine, repair, sidecarPath } from "./repair.ts";
import { packEntry, unpackEntries } from "./sidecar.ts";

export interface RecordingOptions {
  /** Where it goes: `<path>-000001.arrow`, `-000002.arrow`, ...; the one being written ends in `.partial`. */
  readonly path: string;
  readonly columns: readonly ColumnPlan[];
  /** Bytes after which a file is sealed and the next one begun. Default 256 MiB. */
  readonly rotateBytes?: number;
  readonly files?: Files;
}

/**
 * An append-only Arrow recording. Each batch is durable when `append` returns, with its offset and checksum in a sidecar; a
 * file that is full is sealed: end marker, then its final name. What a power cut leaves behind is repaired when the
 * recording is opened again: whole batches stay, a torn one goes.
 *
 * @example
 * ```ts no-run
 * const recording = new Recording({ path: "sensors", columns: [{ name: "time", kind: "time" }, { name: "value", kind: "number" }] });
 * recording.append([[Date.now()], [21.5]]);
 * recording.close();
 * ```
 */
export class Recording {
  readonly #files: Files;
  readonly #path: string;
  readonly #schema: Schema;
  readonly #rotateBytes: number;
  #number = 1;
  /** A write failed and could not be taken back. */
  #torn = false;
  #data: AppendFile;
  #sidecar: AppendFile;
  readonly columns: readonly ColumnPlan[];
  /** Bytes of torn tails that opening has cut off. */
  readonly torn: number;
  #rows = 0;

  constructor({ path, columns, rotateBytes = 256 * 2 ** 20, files = diskFiles }: RecordingOptions) {
    this.#files = files;
    this.#path = path;
    this.columns = columns;
    this.#schema = schemaOf(columns);
    this.#rotateBytes = rotateBytes;
    for (; files.exists(this.#sealed()); this.#number++) this.#rows += rowsOf(files, this.#sealed());
    let torn = 0;
    if (files.exists(this.#partial())) {
      const repaired = repair(files, this.#partial());
      torn = repaired.torn;
      this.#rows += count(repaired.batches);
    }
    this.torn = torn;
    [this.#data, this.#sidecar] = this.#open();
  }

  /** The file being written. */
  get file(): string {
    return this.#partial();
  }

  /** Rows in all its files. */
  get rows(): number {
    return this.#rows;
  }

  /** Appends one batch: `values[c]` are the values of column c. Durable when it returns; when it throws, nothing was added. */
  append(values: readonly ColumnValues[]): void {
    if (this.#torn) {
      throw new EddyError("storage", this.#partial(), {
        expected: "a file whose last write succeeded",
        received: "a torn end",
        hint: "open the recording again: that repairs it",
      });
    }
    const batch = batchOf(this.#schema, values);
    const rows = batch.numRows;
    const bytes = batchMessage(this.#schema, batch);
    const [dataBefore, sidecarBefore] = [this.#data.size, this.#sidecar.size];
    try {
      this.#data.append(bytes);
      this.#data.sync();
      // Should a power cut take this entry, the framing of the stream still tells that the batch is whole.
      this.#sidecar.append(packEntry({ end: this.#data.size, rows, checksum: crc32(bytes) }));
      this.#sidecar.sync();
    } catch (error) {
      this.#torn = true;
      this.#data.truncate(dataBefore);
      this.#sidecar.truncate(sidecarBefore);
      this.#data.sync();
      this.#torn = false;
      throw error;
    }
    this.#rows += rows;
    if (this.#data.size >= this.#rotateBytes) this.seal();
  }

  /** Ends the file being written, gives it its final name, and begins the next one. */
  seal(): void {
    this.#data.append(END_OF_STREAM);
    this.#data.sync();
    this.close();
    this.#files.rename(sidecarPath(this.#partial()), sidecarPath(this.#sealed()));
    this.#files.rename(this.#partial(), this.#sealed());
    this.#number++;
    [this.#data, this.#sidecar] = this.#open();
  }

  close(): void {
    this.#data.close();
    this.#sidecar.close();
  }

  #open(): [AppendFile, AppendFile] {
    const data = this.#files.open(this.#partial());
    const schema = schemaMessage(this.#schema);
    if (data.size === 0) {
      data.append(schema);
      data.sync();
    } else if (Buffer.compare(data.read(0, schema.length), schema) !== 0) {
      data.close();
      throw new EddyError("bad-file", this.#partial(), {
        expected: "a recording of the same columns",
        received: "another schema",
      });
    }
    return [data, this.#files.open(sidecarPath(this.#partial()))];
  }

  #sealed(): string {
    return `${this.#path}-${String(this.#number).padStart(6, "0")}.arrow`;
  }

  #partial(): string {
    return `${this.#sealed()}.partial`;
  }
}

const count = (batches: readonly { readonly rows: number }[]): number =>
  batches.reduce((sum, { rows }) => sum + rows, 0);

/** Rows of a sealed file: by its sidecar where it is there. */
function rowsOf(files: Files, path: string): number {
  if (!files.exists(sidecarPath(path))) return count(examine(files, path).batches);
  const sidecar = files.open(sidecarPath(path));
  try {
    return count(unpackEntries(sidecar.read(0, sidecar.size)));
  } finally {
    sidecar.close();
  }
}

/** The whole batches of a recording, sealed or not, torn or not. */
export function* recordedBatches(path: string, files: Files = diskFiles): Generator<RecordBatch> {
  if (!files.exists(path))
    throw new EddyError("bad-file", path, { expected: "a recording", received: "no file" });
  const { batches, schemaEnd } = examine(files, path);
  const data = files.open(path);
  try {
    const schema = data.read(0, schemaEnd);
    let start = schemaEnd;
    for (const { end } of batches) {
      const stream = Buffer.concat([schema, data.read(start, end - start), END_OF_STREAM]);
      yield* RecordBatchReader.from(stream);
      start = end;
    }
  } finally {
    data.close();
  }
}
