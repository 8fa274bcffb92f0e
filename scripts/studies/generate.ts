// A generated series as CSV on standard output, the same for the same seed.
// node --import tsx scripts/studies/generate.ts narma10|mackey-glass [--seed 101] [--rows 6000] [--noise 0.05] > FILE.csv
//
// narma10: columns u (the input) and y. mackey-glass: column y with normal noise of the given deviation.
import { parseArgs } from "node:util";
import { seeded } from "../../src/models/network/seeded.ts";
import { mackeyGlass, narma10 } from "./chaotic-series.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "101" },
    rows: { type: "string", default: "6000" },
    noise: { type: "string", default: "0.05" },
  },
});
const [seed, rows, noise] = [values.seed, values.rows, values.noise].map(Number);
const lines: string[] = [];
if (positionals[0] === "narma10") {
  const { u, d } = narma10(seed, rows);
  lines.push("u,y");
  // A row is what is known at one time: y follows from inputs up to the one before.
  for (let t = 1; t < rows; t++) lines.push(`${u[t]},${d[t - 1]}`);
} else if (positionals[0] === "mackey-glass") {
  const random = seeded(seed, "noise");
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  lines.push("y");
  for (const x of mackeyGlass(seed, rows)) lines.push(String(x + noise * normal()));
} else {
  process.stderr.write(`generate: expected narma10 or mackey-glass, got ${positionals[0] ?? "nothing"}\n`);
  process.exit(2);
}
process.stdout.write(`${lines.join("\n")}\n`);
