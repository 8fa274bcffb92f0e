import { EddyError } from "../models/errors.ts";
import { number, text, whole } from "../models/kinds.ts";
import type { Observation } from "../models/observation.ts";
import type { Intake } from "../server/intake.ts";
import { defineCommand } from "./command.ts";
import { READING_MILLISECONDS, Sensors } from "./demo/sensors.ts";
import { flag } from "./flags.ts";
import { DEFAULT_PORT, type Serving, startServing, stopped } from "./serving.ts";
import type { World } from "./world.ts";

/** Where the replay stands is kept under this name, in the transaction that holds the readings. */
const SOURCE = "demo/sensors";
/** This machine's own state, beside them. */
const MACHINE = { name: "machine", kind: "machine", options: {} };
/** Ports tried after the usual one. */
const PORTS = 20;

export const command = defineCommand({
  name: "start",
  summary: "the demo: recorded sensors and this machine's own load, forecast live on a page",
  description:
    "Replays a recorded sensor network (four motes, humidity and temperature) faster than life and without end, samples " +
    "this machine's load beside it, and forecasts all of it. Started again on the same database it goes on where it was.",
  flags: {
    port: flag(whole(0, 65_535), `port of the page (default ${DEFAULT_PORT}, or the next free one)`),
    db: flag(text("a file", "FILE"), "the database; made when there is none", "eddy-data/demo.db"),
    speed: flag(number(0.1, 10_000), "how many times faster than life the recording runs", 30),
  },
  examples: ["eddy start", "eddy start --speed 100 --port 9000"],
  async run({ flags, world }) {
    const { server, engine } = await open(world, flags.db, flags.port);
    const first = engine.issues$.subscribe(() => {
      first.unsubscribe();
      void world.stdout.write(`first forecast ${(performance.now() / 1000).toFixed(1)} s after the start\n`);
    });
    await world.stdout.write(
      `Eddy listens on ${server.url}  (Ctrl-C ends it; what it has learned is kept)\n`,
    );
    const intake = await server.intake;
    const sensors = new Sensors();
    let reading = Number(engine.sources.get(SOURCE) ?? 0);
    await Promise.race([
      stopped(world),
      every(world, READING_MILLISECONDS / flags.speed, async () => {
        const batch = sensors.reading(reading);
        await offer(intake, batch, { [SOURCE]: String(++reading) });
      }),
    ]);
    await server.close();
    return 0;
  },
});

/** Opens the demo's server: on the port asked for, or on the usual one or the first free one after it. */
async function open(world: World, database: string, port: number | undefined): Promise<Serving> {
  // Recorded time runs faster than the clock and overtakes it some time.
  const engine = { database, series: { horizon: 24 }, ahead: Number.POSITIVE_INFINITY };
  if (port !== undefined) return startServing(world, engine, { port, sources: [MACHINE] });
  for (let candidate = DEFAULT_PORT; ; candidate++) {
    try {
      return await startServing(world, engine, { port: candidate, sources: [MACHINE] });
    } catch (error) {
      const taken = error instanceof EddyError && error.code === "port-taken";
      if (!taken || candidate === DEFAULT_PORT + PORTS) throw error;
    }
  }
}

/** Runs `work` every so many milliseconds until the end; when it takes longer, the turns in between are left out. */
async function every(world: World, milliseconds: number, work: () => Promise<void>): Promise<void> {
  let due = world.now();
  while (!world.stop.aborted) {
    await work();
    due = Math.max(due + milliseconds, world.now() - milliseconds);
    await world.sleep(Math.max(0, due - world.now()));
  }
}

/** Hands a batch in; one that finds the intake full or shut is left out, as a sensor's reading would be. */
async function offer(
  intake: Intake,
  batch: readonly Observation[],
  sources: Record<string, string>,
): Promise<void> {
  try {
    await intake.ingest(batch, { sources });
  } catch (error) {
    if (!(error instanceof EddyError && error.code === "busy")) throw error;
  }
}
