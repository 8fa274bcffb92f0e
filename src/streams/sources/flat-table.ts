/** A metadata message of Arrow that does not hold together. */
export class ArrowFlaw extends Error {}

/** A vector inside a flat buffer: where its first element is, and how many there are. */
export interface FlatVector {
  readonly start: number;
  readonly length: number;
}

/**
 * The bytes of one flat buffer (https://flatbuffers.dev/internals) with every offset checked, and with a bound on what is read:
 * two fields may point to one place, so that few bytes can stand for a tree without end.
 */
export class FlatBytes {
  readonly view: DataView;
  /** Bytes that may still be visited. */
  #left: number;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // An honest buffer is visited once, or a little more where it shares strings.
    this.#left = 4 * bytes.byteLength + 1024;
  }

  root(): FlatTable {
    return new FlatTable(this, this.offset(0));
  }

  /** `bytes` from `at` on are there. */
  check(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.view.byteLength) {
      throw new ArrowFlaw(`metadata that points outside of its ${this.view.byteLength} bytes`);
    }
    this.#left -= bytes;
    if (this.#left < 0) throw new ArrowFlaw("metadata that points to the same place again and again");
  }

  /** Where the offset that stands at `at` leads. */
  offset(at: number): number {
    this.check(at, 4);
    return at + this.view.getUint32(at, true);
  }

  vector(at: number, elementBytes: number): FlatVector {
    const from = this.offset(at);
    this.check(from, 4);
    const length = this.view.getUint32(from, true);
    this.check(from + 4, length * elementBytes);
    return { start: from + 4, length };
  }
}

/** A table of a flat buffer; `i` counts its fields as its schema does. What is absent has its default. */
export class FlatTable {
  readonly bytes: FlatBytes;
  readonly at: number;
  readonly #fields: number;
  readonly #fieldsBytes: number;

  constructor(bytes: FlatBytes, at: number) {
    this.bytes = bytes;
    this.at = at;
    bytes.check(at, 4);
    this.#fields = at - bytes.view.getInt32(at, true);
    bytes.check(this.#fields, 4);
    this.#fieldsBytes = bytes.view.getInt16(this.#fields, true);
    bytes.check(this.#fields, Math.max(4, this.#fieldsBytes));
  }

  /** Where field `i` is, `size` bytes of it being there; -1 when it is absent. */
  find(i: number, size: number): number {
    const slot = 4 + 2 * i;
    if (slot + 2 > this.#fieldsBytes) return -1;
    const offset = this.bytes.view.getUint16(this.#fields + slot, true);
    if (offset === 0) return -1;
    this.bytes.check(this.at + offset, size);
    return this.at + offset;
  }

  uint8(i: number, absent = 0): number {
    const at = this.find(i, 1);
    return at < 0 ? absent : this.bytes.view.getUint8(at);
  }

  int16(i: number, absent = 0): number {
    const at = this.find(i, 2);
    return at < 0 ? absent : this.bytes.view.getInt16(at, true);
  }

  int32(i: number, absent = 0): number {
    const at = this.find(i, 4);
    return at < 0 ? absent : this.bytes.view.getInt32(at, true);
  }

  /** A count or a number of bytes: refused when it is negative or beyond 2^53. */
  count(i: number, what: string): number {
    const at = this.find(i, 8);
    return at < 0 ? 0 : count(this.bytes.view, at, what);
  }

  int64(i: number): bigint {
    const at = this.find(i, 8);
    return at < 0 ? 0n : this.bytes.view.getBigInt64(at, true);
  }

  table(i: number): FlatTable | undefined {
    const at = this.find(i, 4);
    return at < 0 ? undefined : new FlatTable(this.bytes, this.bytes.offset(at));
  }

  vector(i: number, elementBytes: number): FlatVector {
    const at = this.find(i, 4);
    return at < 0 ? { start: 0, length: 0 } : this.bytes.vector(at, elementBytes);
  }

  *tables(i: number): Generator<FlatTable> {
    const { start, length } = this.vector(i, 4);
    for (let k = 0; k < length; k++) yield new FlatTable(this.bytes, this.bytes.offset(start + 4 * k));
  }

  /** Whether the text of field `i` is there as a whole. */
  text(i: number): string {
    const { start, length } = this.vector(i, 1);
    const { buffer, byteOffset } = this.bytes.view;
    return new TextDecoder().decode(new Uint8Array(buffer, byteOffset + start, length));
  }
}

/** A 64-bit count at `at`. */
export function count(view: DataView, at: number, what: string): number {
  const value = Number(view.getBigInt64(at, true));
  if (value >= 0 && Number.isSafeInteger(value)) return value;
  throw new ArrowFlaw(`${what} of ${value}`);
}
