import type { Vector } from "apache-arrow";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { MAX_TABLE_COLUMNS } from "../formats/grammar.ts";
import { type PlainBatch, unpackedBatch } from "./arrow-unpack.ts";
import { ArrowFlaw, count, FlatBytes, type FlatTable, type FlatVector } from "./flat-table.ts";

export { ArrowFlaw } from "./flat-table.ts";

/** Bytes of metadata of one message at most. */
const MAX_METADATA = 2 ** 24;
/** Columns within columns at most. */
const MAX_DEPTH = 16;
/** Additions to dictionaries at most: each makes every later look-up longer. */
const MAX_DELTAS = 1024;
/** Texts that share their bytes may be this many times longer than these, all together. */
const MAX_SHARING = 16;

const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;

/** How the values of a column lie in buffers, of a Field in https://github.com/apache/arrow/blob/main/format/Schema.fbs. */
type Layout =
  | { readonly kind: "nothing" }
  | { readonly kind: "bits" }
  | { readonly kind: "fixed"; readonly bytes: number }
  | { readonly kind: "bytes" | "list"; readonly offsetBytes: 4 | 8 }
  | { readonly kind: "views" }
  | { readonly kind: "children"; readonly times: number; readonly buffers: 0 };

interface Column {
  readonly name: string;
  readonly layout: Layout;
  readonly children: readonly Column[];
}

/** Part of the body of a message. */
interface Region {
  readonly offset: number;
  readonly length: number;
}

/**
 * Checks the messages of an Arrow stream one after the other, before anything of them is believed: that every offset of the
 * metadata leads into it, and that the rows, buffers and texts that it declares are there. What has passed costs time and
 * memory in proportion to its bytes.
 *
 * Each message is given in two steps: `metadata`, which answers how long the body is, then `body`. Both throw `ArrowFlaw`.
 */
class ArrowCheck {
  #columns: readonly Column[] | undefined;
  readonly #dictionaries = new Map<bigint, Column>();
  #deltas = 0;
  #batch:
    | {
        readonly metadata: Uint8Array;
        readonly table: FlatTable;
        readonly columns: readonly Column[];
        readonly bytes: number;
      }
    | undefined;
  readonly #packed: boolean;

  /** `packed`: whether batches may be packed, so that few bytes can stand for many. */
  constructor(packed = false) {
    this.#packed = packed;
  }

