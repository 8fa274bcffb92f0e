// What each part of `auto` is worth: `eddy evaluate` with and without it, on development rows only (never the scored ones).
// node --import tsx scripts/studies/ablation.ts DATA [--models SPEC,...] [--sets NAME,...]
//
// DATA is the folder with the public series. Prints, per model, the mean over the sets of log MSE at step 1, at step 24 (or the
// longest) and at the longest step, and the mean log interval score; lower is better, 0.01 is one per cent.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EXPERTS } from "../../src/models/forecaster/experts/table.ts";

const WITHOUT = ["recurrent", ...EXPERTS.filter(({ apart }) => !apart).map(({ name }) => name)];
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    models: {
      type: "string",
      default: ["auto", ...WITHOUT.map((name) => `auto:without=${name}`), "auto:mixture=equal"].join(","),
    },
    sets: { type: "string" },
  },
});
const [data] = positionals;
if (data === undefined) {
  process.stderr.write("ablation: expected the folder with the data\n");
  process.exit(2);
}
const models = values.models.split(",");
const folder = mkdtempSync(join(tmpdir(), "eddy-ablation-"));
const run = (script: string, ...args: readonly string[]): string => {
  const root = new URL("../..", import.meta.url).pathname;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--import", "tsx", join(root, script), ...args],
    { encoding: "utf8", maxBuffer: 2 ** 30 },
  );
  if (status !== 0) throw new Error(`${script} ${args.join(" ")}: ${stderr}`);
  return stdout;
};
const generated = (name: string): string => {
  const path = join(folder, `${name}.csv`);
  writeFileSync(path, run("scripts/studies/generate.ts", name, "--seed", "1"));
  return path;
};

const sets: Readonly<Record<string, readonly string[]>> = {
  ETTh2: [join(data, "ETTh2.csv"), "--train", "720", "--test", "720:3600", "--horizon", "48"],
  ETTm1: [join(data, "ETTm1.csv"), "--train", "2880", "--test", "2880:7200", "--horizon", "48"],
  Exchange: [join(data, "exchange_rate.csv"), "--train", "379", "--test", "379:1897", "--horizon", "48"],
  taxi: [join(data, "nab/nyc_taxi.csv"), "--horizon", "48"],
  requests: [join(data, "nab/elb_request_count_8c0756.csv"), "--horizon", "24"],
  temperature: [join(data, "daily-min-temperatures.csv"), "--horizon", "12"],
  NARMA10: [generated("narma10"), "--target", "y", "--with", "u", "--horizon", "1"],
  "Mackey-Glass": [generated("mackey-glass"), "--horizon", "12"],
};

interface Step {
  readonly mse: number;
}
interface Result {
  readonly model: string;
  readonly intervalScore: number;
  readonly steps: readonly Step[];
}

try {
  const sums = new Map(models.map((model) => [model, [0, 0, 0, 0]]));
  const chosen = values.sets?.split(",") ?? Object.keys(sets);
  for (const name of chosen) {
    process.stderr.write(`${name}\n`);
    const { models: results } = JSON.parse(
      run("src/cli/main.ts", "evaluate", ...sets[name], "--model", models.join(","), "--json"),
    ) as { models: readonly Result[] };
    for (const { model, steps, intervalScore } of results) {
      const figures = [steps[0], steps[Math.min(24, steps.length) - 1], steps[steps.length - 1]];
      const sum = sums.get(model) ?? [];
      [...figures.map(({ mse }) => mse), intervalScore].forEach((figure, k) => {
        sum[k] += Math.log(figure) / chosen.length;
      });
    }
  }
  console.log("| model | H=1 | H=24 | longest | interval |\n|---|---|---|---|---|");
  for (const [model, sum] of sums) console.log(`| ${model} | ${sum.map((v) => v.toFixed(3)).join(" | ")} |`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
