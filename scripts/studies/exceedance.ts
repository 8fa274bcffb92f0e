/**
 * Exceedance: whether readings leave a range as often as was said, and what that is worth as a warning.
 *
 *     node --import tsx scripts/studies/exceedance.ts                    generated kinds; writes docs/studies/exceedance.md and .svg
 *     node --import tsx scripts/studies/exceedance.ts readings.csv ...   files of readings instead, printed only
 *     node --import tsx scripts/studies/exceedance.ts --rows 4000        rows of each; of a file its first ones
 *     node --import tsx scripts/studies/exceedance.ts --kind bursts --series 8 --seed 7 --model auto
 *
 * Every sixth reading, ten limits are asked about: levels of the 600 readings before, chosen anew every 300 rows, so that no limit
 * knows what comes. Nothing is left out but the first 300 readings. Warnings: a rule with the highest of the first 600 readings' .98
 * level, beside the reading itself and a straight line as far ahead, with the same hold and clear (`eddy alerts test` does the same).
 */

import * as fs from "node:fs";
import { parseArgs } from "node:util";
import { Arena, type Observation } from "../../src/models/index.ts";
import { conditionOf } from "../../src/streams/alerts/condition.ts";
import { Trial, WAYS } from "../../src/streams/alerts/trial.ts";
import { fileReadings, isRefused, Series, type SeriesOptions } from "../../src/streams/index.ts";
import { lineChart } from "./line-chart.ts";
import { MONITORED, monitoredSeries } from "./monitored-series.ts";
import { Reliability, type ReliabilityBin } from "./reliability.ts";

const PATH = new URL("../../docs/studies/exceedance", import.meta.url).pathname;
const H = 24;
const WITHIN = [1, H / 2, H] as const;
const BINS = 10;
const FIRST = 300;
const WARMUP = 600;
const ABOVE = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1];
const BELOW = [0.02, 0.1, 0.3];
/** Rows of a block: windows of different blocks hardly overlap, so that they count as independent. */
const BLOCK = 4 * H;
/** A bin says something where its standard error is at most this. */
const EXACT = 0.03;

interface Input {
  readonly name: string;
  readonly observations: readonly Observation[];
  readonly options: SeriesOptions;
}

interface Result {
  readonly name: string;
  /** By `WITHIN`. */
  readonly reliability: readonly Reliability[];
  /** By way to be warned. */
  readonly warnings: ReadonlyMap<string, Warned>;
}

/** Figures of warnings, in steps. */
interface Warned {
  readonly crossings: number;
  readonly leads: readonly number[];
  readonly firings: number;
  readonly falseAlarms: number;
  readonly weeks: number;
}

const reliabilities = (): Reliability[] => WITHIN.map(() => new Reliability(BINS));

function study({ name, observations, options }: Input, arena: Arena): Result {
  const readings = observations.map(({ values }) => Object.values(values)[0] ?? Number.NaN);
  const reliability = reliabilities();
  const series = Series.open(observations[0] as Observation, options, arena);
  const target = series.specification.targets[0] as string;
  const limit = level(known(readings.slice(0, WARMUP)), 0.98);
  const trials = [0.5, 0.8].map((probability) => {
    const when = { forecast: "above", limit, probability, within: H / 2 } as const;
    return { probability, trial: new Trial(conditionOf({ name: "rule", series: "*", when })) };
  });
  let ranges: { low: number; high: number }[] = [];
  observations.forEach((observation, t) => {
    if (t % 300 === 0 && t > 0) {
      const past = known(readings.slice(Math.max(0, t - WARMUP), t));
      ranges = [
        ...ABOVE.map((p) => ({ low: Number.NEGATIVE_INFINITY, high: level(past, p) })),
        ...BELOW.map((p) => ({ low: level(past, p), high: Number.POSITIVE_INFINITY })),
      ];
    }
    const issue = series.push(observation, t).issues.at(-1);
    const told = issue?.targets[0];
    if (issue === undefined || told === undefined || t < FIRST) return;
    if (t >= WARMUP) {
      const crossing = series.crossing(target, { low: Number.NEGATIVE_INFINITY, high: limit }, H / 2);
      const { observed: value, surprise, skill, taken } = told;
      const look = {
        time: issue.time,
        value,
        doubted: taken === 0,
        surprise,
        skill,
        step: issue.step,
        crossing,
      };
      for (const { trial } of trials) trial.take(look);
    }
    if (t % 6 !== 0 || t + H >= readings.length) return;
    for (const range of ranges) {
      const { probability } = series.crossing(target, range, H);
      let crossed = Number.POSITIVE_INFINITY;
      for (let h = H; h >= 1; h--) {
        const y = readings[t + h] as number;
        if (y < range.low || y > range.high) crossed = h;
      }
      const block = String(Math.floor(t / BLOCK));
      WITHIN.forEach((h, i) => {
        reliability[i]?.add(block, probability[h - 1] as number, crossed <= h);
      });
    }
  });
  const step = series.stepMilliseconds;
  series.release();
  const warnings = new Map<string, Warned>();
  trials.forEach(({ probability, trial }, i) => {
    for (const way of WAYS) {
      const figures = trial.figures.get(way);
      if (figures === undefined || (i > 0 && way !== "rule")) continue;
      const said = { rule: `forecast, ${probability}`, reading: "reading", line: "straight line" }[way];
      warnings.set(said, { ...figures, leads: figures.leads.map((lead) => lead / step) });
    }
  });
  return { name, reliability, warnings };
}

