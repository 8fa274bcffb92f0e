import type * as fileSystem from "node:fs";
import { EddyError } from "../../models/errors.ts";

/** What the system's codes say, in plain words. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  ENOTDIR: "a path that leads through a file",
  EISDIR: "a folder",
  EACCES: "one that may not be opened",
  EPERM: "one that may not be opened",
  EROFS: "one that may not be written",
  ENOSPC: "a full disk",
  EMFILE: "too many open files",
};

/** What went wrong with a file, as one line that names it. */
export function fileError(path: string, cause: unknown): EddyError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return new EddyError("bad-file", path, {
    expected: "a file that can be opened",
    received: Object.hasOwn(WORDS, code) ? (WORDS[code] as string) : message,
    cause,
  });
}

/** The bytes of a file from `from` on, as many as asked for or as there are. */
export async function readAt(
  handle: fileSystem.promises.FileHandle,
  from: number,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Opens a file to read from it. @throws EddyError `bad-file` when there is none, when it is a folder or may not be opened */
export async function openFile(fs: typeof fileSystem, path: string): Promise<fileSystem.promises.FileHandle> {
  try {
    const handle = await fs.promises.open(path);
    if (!(await handle.stat()).isDirectory()) return handle;
    await handle.close();
  } catch (cause) {
    throw fileError(path, cause);
  }
  throw fileError(path, { code: "EISDIR" });
}
