/** First bytes of frames that are whole: RFC 6455, 5.2. */
export const WHOLE_TEXT = 0x81;
export const WHOLE_BINARY = 0x82;

/** Bytes of the header of a frame, as a server sends it: whole and without a mask. */
export const headerLength = (payload: number): number => (payload < 126 ? 2 : payload < 65_536 ? 4 : 10);

/** Writes the header of a frame whose payload has so many bytes; returns where it ends. */
export function writeHeader(to: Buffer, at: number, kind: number, payload: number): number {
  to[at] = kind;
  if (payload < 126) {
    to[at + 1] = payload;
    return at + 2;
  }
  if (payload < 65_536) {
    to[at + 1] = 126;
    return to.writeUInt16BE(payload, at + 2);
  }
  to[at + 1] = 127;
  return to.writeBigUInt64BE(BigInt(payload), at + 2);
}

/** A whole frame. */
export function framed(kind: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerLength(payload.length) + payload.length);
  frame.set(payload, writeHeader(frame, 0, kind, payload.length));
  return frame;
}
