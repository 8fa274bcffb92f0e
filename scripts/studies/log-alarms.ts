import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isLogLine, type LogLine, LogStream } from "../../src/streams/logs/log-stream.ts";

/**
 * False alarms, and lines from elsewhere.
 *
 *     node --import tsx scripts/studies/log-alarms.ts FOLDER|FILE.log
 *
 * Of each log: the share of its own lines told to be at most so surprising. Of each log of a FOLDER also the share of its lines that are less
 * surprising than one from elsewhere, put in at nine places; the least of them.
 */
const [path] = process.argv.slice(2);
const SHARES = [0.01, 0.001, 0.0001];
const FOREIGN = [
  "quantum flux capacitor misaligned beyond tolerance",
  "replicant 77 refused the Voight-Kampff interview at 10.9.8.7",
  "espresso boiler pressure 9.2 bar exceeds limit, venting",
];
const linesOf = (file: string): string[] =>
  readFileSync(file, "latin1")
    .split(/\r?\n/)
    .filter((line) => line !== "");
const step = (log: LogStream, line: string): LogLine | undefined => {
  const outcome = log.push(0, line);
  return isLogLine(outcome) ? outcome : undefined;
};

const folder = statSync(path).isDirectory();
const files = folder
  ? readdirSync(path)
      .filter((name) => name.endsWith(".log"))
      .map((name) => join(path, name))
  : [path];
for (const file of files) {
  const lines = linesOf(file);
  const log = new LogStream();
  const saved = new Map<number, Uint8Array>();
  const surprises: number[] = [];
  lines.forEach((line, i) => {
    if (folder && i > 0 && i % Math.ceil(lines.length / 10) === 0) saved.set(i, log.save());
    const told = step(log, line);
    if (told !== undefined) surprises.push(told.surprise);
  });
  const rates = SHARES.map(
    (share) =>
      `${share}: ${(surprises.filter((p) => p <= share).length / surprises.length).toExponential(2)}`,
  );
  console.log(`${file}: ${surprises.length} lines; alarms at ${rates.join("  ")}`);
  if (!folder) continue;
  const above: number[] = [];
  for (const [at, bytes] of saved) {
    for (const foreign of FOREIGN) {
      const one = new LogStream();
      one.restore(bytes);
      const told = step(one, foreign);
      if (told !== undefined)
        above.push(surprises.filter((p) => p > told.surprise).length / surprises.length);
      if (told === undefined) console.log(`  line ${at}: taken for the rest of the line before it`);
    }
  }
  above.sort((a, b) => a - b);
  console.log(
    `  ${above.length} lines from elsewhere: above ${(100 * above[0]).toFixed(2)} % of its own at least, ${(100 * above[above.length >> 1]).toFixed(2)} % in the middle`,
  );
}
