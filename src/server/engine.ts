import type { Arena } from "../models/kernels/arena.ts";
import { systemClock } from "../storage/clock.ts";
import { SqliteStore } from "../storage/sqlite/store.ts";
import type { Pipeline } from "../streams/pipeline.ts";
import type { SeriesOptions } from "../streams/series.ts";
import type { Engine, EngineSettings } from "./engine/contract.ts";
import { Hosting } from "./engine/hosting.ts";
import { LiveEngine } from "./engine/live.ts";
import { seriesMaker } from "./engine/series.ts";

export type * from "./engine/contract.ts";

export interface EngineOptions extends EngineSettings {
  /** Path of the SQLite file; made when there is none. */
  readonly database: string;
  /** How new series are opened. */
  readonly series?: SeriesOptions | ((series: string) => SeriesOptions);
  readonly arena?: Arena;
  /** Pipelines that are hosted beside the series. */
  readonly pipelines?: readonly Pipeline[];
  /** `power` (default): what is acknowledged survives a power cut; `process`: it survives `kill -9`. */
  readonly durability?: "power" | "process";
  /** Upper bound of the database file in bytes; beyond it the disk counts as full. */
  readonly maxBytes?: number;
  /** Called at named points inside commits, checkpoints and copying; for tests that kill the process there. */
  readonly failpoint?: (name: string) => void;
}

/**
 * Opens the database, recovers every series to the bits it had, and takes observations. Throws `locked` when another
 * process has the database, `storage` when it cannot be read, `bad-state` when no checkpoint of a series is good.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { database, durability, maxBytes, failpoint } = options;
  const store = new SqliteStore({
    path: database,
    ...(durability ? { durability } : {}),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(failpoint ? { failpoint } : {}),
    ...(options.clock ? { clock: options.clock } : {}),
    reset: options.reset ?? false,
    say: (level, message) => options.log?.[level](message),
  });
  try {
    const hosting = new Hosting(options.pipelines ?? [], options.log ?? { info() {}, warn() {}, error() {} });
    return new LiveEngine(
      store,
      seriesMaker(options.series, options.arena, hosting),
      options.clock ?? systemClock,
      options,
    );
  } catch (error) {
    await store.close();
    throw error;
  }
}
