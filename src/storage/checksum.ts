import { crc32 as native } from "node:zlib";

/** CRC-32 (ISO 3309, as in gzip and PNG) of `bytes`, going on from `seed`. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return native(bytes, seed);
}
