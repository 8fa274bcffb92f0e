declare module "snappyjs" {
  /** Unpacks one block; throws when it is none, or would be longer than `maxLength`. */
  export function uncompress(packed: Buffer, maxLength?: number): Buffer;
  export function compress(unpacked: Buffer): Buffer;
}
