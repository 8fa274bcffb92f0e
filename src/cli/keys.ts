import type { World } from "./world.ts";

/** Ctrl-C, which a terminal that hands out single keys does not turn into a signal. */
const INTERRUPT = "\x03";

/** Calls `pressed` with each key on a terminal, until the answer is called. On anything but a terminal it does nothing. */
export function listenToKeys({ stdin, interrupt }: World, pressed: (key: string) => void): () => void {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return () => {};
  const read = (bytes: Uint8Array) => {
    for (const key of Buffer.from(bytes).toString()) {
      if (key === INTERRUPT) interrupt();
      else pressed(key);
    }
  };
  stdin.setRawMode(true);
  stdin.on("data", read);
  return () => {
    stdin.off("data", read);
    stdin.setRawMode?.(false);
    stdin.pause();
  };
}
