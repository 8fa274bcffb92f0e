/**
 * Exceedance: whether readings leave a range as often as was said, and what that is worth as a warning.
 *
 *     node --import tsx scripts/studies/exceedance.ts                    generated kinds; writes docs/studies/exceedance.md and .svg
 *     node --import tsx scripts/studies/exceedance.ts readings.csv ...   files of readings instead, printed only
 *     node --import tsx scripts/studies/exceedance.ts --rows 2000        rows of each
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

const PATH = new URL("../../docs/studies/exceedance", import.meta.url).pathname;
const H = 24;
const WITHIN = [1, H / 2, H] as const;
const BINS = 10;
const FIRST = 300;
const WARMUP = 600;
const ABOVE = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1];
const BELOW = [0.02, 0.1, 0.3];
/** A bin with fewer forecasts says nothing. */
const ENOUGH = 150;

interface Input {
  readonly name: string;
  readonly observations: readonly Observation[];
  readonly options: SeriesOptions;
}

/** Per bin: forecasts, what they said in sum, how often it came. */
type Bins = number[][];

interface Result {
  readonly name: string;
  readonly bins: Bins[];
  readonly warnings: readonly (readonly string[])[];
}

const emptyBins = (): Bins => Array.from({ length: BINS }, () => [0, 0, 0]);

function study({ name, observations, options }: Input, arena: Arena): Result {
  const readings = observations.map(({ values }) => Object.values(values)[0] ?? Number.NaN);
  const bins = WITHIN.map(emptyBins);
  const series = Series.open(observations[0] as Observation, options, arena);
  const target = series.specification.targets[0] as string;
  const first = readings.slice(0, WARMUP).filter((v) => !Number.isNaN(v));
  const limit = level(first, 0.98);
  const trials = [0.5, 0.8].map((probability) => {
    const when = { forecast: "above", limit, probability, within: H / 2 } as const;
    return { probability, trial: new Trial(conditionOf({ name: "rule", series: "*", when })) };
  });
  let ranges: { low: number; high: number }[] = [];
  observations.forEach((observation, t) => {
    if (t % 300 === 0 && t > 0) {
      const past = readings.slice(Math.max(0, t - WARMUP), t).filter((v) => !Number.isNaN(v));
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
      WITHIN.forEach((h, i) => {
        const p = probability[h - 1] as number;
        const bin = bins[i]?.[Math.min(BINS - 1, Math.floor(p * BINS))] as number[];
        bin[0] = (bin[0] as number) + 1;
        bin[1] = (bin[1] as number) + p;
        bin[2] = (bin[2] as number) + (crossed <= h ? 1 : 0);
      });
    }
  });
  series.release();
  const warnings = trials.flatMap(({ probability, trial }, i) =>
    WAYS.flatMap((way) => {
      const figures = trial.figures.get(way);
      if (figures === undefined || (i > 0 && way !== "rule")) return [];
      const lead = figures.leads[figures.leads.length >> 1];
      const step = series.stepMilliseconds;
      const said = { rule: `forecast, ${probability}`, reading: "reading", line: "straight line" }[way];
      return [
        [
          name,
          said,
          String(figures.crossings),
          String(figures.foretold),
          lead === undefined ? "" : (lead / step).toFixed(0),
          String(figures.firings),
          String(figures.falseAlarms),
          (figures.falseAlarms / figures.weeks).toFixed(1),
        ],
      ];
    }),
  );
  return { name, bins, warnings };
}

/** The p-level of some readings. */
function level(readings: readonly number[], p: number): number {
  const sorted = [...readings].sort((a, b) => a - b);
  return sorted[Math.floor(p * (sorted.length - 1))] as number;
}

const share = ([n = 0, said = 0, came = 0]: readonly number[]): string =>
  n < ENOUGH ? "·" : `${(said / n).toFixed(2)} → ${(came / n).toFixed(2)}`;

/** The largest difference between what was said and what came, over bins with enough forecasts. */
const worst = (bins: Bins): number =>
  Math.max(0, ...bins.map(([n = 0, said = 0, came = 0]) => (n < ENOUGH ? 0 : Math.abs(said - came) / n)));

