import { dirname } from "node:path";
import { Arena } from "../models/kernels/arena.ts";
import { type Engine, type EngineOptions, openEngine } from "../server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../server/server.ts";
import { systemClock } from "../storage/clock.ts";
import { type LogOptions, serverLog } from "./server-log.ts";
import type { World } from "./world.ts";

export const DEFAULT_PORT = 8787;

export interface Serving {
  readonly server: Server;
  readonly engine: Engine;
}

/**
 * Listens, warms up, opens the database, and is ready. The port comes first: a taken one is told before anything is recovered.
 * The folder of the database is made when there is none. `kinds` names a series of each kind that there may be.
 */
export async function startServing(
  world: World,
  engineOptions: EngineOptions,
  serverOptions: Omit<ServerOptions, "engine">,
  kinds: readonly string[] = ["any"],
  options: LogOptions = {},
): Promise<Serving> {
  const log = serverLog(world, options);
  let recovered: (engine: Engine) => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const recovery = new Promise<Engine>((resolve, reject) => {
    recovered = resolve;
    failed = reject;
  });
  const server = await startServer({
    ...serverOptions,
    engine: recovery,
    now: world.now,
    sourceWorld: { fs: world.fs, fetch: world.fetch },
    deliveryWorld: {
      fs: world.fs,
      fetch: world.fetch,
      spawn: world.spawn,
      environment: world.environment,
    },
    log,
    onError: (error) => log.error(error),
  });
  try {
    // Readings are nobody else's business: a folder that is made here is private, and so is all that comes to be in it.
    world.fs.mkdirSync(dirname(engineOptions.database), { recursive: true, mode: 0o700 });
    const arena = new Arena();
    const { series } = engineOptions;
    const { warmUp } = await import("../server/warm-up.ts");
    await warmUp({
      arena,
      series: typeof series === "function" ? series : () => series ?? {},
      names: kinds,
      clock: systemClock,
    });
    const engine = await openEngine({ ...engineOptions, arena, log });
    recovered(engine);
    await server.ready;
    return { server, engine };
  } catch (error) {
    failed(error);
    await server.close();
    throw error;
  }
}

/** Resolves when the user or the system wants an end. */
export const stopped = ({ stop }: World): Promise<void> =>
  new Promise((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener("abort", () => resolve(), { once: true });
  });
