import { PARTITIONS } from "./store.ts";

/** The partition of a series, 0..127: FNV-1a (32 bit) over the UTF-8 bytes of its name. Fixed for ever. */
export function partitionOf(series: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(series)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % PARTITIONS;
}
