import { parse } from "node:path";
import type { Kind } from "../models/kinds.ts";
import type { DatabaseReader } from "../storage/sqlite/reader.ts";
import { FarAhead } from "../streams/far-ahead.ts";
import { isRefused, type Reading } from "../streams/formats/reading.ts";
import type { TimedEvent } from "../streams/ordering.ts";
import { fileReadings } from "../streams/sources/file.ts";
import { defineCommand } from "./command.ts";
import { databaseReadings, databaseSettings, isDatabase } from "./database-readings.ts";
import { address, flag, moment, toggle, typed } from "./flags.ts";
import { forecastFlags, formatOptions, inputFlags, seriesOptions } from "./forecast-flags.ts";
import { ForecastLines } from "./forecast-lines.ts";
import { listenToKeys } from "./keys.ts";
import { checkOptions, Live } from "./live.ts";
import { Pace } from "./pace.ts";
import { PostObservations } from "./post-observations.ts";
import { Progress } from "./progress.ts";
import { recognitionLine } from "./recognition-line.ts";
import { Refusals } from "./refusals.ts";

const NO_VALUES = new Float64Array(0);

/** Between two looks at the keys, milliseconds. */
const LONGEST_SLEEP = 1000;

/** Times as fast as it was recorded. */
const speed: Kind<number> = {
  ...typed("X|max", "a number above 0, or max", (text) => {
    if (text === "max") return Number.POSITIVE_INFINITY;
    const times = /^\d*\.?\d+x?$/.test(text) ? Number.parseFloat(text) : 0;
    return times > 0 ? times : undefined;
  }),
  show: (times) => (Number.isFinite(times) ? String(times) : "max"),
};

/** The driver is loaded only for those who have a database. */
async function openDatabase(path: string): Promise<DatabaseReader> {
  const { DatabaseReader } = await import("../storage/sqlite/reader.ts");
  return new DatabaseReader(path);
}

