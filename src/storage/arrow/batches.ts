import {
  type DataType,
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { itemAt } from "../../models/item-at.ts";

/** Kinds of columns that Eddy writes. `time`: milliseconds since the epoch, UTC. */
export type ColumnKind = "time" | "text" | "number" | "count";

export interface ColumnPlan {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** Values of one column; null where there is none. */
export type ColumnValues = readonly (number | string | null)[];

const typeOf = (kind: ColumnKind): DataType => {
  switch (kind) {
    case "time":
      return new TimestampMillisecond("UTC");
    case "text":
      return new Utf8();
    case "number":
      return new Float64();
    case "count":
      return new Int32();
  }
};

export function schemaOf(columns: readonly ColumnPlan[]): Schema {
  return new Schema(columns.map(({ name, kind }) => new Field(name, typeOf(kind), true)));
}

/** One record batch; `values[c]` belongs to field c, all of the same length. No dictionaries, so a batch stands alone. */
export function batchOf(schema: Schema, values: readonly ColumnValues[]): RecordBatch {
  const length = values[0]?.length ?? 0;
  const children = schema.fields.map(({ type }, c) =>
    itemAt(vectorFromArray(itemAt(values, c), type).data, 0),
  );
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }),
  );
}

function streamBytes(schema: Schema, batches: readonly RecordBatch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter({ autoDestroy: false });
  writer.reset(undefined, schema);
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

/** End of an Arrow IPC stream: a continuation marker and a length of 0. */
export const END_OF_STREAM: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

const schemaMessages = new WeakMap<Schema, Uint8Array>();

/** The schema message with which an IPC stream begins. */
export function schemaMessage(schema: Schema): Uint8Array {
  let message = schemaMessages.get(schema);
  if (!message) {
    const bytes = streamBytes(schema, []);
    message = bytes.slice(0, bytes.length - END_OF_STREAM.length);
    schemaMessages.set(schema, message);
  }
  return message;
}

/** The message of one batch, as it stands in the middle of an IPC stream. */
export function batchMessage(schema: Schema, batch: RecordBatch): Uint8Array {
  const bytes = streamBytes(schema, [batch]);
  return bytes.subarray(schemaMessage(schema).length, bytes.length - END_OF_STREAM.length);
}
