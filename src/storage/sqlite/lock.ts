import { closeSync, fstatSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { EddyError } from "../../models/errors.ts";
import { Database } from "./driver.ts";
import { readOpenRecord } from "./open-record.ts";

/** Held by at most one process; the kernel lets go of it when that process dies, by `kill -9` too. */
export interface Lock {
  /** Takes the lock file anew when it was deleted or replaced; throws `locked` when another process has done so. */
  renew(): void;
  release(): void;
}

/**
 * The path by which a database is opened: of the file itself, whatever links lead there, made (empty) when there is none.
 * SQLite keeps a log beside the name it is given, so every process has to use the same one.
 */
export function realPath(path: string): string {
  closeSync(openSync(path, "a"));
  return realpathSync(path);
}

/**
 * Takes the lock of a database, `path` being its real path. Throws `locked` naming the holder.
 *
 * Two things are held. An exclusive transaction on the small database `<path>-lock` beside it, never committed, keeps out
 * every process that sees the folder, in a container of its own too. A socket named after the device and the inode of the
 * database keeps out those that reach the same file by another name (a hard link, or after it was moved), and those that
 * come after the lock file was deleted; only Linux has such sockets. Readers of the database are not disturbed.
 */
export function takeLock(path: string): Lock {
  let file = takeFile(path);
  let letGo: () => void;
  try {
    letGo = takeName(path);
  } catch (error) {
    file.release();
    throw error;
  }
  return {
    renew() {
      if (file.there()) return;
      file.release();
      file = takeFile(path);
    },
    release() {
      file.release();
      letGo();
    },
  };
}

function takeFile(path: string): { there(): boolean; release(): void } {
  const lockPath = `${path}-lock`;
  let db: Database | undefined;
  let inode: number;
  try {
    db = new Database(lockPath, { timeout: 0 });
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
    inode = statSync(lockPath).ino;
  } catch (cause) {
    db?.close();
    if (!String((cause as { code?: unknown }).code).startsWith("SQLITE_BUSY")) throw cause;
    throw locked(path, holder(path), cause);
  }
  const held = db;
  return {
    there: () => statSync(lockPath, { throwIfNoEntry: false })?.ino === inode,
    release: () => void held.close(),
  };
}

function takeName(path: string): () => void {
  if (process.platform !== "linux") return () => {};
  const handle = openSync(path, "r");
  const { dev, ino } = fstatSync(handle, { bigint: true });
  closeSync(handle);
  // Of the full length, because some versions of Node fill shorter names up and others do not.
  const name = `eddy-database:${dev}:${ino}`.padEnd(107, ".");
  // Nobody is served: that the name is taken is all there is to it.
  const server = createServer((socket) => socket.destroy());
  // Said a moment later; whether it listens is known at once.
  server.on("error", () => {});
  server.listen(`\0${name}`);
  server.unref();
  if (!server.listening && nameIsTaken(name)) throw locked(path, holder(path));
  return () => void (server.listening && server.close());
}

/** Why it cannot be listened on: because another process does, and not because this system knows no such sockets. */
function nameIsTaken(name: string): boolean {
  try {
    return readFileSync("/proc/net/unix", "utf8").includes(`@${name}`);
  } catch {
    return false;
  }
}

const locked = (path: string, received: string, cause?: unknown): EddyError =>
  new EddyError("locked", path, {
    expected: "a database that no other process has open",
    received,
    hint: "stop that process, or give this one another --db",
    cause,
  });

/** Who holds it, as far as the holder said. */
function holder(path: string): string {
  const record = readOpenRecord(path);
  return record === undefined
    ? "one in use, maybe under another name"
    : `one in use by process ${record.process}`;
}