export const command = defineCommand({
  name: "replay",
  summary: "drive the live path with a recording, at the speed of its own time or faster",
  description:
    "Forecasts go to stdout as NDJSON, the same that eddy pipe writes of the same lines. With --into, the observations go to a server instead, in batches that are durable once answered; a batch may be sent again without harm, and a full server is waited for. A server's token is taken from EDDY_TOKEN.\n\nOn a terminal the space bar stops and starts time.\n\nThe series of a database keep the settings they were born with, so that their forecasts are those that were made live.",
  operand: {
    name: "FILE",
    summary: "a recording (any text that eddy pipe reads, Arrow, Parquet) or a database of eddy serve",
  },
  flags: {
    speed: flag(speed, "times as fast as it was recorded, or max", Number.POSITIVE_INFINITY),
    from: flag(moment, "begin there: what is before is taken at once, and its forecasts are not written"),
    to: flag(moment, "end before this time"),
    into: flag(address, "post the observations to this server"),
    ...inputFlags,
    ...forecastFlags("replay"),
    json: toggle("with --into, print on stdout what the server answered, summed up, as JSON"),
  },
  examples: ["eddy replay sensors.arrow --speed 60", "eddy replay sensors.csv --into http://127.0.0.1:8787"],
  async run({ flags, operand: path, world }) {
    const options = seriesOptions(flags);
    checkOptions(options);
    const { name } = parse(path);
    const refusals = new Refusals(world, path);
    const database = (await isDatabase(world.fs, path)) ? await openDatabase(path) : undefined;
    const live = new Live(database ? databaseSettings(database) : options, refusals);
    const source = database
      ? databaseReadings(database)
      : fileReadings(world.fs, path, formatOptions(flags), flags.format, (recognition) => {
          if (!flags.quiet) refusals.found(recognitionLine(path, recognition));
          if (flags.into !== undefined) refusals.tellFound();
        });
    const out = new ForecastLines(world.stdout);
    const post =
      flags.into &&
      new PostObservations(world, flags.into, (line, message) => refusals.add(line, "by-server", message));
    const pace = new Pace(world, flags.speed);
    const progress = new Progress(world);
    let sent = 0;
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = flags;
    const take = (reading: Reading): Promise<void> | undefined => {
      if (post === undefined) {
        const issues = live.push(reading);
        return isRefused(reading) || reading.observation.time < from ? undefined : out.add(issues);
      }
      if (isRefused(reading)) {
        refusals.add(reading.line, reading.reason, reading.message);
        return undefined;
      }
      for (const cell of reading.lost ?? []) refusals.lose(reading.line, cell);
      sent++;
      return post.add(reading.observation, reading.line, `${name}#${reading.row}`);
    };
    const flush = () => post?.flush() ?? out.flush();
    const deaf = listenToKeys(world, (key) => {
      if (key === " ") pace.toggle();
    });
    /** Waits until `time` is due; what was due before has been written by then. */
    const due = async (time: number, row: number): Promise<void> => {
      for (let wait = pace.until(time); wait > 0 && !world.stop.aborted; wait = pace.until(time)) {
        await flush();
        progress.count(`${path} ${new Date(time).toISOString()}${pace.paused ? " paused" : ""}`, row);
        await world.sleep(Math.min(wait, LONGEST_SLEEP));
      }
      progress.count(`${path} ${new Date(time).toISOString()}`, row);
    };
    /** Readings in order, from the first whose date the next ones have to confirm: a wrong one is not waited for, and is no end. */
    const queue: { readonly reading: Reading; believed?: boolean }[] = [];
    const dates = new FarAhead(flags.ahead);
    const settle = (believed: boolean) => (event: TimedEvent) => {
      const entry = queue.find(({ reading }) => !isRefused(reading) && reading.row === event.offset);
      if (entry !== undefined) entry.believed = believed;
    };
    const [believe, doubt] = [settle(true), settle(false)];
    /** Takes what is settled, each when it is due; whether to go on. */
    const deliver = async (): Promise<boolean> => {
      for (let next = queue[0]; next?.believed !== undefined; next = queue[0]) {
        const { reading, believed } = next;
        queue.shift();
        if (!isRefused(reading)) {
          const { time } = reading.observation;
          if (time >= to && believed) return false;
          if (time >= to) continue;
          if (time >= from && believed) await due(time, reading.row);
        }
        if (world.stop.aborted) return false;
        await take(reading);
      }
      return true;
    };
    try {
      let goOn = true;
      reading: for await (const batch of source) {
        for (const reading of batch) {
          if (isRefused(reading)) queue.push({ reading, believed: false });
          else {
            queue.push({ reading });
            const { time } = reading.observation;
            dates.push({ time, offset: reading.row, values: NO_VALUES }, Number.NaN, believe, doubt);
          }
          goOn = await deliver();
          if (!goOn) break reading;
        }
        // A key is only heard between two batches when nothing is waited for.
        await new Promise(setImmediate);
      }
      dates.end(believe, doubt);
      if (goOn) await deliver();
    } finally {
      deaf();
      database?.close();
    }
    // A journal has no end: what its series still hold back, they held back live.
    if (post === undefined && database === undefined) await out.add(live.end());
    await flush();
    progress.clear();
    refusals.tellFound();
    const taken = post === undefined ? live.taken : sent;
    if (post === undefined) refusals.leftOut(live.ignored);
    if (refusals.any) await world.stderr.write(refusals.summary(taken));
    if (post !== undefined) {
      const { accepted, duplicate, late, refused } = post.posted;
      if (flags.json) await world.stdout.write(`${JSON.stringify(post.posted)}\n`);
      await world.stderr.write(
        `eddy: ${path}: ${accepted} accepted, ${duplicate} duplicate, ${late} late, ${refused} refused by ${flags.into?.origin}\n`,
      );
    }
    return taken === 0 && refusals.total > 0 ? 1 : 0;
  },
});
