import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { EddyError } from "../../models/errors.ts";

const LOG_HEADER = 32;
const FRAME_HEADER = 24;

/**
 * Refuses a write-ahead log that was cut before pages which the database holds already: SQLite would lay the older pages
 * that are left over the newer ones. How far the log had been copied stands in the file `-shm`, in which the processes that
 * share a database keep its index; it outlives them.
 *
 * The log: salts u32 ×2 at 16, big-endian, pages after 32 bytes. The index: length u32 at 16, salts at 32 as in the log,
 * pages copied u32 at 96, in the order of the machine (https://www.sqlite.org/walformat.html).
 */
export function checkLog(path: string, pageBytes: number): void {
  let index: Buffer;
  let size: number;
  const header = Buffer.alloc(LOG_HEADER);
  try {
    index = readFileSync(`${path}-shm`);
    size = statSync(`${path}-wal`).size;
    const log = openSync(`${path}-wal`, "r");
    readSync(log, header, 0, LOG_HEADER, 0);
    closeSync(log);
  } catch {
    // It was closed in order: nothing is left to be cut.
    return;
  }
  if (index.length < 100) return;
  const words = new Uint32Array(Uint8Array.from(index.subarray(0, 100)).buffer);
  const length = words[4];
  const copied = words[24];
  const left = Math.max(0, Math.floor((size - LOG_HEADER) / (FRAME_HEADER + pageBytes)));
  // An index of another log says nothing of this one. Of a log that is gone altogether nothing is missed once all is copied.
  const same = header.subarray(16, 24).equals(index.subarray(32, 40));
  if (size < LOG_HEADER ? copied === length : !same || left >= copied) return;
  throw new EddyError("storage", path, {
    expected: `a write-ahead log of at least ${copied} pages, which the database holds already`,
    received: `one cut after ${left}`,
    hint: "restore a savepoint or another copy",
  });
}
