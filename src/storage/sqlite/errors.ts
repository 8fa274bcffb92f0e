import { EddyError } from "../../models/errors.ts";

/** The code by which SQLite or the system names a failure; empty for any other. */
export const sqliteCode = (error: unknown): string =>
  String((error as { code?: unknown } | undefined)?.code ?? "");

/** After these nobody knows what is on the disk; only a restart, which reads it anew, does. */
export function isFatal(error: unknown): boolean {
  const code = sqliteCode(error);
  return (
    /^SQLITE_(CORRUPT|NOTADB)/.test(code) ||
    /^SQLITE_IOERR_(FSYNC|WRITE|DIR_FSYNC|TRUNCATE|SHORT_READ|READ)/.test(code)
  );
}

const MEANINGS: readonly (readonly [RegExp, string, string])[] = [
  [/^(SQLITE_FULL|ENOSPC)/, "a full disk", "free some space; intake goes on by itself"],
  [
    /^(SQLITE_READONLY|EROFS|EACCES|EPERM|SQLITE_PERM)/,
    "one that may not be written",
    "check its permissions",
  ],
  [/^SQLITE_(CORRUPT|NOTADB)/, "damaged pages", "restore a savepoint or another copy"],
  [/^SQLITE_BUSY/, "one busy with another process", "try again"],
  [
    /^(SQLITE_CANTOPEN|ENOENT|ENOTDIR|EISDIR)/,
    "one that cannot be opened",
    "check the path and its permissions",
  ],
];

export const busyError = (path: string, cause: unknown): EddyError =>
  new EddyError("busy", path, {
    expected: "a database that no other process is writing",
    received: `one that another process has locked (${sqliteCode(cause)})`,
    hint: "send again in a second",
    cause,
  });

/** What SQLite and the file system say, as one line a user can act on. */
export function storageError(path: string, error: unknown): EddyError {
  if (error instanceof EddyError) return error;
  const code = sqliteCode(error);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(code));
  return new EddyError("storage", path, {
    expected: "a database that can be read and written",
    received: meaning ? `${meaning[1]} (${code})` : `${code || "failure"}: ${(error as Error).message}`,
    ...(meaning ? { hint: meaning[2] } : {}),
    cause: error,
  });
}
