import { EddyError } from "../models/errors.ts";
import { crc32 } from "./checksum.ts";

/** "EDCK" */
const MAGIC = 0x4b434445;
/** Version of this frame, not of the state in it. */
const CHECKPOINT_FORMAT = 1;
/** Bytes of the frame before the state. */
export const FRAME_BYTES = 40;

/** The state of one series and what belongs to it. */
export interface Checkpoint {
  readonly series: number;
  /** Journal position the state stands at: every earlier observation of the series is in it, no later one is. */
  readonly position: number;
  /** Observations the series has taken. */
  readonly observations: number;
  readonly lastTime: number;
  readonly state: Uint8Array;
}

/**
 * Frames a state for the disk, little-endian: magic u32 · format u32 · CRC-32 of all that follows u32 · series u32 ·
 * position f64 · observations f64 · last time f64 · state.
 *
 * @example
 * ```ts
 * const checkpoint = { series: 3, position: 17, observations: 5, lastTime: 1000, state: new Uint8Array([1, 2, 3]) };
 * const framed = frameCheckpoint(checkpoint);
 * readFrame(framed, 3).position; // 17
 * ```
 */
export function frameCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const framed = new Uint8Array(FRAME_BYTES + checkpoint.state.byteLength);
  framed.set(checkpoint.state, FRAME_BYTES);
  return frameInPlace(framed, checkpoint);
}

/** The same without a copy: `framed` has the state after its first 40 bytes, which become the frame. */
export function frameInPlace(framed: Uint8Array, checkpoint: Omit<Checkpoint, "state">): Uint8Array {
  const header = new DataView(framed.buffer, framed.byteOffset, FRAME_BYTES);
  header.setUint32(0, MAGIC, true);
  header.setUint32(4, CHECKPOINT_FORMAT, true);
  header.setUint32(12, checkpoint.series, true);
  header.setFloat64(16, checkpoint.position, true);
  header.setFloat64(24, checkpoint.observations, true);
  header.setFloat64(32, checkpoint.lastTime, true);
  header.setUint32(8, crc32(framed.subarray(12)), true);
  return framed;
}

/** Reads a frame back; throws `bad-state` naming what is wrong. `state` is a view into `framed`. */
export function readFrame(framed: Uint8Array, series: number): Checkpoint {
  const bad = (expected: string, received: string): EddyError =>
    new EddyError("bad-state", "checkpoint", { expected, received });
  if (framed.byteLength < FRAME_BYTES)
    throw bad(`at least ${FRAME_BYTES} bytes`, `${framed.byteLength} bytes`);
  const header = new DataView(framed.buffer, framed.byteOffset, framed.byteLength);
  if (header.getUint32(0, true) !== MAGIC) throw bad("an Eddy checkpoint", "other bytes");
  const format = header.getUint32(4, true);
  if (format !== CHECKPOINT_FORMAT) throw bad(`format ${CHECKPOINT_FORMAT}`, `format ${format}`);
  const sum = crc32(framed.subarray(12));
  if (header.getUint32(8, true) !== sum) {
    throw bad(`checksum ${header.getUint32(8, true).toString(16)}`, sum.toString(16));
  }
  if (header.getUint32(12, true) !== series) {
    throw bad(`series ${series}`, `series ${header.getUint32(12, true)}`);
  }
  return {
    series,
    position: header.getFloat64(16, true),
    observations: header.getFloat64(24, true),
    lastTime: header.getFloat64(32, true),
    // A plain array: a Buffer's `slice` does not copy, which whoever restores need not know.
    state: new Uint8Array(framed.buffer, framed.byteOffset + FRAME_BYTES, framed.byteLength - FRAME_BYTES),
  };
}
