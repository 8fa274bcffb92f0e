declare module "lz4js" {
  /** Unpacks a frame of LZ4. */
  export function decompress(bytes: Uint8Array, maxSize?: number): Uint8Array;
  /** Packs into a frame of LZ4. */
  export function compress(bytes: Uint8Array, maxSize?: number): Uint8Array;
}
