// Folders and files in which every indexed access is checked (`noUncheckedIndexedAccess`): nothing of `tsconfig.strict.json`'s
// complaints may lie in them. Imports are checked along, so that the compiler alone cannot leave the others out.
//
//   node --import tsx scripts/check/indexing.ts              # what holds; exit code 1 and the complaints where it does not
//   node --import tsx scripts/check/indexing.ts src/storage  # a folder more, to see what is missing there
import { spawnSync } from "node:child_process";

/** The numeric loops of models, and those of the streams and the evaluation that are like them, keep it off. */
const HELD: readonly (string | RegExp)[] = [
  /^src\/cli\/(?!evaluation\/)/,
  "src/models/errors.ts",
  "src/models/kinds.ts",
  "src/models/options.ts",
  "src/models/forecaster/specification.ts",
  "src/server/configuration.ts",
  "src/server/http/observations-body.ts",
  "src/server/http/pushed.ts",
  "src/server/intake.ts",
  "src/server/socket/connection.ts",
  "src/server/socket/messages.ts",
  "src/server/socket/receive.ts",
  "src/streams/checked-observation.ts",
  "src/streams/checked.ts",
  "src/streams/formats/reading.ts",
  "src/streams/series-specification.ts",
];

const held = [...HELD, ...process.argv.slice(2)];
const { stdout } = spawnSync("npx", ["tsc", "-p", "tsconfig.strict.json", "--pretty", "false"], { encoding: "utf8" });
const wrong = stdout
  .split("\n")
  .filter((line) => held.some((one) => (typeof one === "string" ? line.startsWith(one) : one.test(line))));
if (wrong.length > 0) {
  process.stdout.write(`${wrong.join("\n")}\n`);
  process.exitCode = 1;
}
