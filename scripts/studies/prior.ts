// Which expert to trust, and how long, while a series is young: the numbers of src/models/forecaster/mixture/prior.ts.
// node --import tsx scripts/studies/prior.ts [--monthly LONG.csv] [--hourly LONG.csv] [--series 80] [--grid]
//
// The files are long, `series,date,value`. Of each series the last 18 months or 48 hours are left out, so that a later trial can be
// made of them; forecasts are issued at every third row from 24 on, or at every 23rd hour from 100 on. Series are generated beside
// them: months with a trend, a season and noise of other sizes in each, others that grow by a share, and walks. Prints the mean absolute scaled error of each expert
// alone by how many rows there were, and of `auto` for a grid of priors (--grid: that alone); nothing of it is random but by seed.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { EXPERTS } from "../../src/models/forecaster/experts/table.ts";
import { Forecaster } from "../../src/models/forecaster/forecaster.ts";
import { PRIOR } from "../../src/models/forecaster/mixture/prior.ts";
import { specification } from "../../src/models/forecaster/specification.ts";
import { Arena } from "../../src/models/kernels/arena.ts";
import { seeded } from "../../src/models/network/seeded.ts";

interface Kind {
  readonly name: string;
  readonly horizon: number;
  readonly season: number;
  readonly from: number;
  readonly every: number;
  readonly all: readonly { readonly times: readonly number[]; readonly values: readonly number[] }[];
}

const { values: flags } = parseArgs({
  options: {
    monthly: { type: "string" },
    hourly: { type: "string" },
    series: { type: "string", default: "80" },
    grid: { type: "boolean" },
  },
});
const MOST = Number(flags.series);
/** Rows so far by which experts are told apart. */
const AGES = [48, 96, 200, Number.POSITIVE_INFINITY] as const;
/** Who may be trusted, and trials: of each in turn its log weight and the labels by which that is half. */
const TRUSTED = ["blend", "exponential-smoothing", "repetition", "holt-winters", "seasonal-arima"] as const;
const TRIALS = [
  "",
  "0/1 4/200 3/200 4/50",
  "6/200 5/200",
  "6/100 5/100",
  "6/100 5/100 3/200",
  "6/70 5/70 3/200",
  "6/100 5/100 3/200 0/1 1/200",
];

function read(path: string, left: number): Kind["all"] {
  const series = new Map<string, { times: number[]; values: number[] }>();
  for (const line of readFileSync(path, "utf8").trim().split(/\r?\n/).slice(1)) {
    const [name = "", date = "", value = ""] = line.split(",");
    const known = series.get(name) ?? { times: [], values: [] };
    series.set(name, known);
    known.times.push(Date.parse(date.length > 10 ? `${date.replace(" ", "T")}Z` : date));
    known.values.push(Number(value));
  }
  return [...series.values()].slice(0, MOST).map(({ times, values }) => ({
    times: times.slice(0, -left),
    values: values.slice(0, -left),
  }));
}

function generate(
  name: string,
  value: (i: number, normal: () => number, share: () => number) => () => number,
): Kind["all"] {
  return Array.from({ length: MOST }, (_, s) => {
    const random = seeded(s + 1, name);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const next = value(s, normal, random);
    const length = 60 + Math.floor(80 * random());
    return {
      times: Array.from({ length }, (_, i) => Date.UTC(2000, i)),
      values: Array.from({ length }, next),
    };
  });
}

const months = generate("months", (_, normal, share) => {
  const [slope, season, noise] = [2 * normal(), 40 * share(), 20 * share()];
  const shape = Array.from({ length: 12 }, normal);
  let [i, level] = [0, 400];
  return () => {
    level += slope + 0.3 * noise * normal();
    return level + season * (shape[i++ % 12] as number) + noise * normal();
  };
});
const growing = generate("growing", (_, normal, share) => {
  const [growth, noise] = [0.01 * share(), 0.05 * share()];
  const shape = Array.from({ length: 12 }, () => 0.2 * normal());
  let [i, level] = [0, 100];
  return () => {
    level *= 1 + growth + 0.005 * normal();
    return level * Math.exp((shape[i++ % 12] as number) + noise * normal());
  };
});
const walks = generate("walks", (_, normal) => {
  let level = 100;
  return () => (level += normal());
});

const monthly = { horizon: 18, season: 12, from: 24, every: 3 };
const kinds: Kind[] = [
  { name: "generated months", ...monthly, all: months },
  { name: "generated growth", ...monthly, all: growing },
  { name: "generated walks", ...monthly, season: 1, all: walks },
];
if (flags.monthly !== undefined) kinds.push({ name: "monthly", ...monthly, all: read(flags.monthly, 18) });
if (flags.hourly !== undefined)
  kinds.push({ name: "hourly", horizon: 48, season: 24, from: 100, every: 23, all: read(flags.hourly, 48) });

/** Mean over the series of the mean absolute scaled error of a model, all rows together and by how many there were. */
function errors(model: string, { horizon, season, from, every, all }: Kind): number[] {
  const sums = [0, ...AGES].map(() => ({ sum: 0, n: 0 }));
  for (const { times, values } of all) {
    const forecaster = new Forecaster(specification({ targets: ["v"], horizon, model }), new Arena());
    const own = sums.map(() => ({ sum: 0, n: 0 }));
    let change = 0;
    for (let i = 0; i < values.length - horizon; i++) {
      forecaster.observe(times[i] as number, Float64Array.of(values[i] as number));
      if (i >= season) change += Math.abs((values[i] as number) - (values[i - season] as number));
      if (i + 1 < from || (i + 1 - from) % every > 0) continue;
      let error = 0;
      for (let h = 1; h <= horizon; h++)
        error += Math.abs((forecaster.mean[h - 1] as number) - (values[i + h] as number)) / horizon;
      const scaled = (error * (i + 1 - season)) / change;
      for (const k of [0, 1 + AGES.findIndex((age) => i < age)]) {
        const cell = own[k] as { sum: number; n: number };
        cell.sum += scaled;
        cell.n++;
      }
    }
    for (const [k, { sum, n }] of own.entries()) {
      const cell = sums[k] as { sum: number; n: number };
      if (n > 0 && Number.isFinite(sum)) {
        cell.sum += sum / n;
        cell.n++;
      }
    }
  }
  return sums.map(({ sum, n }) => sum / n);
}

const print = (head: string, row: readonly number[]): void => {
  process.stdout.write(
    `${head.padEnd(34)}${row.map((v) => (Number.isNaN(v) ? "-" : v.toFixed(4)).padStart(10)).join("")}\n`,
  );
};
process.stdout.write(
  `${"alone".padEnd(34)}${["all", ...AGES.map((age) => `to ${age}`)].map((s) => s.padStart(10)).join("")}\n`,
);
for (const kind of flags.grid ? [] : kinds) {
  for (const model of ["auto", ...EXPERTS.map(({ name }) => name)])
    print(`${kind.name}, ${model}`, errors(model, kind));
}
process.stdout.write(
  `\n${"auto, by log weight/half of each".padEnd(34)}${kinds.map(({ name }) => name.slice(-9).padStart(10)).join("")}\n`,
);
for (const trial of TRIALS) {
  const trusts = trial.split(" ").filter(Boolean);
  for (const [i, name] of TRUSTED.entries()) {
    const [weight, half] = (trusts[i] ?? "0/1").split("/").map(Number) as [number, number];
    PRIOR[name] = { weight, half };
  }
  print(
    trial || "nobody",
    kinds.map((kind) => errors("auto", kind)[0] as number),
  );
}
