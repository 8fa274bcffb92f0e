// Every indexed access is checked (`noUncheckedIndexedAccess`), but for the loops over numbers of models and the files named here.
// The compiler checks what is imported along, so that it cannot leave them out by itself. A file that needs to be named no more
// is told as well: the list only gets shorter.
//
//   node --import tsx scripts/check/indexing.ts
import { spawnSync } from "node:child_process";

const UNCHECKED = new Set([
  "src/streams/logs/header.ts",
  "src/streams/logs/lexemes.ts",
  "src/streams/logs/log-counts.ts",
  "src/streams/logs/log-numbers.ts",
  "src/streams/logs/log-times.ts",
  "src/streams/logs/templates.ts",
  "src/streams/logs/tokens.ts",
  // What every event of a recurrent operator goes through.
  "src/streams/operators/learning-stage.ts",
]);

const { stdout } = spawnSync(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "-p", "tsconfig.strict.json", "--pretty", "false"],
  { encoding: "utf8" },
);
const unmet = new Set(UNCHECKED);
for (const line of stdout.split("\n")) {
  const file = /^(src\/[^(]+)\(/.exec(line)?.[1];
  if (file === undefined || file.startsWith("src/models/")) continue;
  unmet.delete(file);
  if (UNCHECKED.has(file)) continue;
  process.stdout.write(`${line}\n`);
  process.exitCode = 1;
}
for (const file of unmet) {
  process.stdout.write(
    `${file}: every access is checked, take it from the list in scripts/check/indexing.ts\n`,
  );
  process.exitCode = 1;
}
