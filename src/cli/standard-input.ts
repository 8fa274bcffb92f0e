import type { World } from "./world.ts";

/** The bytes of stdin, until it ends or the world wants an end. */
export async function* standardInput(world: World): AsyncGenerator<Uint8Array> {
  const end = () => world.stdin.destroy();
  if (world.stop.aborted) return;
  world.stop.addEventListener("abort", end);
  try {
    for await (const chunk of world.stdin) yield chunk as Uint8Array;
  } catch (error) {
    // Destroying a stream in mid-read is told as an error; here it is the end that was asked for.
    if (!world.stop.aborted) throw error;
  } finally {
    world.stop.removeEventListener("abort", end);
  }
}
