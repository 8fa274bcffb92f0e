import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { FRAME_HEADER, LOG_HEADER } from "./files.ts";

/**
 * Refuses a log without its database, which SQLite would delete, and a write-ahead log that was cut before pages which the database holds already: SQLite would lay the older pages
 * that are left over the newer ones. How far the log had been copied stands in the file `-shm`, in which the processes that
 * share a database keep its index; it outlives them.
 *
 * The log: bytes of a page u32 at 8, salts u32 ×2 at 16, big-endian, pages after 32 bytes. The index: length u32 at 16, salts at 32 as in the log,
 * pages copied u32 at 96, in the order of the machine (https://www.sqlite.org/walformat.html).
 *
 * @param acknowledged whether the database is known to have held observations
 * @param reset go on although the log is gone altogether: the database then holds an earlier state of its own
 * @returns what to tell about a log that was cut after those pages, if it was
 */
export function checkLog(path: string, acknowledged: boolean, reset: boolean): string | undefined {
  const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (statSync(path).size === 0 && (logBytes > 0 || acknowledged)) {
    throw new EddyError("storage", path, {
      expected: "the database of the files beside it",
      received: "an empty file, or none",
      hint: `put it back, or move ${path}-wal and ${path}-open away to begin anew`,
    });
  }
  let index: Buffer;
  const size = logBytes;
  const header = Buffer.alloc(LOG_HEADER);
  try {
    index = readFileSync(`${path}-shm`);
  } catch {
    // It was closed in order: nothing is left to be cut.
    return undefined;
  }
  if (index.length < 100) return undefined;
  if (size >= LOG_HEADER) {
    const log = openSync(`${path}-wal`, "r");
    readSync(log, header, 0, LOG_HEADER, 0);
    closeSync(log);
  }
  const words = new Uint32Array(Uint8Array.from(index.subarray(0, 100)).buffer);
  const length = itemAt(words, 4);
  const copied = itemAt(words, 24);
  const left = Math.max(0, Math.floor((size - LOG_HEADER) / (FRAME_HEADER + header.readUInt32BE(8))));
  // An index of another log says nothing of this one. Of a log that is gone altogether nothing is missed once all is copied.
  const same = header.subarray(16, 24).equals(index.subarray(32, 40));
  if (size < LOG_HEADER) {
    if (copied === length) return undefined;
    const lost = new EddyError("storage", path, {
      expected: `its write-ahead log ${path}-wal of ${length} pages, ${copied} of which the database holds already`,
      received: logBytes === 0 ? "none" : `one of ${logBytes} bytes`,
      hint: "put it back, restore a savepoint, or go on without what is missing by --reset",
    });
    if (!reset) throw lost;
    return lost.message;
  }
  if (!same || left >= copied) {
    return same && left < length
      ? `the log was cut after ${left} of ${length} pages; observations in the rest are gone`
      : undefined;
  }
  throw new EddyError("storage", path, {
    expected: `a write-ahead log of at least ${copied} pages, which the database holds already`,
    received: `one cut after ${left}`,
    hint: "restore a savepoint or another copy",
  });
}
