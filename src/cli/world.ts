import type { spawn } from "node:child_process";
import type * as fileSystem from "node:fs";
import type { Readable } from "node:stream";

/** Where a command writes. `write` resolves once there is room for more, so that nothing piles up. */
export interface Output {
  readonly isTTY: boolean;
  readonly columns: number;
  write(text: string | Uint8Array): Promise<void> | undefined;
}

/** Everything outside that a command may touch. It is passed in, so that a test can pass in another world. */
export interface World {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly fs: typeof fileSystem;
  readonly fetch: typeof globalThis.fetch;
  readonly spawn: typeof spawn;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after so many milliseconds, or at once when `stop` is aborted. An `idle` sleep keeps no finished command alive. */
  readonly sleep: (milliseconds: number, idle?: boolean) => Promise<void>;
  /** Aborted when the user or the system wants an end (SIGINT, SIGTERM), or nobody reads stdout any more. */
  readonly stop: AbortSignal;
  /** Calls `listener` whenever the user or the system asks for settings to be read anew (SIGHUP). */
  readonly onReload: (listener: () => void) => void;
  /** Asks for that end. */
  readonly interrupt: () => void;
}
