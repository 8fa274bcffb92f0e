import type * as fileSystem from "node:fs";
import {
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Utf8,
} from "apache-arrow";
import { itemAt } from "../../models/item-at.ts";

/** Rows of one record batch, about. */
const BATCH_ROWS = 32_768;

/** The Arrow file writer, with its bytes handed out as they come instead of queued. */
class FileBytes extends RecordBatchFileWriter {
  pending: Uint8Array[] = [];

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started && chunk.byteLength > 0) {
      this.pending.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this._position += chunk.byteLength;
    }
    return this;
  }
}

const fields = [
  new Field("row", new Int32(), false),
  new Field("step", new Int32(), false),
  new Field("target", new Utf8(), false),
  new Field("mean", new Float64(), false),
  new Field("lower", new Float64(), false),
  new Field("upper", new Float64(), false),
];

/** A column of one text n times. */
function repeated(text: string, n: number) {
  const bytes = new TextEncoder().encode(text);
  const data = new Uint8Array(bytes.length * n);
  for (let i = 0; i < n; i++) data.set(bytes, i * bytes.length);
  const valueOffsets = Int32Array.from({ length: n + 1 }, (_, i) => i * bytes.length);
  return makeData({ type: new Utf8(), valueOffsets, data });
}

/**
 * Writes forecasts as an Arrow file, batch by batch, whatever their number: row (int32, the row they were issued at), step
 * (int32), target (utf8), mean, lower, upper, and a column `q0.1` per level (float64); where there are `many` series, their names
 * (utf8) before it all. Memory: one batch.
 */
export class ForecastsFile {
  readonly #fs: typeof fileSystem;
  readonly #descriptor: number;
  readonly #writer = new FileBytes();
  readonly #schema: Schema;
  readonly #cells: number;
  readonly #capacity: number;
  readonly #row: Int32Array;
  readonly #step: Int32Array;
  readonly #target: Uint8Array;
  readonly #targetEnds: Int32Array;
  readonly #numbers: readonly Float64Array[];
  readonly #many: boolean;
  /** The series of the rows that are not written yet. */
  #series = "";
  #rows = 0;

  constructor(
    fs: typeof fileSystem,
    path: string,
    targets: readonly string[],
    horizon: number,
    levels: readonly number[],
    many = false,
  ) {
    this.#fs = fs;
    this.#many = many;
    this.#schema = new Schema([
      ...(many ? [new Field("series", new Utf8(), false)] : []),
      ...fields,
      ...levels.map((level) => new Field(`q${level}`, new Float64(), false)),
    ]);
    this.#cells = targets.length * horizon;
    const issues = Math.max(1, Math.floor(BATCH_ROWS / this.#cells));
    this.#capacity = issues * this.#cells;
    this.#row = new Int32Array(this.#capacity);
    this.#step = Int32Array.from(
      { length: this.#capacity },
      (_, i) => 1 + (Math.floor(i / targets.length) % horizon),
    );
    // Steps and targets repeat in every issue, so these columns are laid out once.
    const names = targets.map((target) => new TextEncoder().encode(target));
    const once = names.reduce((sum, name) => sum + name.length, 0) * horizon;
    this.#target = new Uint8Array(once * issues);
    this.#targetEnds = new Int32Array(this.#capacity + 1);
    let end = 0;
    for (let i = 0; i < this.#capacity; i++) {
      const name = itemAt(names, i % names.length);
      this.#target.set(name, end);
      end += name.length;
      this.#targetEnds[i + 1] = end;
    }
    this.#numbers = Array.from({ length: 3 + levels.length }, () => new Float64Array(this.#capacity));
    this.#descriptor = fs.openSync(path, "w");
  }

  /** Adds one issue: [horizon x targets] of mean, lower, upper and each quantile. */
  add(series: string, row: number, numbers: readonly Float64Array[]): void {
    if (this.#many && series !== this.#series && this.#rows > 0) this.#flush();
    this.#series = series;
    this.#row.fill(row, this.#rows, this.#rows + this.#cells);
    for (const [i, column] of this.#numbers.entries()) column.set(itemAt(numbers, i), this.#rows);
    this.#rows += this.#cells;
    if (this.#rows === this.#capacity) this.#flush();
  }

  /** Writes what is left and the footer. */
  close(): void {
    this.#flush();
    this.#writer.finish();
    this.#drain();
    this.#fs.closeSync(this.#descriptor);
  }

  #flush(): void {
    const n = this.#rows;
    this.#rows = 0;
    const float = (data: Float64Array) => makeData({ type: new Float64(), data: data.subarray(0, n) });
    const children = [
      ...(this.#many ? [repeated(this.#series, n)] : []),
      makeData({ type: new Int32(), data: this.#row.subarray(0, n) }),
      makeData({ type: new Int32(), data: this.#step.subarray(0, n) }),
      makeData({
        type: new Utf8(),
        valueOffsets: this.#targetEnds.subarray(0, n + 1),
        data: this.#target.subarray(0, this.#targetEnds[n]),
      }),
      ...this.#numbers.map(float),
    ];
    this.#writer.write(
      new RecordBatch(
        this.#schema,
        makeData({ type: new Struct(this.#schema.fields), length: n, nullCount: 0, children }),
      ),
    );
    this.#drain();
  }

  #drain(): void {
    for (const bytes of this.#writer.pending) {
      for (let from = 0; from < bytes.length; ) {
        from += this.#fs.writeSync(this.#descriptor, bytes, from, bytes.length - from);
      }
    }
    this.#writer.pending = [];
  }
}
