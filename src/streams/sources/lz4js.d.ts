declare module "lz4js" {
  /** Unpacks a frame of LZ4. */
  export function decompress(bytes: Uint8Array, maxSize?: number): Uint8Array;
  /** Bytes that a frame may come to at most. */
  export function decompressBound(bytes: Uint8Array): number;
  /** Packs into a frame of LZ4. */
  export function compress(bytes: Uint8Array, maxSize?: number): Uint8Array;
}
