// One line per run with a hash of every bit of every forecast in it, and of what was told of the reading before, and one line for all of them: two versions of the
// program, or of Node, forecast the same when the last lines are the same.
//
//   node --import tsx scripts/check/fingerprint.ts                            # generated series, some ten seconds
//   node --import tsx scripts/check/fingerprint.ts --horizon 24 readings.csv  # and a file of readings
//   node --import tsx scripts/check/fingerprint.ts --rows 2000 readings.csv   # and its first rows
//
// Every run is made twice: once at a stretch, and once saved in the middle and continued by a new series. Where the two
// differ, the line says so and the exit code is 1.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { parseArgs } from "node:util";
import { Arena, type Observation } from "../../src/models/index.ts";
import { seeded } from "../../src/models/network/seeded.ts";
import { fileReadings, isRefused, Series, type SeriesOptions } from "../../src/streams/index.ts";

const HOUR = 3_600_000;
const ROWS = 260;
/** One arena for all: frozen reservoirs are made once. */
const arena = new Arena();

/** Values of one moment by column, null where missing; `time` in hours, where it is not that of the row. */
type Row = Readonly<Record<string, number | null>>;

/** A made-up series by name. Only sums and products: what `Math.sin` says depends on the version of Node. */
const SERIES: Readonly<Record<string, (t: number, random: () => number, state: number[]) => Row>> = {
  daily: (t, random, state) => {
    const hour = t % 24;
    const before = state[0] ?? 0;
    state[0] = 0.8 * before + 0.3 * (random() - 0.5);
    return { load: 10 + (hour * (24 - hour)) / 60 + state[0], lead: 5 + before + 0.1 * random() };
  },
  faulty: (t, random, state) => {
    state[0] = 0.9 * (state[0] ?? 0) + random() - 0.5;
    const value = 20 + state[0] + ((t % 7) * (7 - (t % 7))) / 3;
    if (t % 53 === 17) return { value: 1e6 };
    if (t % 29 > 26) return { value: null };
    return { value: t > 150 ? value + 40 : t > 90 && t < 110 ? 21 : value };
  },
  counter: (t, random, state) => {
    state[0] = (t === 170 ? 0 : (state[0] ?? 0)) + Math.floor(8 * random()) + (t % 12);
    return { total: state[0] };
  },
  /** At times of its own: up to nine hours apart. */
  irregular: (t, random, state) => {
    state[0] = (state[0] ?? 0) + 1 + Math.floor(9 * random()) * 0.99;
    const hour = state[0] % 24;
    return { time: state[0], level: 3 + (hour * (24 - hour)) / 90 + random() * (t > 200 ? 3 : 1) };
  },
  walk: (_t, random, state) => {
    state[0] = (state[0] ?? 100) + random() + random() - 1;
    return { price: state[0] };
  },
};

/** What is run: the series, and how it is forecast. */
const RUNS: readonly (readonly [series: keyof typeof SERIES, options: SeriesOptions])[] = [
  ["daily", { horizon: 24, quantiles: [0.05, 0.5, 0.9] }],
  ["daily", { horizon: 5, targets: ["load"], inputs: ["lead"], periods: [24] }],
  ["daily", { horizon: 6, model: "auto:mixture=equal,without=lstm" }],
  ["daily", { horizon: 6, model: "auto:intervals=aci,without=recurrent+average", periods: [60] }],
  ["faulty", { horizon: 12, quantiles: [0.1, 0.9], min: 0 }],
  ["faulty", { horizon: 1 }],
  ["counter", { horizon: 8, counter: true, integer: true }],
  ["walk", { horizon: 12 }],
  ["irregular", { horizon: 24, quantiles: [0.25] }],
  ["irregular", { horizon: 4, model: "leaky:hidden=6" }],
  ...[
    "persistence",
    "seasonal",
    "average",
    "exponential-smoothing",
    "second-naive",
    "profile",
    "second-profile",
    "profile-revert",
    "seasonal-drift",
    "holt-winters",
    "ar",
    "periodic-autoregression",
    "vector-autoregression",
    "repetition",
    "echo-sharp",
    "echo-plain",
    "echo-smooth",
    "echo-state",
    "recurrent",
    "lstm",
    "esn:units=40,leak=0.5",
    "gru:hidden=8",
    "elman:hidden=6",
    "clockwork",
    "deep:layers=3",
    "leaky:hidden=6",
    "skip:hidden=6",
  ].map((model) => ["daily", { horizon: 4, model, periods: model === "holt-winters" ? [24] : [] }] as const),
];

