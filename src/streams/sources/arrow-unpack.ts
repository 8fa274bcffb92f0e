import { Decompress } from "fzstd";
import { decompressBound as boundLz4, decompress as unlz4 } from "lz4js";
import { ArrowFlaw, count, FlatBytes, type FlatTable } from "./flat-table.ts";

/** Bytes that the buffers of one batch may come to at most. */
const MAX_UNPACKED = 2 ** 30;

const DICTIONARY_BATCH = 2;
const LZ4_FRAME = 0;
const ZSTD = 1;

/** Fields of the tables, by their place in https://github.com/apache/arrow/blob/main/format/Message.fbs. */
const HEADER_KIND = 1;
const HEADER = 2;
const BODY_LENGTH = 3;
const BUFFERS = 2;
const COMPRESSION = 3;

export interface PlainBatch {
  readonly metadata: Uint8Array;
  readonly body: Uint8Array;
}

/**
 * A batch whose buffers are packed, as Feather files have them by default, as the batch that it would be without. Every buffer
 * tells first how long it is unpacked; no more memory is taken than that, and at most MAX_UNPACKED in all.
 *
 * @throws ArrowFlaw when a buffer is not what it says
 */
export function unpackedBatch(metadata: Uint8Array, body: Uint8Array): PlainBatch {
  const message = new FlatBytes(metadata).root();
  const header = message.table(HEADER);
  const table = message.uint8(HEADER_KIND) === DICTIONARY_BATCH ? header?.table(1) : header;
  const lengthAt = message.find(BODY_LENGTH, 8);
  const compression = table?.table(COMPRESSION);
  if (table === undefined || compression === undefined || lengthAt < 0)
    throw new ArrowFlaw("no packed batch");
  const codec = compression.uint8(0);
  if (codec !== LZ4_FRAME && codec !== ZSTD)
    throw new ArrowFlaw(`a batch packed in a way that is not known (${codec})`);

  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const { start, length } = table.vector(BUFFERS, 16);
  const [plain, fields] = withoutField(metadata, table, COMPRESSION);
  const changed = new DataView(plain.buffer);
  changed.setInt32(table.at, table.at - fields, true);
  const buffers: Uint8Array[] = [];
  let end = 0;
  for (let i = 0; i < length; i++) {
    const from = count(message.bytes.view, start + 16 * i, "an offset");
    const bytes = count(message.bytes.view, start + 16 * i + 8, "a buffer");
    if (from + bytes > body.byteLength) {
      throw new ArrowFlaw(`buffers of more than the ${body.byteLength} bytes that are there`);
    }
    const buffer =
      bytes === 0 ? body.subarray(0, 0) : unpack(view, body, from, bytes, codec, MAX_UNPACKED - end);
    buffers.push(buffer);
    changed.setBigInt64(start + 16 * i, BigInt(end), true);
    changed.setBigInt64(start + 16 * i + 8, BigInt(buffer.byteLength), true);
    end += Math.ceil(buffer.byteLength / 8) * 8;
  }
  changed.setBigInt64(lengthAt, BigInt(end), true);
  const unpacked = new Uint8Array(end);
  let at = 0;
  for (const buffer of buffers) {
    unpacked.set(buffer, at);
    at += Math.ceil(buffer.byteLength / 8) * 8;
  }
  return { metadata: plain, body: unpacked };
}

/** A copy with the list of the fields of `table` once more at its end, where field `i` is absent; where that list begins. */
function withoutField(metadata: Uint8Array, table: FlatTable, i: number): readonly [Uint8Array, number] {
  const { view } = table.bytes;
  const list = table.at - view.getInt32(table.at, true);
  const bytes = view.getUint16(list, true);
  const at = Math.ceil(metadata.byteLength / 8) * 8;
  const copy = new Uint8Array(at + Math.ceil(bytes / 8) * 8);
  copy.set(metadata);
  copy.set(metadata.subarray(list, list + bytes), at);
  new DataView(copy.buffer).setUint16(at + 4 + 2 * i, 0, true);
  return [copy, at];
}

function unpack(
  view: DataView,
  body: Uint8Array,
  from: number,
  bytes: number,
  codec: number,
  room: number,
): Uint8Array {
  if (bytes < 8) throw new ArrowFlaw(`a packed buffer of ${bytes} bytes`);
  const packed = body.subarray(from + 8, from + bytes);
  // What would not have become shorter is left as it was.
  if (view.getBigInt64(from, true) === -1n) return packed;
  const told = count(view, from, "a packed buffer");
  // The writer of Arrow for JavaScript tells the packed length instead.
  const length = told === packed.byteLength ? undefined : told;
  const limit = length ?? room;
  if (limit > room) throw new ArrowFlaw(`a batch of more than ${MAX_UNPACKED} bytes when unpacked`);
  let unpacked: Uint8Array;
  try {
    unpacked = codec === ZSTD ? unzstd(packed, limit) : unlz4(packed, Math.min(limit, boundLz4(packed)) + 1);
  } catch (cause) {
    if (cause instanceof ArrowFlaw) throw cause;
    throw new ArrowFlaw("a buffer that cannot be unpacked", { cause });
  }
  // One byte of room more has told what is longer than it says.
  if (unpacked.byteLength > limit || (length !== undefined && unpacked.byteLength < length))
    throw new ArrowFlaw(`a buffer that unpacks to other than ${limit} bytes`);
  return unpacked;
}

function unzstd(packed: Uint8Array, limit: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const stream = new Decompress((chunk) => {
    length += chunk.byteLength;
    if (length > limit) throw new ArrowFlaw(`a buffer that unpacks to more than ${limit} bytes`);
    chunks.push(chunk);
  });
  stream.push(packed, true);
  const unpacked = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    unpacked.set(chunk, at);
    at += chunk.byteLength;
  }
  return unpacked;
}
