/** Time as the engine and the store know it. It is passed in, so that a simulation can turn it by hand. */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Milliseconds that only ever grow, for measuring how long something took. */
  monotonic(): number;
  /** Runs `task` once, at least `milliseconds` from now; the returned function calls it off. */
  after(milliseconds: number, task: () => void): () => void;
  /** Runs `task` once whatever else is waiting (sockets, timers) has had its turn. */
  soon(task: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    return () => clearTimeout(timer);
  },
  soon: (task) => void setImmediate(task),
};
