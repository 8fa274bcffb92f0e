import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import { EddyError } from "../../models/errors.ts";

/** Held by at most one process; the kernel lets go of it when that process dies, by `kill -9` too. */
export interface Lock {
  release(): void;
}

/**
 * Takes the lock of a database: an exclusive transaction on the small database `<path>-lock` beside it, never committed.
 * Readers of the main database are not disturbed. Throws `locked` naming the holder.
 */
export function takeLock(path: string): Lock {
  const lockPath = `${path}-lock`;
  let db: Database.Database | undefined;
  try {
    db = new Database(lockPath, { timeout: 0 });
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    db?.close();
    if (!String((cause as { code?: unknown }).code).startsWith("SQLITE_BUSY")) throw cause;
    throw new EddyError("locked", path, {
      expected: "a database that no other process has open",
      received: holder(path),
      hint: "stop that process, or give this one another --db",
      cause,
    });
  }
  const held = db;
  return {
    release() {
      held.exec("ROLLBACK");
      held.close();
    },
  };
}

/** Who holds it, as far as the holder said. */
function holder(path: string): string {
  try {
    return `one in use by process ${readFileSync(`${path}-pid`, "utf8").trim()}`;
  } catch {
    return "one in use";
  }
}