/** The mean difference, each bin by its forecasts. */
function usual(bins: Bins): number {
  let [sum, total] = [0, 0];
  for (const [n = 0, said = 0, came = 0] of bins) {
    sum += Math.abs(said - came);
    total += n;
  }
  return sum / Math.max(1, total);
}

function added(all: readonly Bins[]): Bins {
  const sum = emptyBins();
  for (const bins of all) {
    for (const [b, bin] of bins.entries()) {
      const to = sum[b] as number[];
      for (const [i, value] of bin.entries()) to[i] = (to[i] as number) + value;
    }
  }
  return sum;
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function page(results: readonly Result[]): string {
  const all = WITHIN.map((_, i) => added(results.map(({ bins }) => bins[i] as Bins)));
  const lines = [
    row(["within", ...Array.from({ length: BINS }, (_, b) => `said ${b / BINS} to ${(b + 1) / BINS}`)]),
    row(Array.from({ length: BINS + 1 }, () => "---")),
    ...WITHIN.map((h, i) => row([String(h), ...(all[i] as Bins).map(share)])),
    "",
    row(["kind", ...WITHIN.map((h) => `within ${h}: mean difference, largest of a bin`)]),
    row(Array.from({ length: WITHIN.length + 1 }, () => "---")),
    ...results.map(({ name, bins }) =>
      row([name, ...bins.map((of) => `${usual(of).toFixed(3)}, ${worst(of).toFixed(2)}`)]),
    ),
    row(["all", ...all.map((of) => `${usual(of).toFixed(3)}, ${worst(of).toFixed(2)}`)]),
    "",
    row(["kind", "warned by", "crossings", "foretold", "by steps", "firings", "false", "false a week"]),
    row(Array.from({ length: 8 }, () => "---")),
    ...results.flatMap(({ warnings }) => warnings.map(row)),
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
  options: { rows: { type: "string", default: "2000" }, seed: { type: "string", default: "7" } },
});
const rows = Number(values.rows);
const arena = new Arena();
const inputs: Input[] =
  positionals.length > 0
    ? await Promise.all(positionals.map((path) => fileInput(path, rows)))
    : MONITORED.map((name) => {
        const { step, readings } = monitoredSeries(name, Number(values.seed), rows);
        const observations = readings.map((value, t) => ({
          series: name,
          time: t * step,
          values: { value },
        }));
        return {
          name,
          observations,
          options: { horizon: H, integer: name === "request counts" ? ["value"] : [] },
        };
      });
const results: Result[] = [];
for (const input of inputs) {
  results.push(study(input, arena));
  process.stderr.write(`${input.name} done\n`);
}
const told = page(results);
console.log(told);
if (positionals.length === 0) {
  fs.writeFileSync(
    `${PATH}.md`,
    `# Exceedance: does it come as often as was said?

How likely readings leave a range within 1, ${H / 2} and ${H} steps, as \`auto\` told with a horizon of ${H}, and how often they did. ${rows.toLocaleString("en")} readings of
each kind, seed ${values.seed}; how each is made: \`scripts/studies/monitored-series.ts\`, what is asked: the head of \`exceedance.ts\`. "·": fewer than ${ENOUGH} forecasts.
The second table takes each bin by its forecasts. The third has rules of \`{ "forecast": "above", "within": ${H / 2} }\` with two probabilities, beside the
reading itself and a straight line through the last ${H / 2} steps, ${H / 2} steps on (\`predict_linear\`), with the same hold and clear.

${told}
![Said and came](exceedance.svg)

\`\`\`
node --import tsx scripts/studies/exceedance.ts --rows ${rows} --seed ${values.seed}
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
          ...[
            ...results,
            { name: "all", bins: WITHIN.map((_, k) => added(results.map(({ bins }) => bins[k] as Bins))) },
          ].map(({ name, bins }) => ({
            name: name.split(" ").slice(0, 2).join(" "),
            points: (bins[i] as Bins)
              .filter(([n = 0]) => n >= ENOUGH)
              .map(([n = 1, said = 0, came = 0]) => [said / n, came / n] as const),
          })),
        ],
      })),
    ),
  );
}
