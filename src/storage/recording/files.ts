import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

/** A file that grows at its end. */
export interface AppendFile {
  readonly size: number;
  append(bytes: Uint8Array): void;
  /** What was appended survives a power cut once this returns. */
  sync(): void;
  truncate(size: number): void;
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

/** What recordings need of a file system. It is passed in, so that a test can cut the power after any sync. */
export interface Files {
  /** Opens a file for reading and appending, making it when there is none. */
  open(path: string): AppendFile;
  exists(path: string): boolean;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

export const diskFiles: Files = {
  open(path) {
    const fd = openSync(path, existsSync(path) ? "r+" : "w+");
    let size = fstatSync(fd).size;
    return {
      get size() {
        return size;
      },
      append(bytes) {
        for (let done = 0; done < bytes.length; ) {
          done += writeSync(fd, bytes, done, bytes.length - done, size + done);
        }
        size += bytes.length;
      },
      sync: () => fsyncSync(fd),
      truncate(to) {
        ftruncateSync(fd, to);
        size = to;
      },
      read(offset, length) {
        const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        for (let done = 0; done < bytes.length; ) {
          const read = readSync(fd, bytes, done, bytes.length - done, offset + done);
          if (read === 0) return bytes.subarray(0, done);
          done += read;
        }
        return bytes;
      },
      close: () => closeSync(fd),
    };
  },
  exists: existsSync,
  rename(from, to) {
    renameSync(from, to);
    // The new name is durable only once its folder is.
    const folder = openSync(dirname(to), "r");
    fsyncSync(folder);
    closeSync(folder);
  },
  remove: (path) => rmSync(path, { force: true }),
};
