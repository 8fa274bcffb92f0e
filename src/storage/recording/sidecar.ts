import { crc32 } from "../checksum.ts";

/** One batch as the sidecar knows it. */
export interface BatchEntry {
  /** Offset of the first byte after the batch. */
  readonly end: number;
  readonly rows: number;
  /** CRC-32 of the bytes of the batch. */
  readonly checksum: number;
}

const ENTRY = 20;

/** A sidecar entry, little-endian: end f64 · rows u32 · CRC-32 of the batch u32 · CRC-32 of this entry u32. */
export function packEntry({ end, rows, checksum }: BatchEntry): Uint8Array {
  const bytes = new Uint8Array(ENTRY);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, end, true);
  view.setUint32(8, rows, true);
  view.setUint32(12, checksum, true);
  view.setUint32(16, crc32(bytes.subarray(0, 16)), true);
  return bytes;
}

/** The entries up to the first that is torn or altered. */
export function unpackEntries(bytes: Uint8Array): BatchEntry[] {
  const entries: BatchEntry[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + ENTRY <= bytes.length; at += ENTRY) {
    if (crc32(bytes.subarray(at, at + 16)) !== view.getUint32(at + 16, true)) break;
    entries.push({
      end: view.getFloat64(at, true),
      rows: view.getUint32(at + 8, true),
      checksum: view.getUint32(at + 12, true),
    });
  }
  return entries;
}
