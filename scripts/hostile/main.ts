// Hostile inputs by kind against a real server: node --import tsx scripts/hostile/main.ts --inputs 1000 --seed 1
// `--kind WORD` runs those whose name has the word; `--fuzz N` sends N messages to every parser instead.
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { KINDS, type Row, runHostile } from "./run.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    kind: { type: "string", default: "" },
    fuzz: { type: "string" },
  },
});
const seed = Number(values.seed);

const cells = ({
  kind,
  inputs,
  crashes,
  hangs,
  letIn,
  block,
  own,
  health,
  memory,
  wrong,
  seconds,
}: Row): string[] => [
  kind,
  String(inputs),
  String(crashes),
  String(hangs),
  String(letIn),
  block === undefined ? "-" : block.toFixed(0),
  own === undefined ? "-" : own.toFixed(0),
  health.toFixed(0),
  memory.toFixed(0),
  String(wrong.length),
  seconds.toFixed(0),
];
const HEADING = [
  "kind",
  "inputs",
  "crashes",
  "hangs",
  "let in",
  "block ms",
  "own ms",
  "health ms",
  "MiB",
  "wrong",
  "s",
];
const line = (words: readonly string[]): string =>
  `| ${words.map((word, i) => (i === 0 ? word.padEnd(36) : word.padStart(Math.max(6, HEADING[i].length)))).join(" | ")} |`;

if (values.fuzz !== undefined) {
  const counts = await fuzz({ messages: Number(values.fuzz), seed, word: values.kind });
  let crashes = 0;
  for (const { parser, messages, taken, refused, failures, slowest } of counts) {
    crashes += failures.length;
    console.log(
      `${parser.padEnd(24)} ${String(messages).padStart(8)} messages, ${taken} taken, ${refused} refused, ${failures.length} crashes, slowest ${slowest.toFixed(0)} ms`,
    );
    for (const failure of failures.slice(0, 5)) console.log(`  ${failure}`);
  }
  process.exitCode = crashes === 0 ? 0 : 1;
} else {
  console.log(line(HEADING));
  console.log(
    `|${HEADING.map((word, i) => "-".repeat(2 + (i === 0 ? 36 : Math.max(6, word.length)))).join("|")}|`,
  );
  const rows = await runHostile({
    command: ["dist/cli/main.js"],
    inputs: Number(values.inputs),
    seed,
    kinds: KINDS.filter(({ name }) => name.includes(values.kind)),
    onRow: (row) => {
      console.log(line(cells(row)));
      for (const wrong of row.wrong.slice(0, 3))
        console.log(`  ${wrong.replaceAll(/\s+/g, " ").slice(0, 300)}`);
    },
  });
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const bad = sum(({ crashes, hangs, letIn, wrong }) => crashes + hangs + letIn + wrong.length);
  const longest = (of: (row: Row) => number | undefined): string => {
    const told = rows.map(of).filter((block) => block !== undefined);
    return told.length === 0 ? "(not told)" : `${Math.max(...told).toFixed(0)} ms`;
  };
  console.log(
    `${sum(({ inputs }) => inputs)} inputs: ${sum(({ crashes }) => crashes)} crashes, ${sum(({ hangs }) => hangs)} hangs, ` +
      `${sum(({ letIn }) => letIn)} let in without the token, ${sum(({ wrong }) => wrong.length)} wrong; ` +
      `event loop held ${longest(({ block }) => block)} at most, ${longest(({ own }) => own)} by the server itself, ` +
      `${Math.max(...rows.map(({ memory }) => memory)).toFixed(0)} MiB`,
  );
  process.exitCode = bad === 0 ? 0 : 1;
}