  /** Reads the metadata of the next message. @returns bytes of its body */
  metadata(bytes: Uint8Array): number {
    this.#batch = undefined;
    const message = new FlatBytes(bytes).root();
    const version = message.int16(0);
    if (version !== 3 && version !== 4) throw new ArrowFlaw(`metadata of version ${version + 1}`);
    for (const pair of message.tables(4)) checkPair(pair);
    const bodyBytes = message.count(3, "a body");
    const kind = message.uint8(1);
    const header = message.table(2);
    if (header === undefined) throw new ArrowFlaw("a message without a header");
    if (kind === SCHEMA) {
      if (this.#columns !== undefined) throw new ArrowFlaw("a second schema");
      this.#columns = this.#schema(header);
      if (bodyBytes > 0) throw new ArrowFlaw("a schema with a body");
      return 0;
    }
    if (this.#columns === undefined) throw new ArrowFlaw("a batch before the schema");
    if (kind === RECORD_BATCH) {
      this.#batch = { metadata: bytes, table: header, columns: this.#columns, bytes: bodyBytes };
    } else if (kind === DICTIONARY_BATCH) {
      const id = header.int64(0);
      const column = this.#dictionaries.get(id);
      const table = header.table(1);
      if (column === undefined || table === undefined) throw new ArrowFlaw(`dictionary ${id}, of no column`);
      if (header.uint8(2) !== 0 && ++this.#deltas > MAX_DELTAS) {
        throw new ArrowFlaw(`more than ${MAX_DELTAS} additions to dictionaries`);
      }
      this.#batch = { metadata: bytes, table, columns: [column], bytes: bodyBytes };
    } else throw new ArrowFlaw(`a message of kind ${kind}`);
    return bodyBytes;
  }

  /**
   * Checks the body of the message whose metadata came last.
   *
   * @returns both without packing, when the batch was packed
   */
  body(bytes: Uint8Array): PlainBatch | undefined {
    if (this.#batch === undefined) return undefined;
    const { metadata, table, columns } = this.#batch;
    if (bytes.byteLength < this.#batch.bytes) throw new ArrowFlaw("a body that is cut");
    const body = bytes.subarray(0, this.#batch.bytes);
    if (table.table(3) === undefined) {
      new Batch(table, body).check(columns);
      return undefined;
    }
    if (!this.#packed) throw new ArrowFlaw("a compressed batch; write it without compression");
    const plain = unpackedBatch(metadata, body);
    const message = new FlatBytes(plain.metadata).root();
    const header = message.table(2) as FlatTable;
    const batch = message.uint8(1) === DICTIONARY_BATCH ? (header.table(1) as FlatTable) : header;
    new Batch(batch, plain.body).check(columns);
    return plain;
  }

  #schema(schema: FlatTable): readonly Column[] {
    if (schema.int16(0) !== 0) throw new ArrowFlaw("numbers in big-endian order");
    for (const pair of schema.tables(2)) checkPair(pair);
    schema.vector(3, 8);
    const room = { columns: MAX_TABLE_COLUMNS };
    const columns = [...schema.tables(1)].map((field) => this.#column(field, 0, room));
    if (columns.length === 0) throw new ArrowFlaw("a schema without columns");
    return columns;
  }

  #column(field: FlatTable, depth: number, room: { columns: number }): Column {
    if (--room.columns < 0) throw new ArrowFlaw(`more than ${MAX_TABLE_COLUMNS} columns`);
    if (depth > MAX_DEPTH) throw new ArrowFlaw(`columns nested deeper than ${MAX_DEPTH}`);
    for (const pair of field.tables(6)) checkPair(pair);
    const name = field.text(0);
    const children = [...field.tables(5)].map((child) => this.#column(child, depth + 1, room));
    const column = { name, layout: layoutOf(name, field, children.length), children };
    const dictionary = field.table(4);
    if (dictionary === undefined) return column;
    const id = dictionary.int64(0);
    if (!this.#dictionaries.has(id)) this.#dictionaries.set(id, column);
    const index = dictionary.table(1);
    const bytes = index === undefined ? 4 : widthOf(name, index.int32(0), [8, 16, 32, 64]);
    return { name, layout: { kind: "fixed", bytes }, children: [] };
  }
}

function checkPair(pair: FlatTable): void {
  pair.text(0);
  pair.text(1);
}

const widthOf = (name: string, bits: number, known: readonly number[]): number => {
  if (known.includes(bits)) return bits / 8;
  throw new ArrowFlaw(`column ${JSON.stringify(name.slice(0, 60))} of ${bits} bits`);
};

function layoutOf(name: string, field: FlatTable, children: number): Layout {
  const type = field.uint8(2);
  const detail = field.table(3);
  const fixed = (bits: number, known: readonly number[]): Layout => ({
    kind: "fixed",
    bytes: widthOf(name, bits, known),
  });
  const parent = (layout: Layout, expected: number): Layout => {
    if (children === expected) return layout;
    throw new ArrowFlaw(`column ${JSON.stringify(name.slice(0, 60))} with ${children} columns inside`);
  };
  switch (type) {
    case 0:
    case 1:
      return { kind: "nothing" };
    case 2: // Int
      return fixed(detail?.int32(0) ?? 0, [8, 16, 32, 64]);
    case 3: // FloatingPoint
      return fixed([16, 32, 64][detail?.int16(0) ?? 0] ?? 0, [16, 32, 64]);
    case 7: // Decimal
      return fixed(detail?.int32(2, 128) ?? 128, [32, 64, 128, 256]);
    case 8: // Date
      return fixed([32, 64][detail?.int16(0, 1) ?? 1] ?? 0, [32, 64]);
    case 9: // Time
      return fixed(detail?.int32(1, 32) ?? 32, [32, 64]);
    case 10: // Timestamp
      detail?.text(1);
      return fixed(64, [64]);
    case 18: // Duration
      return fixed(64, [64]);
    case 11: // Interval
      return fixed([32, 64, 128][detail?.int16(0) ?? 0] ?? 0, [32, 64, 128]);
    case 15: {
      // FixedSizeBinary
      const bytes = detail?.int32(0) ?? 0;
      if (bytes <= 0) throw new ArrowFlaw(`values of ${bytes} bytes`);
      return { kind: "fixed", bytes };
    }
    case 4: // Binary
    case 5: // Utf8
      return { kind: "bytes", offsetBytes: 4 };
    case 19: // LargeBinary
    case 20: // LargeUtf8
      return { kind: "bytes", offsetBytes: 8 };
    case 6: // Bool
      return { kind: "bits" };
    case 12: // List
    case 17: // Map
      return parent({ kind: "list", offsetBytes: 4 }, 1);
    case 21: // LargeList
      return parent({ kind: "list", offsetBytes: 8 }, 1);
    case 13: // Struct
      return { kind: "children", times: 1, buffers: 0 };
    case 16: {
      // FixedSizeList
      const times = detail?.int32(0) ?? 0;
      if (times < 0) throw new ArrowFlaw(`lists of ${times} values`);
      return parent({ kind: "children", times, buffers: 0 }, 1);
    }
    case 23: // BinaryView
    case 24: // Utf8View
      return { kind: "views" };
    default:
      throw new ArrowFlaw(`column ${JSON.stringify(name.slice(0, 60))} of a kind that is not read (${type})`);
  }
}

/** One batch and its body; nodes and buffers are taken in the order of the columns. */
class Batch {
  readonly #view: DataView;
  readonly #length: number;
  readonly #nodes: FlatVector;
  readonly #regions: readonly Region[];
  readonly #variadic: readonly number[];
  readonly #metadata: DataView;
  #node = 0;
  #region = 0;
  #views = 0;

  constructor(table: FlatTable, body: Uint8Array) {
    this.#metadata = table.bytes.view;
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    this.#length = table.count(0, "rows");
    if (this.#length > body.byteLength) {
      throw new ArrowFlaw(`${this.#length} rows in ${body.byteLength} bytes`);
    }
    this.#nodes = table.vector(1, 16);
    this.#regions = this.#read(table.vector(2, 16));
    const variadic = table.vector(4, 8);
    this.#variadic = Array.from({ length: variadic.length }, (_, i) =>
      count(this.#metadata, variadic.start + 8 * i, "buffers"),
    );
  }

  check(columns: readonly Column[]): void {
    for (const column of columns) {
      const length = this.#column(column);
      if (length !== this.#length) {
        throw new ArrowFlaw(`${length} values of ${quoted(column)} in ${this.#length} rows`);
      }
    }
  }

  #read({ start, length }: FlatVector): Region[] {
    const regions: Region[] = [];
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const region = {
        offset: count(this.#metadata, start + 16 * i, "an offset"),
        length: count(this.#metadata, start + 16 * i + 8, "a buffer"),
      };
      sum += region.length;
      if (region.offset + region.length > this.#view.byteLength || sum > this.#view.byteLength) {
        throw new ArrowFlaw(`buffers of more than the ${this.#view.byteLength} bytes that are there`);
      }
      regions.push(region);
    }
    return regions;
  }

  /** @returns how many values the column has */
  #column(column: Column): number {
    if (this.#node >= this.#nodes.length) throw new ArrowFlaw(`no values of ${quoted(column)}`);
    const at = this.#nodes.start + 16 * this.#node++;
    const length = count(this.#metadata, at, "values");
    const nulls = count(this.#metadata, at + 8, "nulls");
    if (nulls > length) throw new ArrowFlaw(`${nulls} nulls among ${length} values of ${quoted(column)}`);
    const { layout, children } = column;
    if (layout.kind === "nothing") return length;
    this.#take(column, nulls > 0 ? Math.ceil(length / 8) : 0);
    switch (layout.kind) {
      case "bits":
        // Where all are null, some writers leave the bits out.
        this.#take(column, nulls === length ? 0 : Math.ceil(length / 8));
        break;
      case "fixed":
        this.#take(column, length * layout.bytes);
        break;
      case "bytes": {
        const last = this.#offsets(column, length, layout.offsetBytes);
        this.#take(column, last);
        break;
      }
      case "list": {
        const last = this.#offsets(column, length, layout.offsetBytes);
        this.#atLeast(itemAt(children, 0), last);
        break;
      }
      case "views":
        this.#texts(column, length);
        break;
      case "children":
        for (const child of children) this.#atLeast(child, length * layout.times);
    }
    return length;
  }

  #atLeast(child: Column, needed: number): void {
    const length = this.#column(child);
    if (length < needed) throw new ArrowFlaw(`${length} of ${needed} values of ${quoted(child)}`);
  }

  #take(column: Column, needed: number): Region {
    const region = this.#regions[this.#region++];
    if (region === undefined || region.length < needed) {
      throw new ArrowFlaw(`${region?.length ?? 0} of ${needed} bytes of ${quoted(column)}`);
    }
    return region;
  }

  /** Offsets into values that follow: from 0 on, never back. @returns the last one */
  #offsets(column: Column, length: number, bytes: 4 | 8): number {
    const { offset } = this.#take(column, length === 0 ? 0 : (length + 1) * bytes);
    if (length === 0) return 0;
    let last = 0;
    for (let i = 0; i <= length; i++) {
      const at = offset + i * bytes;
      const next = bytes === 4 ? this.#view.getInt32(at, true) : Number(this.#view.getBigInt64(at, true));
      if (!(next >= last)) throw new ArrowFlaw(`offsets that go back in ${quoted(column)}`);
      last = next;
    }
    return last;
  }

  /** Texts of up to 12 bytes stand in their view; longer ones in one of the buffers that follow. */
  #texts(column: Column, length: number): void {
    const { offset } = this.#take(column, 16 * length);
    const buffers = Array.from({ length: this.#buffersOf(column) }, () => this.#take(column, 0));
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const at = offset + 16 * i;
      const size = this.#view.getInt32(at, true);
      sum += size;
      if (size >= 0 && size <= 12) continue;
      const buffer = buffers[this.#view.getInt32(at + 8, true)];
      const from = this.#view.getInt32(at + 12, true);
      if (size < 0 || from < 0 || buffer === undefined || from + size > buffer.length) {
        throw new ArrowFlaw(`a text of ${quoted(column)} outside of its buffers`);
      }
    }
    if (sum > MAX_SHARING * this.#view.byteLength)
      throw new ArrowFlaw(`texts of ${sum} bytes in ${quoted(column)}`);
  }

  #buffersOf(column: Column): number {
    const buffers = this.#variadic[this.#views++] ?? 0;
    if (this.#region + buffers > this.#regions.length) {
      throw new ArrowFlaw(`${buffers} buffers of ${quoted(column)}`);
    }
    return buffers;
  }
}

const quoted = ({ name }: Column): string => `column ${JSON.stringify(name.slice(0, 60))}`;

const MAGIC = "ARROW1";
const isMagic = (bytes: Uint8Array): boolean =>
  bytes.byteLength >= 6 && String.fromCharCode(...bytes.subarray(0, 6)) === MAGIC;

/** Bytes at the end of an Arrow file that tell how long the footer before them is. */
export const TAIL_BYTES = 10;

/** Length of the footer of a file of `size` bytes that ends in `tail`; 0 when it has none. */
export function footerBytes(tail: Uint8Array, size: number): number {
  if (tail.byteLength < TAIL_BYTES || !isMagic(tail.subarray(4))) return 0;
  const length = new DataView(tail.buffer, tail.byteOffset).getInt32(0, true);
  return length > 0 && length <= Math.min(MAX_METADATA, size - TAIL_BYTES - 8) ? length : 0;
}

/** Some writers of files leave the schema to the footer: the same as the first message of a stream. */
function schemaMessage(footer: Uint8Array): Uint8Array {
  const read = new FlatBytes(footer).root();
  const schema = read.table(1);
  if (schema === undefined) throw new ArrowFlaw("a file without a schema");
  // A root that leads to a message of three fields (the version, SCHEMA, where the header is), then the footer as it is.
  const from = 32;
  const message = new Uint8Array(from + Math.ceil(footer.byteLength / 8) * 8);
  const view = new DataView(message.buffer);
  view.setUint32(0, 16, true);
  [10, 12, 8, 10, 4].forEach((word, i) => void view.setUint16(4 + 2 * i, word, true));
  view.setInt32(16, 12, true);
  view.setUint32(20, from + schema.at - 20, true);
  view.setInt16(24, read.int16(0), true);
  view.setUint8(26, SCHEMA);
  message.set(footer, from);
  return message;
}

/** One step of reading a stream: so many bytes are wanted, or a checked message has come together. */
type Step = { readonly want: number } | { readonly message: Uint8Array };

const NOTHING = new Uint8Array(0);

/**
 * The messages of an Arrow stream or file, each checked before it is handed on, as the bytes of a stream. The order of
 * a file is that of a stream; of its footer nothing but the schema is needed.
 */
function* steps(footer: Uint8Array, packed: boolean): Generator<Step, void, Uint8Array> {
  const check = new ArrowCheck(packed);
  let head = yield { want: 8 };
  const isFile = isMagic(head);
  if (isFile) head = yield { want: 8 };
  for (let first = true; ; first = false) {
    if (head.byteLength === 0) return;
    if (head.byteLength < 8) {
      // The four zeros with which a stream could end.
      if (head.byteLength >= 4 && head.subarray(0, 4).every((byte) => byte === 0)) return;
      throw new ArrowFlaw("a message that is cut");
    }
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    // Before version 0.15 the length came without a mark before it.
    const marked = view.getInt32(0, true) === -1;
    const size = view.getInt32(marked ? 4 : 0, true);
    if (size === 0) return;
    if (size < 8 || size > MAX_METADATA) throw new ArrowFlaw(`metadata of ${size} bytes`);
    const begun = marked ? NOTHING : head.subarray(4);
    const rest = yield { want: size - begun.byteLength };
    if (begun.byteLength + rest.byteLength < size) throw new ArrowFlaw("a message that is cut");
    const metadata = new Uint8Array(size);
    metadata.set(begun);
    metadata.set(rest, begun.byteLength);
    if (first && isFile && !isSchema(metadata)) {
      if (footer.byteLength === 0) throw new ArrowFlaw("a file that is cut: its schema is missing");
      const schema = schemaMessage(footer);
      check.metadata(schema);
      yield { message: framed(schema, NOTHING) };
    }
    const bodyBytes = check.metadata(metadata);
    const body = bodyBytes > 0 ? yield { want: bodyBytes } : NOTHING;
    if (body.byteLength < bodyBytes) {
      throw new ArrowFlaw(`a body of ${bodyBytes} bytes of which ${body.byteLength} are there`);
    }
    const plain = check.body(body) ?? { metadata, body };
    yield { message: framed(plain.metadata, plain.body) };
    head = yield { want: 8 };
  }
}

const isSchema = (metadata: Uint8Array): boolean => new FlatBytes(metadata).root().uint8(1) === SCHEMA;

/** In whole words of 8 bytes, so that numbers can be read where they lie. */
function framed(metadata: Uint8Array, body: Uint8Array): Uint8Array {
  const padded = Math.ceil(metadata.byteLength / 8) * 8;
  const message = new Uint8Array(8 + padded + body.byteLength);
  const view = new DataView(message.buffer);
  view.setInt32(0, -1, true);
  view.setInt32(4, padded, true);
  message.set(metadata, 8);
  message.set(body, 8 + padded);
  return message;
}

/**
 * Arrow bytes, stream or file, checked as a whole; handed on as those of a stream. Packed batches are refused.
 *
 * @throws ArrowFlaw
 */
export function checkedArrow(bytes: Uint8Array): Uint8Array {
  const tail = bytes.subarray(Math.max(0, bytes.byteLength - TAIL_BYTES));
  const end = bytes.byteLength - TAIL_BYTES;
  const walk = steps(bytes.subarray(end - footerBytes(tail, bytes.byteLength), Math.max(0, end)), false);
  const messages: Uint8Array[] = [];
  let length = 0;
  let at = 0;
  for (let step = walk.next(); !step.done; ) {
    if ("message" in step.value) {
      messages.push(step.value.message);
      length += step.value.message.byteLength;
      step = walk.next(NOTHING);
    } else {
      const read = bytes.subarray(at, at + step.value.want);
      at += read.byteLength;
      step = walk.next(read);
    }
  }
  const whole = new Uint8Array(length);
  let to = 0;
  for (const message of messages) {
    whole.set(message, to);
    to += message.byteLength;
  }
  return whole;
}

/**
 * The same for what is read bit by bit: `read` gives the next bytes, fewer at the end, `size` bytes in all; more than there
 * can be is never asked for. Packed batches are unpacked. What is wrong is thrown in the place of the message that it is wrong with.
 */
export async function* checkedArrowMessages(
  read: (bytes: number) => Promise<Uint8Array>,
  size: number,
  footer: Uint8Array,
): AsyncGenerator<Uint8Array> {
  let left = size;
  const walk = steps(footer, true);
  for (let step = walk.next(); !step.done; ) {
    if ("message" in step.value) {
      yield step.value.message;
      step = walk.next(NOTHING);
    } else {
      const bytes = await read(Math.min(step.value.want, left));
      left -= bytes.byteLength;
      step = walk.next(bytes);
    }
  }
}

/**
 * A cell of an Arrow column.
 *
 * @throws EddyError `bad-observation` when it cannot be told, such as a timestamp beyond 2^53
 */
export function arrowCell(column: Vector, i: number, name: string): unknown {
  try {
    return column.get(i);
  } catch (cause) {
    throw new EddyError("bad-observation", name, {
      expected: "a value that can be read",
      received: printable((cause as Error).message),
      cause,
    });
  }
}
