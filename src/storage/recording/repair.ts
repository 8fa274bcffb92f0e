import { crc32 } from "../checksum.ts";
import type { Files } from "./files.ts";
import { wholeMessages } from "./framing.ts";
import { type BatchEntry, packEntry, unpackEntries } from "./sidecar.ts";

export const sidecarPath = (path: string): string => `${path}.batches`;

export interface Repaired {
  /** Batches that are whole. */
  readonly batches: readonly BatchEntry[];
  /** Where the schema message ends, 0 when not even that is whole. */
  readonly schemaEnd: number;
  /** Bytes of the torn tail. */
  readonly torn: number;
  /** First batch whose bytes are not those that were written, if any: it and all after it do not count. */
  readonly altered: number | undefined;
}

/**
 * Finds the whole batches of a recording. A batch counts when all its bytes are there and, where the sidecar still knows
 * it, its checksum holds; the sidecar may be torn or lost, the framing of the stream alone then tells what is whole.
 */
export function examine(files: Files, path: string): Repaired {
  const data = files.open(path);
  try {
    let known: BatchEntry[] = [];
    if (files.exists(sidecarPath(path))) {
      const sidecar = files.open(sidecarPath(path));
      known = unpackEntries(sidecar.read(0, sidecar.size));
      sidecar.close();
    }
    const byEnd = new Map(known.map((entry) => [entry.end, entry]));
    const batches: BatchEntry[] = [];
    let schemaEnd = 0;
    let altered: number | undefined;
    let reached = 0;
    for (const { start, end, kind, rows } of wholeMessages((o, n) => data.read(o, n), data.size)) {
      if (kind === "schema") schemaEnd = end;
      if (kind === "batch") {
        const checksum = crc32(data.read(start, end - start));
        const entry = byEnd.get(end);
        if (entry && entry.checksum !== checksum) {
          altered = batches.length;
          break;
        }
        batches.push({ end, rows, checksum });
      }
      reached = end;
    }
    return { batches, schemaEnd, torn: data.size - reached, altered };
  } finally {
    data.close();
  }
}

/** Cuts the torn tail off and writes the sidecar anew, so that appending can go on. */
export function repair(files: Files, path: string): Repaired {
  const found = examine(files, path);
  const end = found.batches.at(-1)?.end ?? found.schemaEnd;
  const data = files.open(path);
  if (data.size > end) {
    data.truncate(end);
    data.sync();
  }
  data.close();
  const sidecar = files.open(sidecarPath(path));
  sidecar.truncate(0);
  for (const entry of found.batches) sidecar.append(packEntry(entry));
  sidecar.sync();
  sidecar.close();
  return found;
}