function observations(name: keyof typeof SERIES): Observation[] {
  const random = seeded(7, name);
  const state: number[] = [];
  return Array.from({ length: ROWS }, (_, t) => {
    const { time, ...values } = (SERIES[name] as (typeof SERIES)[string])(t, random, state);
    return { series: name, time: Math.round((time ?? t) * HOUR), values };
  });
}

/** A hash over every forecast of one run, and how many there were. */
class Told {
  readonly #hash = createHash("sha256");
  forecasts = 0;

  open(first: Observation, options: SeriesOptions): Series {
    const series = Series.open(first, options, arena, (time, offset) => {
      const { ready, mean, lower, upper, quantiles, surprise, taken } = series.forecaster;
      if (!ready) return;
      this.#hash.update(Float64Array.of(time, offset));
      for (const numbers of [mean, lower, upper, ...quantiles, surprise, taken]) this.#hash.update(numbers);
      this.forecasts++;
    });
    return series;
  }

  get hash(): string {
    return this.#hash.copy().digest("hex").slice(0, 16);
  }
}

/** Hashes of all forecasts, made at a stretch and continued in the middle. */
function run(given: readonly Observation[], options: SeriesOptions) {
  const [first] = given;
  if (first === undefined) return { forecasts: 0, hash: "nothing", same: true };
  const middle = given.length >> 1;
  const [whole, continued] = [new Told(), new Told()];
  const series = whole.open(first, options);
  given.forEach((observation, i) => void series.push(observation, i));
  series.release();
  const before = continued.open(first, options);
  given.slice(0, middle).forEach((observation, i) => void before.push(observation, i));
  const state = before.save();
  before.release();
  const after = continued.open(first, options);
  after.restore(state);
  given.slice(middle).forEach((observation, i) => void after.push(observation, middle + i));
  after.release();
  return { forecasts: whole.forecasts, hash: whole.hash, same: continued.hash === whole.hash };
}

async function fileObservations(path: string, rows: number): Promise<Map<string, Observation[]>> {
  const bySeries = new Map<string, Observation[]>();
  let taken = 0;
  for await (const batch of fileReadings(fs, path)) {
    for (const reading of batch) {
      if (isRefused(reading)) continue;
      if (taken++ >= rows) return bySeries;
      const { observation } = reading;
      const list = bySeries.get(observation.series) ?? [];
      bySeries.set(observation.series, list);
      list.push(observation);
    }
  }
  return bySeries;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    horizon: { type: "string", default: "24" },
    rows: { type: "string", default: "Infinity" },
    model: { type: "string", default: "auto" },
  },
});

const all = createHash("sha256");
const tell = (name: string, { forecasts, hash, same }: ReturnType<typeof run>): void => {
  all.update(hash);
  if (!same) process.exitCode = 1;
  console.log(
    `${hash}  ${forecasts} forecasts  ${name}${same ? "" : "  DIFFERS when it is saved and continued"}`,
  );
};
for (const [name, options] of RUNS)
  tell(`${name} ${JSON.stringify(options)}`, run(observations(name), options));
for (const path of positionals) {
  const options = { horizon: Number(values.horizon), model: values.model };
  for (const [name, given] of await fileObservations(path, Number(values.rows))) {
    tell(`${path} ${name} ${JSON.stringify(options)}`, run(given, options));
  }
}
console.log(`fingerprint ${all.digest("hex").slice(0, 16)}`);