const known = (readings: readonly number[]): number[] => readings.filter((v) => !Number.isNaN(v));

/** The p-level of some readings. */
function level(readings: readonly number[], p: number): number {
  const sorted = [...readings].sort((a, b) => a - b);
  return sorted[Math.floor(p * (sorted.length - 1))] as number;
}

/** Results of several series as one. */
function joined(name: string, results: readonly Result[]): Result {
  const reliability = reliabilities();
  const warnings = new Map<string, Warned>();
  results.forEach((result, r) => {
    reliability.forEach((all, i) => {
      all.join(result.reliability[i] as Reliability, String(r));
    });
    for (const [way, one] of result.warnings) {
      const sum = warnings.get(way);
      warnings.set(
        way,
        sum === undefined
          ? one
          : {
              crossings: sum.crossings + one.crossings,
              leads: [...sum.leads, ...one.leads],
              firings: sum.firings + one.firings,
              falseAlarms: sum.falseAlarms + one.falseAlarms,
              weeks: sum.weeks + one.weeks,
            },
      );
    }
  });
  return { name, reliability, warnings };
}

/** Whether so little is left to chance in a bin that it says something. */
const tells = ({ error }: ReliabilityBin): boolean => error <= EXACT;

const off = ({ said, came }: ReliabilityBin): number => came - said;

