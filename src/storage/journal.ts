import { EddyError } from "../models/errors.ts";
import type { Observation } from "../models/observation.ts";
import { crc32 } from "./checksum.ts";

/** Two NaN patterns that arithmetic never makes tell a null from a column that was not there. */
const NULL_WORD = 0x7ff8edd1;
const ABSENT_WORD = 0x7ff8edd2;

/**
 * Packs the values of an observation for the journal: one float64 per column in the order of `columns`, bit for bit,
 * then a CRC-32 over the values and the event time.
 */
export function packValues(observation: Observation, columns: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(8 * columns.length + 4);
  const view = new DataView(bytes.buffer);
  for (const [c, column] of columns.entries()) {
    const value = Object.hasOwn(observation.values, column) ? observation.values[column] : undefined;
    if (value === undefined || value === null) {
      view.setUint32(8 * c + 4, value === null ? NULL_WORD : ABSENT_WORD, true);
    } else {
      view.setFloat64(8 * c, value, true);
    }
  }
  view.setUint32(8 * columns.length, checksum(bytes, columns.length, observation.time), true);
  return bytes;
}

/** The payload of a row whose reading was taken back: its place stays, so that the links between rows hold. */
export const TAKEN_BACK = new Uint8Array(0);

export const isTakenBack = (payload: Uint8Array): boolean => payload.byteLength === 0;

/** The values of a journal row; throws `bad-state` naming the position when the row was altered on the disk. */
export function unpackValues(
  payload: Uint8Array,
  columns: readonly string[],
  time: number,
  position: number,
): Record<string, number | null> {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const at = 8 * columns.length;
  if (payload.byteLength !== at + 4 || view.getUint32(at, true) !== checksum(payload, columns.length, time)) {
    throw new EddyError("bad-state", `journal row ${position}`, {
      expected: `${columns.length} values and their checksum`,
      received: "altered bytes",
    });
  }
  // Without a prototype: a column called __proto__ is a column like any other.
  const values: Record<string, number | null> = Object.create(null);
  for (const [c, column] of columns.entries()) {
    const word = view.getUint32(8 * c + 4, true);
    if (word === NULL_WORD) values[column] = null;
    else if (word !== ABSENT_WORD) values[column] = view.getFloat64(8 * c, true);
  }
  return values;
}

const timeBytes = new Uint8Array(8);
const timeView = new DataView(timeBytes.buffer);

function checksum(bytes: Uint8Array, columns: number, time: number): number {
  timeView.setFloat64(0, time, true);
  return crc32(timeBytes, crc32(bytes.subarray(0, 8 * columns)));
}
