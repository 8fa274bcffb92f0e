import { EddyError } from "../models/errors.ts";
import { number, text, whole } from "../models/kinds.ts";
import type { Observation } from "../models/observation.ts";
import type { Intake } from "../server/intake.ts";
import { Units } from "../server/units.ts";
import type { AlertRule } from "../streams/alerts/rule.ts";
import type { SeriesOptions } from "../streams/series.ts";
import { defineCommand } from "./command.ts";
import { Flights, READING_MILLISECONDS, WARM_UP } from "./demo/flights.ts";
import { flag } from "./flags.ts";
import { DEFAULT_PORT, type Serving, startServing, stopped } from "./serving.ts";
import type { World } from "./world.ts";

/** Where the replay stands is kept under this name, in the transaction that holds the readings. */
const SOURCE = "demo/flights";
/** This machine's own state, beside them. */
const MACHINE = { name: "machine", kind: "machine", options: {} };
/** A full processor is nothing to tell of; one that stays full for a minute may be. */
const PROCESSOR: AlertRule = {
  name: "processor-full",
  series: "machine/processor",
  when: { reading: "above", limit: 95 },
  hold: "1m",
  clear: { limit: 80, hold: "10s" },
};
/** More flights than on all but the busiest mornings of that winter: told the evening before, some four times in two weeks. */
const RUSH: AlertRule = {
  name: "rush-hour",
  series: "departures/all airports",
  when: { forecast: "above", limit: 1150, within: 12, probability: 0.8 },
};
/** Ports tried after the usual one. */
const PORTS = 20;
/** Readings of each series that are handed in at once while it warms up: a day. */
const WARMED_AT_ONCE = 24;

export const command = defineCommand({
  name: "start",
  summary: "the demo: flights of a whole country and this machine's own load, forecast live on a page",
  description:
    "Replays how many flights left US airports in each hour of 2001 (all of them, and three by themselves), six weeks of it at once " +
    "and the rest much faster than life and without end, samples this machine's load beside it, and forecasts all of it. Two alerts " +
    "show what they are for: a rush of flights is told hours before, a processor that stays full for a minute once it has. Started " +
    "again on the same database it goes on where it was.",
  flags: {
    port: flag(whole(0, 65_535), `port of the page (default ${DEFAULT_PORT}, or the next free one)`),
    db: flag(text("a file", "FILE"), "the database; made when there is none", "eddy-data/demo.db"),
    speed: flag(number(1, 1_000_000), "how many times faster than life the recording runs", 2400),
  },
  examples: ["eddy start", "eddy start --speed 10000 --port 9000"],
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
    const flights = new Flights();
    let reading = Number(engine.sources.get(SOURCE) ?? 0);
    const replayed = async (count: number) => {
      const batch = Array.from({ length: count }, (_, i) => flights.reading(reading + i)).flat();
      reading += count;
      await offer(intake, batch, { [SOURCE]: String(reading) });
    };
    const replay = async () => {
      const fresh = reading < WARM_UP;
      while (reading < WARM_UP && !world.stop.aborted)
        await replayed(Math.min(WARMED_AT_ONCE, WARM_UP - reading));
      // Made as anybody makes one, once: forecasts are good by now, and whoever moves or deletes it finds it so after a restart.
      if (fresh && !world.stop.aborted) await engine.alerts.put(RUSH.name, RUSH);
      await every(world, READING_MILLISECONDS / flags.speed, () => replayed(1));
    };
    await Promise.race([stopped(world), replay()]);
    await server.close();
    return 0;
  },
});

/** Opens the demo's server: on the port asked for, or on the usual one or the first free one after it. */
async function open(world: World, database: string, port: number | undefined): Promise<Serving> {
  // Recorded time runs faster than the clock and overtakes it some time.
  const units = {
    "departures/*": "flights/h",
    "machine/network-*": "B/s",
    "machine/processor": "%",
    "machine/memory": "%",
    "machine/disk": "%",
  };
  const series = (name: string): SeriesOptions => ({
    horizon: 24,
    detail: true,
    quantiles: [0.25, 0.75],
    ...(name.startsWith("departures/") ? { min: 0, integer: true } : {}),
  });
  const said = new Units(units);
  const alerts = { rules: [PROCESSOR], unit: (name: string, target: string) => said.of(name, target) };
  const engine = { database, series, ahead: Number.POSITIVE_INFINITY, alerts };
  if (port !== undefined) return startServing(world, engine, { port, sources: [MACHINE], units });
  for (let candidate = DEFAULT_PORT; ; candidate++) {
    try {
      return await startServing(world, engine, { port: candidate, sources: [MACHINE], units });
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