/** The mean difference, each bin by its forecasts. */
function usual(bins: readonly ReliabilityBin[]): number {
  let [sum, total] = [0, 0];
  for (const bin of bins) {
    if (bin.forecasts === 0) continue;
    sum += bin.forecasts * Math.abs(off(bin));
    total += bin.forecasts;
  }
  return sum / Math.max(1, total);
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const headed = (cells: readonly string[]): string[] => [row(cells), row(cells.map(() => "---"))];

/** Said, came and its standard error, and the number of forecasts, bin by bin. */
const binCells = (bins: readonly ReliabilityBin[]): string[] =>
  bins.map((bin) =>
    bin.forecasts === 0
      ? "·"
      : `${bin.said.toFixed(2)} → ${bin.came.toFixed(2)} ±${Number.isNaN(bin.error) ? "?" : bin.error.toFixed(2)} (${bin.forecasts})`,
  );

const signed = (x: number): string => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(2)}`;

/** Mean difference, and the largest one of the bins that tell something with its standard error. */
function summaryCell(bins: readonly ReliabilityBin[]): string {
  const worst = bins.filter(tells).sort((a, b) => Math.abs(off(b)) - Math.abs(off(a)))[0];
  const largest = worst === undefined ? "·" : `${signed(off(worst))} ±${worst.error.toFixed(2)}`;
  return `${usual(bins).toFixed(3)}, ${largest}`;
}

function page(results: readonly Result[]): string {
  const all = joined("all", results);
  const spans = Array.from({ length: BINS }, (_, b) => `said ${b / BINS} to ${(b + 1) / BINS}`);
  const bins = ({ reliability }: Result): (readonly ReliabilityBin[])[] =>
    reliability.map(({ bins }) => bins);
  const lines = [
    ...headed(["all kinds, within", ...spans]),
    ...WITHIN.map((h, i) => row([String(h), ...binCells(bins(all)[i] ?? [])])),
    "",
    ...headed(["kind", ...WITHIN.map((h) => `within ${h}: mean difference, largest of a bin`)]),
    ...[...results, all].map((result) => row([result.name, ...bins(result).map(summaryCell)])),
    "",
    ...WITHIN.flatMap((h, i) => [
      ...headed([`within ${h}`, ...spans]),
      ...results.map((result) => row([result.name, ...binCells(bins(result)[i] ?? [])])),
      "",
    ]),
    ...headed(["kind", "warned by", "crossings", "foretold", "by steps", "firings", "false", "false a week"]),
    ...results.flatMap(({ name, warnings }) =>
      [...warnings].map(([way, { crossings, leads, firings, falseAlarms, weeks }]) => {
        const lead = [...leads].sort((a, b) => a - b)[leads.length >> 1];
        const cells = [crossings, leads.length, lead?.toFixed(0) ?? "", firings, falseAlarms];
        return row([name, way, ...cells.map(String), (falseAlarms / weeks).toFixed(1)]);
      }),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

async function fileInput(path: string, rows: number): Promise<Input> {
  const observations: Observation[] = [];
  for await (const batch of fileReadings(fs, path)) {
    for (const reading of batch)
      if (!isRefused(reading) && observations.length < rows) observations.push(reading.observation);
  }
  return { name: path.split("/").at(-1) as string, observations, options: { horizon: H } };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string", default: "4000" },
    seed: { type: "string", default: "7" },
    series: { type: "string", default: "4" },
    kind: { type: "string", multiple: true },
    model: { type: "string", default: "auto" },
  },
});
const rows = Number(values.rows);
const arena = new Arena();
const done = (name: string): void => void process.stderr.write(`${name} done\n`);

function generated(name: string): Result {
  const seeds = Array.from({ length: Number(values.series) }, (_, i) => Number(values.seed) + i);
  const results = seeds.map((seed) => {
    const { step, readings } = monitoredSeries(name, seed, rows);
    const observations = readings.map((value, t) => ({ series: name, time: t * step, values: { value } }));
    const integer = name === "request counts" ? ["value"] : [];
    return study({ name, observations, options: { horizon: H, integer, model: values.model } }, arena);
  });
  done(name);
  return joined(name, results);
}

async function recorded(path: string): Promise<Result> {
  const result = study(await fileInput(path, rows), arena);
  done(result.name);
  return result;
}

const results: Result[] = [];
for (const path of positionals) results.push(await recorded(path));
if (positionals.length === 0) for (const name of values.kind ?? MONITORED) results.push(generated(name));
const told = page(results);
console.log(told);
if (positionals.length === 0 && values.kind === undefined && values.model === "auto") {
  fs.writeFileSync(
    `${PATH}.md`,
    `# Exceedance: does it come as often as was said?

How likely readings leave a range within 1, ${H / 2} and ${H} steps, as \`auto\` told with a horizon of ${H}, and how often they did. ${values.series} series of each kind
with ${rows.toLocaleString("en")} readings each, seeds from ${values.seed} on; how each is made: \`scripts/studies/monitored-series.ts\`, what is asked: the head of \`exceedance.ts\`.

"0.45 → 0.43 ±0.01 (4678)": of 4678 forecasts that said between .4 and .5, .45 on average, .43 came; .01 is the standard error of the difference, where all
forecasts within ${BLOCK} rows count as one, as they are of the same readings. The second table has the mean difference, each bin by its forecasts, and the largest of the
bins whose standard error is at most ${EXACT}; "+" came more often than said. The last table has rules of \`{ "forecast": "above", "within": ${H / 2} }\` with two
probabilities, beside the reading itself and a straight line through the last ${H / 2} steps, ${H / 2} steps on (\`predict_linear\`), with the same hold and clear.

${told}
![Said and came](exceedance.svg)

\`\`\`
node --import tsx scripts/studies/exceedance.ts --rows ${rows} --series ${values.series} --seed ${values.seed}
\`\`\`
`,
  );
  const diagonal = [
    [0, 0],
    [1, 1],
  ] as const;
  fs.writeFileSync(
    `${PATH}.svg`,
    lineChart(
      WITHIN.map((h, i) => ({
        title: `Within ${h} ${h === 1 ? "step" : "steps"}`,
        x: "said",
        y: "came",
        series: [
          { name: "as said", points: diagonal },
          ...[...results, joined("all", results)].map(({ name, reliability }) => ({
            name: name.split(" ").slice(0, 2).join(" "),
            points: (reliability[i]?.bins ?? []).filter(tells).map(({ said, came }) => [said, came] as const),
          })),
        ],
      })),
    ),
  );
}
