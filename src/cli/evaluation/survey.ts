import type * as fileSystem from "node:fs";
import { Arena } from "../../models/kernels/arena.ts";
import { Layout } from "../../models/kernels/layout.ts";
import { Welford } from "../../models/statistics/welford.ts";
import { type FormatOptions, isRefused } from "../../streams/formats/reading.ts";
import { fileReadings } from "../../streams/sources/file.ts";

/** What has to be known of a recording before it can be scored. */
export interface Survey {
  /** Rows of data, refused ones among them. */
  readonly rows: number;
  /** Columns in the order of the file. */
  readonly columns: readonly string[];
  readonly train: number;
  /** Mean and population deviation of the training rows, per column. */
  readonly moments: ReadonlyMap<string, { mean: number; deviation: number }>;
  /** Usual milliseconds between rows. */
  readonly stepMilliseconds: number;
  readonly timed: boolean;
  readonly series: ReadonlySet<string>;
}

/** Reads a recording once to count its rows and measure its training rows; `train` defaults to the first fifth. */
export async function survey(
  fs: typeof fileSystem,
  path: string,
  options: FormatOptions,
  train: number | undefined,
): Promise<Survey> {
  const first = await scan(fs, path, options, train ?? Number.POSITIVE_INFINITY);
  if (train !== undefined) return { ...first, train };
  const fifth = Math.floor(first.rows / 5);
  return { ...(await scan(fs, path, options, fifth)), train: fifth };
}

async function scan(
  fs: typeof fileSystem,
  path: string,
  options: FormatOptions,
  train: number,
): Promise<Omit<Survey, "train">> {
  const arena = new Arena({ backend: "reference64", bankBytes: 2 ** 16 });
  const columns = new Map<string, Welford>();
  const intervals: number[] = [];
  const series = new Set<string>();
  let rows = 0;
  let timed = false;
  let last = Number.NaN;
  for await (const batch of fileReadings(fs, path, options)) {
    for (const reading of batch) {
      rows = Math.max(rows, reading.row + 1);
      if (isRefused(reading)) continue;
      const { observation } = reading;
      if (series.size < 2) series.add(observation.series);
      timed ||= reading.timed;
      if (intervals.length < 1000 && observation.time > last) intervals.push(observation.time - last);
      last = observation.time;
      for (const name in observation.values) {
        let moments = columns.get(name);
        if (moments === undefined) {
          const layout = new Layout(arena);
          moments = new Welford(layout, name, 1);
          layout.allocate();
          columns.set(name, moments);
        }
        const value = observation.values[name];
        if (reading.row < train && value !== null) moments.add([value]);
      }
    }
  }
  intervals.sort((a, b) => a - b);
  return {
    rows,
    columns: [...columns.keys()],
    moments: new Map(
      [...columns].map(([name, m]) => [
        name,
        { mean: m.mean(0), deviation: Math.sqrt(m.populationVariance(0)) || 1 },
      ]),
    ),
    stepMilliseconds: intervals[intervals.length >> 1] ?? 1000,
    timed,
    series,
  };
}
