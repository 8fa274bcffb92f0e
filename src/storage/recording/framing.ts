import { Message, MessageHeader } from "apache-arrow";

/** One message of an Arrow IPC stream. */
export interface MessageSpan {
  readonly start: number;
  readonly end: number;
  readonly kind: "schema" | "batch" | "other";
  readonly rows: number;
}

/** Longest description of a message that is taken for one. */
const MAX_METADATA = 1 << 24;

/**
 * The messages of an IPC stream that are there as a whole, in order; it stops at the first that is not, and at the end
 * marker. `read(offset, length)` returns fewer bytes at the end of the file.
 */
export function* wholeMessages(
  read: (offset: number, length: number) => Uint8Array,
  size: number,
): Generator<MessageSpan> {
  let start = 0;
  while (start + 8 <= size) {
    const prefix = read(start, 8);
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    const metadata = view.getInt32(4, true);
    if (view.getUint32(0, true) !== 0xffffffff || metadata <= 0 || metadata > MAX_METADATA) return;
    if (start + 8 + metadata > size) return;
    let message: Message;
    try {
      message = Message.decode(read(start + 8, metadata));
    } catch {
      return;
    }
    const end = start + 8 + metadata + Number(message.bodyLength);
    if (end > size) return;
    const kind =
      message.headerType === MessageHeader.Schema
        ? "schema"
        : message.headerType === MessageHeader.RecordBatch
          ? "batch"
          : "other";
    const rows = kind === "batch" ? Number((message.header() as unknown as { length: number }).length) : 0;
    yield { start, end, kind, rows };
    start = end;
  }
}
