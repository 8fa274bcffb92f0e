import { closeSync, openSync, readSync } from "node:fs";

/** Milliseconds for which nothing else of the process could run. */
export interface Block {
  readonly wall: number;
  /** Of those, without what the process waited for a processor that others had; the same where that is not known. */
  readonly own: number;
}

/** Tells for how long nothing else of the process could run. It is passed in, as clocks are. */
export interface EventLoopWatch {
  /** Longest block since it was last asked. */
  recent(): Block;
  /** Longest block since the watch began. */
  readonly longest: Block;
  close(): void;
}

/** What a watch is made of; that of this process unless it is given another. */
export interface WatchParts {
  /** Milliseconds that only grow. */
  monotonic(): number;
  /** Milliseconds that the thread has been ready to run and waited for a processor; undefined where nothing tells. */
  waited(): number | undefined;
  /** Calls `look` every so many milliseconds; the returned function ends it. */
  every(milliseconds: number, look: () => void): () => void;
}

/** Milliseconds between two looks. */
const EVERY = 5;
const NONE: Block = { wall: 0, own: 0 };

/** Watches the event loop of this process. Cost: a timer and, on Linux, a read of a few bytes every five milliseconds. */
export function watchEventLoop(parts: WatchParts = thisProcess()): EventLoopWatch {
  let before = parts.monotonic();
  let waitedBefore = parts.waited() ?? 0;
  let recent = NONE;
  let longest = NONE;
  const look = (): void => {
    const now = parts.monotonic();
    const waited = parts.waited() ?? 0;
    const wall = Math.max(0, now - before - EVERY);
    const own = Math.max(0, wall - (waited - waitedBefore));
    before = now;
    waitedBefore = waited;
    recent = longer(recent, wall, own);
    longest = longer(longest, wall, own);
  };
  const end = parts.every(EVERY, look);
  return {
    recent() {
      look();
      const block = recent;
      recent = NONE;
      return block;
    },
    get longest() {
      look();
      return longest;
    },
    close: end,
  };
}

const longer = (block: Block, wall: number, own: number): Block =>
  wall <= block.wall && own <= block.own
    ? block
    : { wall: Math.max(block.wall, wall), own: Math.max(block.own, own) };

function thisProcess(): WatchParts {
  const bytes = Buffer.alloc(64);
  let file: number | undefined;
  try {
    // The main thread of a process has its number.
    file = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  } catch {
    // Only Linux tells.
  }
  return {
    monotonic: () => performance.now(),
    waited() {
      if (file === undefined) return undefined;
      const [, waited] = bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, 0)).split(" ");
      return Number(waited) / 1e6;
    },
    every(milliseconds, look) {
      const timer = setInterval(look, milliseconds);
      timer.unref();
      return () => {
        clearInterval(timer);
        if (file !== undefined) closeSync(file);
        file = undefined;
      };
    },
  };
}
