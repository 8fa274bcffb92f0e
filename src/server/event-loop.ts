import { monitorEventLoopDelay } from "node:perf_hooks";

/** Tells for how long nothing else of the process could run. It is passed in, as clocks are. */
export interface EventLoopWatch {
  /** Longest block since it was last asked, seconds. */
  recent(): number;
  /** Longest block ever, seconds. */
  readonly longest: number;
  close(): void;
}

/** Milliseconds between two looks; a shorter block goes unseen. */
const RESOLUTION = 5;

/** Watches the event loop of this process. Cost: a timer every few milliseconds. */
export function watchEventLoop(): EventLoopWatch {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();
  let longest = 0;
  // What is measured is the time between two looks, the wait for the second one among it.
  const now = (): number => Math.max(0, delay.max / 1e9 - RESOLUTION / 1000);
  return {
    recent() {
      const block = delay.count > 0 ? now() : 0;
      longest = Math.max(longest, block);
      delay.reset();
      return block;
    },
    get longest() {
      return Math.max(longest, delay.count > 0 ? now() : 0);
    },
    close: () => void delay.disable(),
  };
}
